"""Silence: what each deadline leads to, once, whoever of several instances writes it."""

import asyncio
import json
import uuid
from datetime import timedelta

import httpx

from services.consent.domain.lifecycle import tells_dpo
from services.consent.handlers.silences import Silences
from services.consent.handlers.timers import Timers
from tests.integration.consent.stage import Stage, forms


async def test_an_offer_expires_after_fifteen_minutes(stage: Stage) -> None:
    offered = (await (await stage.assistant()).offer()).json()
    stage.clock.advance(minutes=15, seconds=1)
    await stage.until(offered["session_id"], "expired")
    adherent = await stage.adherent(offered["session_id"])
    assert (await adherent.look()).status_code == 410


async def test_silence_never_becomes_a_yes(stage: Stage) -> None:
    assistant, _, session = await stage.started()
    await assistant.do(session, "request-intervention", reason="other", words="Un réglage")
    stage.clock.advance(minutes=5, seconds=1)
    types = await stage.until(session, "intervene-expired")
    assert "intervene-granted" not in types
    assert (await assistant.do(session, "begin-intervention")).status_code == 409


async def test_a_grant_is_not_live_for_ever(stage: Stage) -> None:
    assistant, _, session = await stage.accepted()
    stage.clock.advance(minutes=15, seconds=1)
    refused = await assistant.do(session, "start")
    assert refused.status_code == 409
    await stage.until(session, "grant-expired")


async def test_what_was_granted_ends_by_itself(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    await assistant.do(session, "request-intervention", reason="other", words="Un réglage")
    await adherent.do("grant-intervention")
    assert (await assistant.do(session, "begin-intervention")).status_code == 200
    stage.clock.advance(minutes=15, seconds=1)
    await stage.until(session, "intervene-limit-reached")


async def test_an_unmeasured_session_has_the_shorter_limit_and_must_be_declared(
    stage: Stage,
) -> None:
    _, _, session = await stage.started()
    stage.clock.advance(minutes=30, seconds=1)
    await stage.until(session, "time-limit-reached")
    stage.clock.advance(hours=24, seconds=1)
    await stage.until(session, "closed-undeclared")
    last = (await stage.consent.connections.log.entries(uuid.UUID(session)))[-1].draft
    assert tells_dpo(last)


async def test_several_instances_write_a_deadline_once(stage: Stage) -> None:
    consent = stage.consent
    others = [
        Timers(
            consent.follower,
            consent._recorder,
            Silences(consent.follower, consent.connections.beats, now=stage.clock),
            consent._practice,
            now=stage.clock,
        )
        for _ in range(4)
    ]
    offered = (await (await stage.assistant()).offer()).json()
    session = uuid.UUID(offered["session_id"])
    async with asyncio.timeout(5):
        while session not in consent.follower.live:
            await asyncio.sleep(0.02)
    stage.clock.advance(minutes=15, seconds=1)
    await asyncio.gather(*(timers.tick() for timers in others))
    types = await stage.until(offered["session_id"], "expired")
    assert types.count("expired") == 1


async def test_racing_answers_have_one_winner(stage: Stage) -> None:
    offered = (await (await stage.assistant()).offer()).json()
    session = offered["session_id"]
    adherent = await stage.entered(session, offered["entry_code"]["code"])
    await adherent.do("read-notice")
    page = forms((await adherent.look()).text)
    asked = [(next(f for f in page if act in f.acts), act) for act in ("grant", "refuse")]
    answers = await asyncio.gather(
        *(adherent.http.post(f.action, data=f.fields | {"act": act}) for f, act in asked)
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    types = await stage.types(session)
    assert types.count("granted") + types.count("refused") == 1
    offers = [await stage.assistant() for _ in range(4)]
    request = uuid.uuid4()
    raced = await asyncio.gather(*(assistant.offer(request) for assistant in offers))
    assert sorted(answer.status_code for answer in raced) == [201, 409, 409, 409]


async def test_the_assistant_sees_a_decision_as_it_is_made(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    seen: list[str] = []
    path, began = f"/v1/sessions/{session}/events", stage.clock()

    async def follow() -> None:
        headers = {"Last-Event-ID": "4"}
        async with assistant.http.stream("GET", path, headers=headers, timeout=10) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    seen.append(json.loads(line[6:])["type"])
                if seen[-1:] == ["stopped"]:
                    return

    following = asyncio.create_task(follow())
    async with asyncio.timeout(5):
        while "started" not in seen:
            await asyncio.sleep(0.02)
    await adherent.do("stop")
    await following
    assert seen == ["granted", "started", "stopped"]
    assert stage.clock() - began < timedelta(seconds=5)


async def test_the_page_follows_too_but_only_in_the_bound_browser(stage: Stage) -> None:
    _, adherent, session = await stage.started()
    async with adherent.http.stream("GET", f"{adherent.link}/events") as stream:
        assert stream.status_code == 200
        async for line in stream.aiter_lines():
            if line == "event: entry":
                break
    stranger = await stage.adherent(session)
    refused: httpx.Response = await stranger.http.get(f"{stranger.link}/events")
    assert refused.status_code == 403
