"""Every timer of the table: with two instances, and after a start, its act comes in time, once."""

import shutil
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from deploy.local.services import DESK
from schemas.tickets import ticket_id
from services.consent.domain.claims import session_id
from services.consent.domain.table import table
from services.consent.handlers.offering import Wanted
from tests.integration.consent import pictures
from tests.integration.consent.deciding import deciding, offered
from tests.integration.consent.stage import (
    ADHERENT,
    Adherent,
    Assistant,
    Clock,
    Stage,
    settle,
    staged,
)

DAY_MINUTES: Final = 24 * 60
EARLY_MINUTES: Final = 2
ASKED: Final = {"reason": "other", "words": "Un réglage"}
Bring = Callable[[Stage], Awaitable[str]]


async def _wished(stage: Stage) -> str:
    request = uuid.uuid4()
    await stage.consent._offering.wish(Wanted(request=request, adherent=ADHERENT, mark=None))
    return str(session_id(ticket_id(request), 0))


async def _wished_and_read(stage: Stage) -> str:
    session = await _wished(stage)
    taken_up = await (await stage.assistant()).do(session, "take-up")
    adherent = await stage.entered(session, taken_up.json()["entry_code"]["code"])
    assert (await adherent.do("read-notice")).status_code == 303
    return session


async def _asking_who(stage: Stage) -> str:
    _, adherent, session = await stage.started()
    assert (await adherent.do("ask-identity")).status_code == 303
    return session


async def _mailed_who(stage: Stage) -> str:
    session = await _asking_who(stage)
    await stage.by_service(session, "identity-mailed")
    return session


async def _seen(stage: Stage) -> tuple[Assistant, str]:
    assistant, adherent, session = await stage.accepted()
    assert (await adherent.beat()).status_code == 204
    assert (await assistant.do(session, "start")).status_code == 200
    return assistant, session


async def _bound_anew(stage: Stage) -> str:
    assistant, session = await _seen(stage)
    renewed = await assistant.do(session, "new-entry-code")
    await stage.entered(session, renewed.json()["entry_code"]["code"])
    return session


async def _ended(stage: Stage) -> str:
    _, adherent, session = await stage.started()
    assert (await adherent.do("stop")).status_code == 303
    return session


async def _intervening(stage: Stage) -> tuple[Assistant, Adherent, str]:
    assistant, adherent, session = await stage.started()
    assert (await assistant.do(session, "request-intervention", **ASKED)).status_code == 200
    return assistant, adherent, session


async def _may_intervene(stage: Stage) -> tuple[Assistant, str]:
    assistant, adherent, session = await _intervening(stage)
    assert (await adherent.do("grant-intervention")).status_code == 303
    return assistant, session


async def _intervenes(stage: Stage) -> str:
    assistant, session = await _may_intervene(stage)
    assert (await assistant.do(session, "begin-intervention")).status_code == 200
    return session


async def _picture_wanted(stage: Stage) -> str:
    assistant, _, session = await stage.started()
    assert (await assistant.do(session, "request-screenshot", **ASKED)).status_code == 200
    return session


async def _reviewed(stage: Stage) -> str:
    _, adherent, session, _ = await pictures.taken(stage)
    assert (await adherent.do("review-screenshot")).status_code == 303
    return session


def _last(bring: Callable[[Stage], Awaitable[Sequence[object]]], place: int) -> Bring:
    async def brought(stage: Stage) -> str:
        return str((await bring(stage))[place])

    return brought


SILENCES: Final[dict[tuple[str, str], tuple[int, Bring]]] = {
    ("offer", "offered"): (15, _last(offered, 0)),
    ("offer", "noticed"): (15, _last(deciding, 1)),
    ("request", "requested"): (DAY_MINUTES, _wished),
    ("request", "noticed"): (DAY_MINUTES, _wished_and_read),
    ("start", "granted"): (15, _last(Stage.accepted, 2)),
    ("identity", "asked"): (15, _asking_who),
    ("identity", "mailed"): (15, _mailed_who),
    ("session", "started"): (30, _last(Stage.started, 2)),
    ("unmeasured", "started"): (30, _bound_anew),
    ("unmeasured", "unknown"): (30, _bound_anew),
    ("presence", "started"): (3, _last(_seen, 1)),
    ("presence", "shown"): (3, _last(_seen, 1)),
    ("intervene-answer", "requested"): (5, _last(_intervening, 2)),
    ("intervene-begin", "granted"): (5, _last(_may_intervene, 1)),
    ("intervene-limit", "begun"): (15, _intervenes),
    ("screenshot-answer", "requested"): (20, _picture_wanted),
    ("screenshot-answer", "granted"): (20, _last(pictures.granted, 2)),
    ("screenshot-review", "taken"): (20, _last(pictures.taken, 2)),
    ("screenshot-review", "reviewed"): (20, _reviewed),
    ("declaration", "over"): (DAY_MINUTES, _ended),
}
"""For each timer and state in which it runs: its minutes, and the way to a session in it."""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a desk where a screenshot's time ends before a session's, which would end it too."""
    desk = Path(shutil.copytree(DESK, tmp_path / "desk"))
    remote = desk / "remote.yaml"
    was = remote.read_text("utf-8")
    remote.write_text(was.replace("screenshot_minutes: 30", "screenshot_minutes: 20"), "utf-8")
    return desk


async def _bring_all(stage: Stage) -> dict[tuple[str, str], str]:
    """Bring a session to each state, and return it."""
    return {silence: await bring(stage) for silence, (_, bring) in SILENCES.items()}


async def _done(stage: Stage, sessions: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    """Return whose act is on record; none is twice."""
    done = set()
    acts = {timer.name: timer.act for timer in table().timers}
    for silence, session in sessions.items():
        drafts = [entry.draft for entry in await stage.entries(session)]
        came = Counter((one.type, one.facts["timer"]) for one in drafts if "timer" in one.facts)
        assert not came or max(came.values()) == 1, (silence, came)
        if came[acts[silence[0]], silence[0]]:
            done.add(silence)
    return done


def test_every_timer_of_the_table_is_tried_in_every_state_in_which_it_runs() -> None:
    rows = {
        (timer.name, state)
        for timer in table().timers
        for states in timer.when.values()
        for state in states
    }
    assert rows == set(SILENCES)


async def test_with_two_instances_each_timers_act_comes_in_time_and_once(
    tmp_path: Path, mongo_uri: str, mongo_database: str, desk: Path
) -> None:
    clock = Clock()
    async with (
        staged(tmp_path, mongo_uri, mongo_database, clock=clock, desk=desk) as one,
        staged(tmp_path, mongo_uri, mongo_database, clock=clock, desk=desk) as other,
    ):
        sessions = await _bring_all(one)
        await settle(one, other)  # silence begins where it is first listened for
        moments = sorted({minutes for minutes, _ in SILENCES.values()})
        for moment in moments:
            for passed in (moment - EARLY_MINUTES, moment):
                clock.advance(seconds=passed * 60 - clock.ahead.total_seconds())
                await settle(one, other)
                due = {silence for silence in SILENCES if SILENCES[silence][0] <= passed}
                assert await _done(other, sessions) == due, f"after {passed} minutes"
        await one.consent.connections._verify()


async def test_what_came_due_while_no_instance_ran_is_done_once_after_the_start(
    tmp_path: Path, mongo_uri: str, mongo_database: str, desk: Path
) -> None:
    async with staged(tmp_path, mongo_uri, mongo_database, desk=desk) as before:
        sessions = await _bring_all(before)
        assert await _done(before, sessions) == set()
    later = Clock()
    later.advance(minutes=DAY_MINUTES)
    async with staged(tmp_path, mongo_uri, mongo_database, clock=later, desk=desk) as after:
        await settle(after)
        # A page's silence begins anew, and by now the session's own time is up: test_presence.py.
        expected = {silence for silence in SILENCES if silence[0] != "presence"}
        assert await _done(after, sessions) == expected
        await after.consent.connections._verify()
