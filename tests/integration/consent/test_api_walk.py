"""A whole session over HTTP, as assistant and adherent would walk it."""

from uuid import UUID

from services.consent.domain.lifecycle import tells_dpo
from tests.integration.consent.pictures import hand_in, screen
from tests.integration.consent.stage import Adherent, Assistant, Stage, acts, title


async def test_a_session_runs_from_the_offer_to_the_receipt(stage: Stage) -> None:
    assistant = await stage.assistant()
    offered = await assistant.offer()
    assert offered.status_code == 201, offered.text
    session, code = offered.json()["session_id"], offered.json()["entry_code"]["code"]
    adherent = await stage.adherent(session)

    assert title((await adherent.look()).text) == "On vous propose une aide à distance"
    assert (await adherent.give_code(code)).status_code == 303
    assert acts((await adherent.look()).text)[:2] == ["read-notice", "refuse"]
    assert (await adherent.do("read-notice")).status_code == 303
    assert acts((await adherent.look()).text)[:2] == ["grant", "refuse"]
    assert (await adherent.do("grant")).status_code == 303
    assert "version 15.0 ou plus récente" in (await adherent.look()).text
    assert (await assistant.do(session, "start")).status_code == 200

    await _ask_for_more(assistant, adherent, session)
    assert (await assistant.do(session, "end")).status_code == 200
    declared = await assistant.do(session, "declare", no_password=True, no_elevation=True)
    assert declared.json()["state"]["session"] == "closed"

    await stage.consent.connections.checkpoints.write()
    assert f'href="{stage.receipt(session)}"' in (await adherent.look()).text
    receipt = await adherent.http.get(stage.receipt(session))
    assert receipt.status_code == 200
    assert "Vous avez refusé une capture d’écran" in receipt.text
    document = (await adherent.http.get(f"{stage.receipt(session)}/receipt.json")).json()
    assert all(proven["inclusion"] is not None for proven in document["proof"]["entries"])
    assert await stage.types(session) == [
        "offered", "code-issued", "code-confirmed", "notice-served", "granted", "started",
        "intervene-requested", "intervene-granted", "intervene-begun", "intervene-ended",
        "screenshot-requested", "screenshot-refused", "refused-act", "ended", "declared",
    ]  # fmt: skip


async def _ask_for_more(assistant: Assistant, adherent: Adherent, session: str) -> None:
    wanted = await assistant.do(
        session, "request-intervention", reason="fill-form", words="Remplir le bordereau"
    )
    assert wanted.status_code == 200, wanted.text
    assert "Remplir le bordereau" in (await adherent.look()).text
    assert (await adherent.do("grant-intervention")).status_code == 303
    assert (await assistant.do(session, "begin-intervention")).status_code == 200
    assert (await assistant.do(session, "end-intervention")).status_code == 200

    await assistant.do(session, "request-screenshot", reason="error-message", words="Le message")
    assert (await adherent.do("refuse-screenshot")).status_code == 303
    assert (await hand_in(assistant, session, screen())).status_code == 409


async def test_what_was_granted_is_withdrawn_before_the_session_begins(stage: Stage) -> None:
    assistant, adherent, session = await stage.accepted()
    assert (await adherent.do("withdraw")).status_code == 303
    late = await assistant.do(session, "start")
    assert (late.status_code, late.json()["state"]["session"]) == (409, "withdrawn")
    assert (await stage.types(session))[-2:] == ["withdrawn", "refused-act"]
    assert "withdraw" not in acts((await adherent.look()).text)


async def test_a_session_is_contested_after_it_has_closed_and_the_dpo_is_told(
    stage: Stage,
) -> None:
    assistant, adherent, session = await stage.started()
    await assistant.do(session, "end")
    await assistant.do(session, "declare", no_password=True, no_elevation=True)
    assert (await adherent.do("contest")).status_code == 303
    (*_, contested) = await stage.consent.connections.log.entries(UUID(session))
    assert (contested.draft.type, contested.draft.actor) == ("contested", "adherent")
    assert tells_dpo(contested.draft)
    assert (await assistant.see(session))["state"]["session"] == "closed"
    await stage.consent.connections.checkpoints.write()
    receipt = await adherent.http.get(stage.receipt(session))
    assert "Vous avez contesté cette séance" in receipt.text
