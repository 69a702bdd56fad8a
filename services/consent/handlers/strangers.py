"""Puts on record who tried to act, or to read evidence, and may not; the DPO is told."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid5

from services.consent.domain.acts import Drafting
from services.consent.domain.entry import THE_LOG, Role
from services.consent.domain.persons import Persons
from services.consent.domain.practice import Practice
from services.consent.handlers.recorder import Recorder


class Stranger(Exception):
    """Who they are is certain, ``actor`` is what they came as: they may not, for a coded reason."""

    def __init__(self, reason: str, subject: str, *, actor: Role = "assistant") -> None:
        super().__init__(reason)
        self.reason = reason
        self.subject = subject
        self.actor: Role = actor


class Strangers:
    """
    Their names lie with the persons; entries refer to them.

    The same stranger for the same reason is on record once an hour, in a session of its own: its
    first entry is the only one, so that nothing else is read and no other instance adds a second.
    """

    def __init__(
        self,
        recorder: Recorder,
        persons: Persons,
        practice: Practice,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._recorder = recorder
        self._persons = persons
        self._practice = practice
        self._now = now

    async def record(self, stranger: Stranger) -> None:
        """Put the refusal on record, unless it is; raises ``Unavailable``."""
        value = {"id": stranger.subject}
        person = await self._persons.keep(THE_LOG, f"stranger:{stranger.subject}", value)
        hour = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H")
        session = uuid5(THE_LOG, f"stranger/{person.commitment}/{stranger.reason}/{hour}")
        draft = Drafting(practice=self._practice, session=session).refusal(
            stranger.actor, stranger.reason, {"who": person.commitment}
        )
        await self._recorder.record_if(session, lambda seen: None if seen.entries else draft)
