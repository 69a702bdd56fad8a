"""Opens sessions: an assistant's offer, or an adherent's own wish, on a ticket that is free."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID, uuid4, uuid5

from prometheus_client import Counter

from desk.facts import Assistant
from runtime.failures import Unavailable
from schemas.tickets import ticket_id
from services.consent.domain.acts import Author, Drafting
from services.consent.domain.claims import MOST, is_free, is_live, session_id
from services.consent.domain.entry import THE_LOG, Draft, Fact
from services.consent.domain.lifecycle import SessionState
from services.consent.domain.persons import Persons
from services.consent.domain.practice import Practice
from services.consent.handlers.recorder import MarkReused, NotNow, Recorder, Seen

opened_sessions = Counter(
    "aiguillage_sessions_opened", "Sessions opened, by who gave the adherent's address.", ["source"]
)

ROUNDS: Final = 20
Make = Callable[[Drafting], Draft]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """
    A session that somebody wants; ``mark`` names the wish or the offer, so that a repeat is seen.

    ``adherent`` has ``name``, ``email`` and ``organisation``.
    """

    request: UUID
    adherent: Mapping[str, str]
    mark: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The session, and whether this call opened it or an earlier one with the same mark."""

    session: UUID
    seen: Seen
    repeated: bool = False


class Offering:
    """Opens sessions, one live one a ticket."""

    def __init__(self, recorder: Recorder, persons: Persons, practice: Practice) -> None:
        self._recorder = recorder
        self._persons = persons
        self._practice = practice

    async def offer(self, assistant: Assistant, wanted: Wanted) -> Opened:
        """
        Put an assistant's offer on record.

        Raises ``NotNow`` while the ticket is taken, and ``MarkReused``.
        """
        await self._reserve(wanted)
        opened = await self._open(wanted, assistant)
        if opened is not None:
            return opened
        raise AssertionError  # an assistant's offer is never passed over

    async def wish(self, wanted: Wanted) -> Opened | None:
        """
        Put an adherent's wish on record; ``None`` while the ticket has a live session.

        That it was turned away is on record then, once, in a session of its own: whoever wished may
        be another person than the live session's adherent, and a repeat is turned away as well.
        """
        if (await self._recorder.see(_turned_away(wanted))).entries:
            return None
        return await self._open(wanted, None)

    async def _reserve(self, wanted: Wanted) -> None:
        """Let the mark stand for this very offer, on whatever ticket it is used again."""
        if wanted.mark is None:
            return
        content = json.dumps([str(wanted.request), dict(wanted.adherent)], sort_keys=True)
        value = {"offer": sha256(content.encode()).hexdigest()}
        kept = await self._persons.keep(THE_LOG, f"offer:{wanted.mark}", value)
        if kept.value != value:
            raise MarkReused

    async def _open(self, wanted: Wanted, assistant: Assistant | None) -> Opened | None:
        ticket = ticket_id(wanted.request)
        for _ in range(ROUNDS):
            session, seen = await self._next(ticket, wanted.mark)
            if is_free(seen.state):
                opened = await self._claim(session, seen, wanted, assistant)
                if opened is not None:
                    return opened
                continue  # somebody was quicker
            if wanted.mark is not None and _mark(seen) == wanted.mark:
                return Opened(session=session, seen=seen, repeated=True)
            if assistant is None:
                await self._turn_away(wanted, seen.state)
                return None
            await self._refuse(session, assistant)
        raise Unavailable("log")

    async def _next(self, ticket: UUID, mark: str | None) -> tuple[UUID, Seen]:
        for number in range(MOST):
            session = session_id(ticket, number)
            seen = await self._recorder.see(session)
            if seen.is_over or (is_free(seen.state) and await self._recorder.is_purged(session)):
                continue  # its links and codes must not come to life again
            known = mark is not None and _mark(seen) == mark
            if known or is_free(seen.state) or is_live(seen.state):
                return session, seen
        raise Unavailable("ticket")

    async def _claim(
        self, session: UUID, seen: Seen, wanted: Wanted, assistant: Assistant | None
    ) -> Opened | None:
        drafting = Drafting(practice=self._practice, session=session)
        # A name for each attempt: what one that failed has left is never this one's adherent.
        adherent = await self._persons.keep(session, f"adherent:{uuid4()}", wanted.adherent)
        source = "portal" if assistant is None else "assistant"
        facts = _facts(wanted, adherent.commitment, source)
        if assistant is None:
            author = Author(role="adherent", commitment=adherent.commitment)
            draft = drafting.wish(author, facts)
        else:
            draft = drafting.offer(await author_of(self._persons, session, assistant), facts)

        def claim(now: Seen) -> Draft | None:
            return draft if is_free(now.state) else None

        recorded = await self._recorder.record_if(session, claim)
        if recorded is None:
            return None
        opened_sessions.labels(source).inc()
        return Opened(session=session, seen=recorded.seen)

    async def _turn_away(self, wanted: Wanted, live: SessionState) -> None:
        session = _turned_away(wanted)
        adherent = await self._persons.keep(session, "adherent:wish", wanted.adherent)
        facts = _facts(wanted, adherent.commitment, "portal")
        draft = Drafting(practice=self._practice, session=session).refusal(
            "adherent", "not-in-table", {**facts, "act": "requested", "live": _standing(live)}
        )
        await self._recorder.record_if(session, lambda seen: None if seen.entries else draft)

    async def _refuse(self, session: UUID, assistant: Assistant) -> None:
        """Record the second offer in the session that has the ticket, and raise ``NotNow``."""
        author = await author_of(self._persons, session, assistant)
        drafting = Drafting(practice=self._practice, session=session)
        refusal = drafting.refused(drafting.offer(author, {}), "second-session")
        recorded = await self._recorder.record_if(
            session, lambda now: refusal if is_live(now.state) else None
        )
        if recorded is not None:
            raise NotNow("second-session", recorded.seen).told_to(author.commitment)


async def author_of(persons: Persons, session: UUID, assistant: Assistant) -> Author:
    """Return an assistant as the author of entries in this session: always the same commitment."""
    value = {"id": assistant.id, "name": assistant.name, "organisation": assistant.organisation}
    record = await persons.keep(session, f"assistant:{assistant.id}", value)
    return Author(role="assistant", commitment=record.commitment)


def _facts(wanted: Wanted, adherent: str, source: str) -> dict[str, Fact]:
    facts: dict[str, Fact] = {
        "request": str(wanted.request),
        "ticket": str(ticket_id(wanted.request)),
        "adherent": adherent,
        "address_from": source,
    }
    return facts if wanted.mark is None else {**facts, "mark": wanted.mark}


def _turned_away(wanted: Wanted) -> UUID:
    """Return the id of the session that would hold nothing but this wish's refusal."""
    return uuid5(ticket_id(wanted.request), f"wish/{wanted.mark}")


def _standing(live: SessionState) -> str:
    """Return where a live session is, as far as whoever wishes for another is told."""
    if live.session == "requested" and live.assistant is None:
        return "waiting"
    return "started" if live.session == "started" else "proposed"


def _mark(seen: Seen) -> object:
    return next((entry.draft.facts.get("mark") for entry in seen.entries), None)
