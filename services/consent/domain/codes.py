"""The entry code as the log tells it: which one is in force, how many tries are left."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.consent.domain.entry import Entry

CodeState = Literal["none", "live", "used", "expired", "void"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryCode:
    """
    The newest entry code of a session.

    ``bound`` is the number of the code by which a browser was bound, 0 for none; ``browser`` is
    that browser's mark.
    """

    number: int = 0
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    tries_left: int = 0
    settled: Literal["used", "void"] | None = None
    bound: int = 0
    browser: str = ""

    def state(self, now: datetime) -> CodeState:
        """Return what the code is good for at ``now``."""
        if self.expires_at is None:
            return "none"
        if self.settled is not None:
            return self.settled
        if self.tries_left <= 0:
            return "void"
        return "live" if now < self.expires_at else "expired"

    def is_given_again(self, browser: str, now: datetime) -> bool:
        """Return whether the browser that it has just bound may give it once more."""
        is_used = self.settled == "used" and browser == self.browser
        return is_used and self.expires_at is not None and now < self.expires_at


def entry_code(entries: Iterable[Entry], *, minutes: int, tries: int) -> EntryCode:
    """Return the entry code that a session's entries leave in force."""
    code = EntryCode()
    for entry in entries:
        draft = entry.draft
        if draft.type == "code-issued":
            code = EntryCode(
                number=code.number + 1,
                issued_at=entry.time,
                expires_at=entry.time + timedelta(minutes=minutes),
                tries_left=tries,
                bound=code.bound,
                browser=code.browser,
            )
        elif draft.type == "code-confirmed":
            browser = str(draft.facts.get("browser", ""))
            code = replace(code, settled="used", bound=code.number, browser=browser)
        elif draft.type == "code-voided":
            code = replace(code, settled="void")
        elif draft.type == "refused-act" and draft.reason == "code-wrong":
            code = replace(code, tries_left=code.tries_left - 1)
    return code
