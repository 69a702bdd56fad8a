"""The mailed receipt opens without a cookie, for as long as its session is on record."""

import json
import uuid

from structlog.testing import capture_logs

from runtime.keys import read_key
from runtime.sealing import Sealer
from services.consent.domain.merkle import leaf_hash, root_of_inclusion
from services.consent.web.headers import POLICY
from tests.integration.consent.deciding import says
from tests.integration.consent.stage import ADHERENT, BASTIEN, Stage, forms, settle


async def _mailed(stage: Stage, session: str) -> str:
    """Return where the mail leads that the session's last entry causes."""
    (*_, last) = await stage.entries(session)
    notices = await stage.consent._notices().notices_for(last)
    (mail,) = [one.data for one in notices if one.data.template == "session-receipt"]
    sealer = Sealer(read_key(stage.keys, "sealing.key"))
    link: str = json.loads(sealer.open_text(mail.sealed, purpose="notice"))["variables"]["link"]
    assert link.startswith(stage.url)
    return link.removeprefix(stage.url)


async def _spoken(stage: Stage) -> str:
    """Let a session be granted by voice, run and end; its adherent has never opened a link."""
    assistant, witness = await stage.assistant(), await stage.assistant(BASTIEN)
    session: str = (await assistant.offer()).json()["session_id"]
    await witness.do(session, "read-notice-aloud")
    await witness.do(session, "attest-oral-grant")
    for act in ("start", "end"):
        assert (await assistant.do(session, act)).status_code == 200
    await assistant.do(session, "declare", no_password=True, no_elevation=True)
    return session


async def test_a_session_that_was_granted_by_voice_has_a_receipt_that_opens_and_can_be_verified(
    stage: Stage,
) -> None:
    session = await _spoken(stage)
    await stage.consent.connections.checkpoints.write()
    link = await _mailed(stage, session)
    reader = await stage.adherent(session)
    page = await reader.http.get(link)
    says(page, 200, ADHERENT["name"], "vive voix", "attesté", f'href="{link}/receipt.json"')
    assert "set-cookie" not in page.headers
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["content-security-policy"] == POLICY
    assert (forms(page.text), "/s/" in page.text) == ([], False)
    former = await reader.http.get(f"{stage.link(session)}/receipt")  # as older mails have it
    assert former.headers["location"] == stage.link(session)
    document = (await reader.http.get(f"{link}/receipt.json")).json()
    proof = document["proof"]
    checkpoint = stage.consent._signer.verifier.open(proof["checkpoint"])
    entries = await stage.entries(session)
    assert [one["content"].encode() for one in proof["entries"]] == [e.content for e in entries]
    for one in proof["entries"]:
        root = root_of_inclusion(
            leaf_hash(one["content"].encode()),
            index=one["index"],
            size=checkpoint.size,
            proof=[bytes.fromhex(node) for node in one["inclusion"]],
        )
        assert root == checkpoint.root


async def test_a_receipt_is_there_until_its_session_is_purged_and_the_sessions_link_is_not(
    stage: Stage,
) -> None:
    session = await _spoken(stage)
    link = await _mailed(stage, session)
    reader = await stage.adherent(session)
    stage.clock.advance(days=8)
    says(await reader.look(), 410, "Ce lien n’est plus valable")
    says(await reader.http.get(link), 200, "Reçu de la séance")
    assert (await reader.http.get(f"{link}/receipt.json")).status_code == 200
    retention = stage.consent.connections.retention
    await retention.run()  # closes the day, which dates what lies before it
    stage.clock.advance(days=366)
    for path in (link, f"{link}/receipt.json"):
        says(await reader.http.get(path), 410, "Ce reçu n’est plus conservé")
    assert (await retention.run()).entries
    assert await stage.entries(session) == ()
    says(await reader.http.get(link), 410, "Ce reçu n’est plus conservé")
    says(await reader.http.get(stage.receipt(str(uuid.uuid4()))), 404, "Ce lien n’existe pas")


async def test_however_a_session_ends_its_mail_leads_to_the_receipt(stage: Stage) -> None:
    assistant, _, undeclared = await stage.started()
    assert (await assistant.do(undeclared, "end")).status_code == 200
    ends = {undeclared: "closed-undeclared"}
    for kind, kept in (("declared", True), ("incident-declared", False)):
        assistant, adherent, session = await stage.started()
        assert (await adherent.do("stop")).status_code == 303
        await assistant.do(session, "declare", no_password=kept, no_elevation=True)
        ends[session] = kind
    stage.clock.advance(hours=25)
    await settle(stage)
    for session, kind in ends.items():
        assert (await stage.types(session))[-1] == kind
        assert await _mailed(stage, session) == stage.receipt(session)


async def test_the_receipts_link_opens_nothing_else_and_no_other_link_opens_the_receipt(
    stage: Stage,
) -> None:
    assistant, adherent, session = await stage.started()
    link, receipt = stage.link(session), stage.receipt(session)
    says(await adherent.http.get(receipt), 404, "Ce lien n’existe pas")  # not before the end
    assert receipt not in (await adherent.look()).text
    assert (await assistant.do(session, "end")).status_code == 200
    token, other = receipt.rpartition("/")[2], link.rpartition("/")[2]
    before = await stage.size()
    with capture_logs() as logs:
        for browser in (adherent, await stage.adherent(session)):
            for path in ("", "/acts", "/events", "/code"):
                assert (await browser.http.get(f"/s/{token}{path}")).status_code == 404
            for path in ("", "/receipt.json"):
                says(await browser.http.get(f"/receipt/{other}{path}"), 404, "Ce lien n’existe pas")
                assert (await browser.http.get(receipt + path)).status_code == 200
                for method in ("POST", "PUT", "DELETE"):
                    refused = await browser.http.request(method, receipt + path)
                    assert refused.status_code == 405
    assert await stage.size() == before
    assert {"/receipt/{token}", "/receipt/{token}/receipt.json"} <= {one["route"] for one in logs}
    assert not [one for one in logs if token in repr(one) or session in repr(one)]
