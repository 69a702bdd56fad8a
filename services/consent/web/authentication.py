"""Who may act or read: what an issuer says, and a line in the desk's list."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from desk import Desk
from desk.facts import Assistant, Officer
from runtime.problems import Problem
from services.consent.domain.signing_in import OFFICERS
from services.consent.domain.tokens import TokenRefused, Tokens
from services.consent.handlers.strangers import Stranger


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """
    Asks the issuer who holds a token, and the desk's list whether they may act.

    ``subjects`` is the list by the names that the issuer gives people.
    """

    tokens: Tokens
    subjects: Mapping[str, Assistant]
    desk: Desk
    now: Callable[[], datetime]

    async def authenticate(self, header: str | None) -> Assistant:
        """Return the assistant; raises ``Problem`` (401), ``Stranger`` or ``Unavailable``."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _unauthorized()
        try:
            subject = await self.tokens.subject(token)
        except TokenRefused:
            raise _unauthorized() from None
        return self.admit(subject)

    def admit(self, subject: str) -> Assistant:
        """Return the assistant of this name; raises ``Stranger``."""
        assistant = self.subjects.get(subject)
        if assistant is None:
            raise Stranger("unknown-assistant", subject)
        today = self.desk.calendar.local(self.now()).date()
        if not assistant.is_valid(today):
            raise Stranger("expired-assistant", subject)
        if not assistant.has_signed(self.desk.remote.undertaking_version, today):
            raise Stranger("unsigned-assistant", subject)
        return assistant


@dataclass(frozen=True, slots=True, kw_only=True)
class Officers:
    """The desk's list of who may read evidence, by the names that the issuer gives people."""

    subjects: Mapping[str, Officer]
    desk: Desk
    now: Callable[[], datetime]

    def admit(self, subject: str) -> Officer:
        """Return the officer of this name; raises ``Stranger``."""
        officer = self.subjects.get(subject)
        if officer is None or not officer.is_valid(self.desk.calendar.local(self.now()).date()):
            raise Stranger(OFFICERS.refusal, subject, actor=OFFICERS.part)
        return officer


def _unauthorized() -> Problem:
    return Problem(
        status=401,
        code="unauthorized",
        detail="A valid bearer token is needed.",
        headers={"WWW-Authenticate": "Bearer"},
    )
