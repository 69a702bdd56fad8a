"""Screenshots on their way out: as many are opened at once as there are places, and no more."""

import asyncio
import uuid
from typing import Any, Self

import pytest

from services.consent.domain.redrawing import redraw
from services.consent.handlers import picturing
from services.consent.handlers.picturing import MOST_AT_ONCE, OF_ONE
from services.consent.store.pictures import MongoPictures
from tests.integration.consent.pictures import screen, taken
from tests.integration.consent.stage import Stage, title


class Opening:
    """Lets pictures be opened when it is told to, and knows how many were at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()
        really = MongoPictures.open

        async def opened(store: MongoPictures, session: uuid.UUID, picture: str) -> Any:
            self.begun += 1
            await self.go_on.wait()
            return await really(store, session, picture)

        monkeypatch.setattr(MongoPictures, "open", opened)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.go_on.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(10):
            while self.begun < count:
                await asyncio.sleep(0.01)


async def test_more_than_are_held_at_once_wait_and_are_then_told_to_come_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picturing, "WAIT_S", 0.3)
    assistant, adherent, session, address = await taken(stage)
    await adherent.do("review-screenshot")
    await assistant.do(session, "share-screenshot")
    desk = await stage.at_desk()
    picture = address.rsplit("/", 1)[-1]
    theirs, own = f"{adherent.link}/screenshots/{picture}", f"/assistant/sessions/{session}"
    home = await desk.http.get("/assistant")
    csrf = {"csrf": home.text.split('name="csrf" value="')[1].split('"')[0]}
    async with Opening(monkeypatch) as opening:
        before = await stage.size()
        held = [asyncio.create_task(adherent.http.get(theirs)) for _ in range(OF_ONE)]
        await opening.wait_for(OF_ONE)
        refused = await adherent.http.get(theirs)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert title(refused.text) == "Trop de captures à la fois"
        others = range(MOST_AT_ONCE - OF_ONE)
        held += [asyncio.create_task(assistant.http.get(address)) for _ in others]
        await opening.wait_for(MOST_AT_ONCE)  # who is somebody else still found a place
        by_api = await assistant.http.get(address)
        assert (by_api.status_code, by_api.headers["retry-after"]) == (503, "5")
        on_page = await desk.http.post(f"{own}/screenshots/{picture}", data=csrf)
        assert (on_page.status_code, title(on_page.text)) == (503, "Trop d’images à la fois")
        assert (opening.begun, await stage.size()) == (MOST_AT_ONCE, before)
        monkeypatch.setattr(picturing, "WAIT_S", 10.0)
        waits = asyncio.create_task(assistant.http.get(address))
        opening.go_on.set()
        answers = [await one for one in (*held, waits)]
    assert [one.status_code for one in answers] == [200] * len(answers)
    assert {one.content for one in answers} == {redraw(screen())}
