"""Topic names: ``assistance.<plural noun>.v<major>``, keyed by the aggregate's id."""

from typing import Final

REQUESTS: Final = "assistance.requests.v1"
TICKETS_MARKETPLACE: Final = "assistance.tickets.marketplace.v1"
TICKETS_GENERAL: Final = "assistance.tickets.general.v1"
TICKET_EVENTS: Final = "assistance.ticket-events.v1"
ANSWERED: Final = "assistance.answered.v1"
SESSION_REQUESTS: Final = "assistance.session-requests.v1"
REMOTE_SESSIONS: Final = "assistance.remote-sessions.v1"
NOTICES: Final = "assistance.notices.v1"
DELIVERIES: Final = "assistance.deliveries.v1"

PARTITIONS: Final = 4
"""How many partitions have, unless a deployment declares others, the topics spread by request."""

TICKETS: Final = {"marketplace": TICKETS_MARKETPLACE, "general": TICKETS_GENERAL}


def submissions(source: str) -> str:
    """Return the topic that one form service alone may write."""
    return f"assistance.submissions.{source}.v1"


def replays(*, service: str) -> str:
    """Return the side door of a service, for dead letters of topics that have one writer alone."""
    return f"assistance.replays.{service}.v1"


def dead_letter(topic: str, *, service: str) -> str:
    """Return the topic that parks what ``service`` could not process from ``topic``."""
    return f"{topic}.{service}.dead"
