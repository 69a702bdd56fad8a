"""What an assistant does in a session, and what they see of it: never the adherent's link."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from desk.facts import Assistant
from desk.masking import load_words, mask_secrets
from services.consent.domain.acts import (
    ASSISTANT_ACTS,
    SAID,
    Act,
    Author,
    Drafting,
    asked_by_assistant,
)
from services.consent.domain.codes import entry_code
from services.consent.domain.derived import Secrets
from services.consent.domain.entry import Draft, Entry, Fact
from services.consent.domain.lifecycle import SessionState, open_acts
from services.consent.domain.notices import Asked as Question
from services.consent.domain.notices import Notice
from services.consent.domain.persons import People, Persons
from services.consent.domain.pictures import captures
from services.consent.domain.practice import Practice
from services.consent.handlers.asked import Asked, done_before, is_same
from services.consent.handlers.offering import author_of
from services.consent.handlers.recorder import MarkReused, NotNow, Recorded, Recorder, Seen
from services.consent.texts.wording import Wording

_QUESTIONS: Final[tuple[Question, ...]] = ("intervene", "screenshot")


class NoSuchSession(Exception):
    """There is no such session, or it is not this assistant's to know."""


class Assisting:
    """Acts of assistants; every one is judged by the state table."""

    def __init__(
        self,
        recorder: Recorder,
        persons: Persons,
        practice: Practice,
        secrets: Secrets,
        wording: Wording,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], UUID],
    ) -> None:
        self._recorder = recorder
        self._persons = persons
        self._practice = practice
        self._secrets = secrets
        self._wording = wording
        self._now = now
        self._new_id = new_id

    async def act(self, assistant: Assistant, session: UUID, asked: Asked) -> Seen:
        """
        Put the act on record.

        Raises ``NotNow``, ``NoSuchSession``, ``MarkReused`` and ``Unavailable``.
        """
        seen = await self._judged(assistant, session, asked)
        return seen or await self._repeated(session, asked, await self._recorder.see(session))

    async def check(self, assistant: Assistant, session: UUID, asked: Asked) -> None:
        """
        Refuse the act as ``act`` would now, on record; put nothing there if it may be done.

        Raises what ``act`` raises.
        """
        await self._judged(assistant, session, asked, only_refusals=True)

    async def _judged(
        self, assistant: Assistant, session: UUID, asked: Asked, *, only_refusals: bool = False
    ) -> Seen | None:
        """Return the session with the act on record; nothing where none of it was put there."""
        seen = await self._recorder.see(session)
        if not seen.entries:
            raise NoSuchSession
        asked = replace(asked, words=_without_secrets(asked.words))
        if done_before(seen, asked) is not None:
            return await self._repeated(session, asked, seen)
        author = await author_of(self._persons, session, assistant)
        attempt = str(self._new_id())
        facts = {**asked.facts, **(asked.held or {})}
        if asked.words:  # a name for each attempt: words of one that was refused are not this one's
            words = await self._persons.keep(session, f"words:{attempt}", {"words": asked.words})
            facts["words"] = words.commitment

        def build(now: Seen) -> Draft | None:
            if done_before(now, asked) is not None:
                return None
            return self._draft(session, asked, author, attempt, facts, now)

        try:
            recorded = await self._recorder.record_if(session, build, only_refusals=only_refusals)
            return None if recorded is None else _allowed(recorded).seen
        except NotNow as refused:
            told = refused.told_to(author.commitment)
            if refused.reason == "not-this-assistant" and not told.is_shown:
                raise NoSuchSession from None
            raise told from None

    def _draft(
        self,
        session: UUID,
        asked: Asked,
        author: Author,
        attempt: str,
        facts: Mapping[str, Fact],
        now: Seen,
    ) -> Draft:
        act = asked_by_assistant(asked.act)
        drafting = Drafting(practice=self._practice, session=session)
        is_other = author.commitment != now.state.assistant
        notice = self._notice(act, now)
        draft = drafting.by_assistant(
            act,
            replace(author, role="witness") if is_other and act.oral else author,
            now.state,
            authorization=attempt,
            reason=asked.reason,
            notice=notice.hash if notice else None,
            facts={**facts, **(notice.facts if notice else {})},
            incident=asked.is_incident,
        )
        is_stranger = is_other and not act.oral and not _binds(act)
        return drafting.refused(draft, "not-this-assistant") if is_stranger else draft

    async def _repeated(self, session: UUID, asked: Asked, seen: Seen) -> Seen:
        """Return the session if the act under this mark is the very one; else ``MarkReused``."""
        done = done_before(seen, asked)
        people = People(await self._persons.of_session(session))
        if done is None or not is_same(done.draft, asked, people):
            raise MarkReused
        return seen

    def _notice(self, act: Act, seen: Seen) -> Notice | None:
        """Return the text that was read aloud before what ``act`` attests."""
        if not act.oral or act.type in SAID:
            return None
        if act.scope not in _QUESTIONS:
            return self._wording.notice
        kind = f"{act.scope}-requested"
        asked = (e.draft for e in reversed(seen.entries) if e.draft.type == kind)
        request = next(asked, None)
        return None if request is None else self._wording.question(act.scope, request)

    async def issue_code(self, session: UUID) -> tuple[str, Seen]:
        """Issue a new entry code; the one before it is void."""
        drafting = Drafting(practice=self._practice, session=session)
        draft = drafting.fact("code-issued", Author(role="service"))
        recorded = await self._recorder.record(session, lambda _: draft)
        return self.code_of(session, recorded.seen), recorded.seen

    def code_of(self, session: UUID, seen: Seen) -> str:
        """Return the newest entry code."""
        return self._secrets.entry_code(session, self._code(seen).number)

    async def seen(self, session: UUID) -> Seen:
        """Return the session itself."""
        return await self._recorder.see(session)

    async def see(self, assistant: Assistant, session: UUID) -> dict[str, Any]:
        """Return what this assistant may see of a session; raises ``NoSuchSession``."""
        seen = await self._recorder.see(session)
        return self.view(session, seen, await self.people(assistant, session, seen))

    async def people(self, assistant: Assistant, session: UUID, seen: Seen) -> People:
        """Return who takes part, if the session is this assistant's to see; ``NoSuchSession``."""
        people = People(await self._persons.of_session(session))
        is_open_wish = seen.state.assistant is None and seen.state.session == "requested"
        if not (_refers(people, seen.state.assistant, assistant) or is_open_wish):
            raise NoSuchSession
        return people

    def view(self, session: UUID, seen: Seen, people: People) -> dict[str, Any]:
        """Return the session as an assistant sees it: no link, and no code."""
        state, code, now = seen.state, self._code(seen), self._now()
        adherent = people.adherent(seen.entries)
        shown: dict[str, Any] = {
            "session_id": str(session),
            "request_id": next((e.draft.facts.get("request") for e in seen.entries), None),
            "sequence": state.sequence,
            "state": dict(state.regions),
            "allowed": sorted(self._allowed(state, now)),
            "adherent": {name: adherent.get(name) for name in ("name", "organisation")},
            "entry_code": {
                "number": code.number,
                "state": code.state(now),
                "tries_left": max(0, code.tries_left),
                "expires_at": code.expires_at.isoformat() if code.expires_at else None,
            },
            "screenshots": [one.item for one in captures(seen.entries) if one.kept_until > now],
            "timeline": [timeline_item(entry) for entry in seen.entries],
        }
        if state.regions["identity"] in ("asked", "mailed"):
            shown["identity_word"] = identity_word(
                self._secrets, session, seen.entries, self._wording
            )
        return shown

    async def attested(self, assistant: Assistant, session: UUID) -> dict[str, Any]:
        """
        Return the session as ``see``; to a witness without its people, and of its line their part.

        Nor has a witness the word of an identity check, which shows who is the session's assistant.
        """
        seen = await self._recorder.see(session)
        people = People(await self._persons.of_session(session))
        shown = self.view(session, seen, people)
        if _refers(people, seen.state.assistant, assistant):
            return shown
        shown.pop("identity_word", None)
        own = [
            timeline_item(entry)
            for entry in seen.entries
            if _refers(people, entry.draft.commitment, assistant)
        ]
        nobody = dict.fromkeys(shown["adherent"])
        return {**shown, "adherent": nobody, "screenshots": [], "timeline": own}

    def _allowed(self, state: SessionState, now: datetime) -> list[str]:
        types = open_acts(state, "assistant", at=now)
        allowed = [name for name, act in ASSISTANT_ACTS.items() if act.type in types]
        if state.session in ("offered", "requested", "noticed", "granted", "started"):
            allowed.append("new-entry-code")
        return allowed

    def _code(self, seen: Seen) -> Any:
        return entry_code(
            seen.entries, minutes=self._practice.code_minutes, tries=self._practice.code_tries
        )


def _refers(people: People, commitment: str | None, assistant: Assistant) -> bool:
    """Return whether a commitment is to this assistant, as far as it can still be opened."""
    return people.by_commitment(commitment).get("id") == assistant.id


def timeline_item(entry: Entry) -> dict[str, Any]:
    """Return one line of a session's timeline: codes only."""
    draft = entry.draft
    item: dict[str, Any] = {
        "sequence": entry.sequence,
        "index": entry.index,
        "type": draft.type,
        "actor": draft.actor,
        "at": entry.recorded_at,
        "scope": draft.scope,
        "how": draft.how,
        "reason": draft.reason,
        "act": draft.facts.get("act"),
    }
    return {name: value for name, value in item.items() if value is not None}


def identity_word(
    secrets: Secrets, session: UUID, entries: tuple[Entry, ...], wording: Wording
) -> str:
    """Return the words of the newest identity check."""
    number = sum(1 for entry in entries if entry.draft.type == "identity-asked")
    return secrets.identity_word(session, number, wording.words)


def reasons(wording: Wording) -> Mapping[str, Mapping[str, str]]:
    """Return, by act, the coded reasons that it may have."""
    return {
        "request-intervention": wording.reasons["intervene"],
        "request-screenshot": wording.reasons["screenshot"],
        "report-tool": wording.reasons["tool"],
    }


def _without_secrets(words: str | None) -> str | None:
    return mask_secrets(words, load_words(), in_session=True).text if words else None


def _binds(act: Act) -> bool:
    return act.type == "taken-up"


def _allowed(recorded: Recorded) -> Recorded:
    draft = recorded.entry.draft
    if draft.type == "refused-act":
        raise NotNow(draft.reason or "", recorded.seen)
    return recorded
