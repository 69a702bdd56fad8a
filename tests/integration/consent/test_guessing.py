"""Links and codes guessed, forms sent by robots or once more: refused, and nothing is decided."""

import json
import re
import uuid

import httpx

from runtime.keys import read_key
from runtime.sealing import Sealer
from services.consent.domain.acts import ADHERENT_ACTS
from services.consent.domain.lifecycle import tells_dpo
from services.consent.web.guessing import CODES_AT_ONCE, LINKS_PER_MINUTE
from tests.integration.consent.deciding import FORM, HTML, offered, says, wrong
from tests.integration.consent.stage import (
    Adherent,
    Stage,
    forms,
)
from tests.unit.consent.drafts import draft

HERE, THERE = "192.0.2.7", "198.51.100.9"


async def test_tries_of_all_addresses_count_for_one_code_and_the_dpo_is_told(stage: Stage) -> None:
    session, code = await offered(stage)
    for number in range(5):
        guesser = await stage.adherent(session, f"192.0.2.{number}")
        says(await guesser.give_code(wrong(code)), 422, "Ce code n’est pas le bon")
    *_, last = await stage.entries(session)
    assert (last.draft.type, tells_dpo(last.draft)) == ("code-voided", True)
    shown = await (await stage.at_dpo()).ask("overview")
    assert "quelqu’un d’autre a le lien de son courriel" in shown.text
    assistant = await stage.assistant()
    assert (await assistant.see(session))["state"]["session"] == "offered"
    renewed = (await assistant.do(session, "new-entry-code")).json()["entry_code"]["code"]
    await stage.entered(session, renewed)


async def test_an_address_that_guesses_has_to_wait_and_keeps_nobody_out(stage: Stage) -> None:
    assistant, bound, _ = await stage.started()
    bound.http.headers["X-Forwarded-For"] = HERE
    session, code = await offered(stage)
    guesser = await stage.adherent(session, HERE)
    for number in range(CODES_AT_ONCE):
        if number == 5:
            renewed = await assistant.do(session, "new-entry-code")
            code = renewed.json()["entry_code"]["code"]
        assert (await guesser.give_code(wrong(code))).status_code == 422
    code = (await assistant.do(session, "new-entry-code")).json()["entry_code"]["code"]
    before = await stage.size()
    for tried in (wrong(code), code):
        says(await guesser.give_code(tried), 429, "Réessayez dans une minute", "Code d’accès")
    assert await stage.size() == before
    other = await stage.adherent(session, THERE)
    assert (await other.give_code(code)).status_code == 303
    assert (await bound.do("stop")).status_code == 303


async def test_links_that_were_never_ours_are_counted_and_good_ones_still_open(
    stage: Stage,
) -> None:
    session, _ = await offered(stage)
    before = await stage.size()
    robot = await stage.adherent(session, HERE)
    unknown = f"/s/{stage.secrets.link_token(uuid.uuid4())[:-1]}"
    receipt = stage.receipt(str(uuid.uuid4()))[:-1]
    for number in range(LINKS_PER_MINUTE // 2):
        tried = (unknown, receipt, f"{receipt}/receipt.json")[number % 3]
        says(await robot.http.get(tried), 404, "Ce lien n’existe pas")
    says(await robot.http.get(receipt), 429, "Trop d’essais")
    late = await robot.http.post(f"{unknown}/acts", data={"act": "grant"})
    says(late, 429, "Trop d’essais", "Attendez une minute")
    assert late.headers["retry-after"] == "60"
    assert (await robot.look()).status_code == 200
    robot.http.headers["X-Forwarded-For"] = f"{HERE}, {THERE}"  # the first is the robot's own word
    assert (await robot.http.get(unknown)).status_code == 404
    assert await stage.size() == before


async def _try_everything(robot: Adherent) -> None:
    """Open the link and send each form with each button, and every act that a page ever has."""
    page = await robot.http.get(robot.link)
    sent = [form.fields | {"act": act} for form in forms(page.text) for act in (*form.acts, "")]
    csrf = {key: value for fields in sent for key, value in fields.items() if key == "csrf"}
    wanted = [*sent, *(csrf | {"act": act, "notice": "0" * 64} for act in ADHERENT_ACTS)]
    for path in ("/acts", "/code", "/not-asked", ""):
        for fields in wanted:
            answer = await robot.http.post(robot.link + path, data=fields, headers=HTML)
            assert answer.status_code < 500
            assert "text/html" in answer.headers["content-type"]


async def _open(robot: Adherent) -> None:
    """Open the link, and whatever the page leads to: what a scanner that looks for malware does."""
    page = (await robot.look()).text
    for address in re.findall(r'(?:href|src|action)="(/[^"]*)"', page):
        assert (await robot.http.get(address, follow_redirects=True)).status_code < 500


async def _ask_first(robot: Adherent) -> None:
    for method in ("HEAD", "OPTIONS", "GET"):
        assert (await robot.http.request(method, robot.link)).status_code < 500


async def _submit_all(robot: Adherent, typed: str = "") -> None:
    """Open the link and submit every form that is found, and each that this leads to."""
    found = forms((await robot.look()).text)
    for form in found[:]:
        for act in form.acts or [""]:
            filled = {name: value or typed for name, value in form.fields.items()}
            answer = await robot.http.post(form.action, data=filled | ({"act": act} if act else {}))
            assert answer.status_code < 500
            for second in forms(answer.text):
                await robot.http.post(second.action, data=second.fields)


async def _submit_all_filled_in(robot: Adherent) -> None:
    await _submit_all(robot, "test")


SCANNERS = (_open, _ask_first, _submit_all, _submit_all_filled_in)
SCANS = 6
"""Of each scanner in each state: with the two that try everything, 130 in five states."""


async def test_130_robots_without_the_code_leave_one_unconfirmed_report_in_every_state(
    stage: Stage,
) -> None:
    session, code = await offered(stage)
    assistant = await stage.assistant()
    robots = 0

    async def robots_add(*types: str) -> None:
        nonlocal robots
        before, size = await stage.types(session), await stage.size()
        scans = [*SCANNERS * SCANS, _try_everything, _try_everything]
        for scan in scans:
            await scan(await stage.adherent(session))
        robots += len(scans)
        assert await stage.types(session) == [*before, *types]
        assert await stage.size() == size + len(types)

    await robots_add("unasked-reported")
    await _is_told_as_unconfirmed(stage, session, "paused")
    adherent = await stage.entered(session, code)
    for act in ("retract", "read-notice", "grant"):
        assert (await adherent.do(act)).status_code == 303
    await robots_add("unasked-reported")
    assert (await assistant.do(session, "start")).json()["reason"] == "paused"
    assert (await adherent.do("retract")).status_code == 303
    assert (await assistant.do(session, "start")).status_code == 200
    await robots_add("unasked-reported")
    await _is_told_as_unconfirmed(stage, session, "started")
    assert (await assistant.see(session))["state"]["session"] == "started"
    assert (await adherent.do("stop")).status_code == 303
    await robots_add()
    await assistant.do(session, "declare", no_password=True, no_elevation=True)
    await robots_add()
    assert robots == 130


async def test_a_report_after_the_session_is_told_to_the_assistant_as_one_of_what_is_over(
    stage: Stage,
) -> None:
    assistant, _, session = await stage.started()
    assert (await assistant.do(session, "end")).status_code == 200
    report = draft(uuid.UUID(session), "unasked-reported", "adherent")
    await stage.consent.connections.log.append(report, after=len(await stage.entries(session)))
    await _is_told_as_unconfirmed(stage, session, "over")


async def _is_told_as_unconfirmed(stage: Stage, session: str, state: str) -> None:
    report = (await stage.entries(session))[-1]
    assert tells_dpo(report.draft)
    told = await stage.consent.notices_for(report)
    assert [notice.data.template for notice in told] == ["offer-disowned", "checkpoint"]
    sealer = Sealer(read_key(stage.keys, "sealing.key"))
    content = json.loads(sealer.open_text(told[0].data.sealed, purpose="notice"))
    assert content["variables"]["state"] == state
    shown = await (await stage.at_dpo()).ask("session", session=session)
    assert "ne pas avoir demandé cette séance. Ce n’est pas confirmé." in shown.text


async def test_what_was_sent_once_does_nothing_when_it_is_sent_again_later(stage: Stage) -> None:
    session, code = await offered(stage)
    assistant = await stage.assistant()
    adherent = await stage.adherent(session)
    sent: list[tuple[str, bytes]] = []

    async def remember(request: httpx.Request) -> None:
        if request.method == "POST":
            sent.append((request.url.path, request.content))

    adherent.http.event_hooks["request"].append(remember)
    assert (await adherent.give_code(code)).status_code == 303
    await adherent.do("read-notice")
    await adherent.do("grant")
    await assistant.do(session, "start")
    for _ in range(2):
        await assistant.do(session, "request-intervention", reason="other", words="Un réglage")
        assert (await adherent.do("grant-intervention")).status_code == 303
        await adherent.do("revoke-intervention")
    await assistant.do(session, "request-intervention", reason="other", words="Un autre")
    adherent.http.event_hooks["request"].clear()
    before = [one for one in await stage.types(session) if one != "refused-act"]
    thief = await stage.adherent(session)
    for who in (adherent, thief):
        for path, content in sent:
            again = await who.http.post(path, content=content, headers=FORM)
            own = 303 if path.endswith("/code") else 409
            assert again.status_code == (own if who is adherent else 403), path
    assert [one for one in await stage.types(session) if one != "refused-act"] == before
    assert (await assistant.do(session, "begin-intervention")).status_code == 409
