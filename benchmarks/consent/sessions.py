"""Sessions to be put on record: their entries are made as the service makes them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from uuid import uuid4

from deploy.local.services import DESK
from desk import load_desk
from services.consent.app.practising import practice
from services.consent.domain.acts import ADHERENT_ACTS, ASSISTANT_ACTS, Author, Drafting
from services.consent.domain.entry import Draft, Entry, place
from services.consent.domain.lifecycle import initial
from services.consent.domain.practice import DEFAULT_LEGAL_BASIS, Practice

ACTS: Final = 8
NOTICE: Final = "c" * 64
_ASSISTANT: Final = Author(role="assistant", commitment="a" * 64)
_ADHERENT: Final = Author(role="adherent", commitment="b" * 64)
_BEGIN: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
_STEP: Final = timedelta(milliseconds=200)


def a_session() -> tuple[Draft, ...]:
    """Return a session that is offered, read, granted, begun, stopped and declared."""
    drafting = Drafting(practice=_practice(), session=uuid4())
    opening = {"request": str(uuid4()), "adherent": "b" * 64, "address_from": "assistant"}
    done = {"no_password": True, "no_elevation": True}
    return (
        drafting.offer(_ASSISTANT, opening),
        drafting.fact("code-issued", Author(role="service"), {"code": 1}),
        drafting.code_confirmed(_ADHERENT, 1, "b" * 32),
        *(_by_adherent(drafting, act) for act in ("read-notice", "grant")),
        drafting.by_assistant(ASSISTANT_ACTS["start"], _ASSISTANT, initial(), authorization=""),
        _by_adherent(drafting, "stop"),
        drafting.by_assistant(
            ASSISTANT_ACTS["declare"], _ASSISTANT, initial(), authorization="", facts=done
        ),
    )


def entries(count: int) -> Iterator[Entry]:
    """Yield a log of whole sessions, about so many entries, one every fifth of a second."""
    index = 0
    while index < count:
        for sequence, draft in enumerate(a_session(), 1):
            at = _BEGIN + index * _STEP
            yield place(draft, index=index, sequence=sequence, recorded_at=at)
            index += 1


def _by_adherent(drafting: Drafting, act: str) -> Draft:
    return drafting.by_adherent(ADHERENT_ACTS[act], _ADHERENT, notice=NOTICE, authorization=None)


@cache
def _practice() -> Practice:
    return practice(load_desk(DESK), legal_basis=DEFAULT_LEGAL_BASIS)
