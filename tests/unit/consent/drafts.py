"""Drafts for tests: single acts, and a whole session as it should go."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.consent.domain.entry import Draft, Entry, Role, Terms, place

NOW = datetime(2026, 11, 23, 9, 30, 0, 123456, tzinfo=UTC)
ASSISTANT = "a" * 64
ADHERENT = "b" * 64
NOTICE = "c" * 64
QUESTION = "d" * 64
TERMS = Terms(
    controller="ternum-bfc", recipients=("ternum-bfc",), retention="P12M", withdrawal="page-stop"
)

_BRINGS: dict[str, dict[str, Any]] = {
    "notice-served": {"how": "link", "notice": NOTICE},
    "granted": {"how": "link", "notice": NOTICE, "terms": TERMS},
    "notice-read-aloud": {"how": "oral", "notice": NOTICE},
    "oral-grant-attested": {"how": "oral", "notice": NOTICE, "terms": TERMS},
    "intervene-oral-grant-attested": {"how": "oral", "notice": QUESTION},
    "screenshot-oral-grant-attested": {"how": "oral", "notice": QUESTION},
    "oral-refusal-attested": {"how": "oral"},
    "oral-withdrawal-attested": {"how": "oral"},
    "oral-contest-attested": {"how": "oral"},
    "refused": {"how": "link"},
    "intervene-granted": {"how": "link", "notice": QUESTION},
    "screenshot-granted": {"how": "link", "notice": QUESTION},
    "screenshot-reviewed": {"how": "link"},
    "unasked-retracted": {"how": "link"},
    "contested": {"how": "link"},
}
_VIEW = {
    "oral-refusal-attested",
    "oral-withdrawal-attested",
    "offered",
    "requested",
    "granted",
    "oral-grant-attested",
    "refused",
    "started",
    "withdrawn",
}

WALK: tuple[tuple[str, Role], ...] = (
    ("offered", "assistant"),
    ("notice-served", "adherent"),
    ("granted", "adherent"),
    ("started", "assistant"),
    ("intervene-requested", "assistant"),
    ("intervene-granted", "adherent"),
    ("intervene-begun", "assistant"),
    ("intervene-ended", "assistant"),
    ("screenshot-requested", "assistant"),
    ("screenshot-refused", "adherent"),
    ("ended", "assistant"),
    ("declared", "assistant"),
)
"""One session: offer, notice, grant, start, intervention, refused screenshot, end."""


def draft(session: UUID, act: str, actor: Role, **brings: Any) -> Draft:
    """Return a draft that brings what the table asks of this act, but for what ``brings`` says."""
    scope = "view" if act in _VIEW else None
    rounds: dict[str, Any] = {}
    for region in ("intervene", "screenshot"):
        if act.startswith(f"{region}-"):
            scope, rounds = region, {"authorization": f"{region}-1"}
    if act == "refused-act":
        rounds = {"reason": "not-in-table"}
    who = {"assistant": ASSISTANT, "adherent": ADHERENT, "witness": "e" * 64}.get(actor)
    values = {"scope": scope, "commitment": who, **rounds, **_BRINGS.get(act, {}), **brings}
    return Draft(session=session, type=act, actor=actor, legal_basis="public-task", **values)


def walk(session: UUID | None = None) -> tuple[Draft, ...]:
    """Return the drafts of ``WALK``."""
    session = session or uuid4()
    return tuple(draft(session, act, actor) for act, actor in WALK)


def placed(drafts: Sequence[Draft], *, start: datetime = NOW, step_s: float = 1.0) -> list[Entry]:
    """Return the drafts as a log's entries, one every ``step_s`` seconds."""
    sequences: dict[UUID, int] = {}
    entries = []
    for index, one in enumerate(drafts):
        sequence = sequences[one.session] = sequences.get(one.session, 0) + 1
        moment = start + timedelta(seconds=step_s * index)
        entries.append(place(one, index=index, sequence=sequence, recorded_at=moment))
    return entries


def sample_log(sessions: int = 3) -> list[Entry]:
    """Return a log of several sessions, their entries taking turns."""
    walks = [walk(UUID(int=number + 1)) for number in range(sessions)]
    return placed([one for turn in zip(*walks, strict=True) for one in turn])
