"""The adherent's pages: what a link, a robot, a forged form and a stale page can not do."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from runtime.failures import Unavailable
from services.consent.domain.entry import Draft, Entry
from tests.integration.consent.stage import Stage, acts, forms, title

_PATHS = ("", "/code", "/not-asked", "/acts", "/events")


async def _offered(stage: Stage) -> tuple[str, str]:
    offered = (await (await stage.assistant()).offer()).json()
    return offered["session_id"], offered["entry_code"]["code"]


async def test_getting_every_address_appends_nothing(stage: Stage) -> None:
    session, _ = await _offered(stage)
    robot = await stage.adherent(session)
    before = await stage.size()
    for path in _PATHS:
        for method in ("GET", "HEAD", "OPTIONS"):
            await robot.http.request(method, robot.link + path)
    for path in (
        stage.receipt(session),
        f"{stage.receipt(session)}/receipt.json",
        "/checkpoint",
        "/tile/0/000",
        "/tile/entries/000",
        "/assets/consent.css",
        "/schema/openapi.json",
        "/livez",
    ):
        await robot.http.get(path)
    assert await stage.size() == before


async def test_getting_every_address_of_a_bound_browser_appends_nothing(stage: Stage) -> None:
    session, code = await _offered(stage)
    assistant, adherent = await stage.assistant(), await stage.entered(session, code)
    for go_on in ("", "read-notice", "grant", "start", "end"):
        if go_on in ("start", "end"):
            assert (await assistant.do(session, go_on)).status_code == 200
        elif go_on:
            assert (await adherent.do(go_on)).status_code == 303
        before = await stage.types(session)
        buttons = acts((await adherent.look()).text)
        for path in _PATHS[:-1]:
            for query in ("", *(f"?act={act}" for act in buttons)):
                await adherent.http.get(adherent.link + path + query)
        await adherent.http.get(f"{stage.receipt(session)}/receipt.json")
        assert await stage.types(session) == before
    assert await stage.size() == len(before)


async def test_a_robot_that_submits_every_form_causes_only_the_unconfirmed_report(
    stage: Stage,
) -> None:
    session, _ = await _offered(stage)
    for _ in range(3):
        robot = await stage.adherent(session)
        for form in forms((await robot.look()).text):
            filled = {name: value or "test" for name, value in form.fields.items()}
            await robot.http.post(form.action, data=filled)
    assert await stage.types(session) == ["offered", "code-issued", "unasked-reported"]


async def test_the_report_pauses_the_offer_until_the_code_takes_it_back(stage: Stage) -> None:
    session, code = await _offered(stage)
    robot = await stage.adherent(session)
    assert (await robot.report_unasked()).status_code == 200
    adherent = await stage.entered(session, code)
    page = (await adherent.look()).text
    assert "La séance est en pause" in page
    assert "read-notice" not in acts(page)
    assert (await adherent.do("retract")).status_code == 303
    assert "read-notice" in acts((await adherent.look()).text)


@pytest.mark.parametrize("token", ["x", "A" * 43, "é" * 10, "..%2fv1", "%00"])
async def test_a_link_that_is_not_ours_is_404(stage: Stage, token: str) -> None:
    session, _ = await _offered(stage)
    adherent = await stage.adherent(session)
    assert (await adherent.http.get(f"/s/{token}")).status_code == 404
    assert (await adherent.http.post(f"/s/{token}/code", data={"code": "A"})).status_code == 404


async def test_a_link_of_a_session_that_was_never_offered_is_404(stage: Stage) -> None:
    await _offered(stage)
    nobody = await stage.adherent(str(uuid.uuid4()))
    assert (await nobody.look()).status_code == 404


async def test_a_used_link_asks_another_browser_for_a_new_code(stage: Stage) -> None:
    session, code = await _offered(stage)
    await stage.entered(session, code)
    other = await stage.adherent(session)
    page = await other.look()
    assert "Ce lien a déjà été ouvert dans un autre navigateur" in page.text
    assert not any(form.action.endswith("/code") for form in forms(page.text))
    csrf = forms(page.text)[0].fields["csrf"]
    refused = await other.http.post(f"{other.link}/code", data={"csrf": csrf, "code": code})
    assert refused.status_code == 422
    assert (await stage.types(session)).count("code-confirmed") == 1


async def test_a_new_code_moves_the_session_to_the_new_browser(stage: Stage) -> None:
    session, code = await _offered(stage)
    first = await stage.entered(session, code)
    assistant = await stage.assistant()
    renewed = (await assistant.do(session, "new-entry-code")).json()["entry_code"]["code"]
    second = await stage.entered(session, renewed)
    assert "read-notice" in acts((await second.look()).text)
    assert "read-notice" not in acts((await first.look()).text)


async def test_five_wrong_codes_void_the_code_and_not_the_offer(stage: Stage) -> None:
    session, code = await _offered(stage)
    guesser = await stage.adherent(session)
    wrong = "AAAAAAAA" if code != "AAAAAAAA" else "CCCCCCCC"
    for _ in range(5):
        assert (await guesser.give_code(wrong)).status_code == 422
    page = await guesser.look()
    assert "Il vous faut un nouveau code d’accès" in page.text
    csrf = forms(page.text)[0].fields["csrf"]
    late = await guesser.http.post(f"{guesser.link}/code", data={"csrf": csrf, "code": code})
    assert late.status_code == 422
    assistant = await stage.assistant()
    shown = await assistant.see(session)
    assert shown["entry_code"]["state"] == "void"
    assert shown["state"]["session"] == "offered"
    renewed = (await assistant.do(session, "new-entry-code")).json()["entry_code"]["code"]
    await stage.entered(session, renewed)


async def test_a_malformed_code_costs_no_try(stage: Stage) -> None:
    session, code = await _offered(stage)
    adherent = await stage.adherent(session)
    for told in ("", "O0I1", "ABC", "<script>alert(1)</script>", "A" * 500):
        assert (await adherent.give_code(told)).status_code == 422
    assert (await stage.types(session)) == ["offered", "code-issued"]
    lower = f" {code[:4].lower()}-{code[4:].lower()} "
    assert (await adherent.give_code(lower)).status_code == 303


async def test_a_code_is_good_for_ten_minutes(stage: Stage) -> None:
    session, code = await _offered(stage)
    adherent = await stage.adherent(session)
    page = (await adherent.look()).text
    stage.clock.advance(minutes=10, seconds=1)
    csrf = forms(page)[0].fields["csrf"]
    late = await adherent.http.post(f"{adherent.link}/code", data={"csrf": csrf, "code": code})
    assert late.status_code == 422
    assert "n’est plus valable" in late.text


async def test_a_form_without_its_token_is_refused_and_recorded(stage: Stage) -> None:
    session, code = await _offered(stage)
    adherent = await stage.entered(session, code)
    await adherent.do("read-notice")
    form = next(f for f in forms((await adherent.look()).text) if "grant" in f.acts)
    other, _ = await _offered(stage)
    foreign = stage.secrets.form_token(uuid.UUID(other), "1.abc")
    for csrf in ("", "forged", foreign):
        sent = form.fields | {"act": "grant", "csrf": csrf}
        assert (await adherent.http.post(form.action, data=sent)).status_code == 403
    cross = await adherent.http.post(
        form.action, data=form.fields | {"act": "grant"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert cross.status_code == 403
    types = await stage.types(session)
    assert "granted" not in types
    assert types.count("refused-act") == 4


async def test_without_the_cookie_no_act_is_done(stage: Stage) -> None:
    session, code = await _offered(stage)
    adherent = await stage.entered(session, code)
    form = next(f for f in forms((await adherent.look()).text) if "read-notice" in f.acts)
    thief = await stage.adherent(session)
    await thief.look()
    sent = form.fields | {"act": "read-notice"}
    assert (await thief.http.post(form.action, data=sent)).status_code == 403
    assert "notice-served" not in await stage.types(session)


async def test_accepting_before_reading_is_refused(stage: Stage) -> None:
    session, code = await _offered(stage)
    adherent = await stage.entered(session, code)
    form = next(f for f in forms((await adherent.look()).text) if "read-notice" in f.acts)
    refused = await adherent.http.post(form.action, data=form.fields | {"act": "grant"})
    assert refused.status_code == 409
    assert "granted" not in await stage.types(session)


async def test_a_grant_for_a_text_that_was_not_shown_is_refused(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    await assistant.do(session, "request-intervention", reason="other", words="Un réglage")
    page = (await adherent.look()).text
    form = next(f for f in forms(page) if "grant-intervention" in f.acts)
    for change in ({"notice": "0" * 64}, {"authorization": str(uuid.uuid4())}):
        sent = form.fields | {"act": "grant-intervention"} | change
        assert (await adherent.http.post(form.action, data=sent)).status_code == 409
    garbled = form.fields | {"act": "grant-intervention", "notice": "zz"}
    assert (await adherent.http.post(form.action, data=garbled)).status_code == 422
    assert "intervene-granted" not in await stage.types(session)


async def test_a_double_submit_is_done_once(stage: Stage) -> None:
    session, code = await _offered(stage)
    adherent = await stage.entered(session, code)
    await adherent.do("read-notice")
    form = next(f for f in forms((await adherent.look()).text) if "grant" in f.acts)
    sent = form.fields | {"act": "grant"}
    first = await adherent.http.post(form.action, data=sent)
    second = await adherent.http.post(form.action, data=sent)
    assert (first.status_code, second.status_code) == (303, 409)
    assert title(second.text) == "Ce n’est plus possible"
    assert (await stage.types(session)).count("granted") == 1


async def test_an_ended_session_is_gone_for_any_other_browser(stage: Stage) -> None:
    _, adherent, session = await stage.started()
    assert (await adherent.do("stop")).status_code == 303
    other = await stage.adherent(session)
    for path in _PATHS[:1] + _PATHS[4:]:
        assert (await other.http.get(other.link + path)).status_code == 410
    assert (await adherent.look()).status_code == 200


async def test_words_of_people_are_shown_as_text(stage: Stage) -> None:
    assistant, adherent, session = await stage.started()
    words = "<script>alert(1)</script>{{7*7}}"
    await assistant.do(session, "request-intervention", reason="other", words=words)
    page = (await adherent.look()).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page


async def test_every_answer_has_the_safe_headers(stage: Stage) -> None:
    session, code = await _offered(stage)
    adherent = await stage.adherent(session)
    answers: list[httpx.Response] = [
        await adherent.look(),
        await adherent.http.get("/s/none"),
        await adherent.http.get("/receipt/none"),
        await adherent.http.get("/nowhere"),
        await adherent.http.get("/assets/session.js"),
    ]
    entered = await adherent.give_code(code)
    for answer in (*answers, entered):
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "HttpOnly" in entered.headers["set-cookie"]


@contextmanager
def away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nothing be written, as while MongoDB is away."""

    async def append(draft: Draft, *, after: int) -> Entry:
        raise Unavailable("evidence-log")

    with monkeypatch.context() as patched:
        patched.setattr(stage.consent.connections.log, "append", append)
        yield


async def test_when_the_log_is_away_nothing_is_granted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, code = await _offered(stage)
    adherent = await stage.entered(session, code)
    await adherent.do("read-notice")
    with away(stage, monkeypatch):
        refused = await adherent.do("grant")
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert "Rien n’a été accepté" in refused.text
        assistant = await stage.assistant()
        assert (await assistant.do(session, "start")).status_code == 503
    assert "granted" not in await stage.types(session)
    assert (await adherent.do("grant")).status_code == 303


async def test_when_the_log_is_away_no_code_is_given_out_or_believed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, code = await _offered(stage)
    assistant, adherent = await stage.assistant(), await stage.adherent(session)
    with away(stage, monkeypatch):
        for refused in (await assistant.do(session, "new-entry-code"), await assistant.offer()):
            assert (refused.status_code, "entry_code" in refused.text) == (503, False)
        told = await adherent.give_code(code)
        assert (told.status_code, "set-cookie" in told.headers) == (503, False)
        assert "read-notice" not in acts((await adherent.look()).text)
    assert await stage.types(session) == ["offered", "code-issued"]
    assert (await adherent.give_code(code)).status_code == 303
