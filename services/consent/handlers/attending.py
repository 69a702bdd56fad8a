"""What an adherent does in a session, from the page that the mailed link leads to."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from services.consent.domain.acts import ADHERENT_ACTS, NO_FACTS, Author, Drafting
from services.consent.domain.beats import Beats
from services.consent.domain.codes import EntryCode, entry_code
from services.consent.domain.derived import Secrets
from services.consent.domain.entry import Draft, Entry
from services.consent.domain.lifecycle import Permitted, decide
from services.consent.domain.notices import Asked, Notice
from services.consent.domain.persons import People, Persons, adherent_commitment
from services.consent.domain.practice import Practice
from services.consent.handlers.recorder import NotNow, Recorded, Recorder, Seen
from services.consent.texts.wording import Wording

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_ID: Final = re.compile(r"[0-9a-f-]{36}")
_OVER: Final = frozenset({"refused", "cancelled", "expired", "withdrawn", "closed", "over"})

CodeAnswer = Literal["right", "wrong", "dead"]


class NotBound(Exception):
    """The browser is not the one in which the entry code was given."""


class TextChanged(Exception):
    """The text has changed since the page was shown: it is to be read again."""


class Malformed(Exception):
    """A form's field is not what the page had put into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A form that was sent from the page; ``cookie`` is what the browser brought."""

    act: str
    cookie: str
    notice: str | None = None
    authorization: str | None = None


class Attending:
    """Acts of adherents; each needs the bound browser, but for the report without a code."""

    def __init__(
        self,
        recorder: Recorder,
        persons: Persons,
        beats: Beats,
        practice: Practice,
        secrets: Secrets,
        wording: Wording,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._recorder = recorder
        self._persons = persons
        self._beats = beats
        self._practice = practice
        self._secrets = secrets
        self._wording = wording
        self._now = now

    async def see(self, session: UUID) -> Seen:
        """Return the session."""
        return await self._recorder.see(session)

    async def was_kept(self, session: UUID, seen: Seen) -> bool:
        """Return whether the session was on record, and its retention is over."""
        return seen.is_over or (not seen.entries and await self._recorder.is_purged(session))

    async def people(self, session: UUID) -> People:
        """Return what is known of the people in the session."""
        return People(await self._persons.of_session(session))

    def code(self, seen: Seen) -> EntryCode:
        """Return the entry code in force."""
        return entry_code(
            seen.entries, minutes=self._practice.code_minutes, tries=self._practice.code_tries
        )

    def is_bound(self, session: UUID, seen: Seen, cookie: str) -> bool:
        """Return whether this browser is the one in which the newest used code was given."""
        bound = self.code(seen).bound
        return bound > 0 and self._secrets.is_cookie(session, bound, cookie)

    async def give_code(self, session: UUID, told: str, visit: str) -> tuple[CodeAnswer, Seen]:
        """
        Try an entry code; a wrong one is on record and costs a try, the last one the code.

        ``visit`` is the browser's cookie: the one that was bound may send the form twice.
        """
        mark = self._secrets.browser_mark(session, visit)
        drafting = Drafting(practice=self._practice, session=session)

        def build(seen: Seen) -> Draft | None:
            code = self.code(seen)
            if code.state(self._now()) != "live":
                return None
            if self._secrets.is_entry_code(session, code.number, told):
                return drafting.code_confirmed(_adherent(seen), code.number, mark)
            return drafting.refusal("adherent", "code-wrong", {"code": code.number})

        recorded = await self._recorder.record_if(session, build)
        if recorded is None:
            seen = await self._recorder.see(session)
            code = self.code(seen)
            is_repeat = code.is_given_again(mark, self._now())
            if is_repeat and self._secrets.is_entry_code(session, code.number, told):
                return "right", seen
            return "dead", seen
        if recorded.entry.draft.type == "code-confirmed":
            return "right", recorded.seen
        if self.code(recorded.seen).tries_left <= 0:
            await self._void(session)
        return "wrong", recorded.seen

    async def report_unasked(self, session: UUID) -> Seen:
        """Put "I did not ask for this" on record, once; nobody is known to have said it."""
        drafting = Drafting(practice=self._practice, session=session)
        draft = drafting.fact("unasked-reported", Author(role="adherent"))

        def build(seen: Seen) -> Draft | None:
            return draft if seen.state.regions["doubt"] == "none" else None

        recorded = await self._recorder.record_if(session, build)
        return recorded.seen if recorded else await self._recorder.see(session)

    async def act(self, session: UUID, answer: Answer) -> Recorded:
        """Put an act on record; raises ``NotBound``, ``NotNow``, ``TextChanged``, ``Malformed``."""
        if answer.notice is not None and not _HASH.fullmatch(answer.notice):
            raise Malformed
        if answer.authorization is not None and not _ID.fullmatch(answer.authorization):
            raise Malformed
        drafting = Drafting(practice=self._practice, session=session)
        recorded = await self._recorder.record(
            session, lambda seen: self._draft(drafting, answer, seen)
        )
        if recorded.entry.draft.type == "refused-act":
            raise NotNow(recorded.entry.draft.reason or "", recorded.seen)
        return recorded

    async def beat(self, session: UUID, before: Seen, cookie: str, *, in_view: bool) -> None:
        """
        Take in that the page is there: the first time it is seen is on record, later beats are not.

        Only in view does it show that it can beat; once it has, it may lie behind other windows.
        Raises ``NotBound``.
        """
        if before.state.regions["presence"] == "shown":
            if not has_ended(before):
                await self._beats.hear(session)
            return
        drafting = Drafting(practice=self._practice, session=session)

        def build(seen: Seen) -> Draft | None:
            if not self.is_bound(session, seen, cookie):
                raise NotBound
            shown = decide(seen.state, "presence-shown", "adherent", at=self._now())
            if not in_view or not isinstance(shown, Permitted):
                return None
            return drafting.fact("presence-shown", _adherent(seen))

        await self._recorder.record_if(session, build)

    async def refuse_forgery(self, session: UUID) -> None:
        """Put on record that a form came from a bound browser but from no page of ours."""
        draft = Drafting(practice=self._practice, session=session).refusal(
            "adherent", "forged-form"
        )
        await self._recorder.record(session, lambda _: draft)

    def question(self, asked: Asked, seen: Seen) -> tuple[Entry, Notice] | None:
        """Return the entry that asks the open question of this scope, and its text."""
        if seen.state.regions[asked] != "requested":
            return None
        kind = f"{asked}-requested"
        entry = next(e for e in reversed(seen.entries) if e.draft.type == kind)
        return entry, self._wording.question(asked, entry.draft)

    def _draft(self, drafting: Drafting, answer: Answer, seen: Seen) -> Draft:
        if not self.is_bound(drafting.session, seen, answer.cookie):
            raise NotBound
        act = ADHERENT_ACTS[answer.act]
        facts = NO_FACTS
        if answer.act == "read-notice":
            if answer.notice != self._wording.notice.hash:
                raise TextChanged
            facts = self._wording.notice.facts
        draft = drafting.by_adherent(
            act,
            _adherent(seen),
            notice=answer.notice,
            authorization=answer.authorization,
            facts=facts,
        )
        asked = next((scope for scope in _QUESTIONS if draft.type == f"{scope}-granted"), None)
        if asked is not None and not self._is_answer_to(asked, answer, seen):
            return drafting.refused(draft, "wrong-notice")
        return draft

    def _is_answer_to(self, asked: Asked, answer: Answer, seen: Seen) -> bool:
        question = self.question(asked, seen)
        return question is None or question[1].hash == answer.notice

    async def _void(self, session: UUID) -> None:
        draft = Drafting(practice=self._practice, session=session).fact(
            "code-voided", Author(role="service")
        )

        def build(seen: Seen) -> Draft | None:
            code = self.code(seen)
            return draft if code.settled is None and code.tries_left <= 0 else None

        await self._recorder.record_if(session, build)


_QUESTIONS: Final[tuple[Asked, ...]] = ("intervene", "screenshot")


def _adherent(seen: Seen) -> Author:
    return Author(role="adherent", commitment=adherent_commitment(seen.entries))


def has_ended(seen: Seen) -> bool:
    """Return whether the link is dead: the session is over, however it ended."""
    return seen.state.session in _OVER
