"""The Web API's connection reports: paging, patience, and each refusal named; over real HTTP."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from services.consent.domain.connections import Connection, Row, Unreadable
from services.consent.gateway.report_api import ReportNotFetched, api_rows, retry_after
from services.consent.gateway.report_rows import UTC_TIMES, Reading
from tests.unit.consent.teamviewer import TOKEN, TeamViewer, Trouble, teamviewer

SINCE = datetime(2026, 11, 23, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=7)
READING = Reading(times=UTC_TIMES, not_after=UNTIL)
CANARY = "zz-canary-zz"


async def fetch(server: TeamViewer, token: str = TOKEN) -> tuple[list[Row], list[float]]:
    """Return the rows, and how long was waited for them."""
    waited: list[float] = []

    async def wait(delay_s: float) -> None:
        waited.append(delay_s)

    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False) as client:
        rows = api_rows(client, READING, since=SINCE, until=UNTIL, wait=wait)
        return [row async for row in rows], waited


async def test_every_page_is_fetched_once_and_times_are_read_as_utc() -> None:
    async with teamviewer() as server:
        server.page = 2
        for hour in range(5):
            server.connected("Lucie  GARNEROT", SINCE + timedelta(hours=hour), 10)
        server.connected("Lucie", SINCE - timedelta(days=1), 10)
        rows, _ = await fetch(server)
    assert [row.place for row in rows] == [1, 2, 3, 4, 5]
    first = rows[0]
    assert isinstance(first, Connection)
    assert (first.user, first.user_id, first.device) == ("lucie garnerot", "u1", "123456789")
    assert (first.began, first.ended) == (SINCE, SINCE + timedelta(minutes=10))
    offsets = [asked.get("offset_id", "")[-1:] for asked in server.asked]
    assert offsets == ["", "3", "5"]
    assert server.asked[0]["from_date"] == "2026-11-23T00:00:00Z"


async def test_a_connection_without_an_end_and_one_that_quotes_its_ticket() -> None:
    async with teamviewer() as server:
        server.connected("Lucie", SINCE, None, notes="Suite de 83vy-6g37-ah, merci")
        rows, _ = await fetch(server)
    assert isinstance(rows[0], Connection)
    assert (rows[0].ended, rows[0].tracking) == (None, "83VY-6G37-AH")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"start_date": "2026-11-23T25:00:00Z"}, "start: not a time"),
        ({"end_date": "2026-11-22T00:00:00Z"}, "end: is before start"),
        ({"username": ["Lucie"]}, "username: must be text"),
        ({"username": CANARY * 1000}, "a field is too long"),
    ],
)
async def test_a_record_that_cannot_be_read_is_named_and_not_quoted(
    change: dict[str, object], reason: str
) -> None:
    async with teamviewer() as server:
        server.connected("Lucie", SINCE, 1)
        server.connected("Lucie", SINCE, 1, **change)
        rows, _ = await fetch(server)
    assert rows[1] == Unreadable(place=2, reason=reason)


async def test_a_busy_or_absent_api_is_asked_again_with_growing_patience() -> None:
    async with teamviewer() as server:
        server.connected("Lucie", SINCE, 1)
        server.troubles = [
            Trouble(status=503),
            Trouble(status=429, headers={"retry-after": "30"}),
            Trouble(status=0),
            Trouble(status=502, body=b"<html>"),
        ]
        rows, waited = await fetch(server)
    assert len(rows) == 1
    assert waited == [1, 30, 4, 8]


@pytest.mark.parametrize(
    ("troubles", "why"),
    [
        ([Trouble(status=401)], "the token is not accepted"),
        ([Trouble(status=403)], "the token may not read reports"),
        ([Trouble(status=400, body=CANARY.encode())], "answered 400"),
        ([Trouble(status=302, headers={"location": "http://127.0.0.1:1/"})], "answered 302"),
        ([Trouble(status=200, body=b'{"records": [')], "a page is not JSON"),
        ([Trouble(status=200, body=b"[" * 200_000)], "a page is not JSON"),
        ([Trouble(status=200, body=b"[]")], "a page has no records"),
        ([Trouble(status=200, body=b'{"records": [], "records_remaining": 3}')], "records remain"),
        ([Trouble(status=200, body=b'{"records": [], "next_offset": "a"}')] * 2, "in a circle"),
        ([Trouble(status=429, headers={"retry-after": "3600"})], "429 and wants to be asked in"),
        ([Trouble(status=500)] * 6, "answered 500, 6 times"),
    ],
)
async def test_what_cannot_be_had_whole_is_refused_and_says_why(
    troubles: list[Trouble], why: str
) -> None:
    async with teamviewer() as server:
        server.troubles = list(troubles)
        with pytest.raises(ReportNotFetched, match=why) as refused:
            await fetch(server)
    assert CANARY not in str(refused.value)


async def test_another_token_is_refused_by_the_api_and_never_shown() -> None:
    async with teamviewer() as server:
        with pytest.raises(ReportNotFetched) as refused:
            await fetch(server, token=CANARY)
    assert CANARY not in str(refused.value)


def test_retry_after_is_seconds_or_a_date_and_nonsense_is_passed_over() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=50), usegmt=True)
    waits = [retry_after(429, header, 1, now) for header in (None, "7", later, "soon", "-1", "nan")]
    assert waits == [2, 7, 50, 2, 2, 2]
    assert retry_after(503, "100", 0, now) == 1
