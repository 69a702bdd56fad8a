"""A connection as the remote tool reports it, and whether an authorization covers it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, get_args
from uuid import UUID

Kind = Literal["connection-unauthorized", "connection-too-long", "connection-by-stranger"]

BY_STRANGER: Final = "connection-by-stranger"
FOUND: Final[frozenset[str]] = frozenset(get_args(Kind))
"""The acts that put a connection on record."""
_TRACKING: Final = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}\b")
_DIGITS: Final = re.compile(r"[0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """
    One connection; names are in the form in which they are compared, times are aware.

    ``place`` is the line of the file, or the number of the record, that reports it; ``ended`` is
    ``None`` where the report has no end; ``tracking`` is a number that somebody quoted in it.
    """

    place: int
    user: str
    user_id: str
    device: str
    began: datetime
    ended: datetime | None
    tracking: str | None = None

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes it this connection in every report: who, to which device, since when."""
        began = self.began.astimezone(UTC).isoformat(timespec="seconds")
        return (self.user or self.user_id, self.device, began)

    @property
    def known(self) -> dict[str, str]:
        """What is kept of it with the persons; the report's free text is not."""
        ended = "" if self.ended is None else self.ended.isoformat()
        told = {
            "user": self.user,
            "user_id": self.user_id,
            "device": self.device,
            "began": self.began.isoformat(),
            "ended": ended,
        }
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A row of a report that is refused; ``reason`` never quotes it."""

    place: int
    reason: str


Row = Connection | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """
    From when to when the log allows the bound assistant to see a workstation.

    ``assistant`` is the id of ``assistants.yaml``, empty where nobody is bound or was erased;
    ``started`` says whether its start is in the log.
    """

    session: UUID
    assistant: str
    opens: datetime
    closes: datetime
    started: bool
    tracking: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An authorization that holds when a connection begins, and whether another has taken it."""

    authorization: Authorization
    is_taken: bool = False
    """By a connection to another workstation that goes on at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a connection comes to; ``kind`` is ``None`` for one that is authorized."""

    kind: Kind | None
    reason: str | None = None
    authorization: Authorization | None = None
    beyond: timedelta = timedelta()


STRANGER: Final = Verdict(kind=BY_STRANGER, reason="unknown-account")


def judge_connection(
    connection: Connection, candidates: Sequence[Candidate], *, skew: timedelta
) -> Verdict:
    """
    Return what a known assistant's connection comes to.

    ``candidates`` are that assistant's own. The ticket that the report quotes only decides between
    several: what a person types there proves nothing.
    """
    free = [one.authorization for one in candidates if not one.is_taken]
    if not free:
        reason = "second-workstation" if candidates else "no-authorization"
        return Verdict(kind="connection-unauthorized", reason=reason)
    best = max(
        free,
        key=lambda one: (
            one.tracking == connection.tracking,
            _beyond(connection, one) <= skew,
            one.closes,
            one.session.int,
        ),
    )
    beyond = _beyond(connection, best)
    if beyond > skew:
        return Verdict(kind="connection-too-long", authorization=best, beyond=beyond)
    return Verdict(kind=None, authorization=best)


def quoted_tracking(texts: Iterable[str]) -> str | None:
    """Return the first tracking number that one of these texts quotes."""
    found = (_TRACKING.search(text.upper()) for text in texts)
    return next((match.group() for match in found if match), None)


def as_device(name: str) -> str:
    """Return a device's id in the one form in which two are compared: digits, where it has any."""
    return "".join(_DIGITS.findall(name)) or name.strip().casefold()


def _beyond(connection: Connection, authorization: Authorization) -> timedelta:
    return (connection.ended or connection.began) - authorization.closes
