"""Whom an entry must be told to by mail; the same entry always makes the same notices."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from desk import Desk
from desk.facts import Assistant
from runtime.sealing import Sealer
from schemas.requests import tracking_number
from schemas.sessions import NoticeIssued
from services.consent.domain.acts import ENTERING, SAID
from services.consent.domain.derived import Secrets
from services.consent.domain.entry import Draft, Entry
from services.consent.domain.lifecycle import deadlines, fold
from services.consent.domain.log import EvidenceLog
from services.consent.domain.persons import People, Persons
from services.consent.domain.practice import ENDS
from services.consent.handlers.assisting import identity_word
from services.consent.handlers.letters import Letter, seal_notice
from services.consent.texts.wording import Wording

_AGAIN: Final = "requested-again"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """An entry with what came before it in its session, and who is in it."""

    entry: Entry
    before: Sequence[Entry]
    people: People

    @property
    def tracking(self) -> str:
        found = (entry.draft.facts.get("request") for entry in self.before)
        request = next((value for value in found if isinstance(value, str)), None)
        return tracking_number(UUID(request)) if request else ""

    @property
    def adherent(self) -> Mapping[str, str]:
        return self.people.adherent(self.before)

    @property
    def assistant(self) -> Mapping[str, str]:
        acts = [e for e in self.before if e.draft.type in ENTERING]
        return self.people.by_commitment(acts[-1].draft.commitment) if acts else {}

    @property
    def wish(self) -> Mapping[str, str]:
        """What those who may take a wish up are told of it."""
        return {
            "organisation": self.adherent.get("organisation", ""),
            "contact_name": self.adherent.get("name", ""),
            "contact_phone": self.adherent.get("phone", ""),
            "tracking": self.tracking,
            "requested_at": self.time_of("requested"),
        }

    def expires_at(self, *timers: str) -> str:
        """Return when the first of these timers ends what the entry began."""
        ends = (one.at for one in deadlines(fold(self.before)) if one.timer in timers)
        return next(ends, self.entry.time).isoformat()

    def time_of(self, *types: str) -> str:
        """Return when the newest entry of these types was recorded, or the empty string."""
        times = [e.recorded_at for e in self.before if e.draft.type in types]
        return times[-1] if times else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """Makes notices out of an entry, its session and the persons in it."""

    log: EvidenceLog
    persons: Persons
    desk: Desk
    secrets: Secrets
    wording: Wording
    sealer: Sealer
    public_url: str

    async def notices_for(self, entry: Entry) -> Sequence[NoticeIssued]:
        """Return what is to be sent because of ``entry``; nothing to people who were erased."""
        make = self._makers.get(_cause(entry.draft))
        if make is None:
            return ()
        session = entry.draft.session
        entries = await self.log.entries(session)
        people = People(await self.persons.of_session(session))
        before = [one for one in entries if one.sequence <= entry.sequence]
        letters = make(_Case(entry=entry, before=before, people=people))
        return [self._seal(entry, number, one) for number, one in enumerate(letters) if one.to]

    @property
    def _makers(self) -> Mapping[str, Callable[[_Case], Sequence[Letter]]]:
        oral = dict.fromkeys(
            (
                "oral-grant-attested",
                "intervene-oral-grant-attested",
                "screenshot-oral-grant-attested",
            ),
            self._oral_grant,
        )
        closed = dict.fromkeys(
            ("declared", "incident-declared", "closed-undeclared"), self._receipt
        )
        return {
            "offered": self._offer,
            "taken-up": self._offer,
            "requested": self._wish,
            "expired": self._untaken,
            _AGAIN: self._wish_again,
            "identity-asked": self._identity_check,
            "unasked-reported": self._disowned,
            **oral,
            **dict.fromkeys(SAID, self._oral_word),
            **closed,
        }

    def _offer(self, case: _Case) -> Sequence[Letter]:
        return [
            self._to_adherent(
                "session-offer",
                case,
                link=self._link(case),
                expires_at=case.expires_at("offer", "request"),
                tracking=case.tracking,
            )
        ]

    def _wish(self, case: _Case) -> Sequence[Letter]:
        told, wish = self._ambassadors(case.entry.time), case.wish
        more = {"ambassadors": str(len(told)), "expires_at": case.expires_at("request")}
        return [
            *(
                Letter(template="session-wish", to=one.address, name=one.name, variables=wish)
                for one in told
            ),
            *self._to_queue("session-wish-queue", {**wish, **more}),
        ]

    def _ambassadors(self, at: datetime) -> Sequence[Assistant]:
        today = self.desk.calendar.local(at).date()
        return [
            one
            for one in self.desk.assistants.values()
            if one.role == "ambassador"
            and one.is_valid(today)
            and one.has_signed(self.desk.remote.undertaking_version, today)
        ]

    def _untaken(self, case: _Case) -> Sequence[Letter]:
        if fold(case.before).assistant is not None:  # an offer, or a wish that was taken up
            return ()
        variables = {**case.wish, "ended_at": case.entry.recorded_at}
        return [
            self._to_adherent("session-wish-untaken", case, **variables),
            *self._to_queue("session-wish-untaken-queue", variables),
        ]

    def _wish_again(self, case: _Case) -> Sequence[Letter]:
        variables = {
            "state": str(case.entry.draft.facts["live"]),
            "requested_at": case.entry.recorded_at,
            "tracking": case.tracking,
        }
        return [self._to_adherent("session-wish-again", case, **variables)]

    def _identity_check(self, case: _Case) -> Sequence[Letter]:
        # Never a link in this one: the link and the words must not meet in one place.
        return [
            self._to_adherent(
                "identity-check",
                case,
                assistant_id=case.assistant.get("id", ""),
                identity_word=identity_word(
                    self.secrets, case.entry.draft.session, tuple(case.before), self.wording
                ),
                expires_at=case.expires_at("identity"),
            )
        ]

    def _oral_grant(self, case: _Case) -> Sequence[Letter]:
        return [
            self._to_adherent(
                "oral-grant-attested",
                case,
                scope=case.entry.draft.scope or "view",
                attested_by=case.entry.draft.actor,
                granted_at=case.entry.recorded_at,
                tracking=case.tracking,
            )
        ]

    def _oral_word(self, case: _Case) -> Sequence[Letter]:
        return [
            self._to_adherent(
                "oral-word-attested",
                case,
                said=SAID[case.entry.draft.type],
                attested_by=case.entry.draft.actor,
                said_at=case.entry.recorded_at,
                tracking=case.tracking,
            )
        ]

    def _receipt(self, case: _Case) -> Sequence[Letter]:
        token = self.secrets.receipt_token(case.entry.draft.session)
        return [
            self._to_adherent(
                "session-receipt",
                case,
                link=f"{self.public_url}/receipt/{token}",
                started_at=case.time_of("started"),
                ended_at=case.time_of(*ENDS),
                tracking=case.tracking,
            )
        ]

    def _disowned(self, case: _Case) -> Sequence[Letter]:
        assistant = self._in_desk(case.assistant)
        if assistant is None:
            return ()
        state = fold(case.before).regions
        variables = {
            "tracking": case.tracking,
            "reported_at": case.entry.recorded_at,
            "state": "paused" if state["doubt"] == "raised" else state["session"],
        }
        return [
            Letter(
                template="offer-disowned",
                to=assistant.address,
                name=assistant.name,
                variables=variables,
            )
        ]

    def _to_adherent(self, template: str, case: _Case, **variables: str) -> Letter:
        named = {
            "assistant_name": case.assistant.get("name", ""),
            "assistant_organisation": case.assistant.get("organisation", ""),
        }
        return Letter(
            template=template,
            to=case.adherent.get("email", ""),
            name=case.adherent.get("name"),
            variables={**named, **variables},
        )

    def _to_queue(self, template: str, variables: Mapping[str, str]) -> Sequence[Letter]:
        """Return one to each address of the general queue's staff: a wish does not name a queue."""
        return [
            Letter(template=template, to=address, name=None, variables=variables)
            for address in self.desk.queues.general.staff
        ]

    def _link(self, case: _Case) -> str:
        return f"{self.public_url}/s/{self.secrets.link_token(case.entry.draft.session)}"

    def _in_desk(self, known: Mapping[str, str]) -> Assistant | None:
        return self.desk.assistants.get(known.get("id", ""))

    def _seal(self, entry: Entry, number: int, letter: Letter) -> NoticeIssued:
        name = f"notice/{entry.sequence}/{letter.template}/{number}"
        return seal_notice(
            letter,
            session=entry.draft.session,
            notice=uuid5(entry.draft.session, name),
            time=entry.time,
            sealer=self.sealer,
        )


def _cause(draft: Draft) -> str:
    """Return what is told of: the act, or that a wish was turned away."""
    is_wish = draft.type == "refused-act" and draft.facts.get("act") == "requested"
    return _AGAIN if is_wish else draft.type
