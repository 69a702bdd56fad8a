"""Masked screenshots go when they have to, and until then the person may have them."""

import asyncio
import base64
import os
import sys
import uuid
from pathlib import Path

import pytest

from services.consent.domain.entry import THE_LOG
from services.consent.domain.lifecycle import tells_dpo
from services.consent.domain.redrawing import redraw
from services.consent.handlers.erasing import Erasing, Ground
from tests.integration.consent.pictures import (
    ask,
    drafts,
    granted,
    hand_in,
    nothing_kept,
    screen,
    seen_by,
    taken,
)
from tests.integration.consent.stage import ADHERENT, Stage, acts

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize("by", ["adherent", "assistant"])
async def test_a_picture_that_is_destroyed_is_gone(stage: Stage, by: str) -> None:
    assistant, adherent, session, address = await taken(stage)
    if by == "adherent":
        await adherent.do("review-screenshot")
        assert (await adherent.do("destroy-screenshot")).status_code == 303
    else:
        assert (await assistant.do(session, "destroy-screenshot")).status_code == 200
    assert (await adherent.http.get(seen_by(adherent, address))).status_code == 404
    assert "<img" not in (await adherent.look()).text
    assert (await assistant.do(session, "share-screenshot")).status_code == 409
    await nothing_kept(stage, session)
    await ask(assistant, adherent, session)
    assert (await hand_in(assistant, session, screen())).status_code == 201


async def test_what_nobody_reviews_in_time_is_destroyed_and_the_dpo_told(stage: Stage) -> None:
    assistant, adherent, session, address = await taken(stage)
    await assistant.do(session, "end")
    assert acts((await adherent.look()).text).count("review-screenshot") == 1
    stage.clock.advance(minutes=30, seconds=1)
    await nothing_kept(stage, session)
    last = (await drafts(stage, session))[-1]
    assert (last.type, last.actor, tells_dpo(last)) == ("screenshot-destroyed", "service", True)
    assert (await adherent.http.get(seen_by(adherent, address))).status_code == 404


@pytest.mark.parametrize("point", ["picture-staged", "appended"])
async def test_a_service_that_dies_leaves_no_entry_without_its_picture_and_no_picture_for_long(
    stage: Stage, mongo_uri: str, mongo_database: str, tmp_path: Path, point: str
) -> None:
    assistant, _, session = await granted(stage)
    pictures = stage.consent.connections.pictures
    dying = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.consent.picture_process"),
        *(mongo_database, str(tmp_path), session),
        cwd=PROJECT,
        env={
            **os.environ,
            "PICTURE_MONGO": mongo_uri,
            "AIGUILLAGE_CRASH_AT": f"consent.{point}",
        },
    )
    assert await asyncio.wait_for(dying.wait(), 60) == 137
    is_named = (await stage.types(session))[-1] == "screenshot-taken"
    assert is_named == (point == "appended")
    (staged,) = await pictures.unsettled()
    assert await pictures.open(uuid.UUID(session), staged.picture) == redraw(screen())
    if not is_named:
        assert (await hand_in(assistant, session, screen())).status_code == 201
    stage.clock.advance(minutes=11)
    (named,) = [one for one in await drafts(stage, session) if one.type == "screenshot-taken"]
    await stage.consent.connections.sweeping.sweep()
    assert [one.picture for one in await pictures.unsettled()] == [named.facts["picture"]]


async def test_a_shared_picture_goes_at_its_end_and_that_is_on_record(stage: Stage) -> None:
    assistant, adherent, session, address = await taken(stage)
    await adherent.do("review-screenshot")
    await assistant.do(session, "share-screenshot")
    connections = stage.consent.connections
    async with asyncio.timeout(15):
        while await connections.pictures.unsettled():
            await asyncio.sleep(0.05)
    await connections.retention.run()
    stage.clock.advance(days=29, hours=23)
    assert (await assistant.http.get(address)).status_code == 200
    stage.clock.advance(hours=2)
    assert (await assistant.http.get(address)).status_code == 404
    stage.clock.advance(days=1)
    assert (await connections.retention.run()).pictures == 1
    assert await connections.pictures.count(uuid.UUID(session)) == 0
    purged = [one for one in await drafts(stage, THE_LOG) if one.type == "purged"]
    assert [(one.facts["what"], one.facts["records"]) for one in purged] == [("pictures", 1)]
    assert (await connections.retention.run()).pictures == 0


async def test_a_person_is_given_the_pictures_that_are_kept_of_their_screen(
    connected: Stage,
) -> None:
    _, adherent, session, address = await taken(connected)
    dpo = await connected.at_dpo()
    given = (await dpo.ask("access", address=ADHERENT["email"], form="json")).json()
    (shown,) = given["sessions"][0]["screenshots"]
    assert base64.b64decode(shown["png"]) == redraw(screen())
    assert (shown["id"], shown["state"]) == (address.rsplit("/", 1)[-1], "taken")
    page = (await dpo.ask("access", address=ADHERENT["email"])).text
    assert f'<img src="data:image/png;base64,{shown["png"]}" alt=' in page
    await adherent.do("destroy-screenshot")  # its bytes may stay for a second
    page = (await dpo.ask("access", address=ADHERENT["email"])).text
    assert "<img" not in page
    await nothing_kept(connected, session)


async def test_who_is_erased_takes_the_pictures_along(stage: Stage) -> None:
    assistant, adherent, session, address = await taken(stage)
    await adherent.do("review-screenshot")
    await assistant.do(session, "share-screenshot")
    await assistant.do(session, "end")
    await assistant.do(session, "declare", no_password=True, no_elevation=True)
    connections = stage.consent.connections
    erasing = Erasing(
        connections.log, connections.persons, connections.pictures, legal_basis="gdpr-6-1-e"
    )
    of = uuid.UUID(session)
    await erasing.erase(of, "assistant", actor="dpo", reason=Ground.REQUEST_OF_THE_PERSON)
    assert await connections.pictures.count(of) == 1
    erased = await erasing.erase(of, "adherent", actor="dpo", reason=Ground.REQUEST_OF_THE_PERSON)
    assert erased.removed["picture"] == 1
    assert await connections.pictures.count(of) == 0
    assert (await adherent.http.get(seen_by(adherent, address))).status_code == 404
    last = (await drafts(stage, THE_LOG))[-1]
    assert (last.type, last.facts["records"]) == ("person-erased", sum(erased.removed.values()))
