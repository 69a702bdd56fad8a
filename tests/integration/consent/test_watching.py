"""Who watches a session sees no more of it than who opens its page anew."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import httpx

from schemas.tickets import ticket_id
from services.consent.domain.claims import session_id
from services.consent.handlers.offering import Wanted
from tests.integration.consent.stage import ADHERENT, BASTIEN, LUCIE, Stage


async def _watched(
    client: httpx.AsyncClient, path: str, *, until: str, then: Callable[[], Awaitable[object]]
) -> list[str]:
    """Return what came of entries after ``then`` was done; the stream must end by itself."""
    async with asyncio.timeout(10), client.stream("GET", path) as stream:
        lines = stream.aiter_lines()
        async for line in lines:
            if f'"{until}"' in line:
                break
        await then()
        return [line async for line in lines if line.startswith("data")]


async def test_signing_out_ends_what_other_tabs_watch(stage: Stage) -> None:
    _, adherent, session = await stage.started()
    desk = await stage.at_desk()

    async def sign_out() -> None:
        await desk.sign_out()
        assert (await adherent.do("stop")).status_code == 303

    watched = f"/assistant/sessions/{session}/events"
    assert await _watched(desk.http, watched, until="started", then=sign_out) == []


async def test_a_browser_that_is_no_longer_the_bound_one_watches_no_more(stage: Stage) -> None:
    assistant, first, session = await stage.started()

    async def another_is_bound() -> None:
        shown = (await assistant.do(session, "new-entry-code")).json()
        await stage.entered(session, shown["entry_code"]["code"])
        assert (await assistant.do(session, "end")).status_code == 200

    seen = await _watched(
        first.http, f"{first.link}/events", until="started", then=another_is_bound
    )
    assert [line for line in seen if "ended" in line or "code-confirmed" in line] == []


async def test_who_watched_a_wish_that_another_took_up_sees_no_more(stage: Stage) -> None:
    request = uuid.uuid4()
    await stage.consent._offering.wish(Wanted(request=request, adherent=ADHERENT, mark="w"))
    session = str(session_id(ticket_id(request), 0))
    lucie, bastien = await stage.assistant(LUCIE), await stage.assistant(BASTIEN)

    async def taken_up() -> None:
        assert (await bastien.do(session, "take-up")).status_code == 200

    watched = f"/v1/sessions/{session}/events"
    assert await _watched(lucie.http, watched, until="requested", then=taken_up) == []
