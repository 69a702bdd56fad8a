"""Clocks that are apart, or set, end nothing, bring nothing back and put no entry out of order."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime import mongo
from runtime.clocks import SteadyClock
from services.consent.handlers.follower import Follower
from tests.integration.consent.stage import Clock, Stage, forms, staged


class Computer(Clock):
    """A computer's clock: time can pass (``advance``), and somebody can set it (``set``)."""

    def __init__(self) -> None:
        super().__init__()
        self._set_by = 0.0
        self._steady = SteadyClock(
            wall=lambda: datetime.now(UTC).timestamp() + self._passed() + self._set_by,
            counted=lambda: time.monotonic() + self._passed(),
        )

    def __call__(self) -> datetime:
        return self._steady()

    def set(self, **by: float) -> None:
        self._set_by += timedelta(**by).total_seconds()

    def _passed(self) -> float:
        return self.ahead.total_seconds()


@pytest.fixture
async def computer() -> Computer:
    return Computer()


@pytest.fixture
async def steady(
    computer: Computer, tmp_path: Path, mongo_uri: str, mongo_database: str
) -> AsyncIterator[Stage]:
    """Run the service on a computer whose clock can be set."""
    async with staged(tmp_path, mongo_uri, mongo_database, clock=computer) as stage:
        yield stage


@asynccontextmanager
async def two_apart(
    tmp_path: Path, mongo_uri: str, database: str, **apart: float
) -> AsyncIterator[tuple[Stage, Stage]]:
    """Run two instances over one database and with one set of keys."""
    behind, ahead = Clock(), Clock()
    ahead.advance(**apart)
    async with (
        staged(tmp_path, mongo_uri, database, clock=behind) as first,
        staged(tmp_path, mongo_uri, database, clock=ahead) as second,
    ):
        yield first, second


async def _is_in_order(stage: Stage) -> None:
    """Hold that the log verifies, and that no entry is dated before the one before it."""
    connections = stage.consent.connections
    await connections._verify()
    times = [entry.time for entry in await connections.log.read(0, 1_000)]
    assert times == sorted(times)


async def test_a_session_runs_over_two_instances_whose_clocks_are_two_minutes_apart(
    tmp_path: Path, mongo_uri: str, mongo_database: str
) -> None:
    async with two_apart(tmp_path, mongo_uri, mongo_database, minutes=2) as (behind, ahead):
        assistant = await behind.assistant()
        offered = (await assistant.offer()).json()
        session = offered["session_id"]
        adherent = await ahead.entered(session, offered["entry_code"]["code"])
        there = await behind.adherent(session)
        there.http.cookies.update(adherent.http.cookies)
        assert (await adherent.do("read-notice")).status_code == 303
        assert (await there.do("grant")).status_code == 303
        assert (await assistant.do(session, "start")).status_code == 200
        for stage in (behind, ahead):
            stage.clock.advance(minutes=27)  # 29 by the clock that is ahead: not half an hour
        asked = {"reason": "other", "words": "Un réglage"}
        assert (await assistant.do(session, "request-intervention", **asked)).status_code == 200
        assert (await adherent.do("grant-intervention")).status_code == 303
        assert (await assistant.do(session, "begin-intervention")).status_code == 200
        for stage in (behind, ahead):
            stage.clock.advance(minutes=4)
        await behind.until(session, "time-limit-reached")
        types = await behind.types(session)
        assert types.count("time-limit-reached") == 1
        assert "refused-act" not in types
        await _is_in_order(behind)


async def test_what_is_too_late_by_the_log_is_refused_by_the_instance_that_is_behind(
    tmp_path: Path, mongo_uri: str, mongo_database: str
) -> None:
    async with two_apart(tmp_path, mongo_uri, mongo_database, minutes=2) as (behind, ahead):
        offered = (await (await behind.assistant()).offer()).json()
        session = offered["session_id"]
        adherent = await behind.entered(session, offered["entry_code"]["code"])
        ahead.consent.timers._follower = Follower(ahead.consent.connections.log)  # knows of none
        for stage in (behind, ahead):
            stage.clock.advance(minutes=14)
        assert (await (await ahead.assistant()).offer()).status_code == 201
        refused = await adherent.do("read-notice")
        assert (refused.status_code, await behind.types(session)) == (
            409,
            ["offered", "code-issued", "code-confirmed", "refused-act"],
        )
        await _is_in_order(behind)


@pytest.mark.parametrize("hours", [-1, 3])
async def test_a_clock_that_is_set_in_the_middle_of_a_session_changes_nothing_in_it(
    steady: Stage, computer: Computer, hours: int
) -> None:
    assistant, adherent, session = await steady.started()
    waiting = (await assistant.offer()).json()["session_id"]
    computer.set(hours=hours)
    await asyncio.sleep(1.2)  # the timers have looked twice
    assert (await assistant.see(waiting))["state"]["session"] == "offered"
    asked = {"reason": "other", "words": "Un réglage"}
    assert (await assistant.do(session, "request-intervention", **asked)).status_code == 200
    assert (await adherent.do("grant-intervention")).status_code == 303
    computer.advance(minutes=16)
    await steady.until(waiting, "expired")
    await steady.until(session, "intervene-expired")
    computer.advance(minutes=15)
    await steady.until(session, "time-limit-reached")
    await _is_in_order(steady)


async def test_a_code_that_has_expired_does_not_come_back_with_the_clock(
    steady: Stage, computer: Computer
) -> None:
    offered = (await (await steady.assistant()).offer()).json()
    adherent = await steady.adherent(offered["session_id"])
    form = forms((await adherent.look()).text)[0]
    computer.advance(minutes=11)
    computer.set(hours=-1)
    sent = form.fields | {"code": offered["entry_code"]["code"]}
    late = await adherent.http.post(form.action, data=sent)
    assert late.status_code == 422
    assert "n’est plus valable" in late.text


async def test_a_service_that_starts_with_a_clock_an_hour_behind_goes_on_in_order(
    stage: Stage, mongo_uri: str, mongo_database: str, tmp_path: Path
) -> None:
    _, adherent, session = await stage.started()
    behind = Clock()
    behind.advance(hours=-1)
    async with staged(tmp_path, mongo_uri, mongo_database, clock=behind) as later:
        there = await later.adherent(session)
        there.http.cookies.update(adherent.http.cookies)
        assert (await there.do("stop")).status_code == 303
        assert (await (await later.assistant()).offer()).status_code == 201
        await _is_in_order(later)


async def test_a_link_to_sign_in_is_good_once_though_mongodb_has_a_clock_of_its_own(
    stage: Stage, database: mongo.Database
) -> None:
    link = stage.login_link()
    assert (await (await stage.browser()).sign_in(link)).status_code == 303
    an_hour_ahead = datetime.now(UTC) + timedelta(hours=1)
    await database["sign_ins"].delete_many({"until": {"$lt": an_hour_ahead}})
    assert (await (await stage.browser()).sign_in(link)).status_code == 403
