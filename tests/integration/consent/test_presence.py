"""Is the adherent's page still there? Measured where it can beat, and silence ends the session."""

from pathlib import Path
from typing import Any

from runtime import mongo
from tests.integration.consent.stage import Assistant, Stage, fall_silent, settle, staged


async def _begun(stage: Stage, assistant: Assistant, session: str) -> dict[str, Any]:
    """Start the session and return the facts of its start."""
    assert (await assistant.do(session, "start")).status_code == 200
    return dict((await stage.entries(session))[-1].draft.facts)


async def test_a_page_in_view_is_on_record_once_and_the_session_may_last_longer(
    stage: Stage,
) -> None:
    assistant, adherent, session = await stage.accepted()
    assert [(await adherent.beat()).status_code for _ in range(3)] == [204, 204, 204]
    facts = await _begun(stage, assistant, session)
    assert (facts["presence"], facts["limit_s"]) == ("shown", 3600)
    assert (await stage.types(session)).count("presence-shown") == 1
    assert "Gardez cette page ouverte" in (await adherent.look()).text


async def test_a_page_that_was_never_in_view_is_not_measured(stage: Stage) -> None:
    assistant, adherent, session = await stage.accepted()
    assert (await adherent.beat("hidden")).status_code == 204
    facts = await _begun(stage, assistant, session)
    assert (facts["presence"], facts["limit_s"]) == ("unmeasured", 1800)
    stage.clock.advance(minutes=29)
    await settle(stage)
    assert "presence-lost" not in await stage.types(session)


async def test_a_session_ends_three_minutes_after_the_last_beat_behind_other_windows_too(
    stage: Stage,
) -> None:
    assistant, adherent, session = await stage.accepted()
    await adherent.beat()
    await _begun(stage, assistant, session)
    for _ in range(3):
        stage.clock.advance(minutes=2, seconds=30)
        assert (await adherent.beat("hidden")).status_code == 204
    await settle(stage)
    assert (await assistant.see(session))["state"]["session"] == "started"
    await fall_silent(stage)
    assert (await stage.types(session)).count("presence-lost") == 1
    assert (await assistant.see(session))["state"]["session"] == "over"


async def test_who_is_not_at_the_page_does_not_beat(stage: Stage) -> None:
    _, adherent, session = await stage.accepted()
    form, before = await adherent.beat_form(), await stage.types(session)
    stranger = await stage.adherent(session)
    address = f"{stranger.link}/presence"
    unbound = await stranger.http.post(address, data=form)
    stranger.http.cookies.update(adherent.http.cookies)
    forged = await stranger.http.post(address, data=form | {"csrf": "0" * 64})
    assert (unbound.status_code, forged.status_code) == (403, 403)
    assert await stage.types(session) == before


async def test_another_browser_has_to_show_anew_that_it_can_beat_and_a_former_one_beats_no_more(
    stage: Stage,
) -> None:
    assistant, adherent, session = await stage.accepted()
    form = await adherent.beat_form()
    await adherent.beat()
    await _begun(stage, assistant, session)
    code = (await assistant.do(session, "new-entry-code")).json()["entry_code"]["code"]
    other = await stage.entered(session, code)
    former = await adherent.http.post(f"{adherent.link}/presence", data=form)
    assert former.status_code == 403
    stage.clock.advance(minutes=20)
    await settle(stage)
    assert (await assistant.see(session))["state"]["session"] == "started"
    assert (await other.beat()).status_code == 204
    await fall_silent(stage)
    assert (await stage.types(session))[-1] == "presence-lost"


async def test_a_page_that_is_over_beats_no_more(stage: Stage, database: mongo.Database) -> None:
    assistant, adherent, session = await stage.accepted()
    await adherent.beat()
    form = await adherent.beat_form()
    await _begun(stage, assistant, session)
    await adherent.do("stop")
    assert "data-beat" not in (await adherent.look()).text
    late = await adherent.http.post(f"{adherent.link}/presence", data=form)
    assert late.status_code == 204
    assert await database["beats"].find_one({"_id": session}) is None


async def test_beats_at_one_instance_count_for_the_timers_of_all_and_loss_comes_once(
    stage: Stage, tmp_path: Path, mongo_uri: str, mongo_database: str
) -> None:
    async with staged(tmp_path, mongo_uri, mongo_database, clock=stage.clock) as other:
        assistant, adherent, session = await stage.accepted()
        await adherent.beat()
        await _begun(stage, assistant, session)
        there = await other.adherent(session)
        there.http.cookies.update(adherent.http.cookies)
        for _ in range(2):
            stage.clock.advance(minutes=2, seconds=30)
            assert (await there.beat()).status_code == 204
        await settle(stage, other)
        assert "presence-lost" not in await stage.types(session)
        await fall_silent(stage, other)
        assert (await other.types(session)).count("presence-lost") == 1


async def test_silence_does_not_count_while_nobody_could_hear_and_counts_again_after(
    tmp_path: Path, mongo_uri: str, mongo_database: str
) -> None:
    async with staged(tmp_path, mongo_uri, mongo_database) as before:
        assistant, adherent, session = await before.accepted()
        await adherent.beat()
        await _begun(before, assistant, session)
    before.clock.advance(minutes=10)
    async with staged(tmp_path, mongo_uri, mongo_database, clock=before.clock) as after:
        await settle(after)
        assert "presence-lost" not in await after.types(session)
        await fall_silent(after)
        assert (await after.types(session)).count("presence-lost") == 1
