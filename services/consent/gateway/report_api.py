"""
Fetches connection reports from TeamViewer's Web API, version 1, page by page.

``GET /api/v1/reports/connections`` with a script token as bearer: at most 1,000 ``records``, then
``next_offset`` to be sent as ``offset_id`` while ``records_remaining``; all times are in UTC.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from services.consent.domain.connections import Row, Unreadable
from services.consent.gateway.report_rows import Reading

PATH: Final = "/api/v1/reports/connections"
ATTEMPTS: Final = 6
FIRST_WAIT_S: Final = 1.0
LONGEST_WAIT_S: Final = 120.0
MOST_BYTES: Final = 20_000_000
_REFUSED: Final = {401: "the token is not accepted", 403: "the token may not read reports"}
_FOUND: Final = 200
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_FIELDS: Final = {
    "user": "username",
    "user_id": "userid",
    "device": "deviceid",
    "start": "start_date",
    "end": "end_date",
}
_TICKET: Final = ("notes", "session_code")

Wait = Callable[[float], Awaitable[None]]


class ReportNotFetched(Exception):
    """The Web API did not give the report whole; says why, never with the token or an answer."""


async def api_rows(
    client: httpx.AsyncClient,
    reading: Reading,
    *,
    since: datetime,
    until: datetime,
    wait: Wait = asyncio.sleep,
) -> AsyncIterator[Row]:
    """
    Yield each record of these times, or why it cannot be read; its place is its number from 1.

    ``client`` has the base address and the token. Raises ``ReportNotFetched``.
    """
    wanted = {"from_date": _moment(since), "to_date": _moment(until)}
    seen: set[str] = set()
    place = 0
    while True:
        page = await _page(client, wanted, wait)
        for record in page["records"]:
            place += 1
            yield _row(place, record, reading)
        offset = page.get("next_offset")
        if not isinstance(offset, str) or not offset:
            if page.get("records_remaining"):
                raise ReportNotFetched("records remain, and no way to them")
            return
        if offset in seen:
            raise ReportNotFetched("its pages go round in a circle")
        seen.add(offset)
        wanted = {**wanted, "offset_id": offset}


def retry_after(status: int | None, header: str | None, attempt: int, now: datetime) -> float:
    """Return the seconds to wait after failure ``attempt``, from 0 (RFC 9110, section 10.2.3)."""
    wait_s = FIRST_WAIT_S * float(2**attempt)
    if status == _TOO_MANY and header is not None:
        wait_s = max(wait_s, _asked_for(header, now))
    return wait_s


async def _page(client: httpx.AsyncClient, wanted: dict[str, str], wait: Wait) -> dict[str, Any]:
    why = ""
    for attempt in range(ATTEMPTS):
        status = header = None
        try:
            async with client.stream("GET", PATH, params=wanted) as answer:
                status, header = answer.status_code, answer.headers.get("retry-after")
                if status == _FOUND:
                    return _read(await _body(answer))
        except httpx.RequestError as error:
            why = type(error).__name__
        else:
            why = f"answered {status}"
            if status != _TOO_MANY and status < _SERVER_ERROR:
                raise ReportNotFetched(_REFUSED.get(status, why))
        wait_s = retry_after(status, header, attempt, datetime.now(UTC))
        if wait_s > LONGEST_WAIT_S:
            raise ReportNotFetched(f"{why} and wants to be asked in {wait_s:.0f} s")
        if attempt + 1 < ATTEMPTS:
            await wait(wait_s)
    raise ReportNotFetched(f"{why}, {ATTEMPTS} times")


async def _body(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            raise ReportNotFetched("a page is too large")
    return bytes(body)


def _read(body: bytes) -> dict[str, Any]:
    try:
        page = json.loads(body)
    except (ValueError, RecursionError):
        raise ReportNotFetched("a page is not JSON") from None
    if not isinstance(page, dict) or not isinstance(page.get("records"), list):
        raise ReportNotFetched("a page has no records")
    return page


def _row(place: int, record: object, reading: Reading) -> Row:
    if not isinstance(record, dict):
        return Unreadable(place=place, reason="is no record")
    said: dict[str, str] = {}
    for field, name in _FIELDS.items():
        value = record.get(name)
        if isinstance(value, bool | float | dict | list):
            return Unreadable(place=place, reason=f"{name}: must be text")
        said[field] = "" if value is None else str(value).strip()
    ticket = tuple(text for name in _TICKET if isinstance(text := record.get(name), str))
    return reading.row(place, said, ticket)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _asked_for(header: str, now: datetime) -> float:
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    return max(0.0, (at - now).total_seconds()) if at.tzinfo else 0.0
