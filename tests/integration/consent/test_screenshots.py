"""Masked screenshots: who may hand one in, who sees it, and what is on record of it."""

import asyncio
import hmac
import os
import uuid
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from cli.evidence import app
from runtime.failures import Undecipherable
from runtime.mongo import Database
from runtime.vault import Vault
from services.consent.domain.entry import THE_LOG
from services.consent.domain.lifecycle import tells_dpo
from services.consent.domain.redrawing import MOST_BYTES, MOST_KEPT, redraw
from services.consent.integrity import verify_log
from tests.integration.consent.pictures import (
    SECRET,
    drafts,
    granted,
    hand_in,
    nothing_kept,
    points,
    screen,
    seen_by,
    taken,
)
from tests.integration.consent.stage import BASTIEN, Stage, forms
from tests.unit.consent.exports import SIGNER

PROJECT = Path(__file__).parents[3]


async def test_a_picture_is_reviewed_then_shared_then_fetched_and_each_is_on_record(
    stage: Stage, database: Database
) -> None:
    assistant, adherent, session, address = await taken(stage)
    (kept,) = await database["pictures"].find({}).to_list(None)
    assert b"PNG" not in bytes(kept["sealed"])
    shown = await adherent.http.get(seen_by(adherent, address))
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert shown.content == redraw(screen())
    assert SECRET in points(shown.content)
    assert (await assistant.http.get(address)).status_code == 404
    assert (await assistant.do(session, "share-screenshot")).status_code == 409
    page = (await adherent.look()).text
    assert f'src="{seen_by(adherent, address)}"' in page
    assert 'alt="Capture de votre écran, masquée par le téléassistant\u00a0: ' in page
    assert (await adherent.do("review-screenshot")).status_code == 303
    assert (await assistant.http.get(address)).status_code == 404
    assert (await assistant.do(session, "share-screenshot")).status_code == 200
    fetched = await assistant.http.get(address)
    assert (fetched.status_code, fetched.content) == (200, shown.content)
    last = (await drafts(stage, session))[-5:]
    assert [one.type for one in last if one.type != "refused-act"] == [
        *("screenshot-taken", "screenshot-reviewed", "screenshot-shared", "screenshot-fetched")
    ]
    assert last[0].facts["picture"] == last[-1].facts["picture"] == kept["_id"]
    assert "a ouvert la capture" in (await adherent.look()).text
    raw = stage.consent.connections.log.raw(await stage.size())
    await verify_log(raw, notes="", verifier=SIGNER.verifier)


async def test_a_screenshot_that_was_granted_aloud_is_attested_by_a_second_person(
    stage: Stage,
) -> None:
    assistant, adherent, session = await stage.started()
    witness = await stage.assistant(BASTIEN)
    assert (await witness.do(session, "attest-oral-screenshot")).status_code == 409
    asked = {"reason": "error-message", "words": "Le message"}
    assert (await assistant.do(session, "request-screenshot", **asked)).status_code == 200
    attested = await witness.do(session, "attest-oral-screenshot")
    assert attested.status_code == 200
    assert attested.json()["state"]["screenshot"] == "granted"
    entry = (await stage.entries(session))[-1]
    assert (entry.draft.type, entry.draft.actor) == ("screenshot-oral-grant-attested", "witness")
    assert (entry.draft.how, entry.draft.scope) == ("oral", "screenshot")
    request = next(e for e in await stage.entries(session) if e.draft.type.endswith("-requested"))
    assert entry.draft.authorization == request.draft.authorization
    told = [one.data.template for one in await stage.consent.notices_for(entry)]
    assert told == ["oral-grant-attested"]
    assert "grant-screenshot" not in (await adherent.look()).text
    assert (await hand_in(witness, session, screen())).status_code == 404
    assert (await hand_in(assistant, session, screen())).status_code == 201
    assert (await witness.do(session, "attest-oral-screenshot")).status_code == 409


async def test_without_a_second_person_a_screenshot_is_attested_with_the_weakest_mark(
    stage: Stage,
) -> None:
    assistant, _, session = await stage.started()
    await assistant.do(session, "request-screenshot", reason="other", words="La fenêtre")
    assert (await assistant.do(session, "attest-oral-screenshot")).status_code == 200
    last = (await drafts(stage, session))[-1]
    assert (last.type, last.actor, last.how) == (
        *("screenshot-oral-grant-attested", "assistant", "oral"),
    )
    assert (await hand_in(assistant, session, screen())).status_code == 201


async def test_the_entry_is_bound_to_the_picture_and_the_picture_to_its_place(
    stage: Stage, database: Database
) -> None:
    _, _, session, _ = await taken(stage)
    (kept,) = await database["pictures"].find({}).to_list(None)
    vault = Vault(database, stage.keys)
    opened = await vault.decrypt(kept["sealed"], purpose="picture", of=kept["_id"])
    assert opened.startswith(uuid.UUID(session).bytes)
    assert hmac.new(opened[16:48], opened[48:], sha256).hexdigest() == kept["_id"]
    pictures = stage.consent.connections.pictures
    assert await pictures.open(uuid.UUID(session), kept["_id"]) == opened[48:]
    with pytest.raises(Undecipherable):
        await pictures.open(THE_LOG, kept["_id"])
    other = bytes([*opened[:-1], opened[-1] ^ 1])
    spoilt = await vault.encrypt(other, purpose="picture", of=kept["_id"])
    await database["pictures"].update_one({"_id": kept["_id"]}, {"$set": {"sealed": spoilt}})
    with pytest.raises(Undecipherable):
        await pictures.open(uuid.UUID(session), kept["_id"])


async def test_the_largest_picture_fits_into_a_document(stage: Stage) -> None:
    pictures, largest = stage.consent.connections.pictures, os.urandom(MOST_KEPT)
    picture = await pictures.stage(THE_LOG, largest)
    assert await pictures.open(THE_LOG, picture) == largest


async def test_the_dpo_can_prove_which_picture_was_reviewed(
    stage: Stage, database: Database, mongo_uri: str, tmp_path: Path
) -> None:
    _, adherent, session, _ = await taken(stage)
    await adherent.do("review-screenshot")
    where = ("--mongo-uri", mongo_uri, "--database", database.name, "--keys", str(stage.keys))

    async def told(data: bytes, of: str) -> tuple[int, str]:
        (tmp_path / "picture").write_bytes(data)
        given = ["picture", str(tmp_path / "picture"), "--session", of, *where]
        done = await asyncio.to_thread(CliRunner().invoke, app, given)
        return done.exit_code, done.output

    (_, *_, reviewed) = await drafts(stage, session)
    status, line = await told(screen(), session)
    assert (status, reviewed.type) == (0, "screenshot-reviewed")
    assert "L’adhérent l’a relue, et accepte qu’elle soit jointe." in line
    (named,) = [one for one in await drafts(stage, session) if one.type == "screenshot-taken"]
    assert str(named.facts["picture"]) in line.replace("\n", "")
    for data, of in ((screen((1, 2, 3)), session), (screen(), str(uuid.uuid4())), (b"x", session)):
        assert (await told(data, of))[0] == 1
    facts = [dict(one.facts) for one in await drafts(stage, THE_LOG)]
    assert [one["found"] for one in facts if one.get("what") == "picture"] == [
        *(True, False, False, False)
    ]


async def test_nobody_else_sees_a_picture(stage: Stage) -> None:
    assistant, adherent, session, address = await taken(stage)
    await adherent.do("review-screenshot")
    await assistant.do(session, "share-screenshot")
    stranger = await stage.adherent(session)
    assert (await stranger.http.get(seen_by(adherent, address))).status_code == 403
    _, other, _ = await stage.started()
    assert (await other.http.get(seen_by(other, address))).status_code == 404
    assert (await other.http.get(seen_by(adherent, address))).status_code == 403
    colleague = await stage.assistant(BASTIEN)
    assert (await colleague.http.get(address)).status_code == 404
    assert (await hand_in(colleague, session, screen())).status_code == 404
    desk = await stage.at_desk(BASTIEN)
    page = f"/assistant/sessions/{session}/screenshots"
    (leaving, *_) = forms((await desk.http.get("/assistant")).text)
    fetched = await desk.http.post(page + address[address.rindex("/") :], data=leaving.fields)
    assert fetched.status_code == 404
    assert (await stage.types(session)).count("screenshot-fetched") == 0


def _gif() -> bytes:
    out = BytesIO()
    Image.open(BytesIO(screen())).save(out, "GIF")
    return out.getvalue()


async def test_what_is_no_picture_or_too_large_is_refused_and_changes_nothing(
    stage: Stage,
) -> None:
    assistant, _, session = await granted(stage)
    before = await stage.types(session)
    for data, status, code in (
        (_gif(), 422, "not-a-picture"),
        (screen()[:-200], 422, "not-a-picture"),
        (b"", 422, "not-a-picture"),
        (b"x" * (MOST_BYTES + 1), 413, "too-large"),
        (b"x" * 17_000_000, 413, "too-large"),
    ):
        refused = await hand_in(assistant, session, data)
        assert refused.status_code == status, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"].endswith(code)
    act = await assistant.do(session, "take-screenshot")
    assert act.status_code == 422
    assert (await hand_in(assistant, str(uuid.uuid4()), screen())).status_code == 404
    large = await assistant.http.post("/v1/sessions", json={"a": "x" * 2_000_000})
    assert large.status_code == 413
    assert await stage.types(session) == before
    await nothing_kept(stage, session)


async def test_a_picture_without_a_grant_is_refused_on_record_and_not_kept(stage: Stage) -> None:
    assistant, _, session = await stage.started()
    refused = await hand_in(assistant, session, screen())
    assert (refused.status_code, refused.json()["reason"]) == (409, "no-live-grant")
    last = (await drafts(stage, session))[-1]
    assert (last.facts["act"], tells_dpo(last)) == ("screenshot-taken", True)
    assert await stage.consent.connections.pictures.count(uuid.UUID(session)) == 0


async def test_a_picture_sent_twice_is_one_and_another_under_its_name_is_refused(
    stage: Stage,
) -> None:
    assistant, _, session = await granted(stage)
    both = await asyncio.gather(*(hand_in(assistant, session, screen(), "k") for _ in range(2)))
    assert [one.status_code for one in both] == [201, 201]
    other = await hand_in(assistant, session, screen((1, 2, 3)), "k")
    assert other.status_code == 422
    assert (await stage.types(session)).count("screenshot-taken") == 1
    assert await stage.consent.connections.pictures.count(uuid.UUID(session)) == 1


async def test_the_assistants_page_takes_pictures_from_its_own_script_alone(stage: Stage) -> None:
    assistant, adherent, session = await granted(stage)
    desk = await stage.at_desk()
    home = f"/assistant/sessions/{session}"
    page = (await desk.http.get(home)).text
    csrf = page.partition('data-csrf="')[2].partition('"')[0]
    assert "Sans JavaScript, une image ne peut être ni masquée ni remise" in page
    assert 'enctype="multipart' not in page
    good = {"X-Form-Token": csrf, "X-Form-Key": "0"}
    for headers, data, status, told in (
        ({}, screen(), 403, "Formulaire refusé"),
        ({"X-Form-Token": "x"}, screen(), 403, "Formulaire refusé"),
        ({**good, "Sec-Fetch-Site": "cross-site"}, screen(), 403, "Formulaire refusé"),
        (good, b"x" * (MOST_BYTES + 1), 413, "L’image est trop grande"),
        (good, _gif(), 422, "Ce n’est pas une image"),
    ):
        refused = await desk.http.post(f"{home}/screenshots", content=data, headers=headers)
        assert (refused.status_code, told in refused.text) == (status, True)
    assert (await stage.types(session))[-1] == "screenshot-granted"
    sent = await desk.http.post(f"{home}/screenshots", content=screen(), headers=good)
    assert (sent.status_code, sent.headers["location"]) == (303, home)
    await adherent.do("review-screenshot")
    await assistant.do(session, "share-screenshot")
    page = (await desk.http.get(home)).text
    where = f"{home}/screenshots/"
    form = where + page.partition(f'action="{where}')[2].partition('"')[0]
    assert (await desk.http.post(form, data={"csrf": "x"})).status_code == 403
    fetched = await desk.http.post(form, data={"csrf": csrf})
    assert fetched.headers["content-disposition"].startswith("attachment")
    assert fetched.content == redraw(screen())
    assert (await stage.types(session))[-1] == "screenshot-fetched"
