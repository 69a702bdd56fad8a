"""One live session a ticket: sessions of a ticket are numbered, and only the next one is free."""

from typing import Final
from uuid import UUID, uuid5

from services.consent.domain.lifecycle import SessionState
from services.consent.domain.table import table

MOST: Final = 1_000
"""Sessions that one ticket can have."""


def session_id(ticket: UUID, number: int) -> UUID:
    """
    Return the id of a ticket's session of this number, from 0.

    Who writes the first entry of the next number has the ticket: the log's unique (session,
    sequence) makes the claim and the offer one write.
    """
    return uuid5(ticket, f"session/{number}")


def is_free(state: SessionState) -> bool:
    """Return whether nothing was offered or requested under this number."""
    return state.session == table().regions["session"].initial


def is_live(state: SessionState) -> bool:
    """Return whether the session holds its ticket; one that only waits to be declared does not."""
    final = table().regions["session"].final
    return not is_free(state) and state.session not in (*final, "over")
