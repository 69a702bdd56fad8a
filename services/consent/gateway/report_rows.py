"""Turns a row of the remote tool's report into a connection, or says why it cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from desk.facts import ConnectionReport
from desk.values import as_tool_user
from services.consent.domain.connections import (
    Connection,
    Row,
    Unreadable,
    as_device,
    quoted_tracking,
)

LONGEST: Final = 4_000
"""Characters of one field."""


class _Wrong(ValueError):
    """A field cannot be read; the message is shown, and so never quotes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Reads times: ISO 8601, or in the declared forms; without an offset they are the zone's."""

    zone: tzinfo
    forms: tuple[str, ...]

    @classmethod
    def declared(cls, report: ConnectionReport) -> "Times":
        """Return how a CSV's times are read."""
        return cls(zone=ZoneInfo(report.zone), forms=report.dates)

    def read(self, name: str, text: str, *, not_before: datetime | None = None) -> datetime:
        """
        Return the moment in UTC.

        An hour that the clocks go through twice is read as the first, or the second where only that
        is not before ``not_before``. Raises ``_Wrong``.
        """
        naive = self._naive(name, text)
        if naive.tzinfo is not None:
            return naive.astimezone(UTC)
        first, second = (
            naive.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1)
        )
        if first.astimezone(self.zone).replace(tzinfo=None) != naive:
            raise _Wrong(f"{name}: the clocks skip this time")
        is_later = not_before is not None and first < not_before
        return second if is_later else first

    def _naive(self, name: str, text: str) -> datetime:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            found = {at for form in self.forms if (at := _parsed(text, form)) is not None}
        if len(found) != 1:
            raise _Wrong(f"{name}: " + ("more than one time" if found else "not a time"))
        return found.pop()


UTC_TIMES: Final = Times(zone=UTC, forms=())
"""The Web API's: all in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads the fields of rows; ``not_after`` is how late a connection may have begun."""

    times: Times
    not_after: datetime

    def row(self, place: int, fields: Mapping[str, str], ticket: tuple[str, ...]) -> Row:
        """Return what a row says; ``fields`` are ``user user_id device start end``."""
        try:
            return self._connection(place, fields, ticket)
        except _Wrong as error:
            return Unreadable(place=place, reason=str(error))

    def _connection(
        self, place: int, fields: Mapping[str, str], ticket: tuple[str, ...]
    ) -> Connection:
        if any(len(text) > LONGEST for text in (*fields.values(), *ticket)):
            raise _Wrong("a field is too long")
        if not fields["start"]:
            raise _Wrong("start: is missing")
        began = self.times.read("start", fields["start"])
        ended = None
        if fields["end"]:
            ended = self.times.read("end", fields["end"], not_before=began)
            if ended < began:
                raise _Wrong("end: is before start")
        if began > self.not_after:
            raise _Wrong("start: is in the future")
        return Connection(
            place=place,
            user=as_tool_user(fields["user"]),
            user_id=as_tool_user(fields["user_id"]),
            device=as_device(fields["device"]),
            began=began,
            ended=ended,
            tracking=quoted_tracking(ticket),
        )


def latest(now: datetime, skew_s: int) -> datetime:
    """Return how late a connection may have begun by the tool's clock."""
    return now + timedelta(seconds=skew_s)


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is declared beside
    except ValueError:
        return None
