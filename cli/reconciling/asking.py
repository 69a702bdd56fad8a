"""Which report is asked for, and how its rows are had: out of a file, or from the Web API."""

import contextlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import httpx
from pydantic import TypeAdapter, ValidationError

from cli.askers import Asker
from desk import Desk
from runtime.keys import KeyUnusable
from runtime.settings import PublicUrl
from services.consent.domain.connections import Row
from services.consent.gateway.report_api import api_rows
from services.consent.gateway.report_csv import csv_rows
from services.consent.gateway.report_rows import UTC_TIMES, Reading, Times, latest

_TIMEOUT_S: Final = 30.0
_DAY: Final = timedelta(days=1)
_ADDRESS: Final[TypeAdapter[str]] = TypeAdapter(PublicUrl)

Period = tuple[datetime, datetime]


class NotGiven(Exception):
    """The command line does not say one whole report; says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """
    Which report, and how it is taken: a file, or the API's from one day to another.

    With a file the days say for when it was exported; its connections alone do not tell.
    """

    file: Path | None
    api: str | None
    token_file: Path | None
    since: datetime | None
    until: datetime | None
    leave_out: bool
    most_new: int
    asker: Asker

    @property
    def where(self) -> str:
        """What stands before the place of a row: the file, or that it is a record of the API's."""
        return "record" if self.file is None else str(self.file)

    def check(self) -> None:
        """Raise ``NotGiven`` unless it is one whole report."""
        of_api, days = (self.api, self.token_file), (self.since, self.until)
        if self.file is not None and not any(of_api):
            if any(days) and not all(days):
                raise NotGiven("--from and --to go together")
            return
        if self.file is not None or not all((*of_api, *days)):
            raise NotGiven("give FILE.csv, or --api with --token-file, --from and --to")

    def period(self, zone: ZoneInfo) -> Period | None:
        """Return the days that were given, both included, in the zone of the desk's report."""
        if self.since is None or self.until is None:
            return None
        if self.until < self.since:
            raise NotGiven("--to is before --from")
        return self.since.replace(tzinfo=zone), (self.until + _DAY).replace(tzinfo=zone)


@contextlib.asynccontextmanager
async def rows(ask: Ask, desk: Desk, period: Period | None) -> AsyncIterator[AsyncIterable[Row]]:
    """Yield the report's rows; they are read while it is open."""
    declared = desk.remote.report
    not_after = latest(datetime.now(UTC), declared.clock_skew_seconds)
    if ask.file is not None:
        reading = Reading(times=Times.declared(declared), not_after=not_after)
        yield csv_rows(ask.file, declared.columns, reading)
        return
    if ask.api is None or ask.token_file is None or period is None:  # check() has seen to it
        raise AssertionError
    reading = Reading(times=UTC_TIMES, not_after=not_after)
    async with _client(ask.api, _token(ask.token_file)) as client:
        yield api_rows(client, reading, since=period[0], until=period[1])


def _client(api: str, token: str) -> httpx.AsyncClient:
    try:
        address = _ADDRESS.validate_python(api)
    except ValidationError:
        raise NotGiven("--api must be https://host, or http on this very machine") from None
    return httpx.AsyncClient(
        base_url=address,
        headers={"Authorization": f"Bearer {token}"},
        timeout=_TIMEOUT_S,
        trust_env=address.startswith("https:"),
    )


def _token(file: Path) -> str:
    try:
        token = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnusable(f"{file}: {type(error).__name__}") from None
    if not token or not token.isprintable() or " " in token:
        raise KeyUnusable(f"{file}: holds no token")
    return token
