"""Puts on record who tried to act as an assistant and may not; the DPO is told."""

from services.consent.domain.acts import Drafting
from services.consent.domain.entry import THE_LOG
from services.consent.domain.persons import Persons
from services.consent.domain.practice import Practice
from services.consent.handlers.recorder import Recorder


class Stranger(Exception):
    """The token is genuine, its holder may not act: unknown, expired or unsigned."""

    def __init__(self, reason: str, subject: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.subject = subject


class Strangers:
    """Their names lie with the persons; the log's own entries refer to them."""

    def __init__(self, recorder: Recorder, persons: Persons, practice: Practice) -> None:
        self._recorder = recorder
        self._persons = persons
        self._drafting = Drafting(practice=practice, session=THE_LOG)

    async def record(self, stranger: Stranger) -> None:
        """Put the refusal on record; raises ``Unavailable``."""
        value = {"id": stranger.subject}
        person = await self._persons.keep(THE_LOG, f"stranger:{stranger.subject}", value)
        draft = self._drafting.refusal("assistant", stranger.reason, {"who": person.commitment})
        await self._recorder.record(THE_LOG, lambda _: draft)
