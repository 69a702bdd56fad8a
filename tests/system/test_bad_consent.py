"""Links, forms, tokens and acts that are wrong, used, ended or out of order decide nothing."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from cli.tokens import mint
from tests.system.evidence import take_evidence
from tests.system.flaws import CANARY
from tests.system.running import System, dice
from tests.system.sessions import Adherent, Assistant, Offered, mailed_link

pytestmark = pytest.mark.asyncio(loop_scope="session")

DECIDED: Final = {"granted", "refused", "started", "withdrawn", "cancelled", "unasked-reported"}
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest_asyncio.fixture(loop_scope="session")
async def offered(system: System) -> AsyncIterator[tuple[Offered, str]]:
    """Yield a session that was offered, with the link of its mail; cancelled at the end."""
    assistant = Assistant(system)
    session = await assistant.offer(f"canari{dice().getrandbits(32):08x}")
    yield session, await mailed_link(system, session)
    await assistant.act(session.id, {"act": "cancel"})


async def test_getting_every_address_of_a_session_decides_nothing(
    system: System, offered: tuple[Offered, str]
) -> None:
    session, link = offered
    for path in (
        "",
        "/",
        "/code",
        "/acts",
        "/not-asked",
        "?act=grant",
    ):
        for method in ("GET", "HEAD"):
            answer = await system.client.request(method, link + path, follow_redirects=True)
            assert not httpx.codes.is_server_error(answer.status_code), path
    reader = Adherent(link)
    assert (await reader.enter(session.code)).status == httpx.codes.OK
    for path in ("", "/acts?act=grant", "/acts", "/not-asked"):
        answer = await reader.client.get(link + path, follow_redirects=True)
        assert not httpx.codes.is_server_error(answer.status_code), path
    await reader.close()
    evidence = await take_evidence(system.stack, system.folder)
    assert not DECIDED & set(evidence.of(session.id))


async def test_a_link_that_is_wrong_used_or_ended_opens_nothing(
    system: System, offered: tuple[Offered, str]
) -> None:
    session, link = offered
    consent = system.stack.urls["consent"]
    url, token = link.rsplit("/", 1)
    for wrong in (CANARY, token[:-1], token + "A", token.swapcase(), "..%2f..%2fetc", "%00", "%ff"):
        for method, address in (
            ("GET", f"{url}/{wrong}"),
            ("POST", f"{url}/{wrong}/code"),
            ("POST", f"{url}/{wrong}/acts"),
            ("GET", f"{consent}/receipt/{wrong}"),
        ):
            answer = await system.client.request(method, address, headers=FORM)
            _is_refused(answer, {404, 403, 429})
    _is_refused(await system.client.get(f"{consent}/receipt/{token}"), {404, 429})
    first, second = Adherent(link), Adherent(link)
    assert (await first.enter(session.code)).status == httpx.codes.OK
    used = await second.client.post(f"{link}/acts", data={"act": "grant"})
    _is_refused(used, {403})
    again = await second.client.post(f"{link}/code", data={"code": session.code})
    _is_refused(again, {403, 422})
    await Assistant(system).act(session.id, {"act": "cancel"})
    _is_refused(await second.client.get(link), {410})
    _is_refused(await second.client.post(f"{link}/acts", data={"act": "grant"}), {403, 410})
    pressed = await first.client.post(f"{link}/acts", data={"act": "grant"})
    _is_refused(pressed, {403, 409})
    for adherent in (first, second):
        await adherent.close()
    evidence = await take_evidence(system.stack, system.folder)
    assert "granted" not in evidence.of(session.id)


async def test_an_entry_code_that_is_wrong_is_refused_and_does_not_open(
    system: System, offered: tuple[Offered, str]
) -> None:
    session, link = offered
    adherent = Adherent(link)
    page = await adherent.open()
    hidden = page.form_with(name="code").values
    for code in ("", "AAAA", "A" * 8, "A" * 5_000, "<script>", "\r\n", session.code[::-1]):
        answer = await adherent.client.post(f"{link}/code", data={**hidden, "code": code})
        _is_refused(answer, {422})
        assert "<script>" not in answer.text.replace('<script src="', "")
    forged = await adherent.client.post(f"{link}/code", data={"csrf": CANARY, "code": session.code})
    _is_refused(forged, {403})
    _is_refused(await adherent.client.post(f"{link}/acts", data={"act": "grant"}), {403})
    await adherent.close()


async def test_a_token_that_is_wrong_or_expired_is_not_let_in(system: System) -> None:
    keys = system.stack.keys_dir
    good = mint(keys, "lucie-garnerot")
    url = f"{system.stack.urls['consent']}/v1/sessions"
    for value, status in (
        ("", 401),
        (f"Bearer {CANARY}", 401),
        (f"Bearer {good[:-4]}AAAA", 401),
        (f"Bearer {good.rpartition('.')[0]}.", 401),
        (f"Basic {good}", 401),
        (f"Bearer {mint(keys, 'lucie-garnerot', minutes=-10)}", 401),
        (f"Bearer {mint(keys, CANARY)}", 403),
        (f"Bearer {mint(keys, 'mathis-perrenoud')}", 403),
        (f"Bearer {mint(keys, 'ines-courtalon')}", 403),
    ):
        headers = {"Authorization": value}
        for answer in (
            await system.client.get(url, headers=headers),
            await system.client.post(url, headers=headers, json={}),
        ):
            _is_refused(answer, {status})
            assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_wrong_offer_or_act_is_refused_with_its_reason_and_no_echo(
    system: System, offered: tuple[Offered, str]
) -> None:
    session, _ = offered
    assistant = Assistant(system)
    url = f"{system.stack.urls['consent']}/v1/sessions"
    acts = f"{url}/{session.id}/acts"
    for target, body, statuses in (
        (url, b"", {400}),
        (url, CANARY.encode(), {400}),
        (url, b'{"request_id": "\xe9"}', {400}),
        (url, b"[" * 100_000, {400}),
        (url, b'{"a": "' + b"x" * 2_000_000 + b'"}', {413}),
        (url, b"[]", {422}),
        (acts, b"{}", {422}),
        (acts, b'{"act": 5}', {422}),
        (acts, f'{{"act": "{CANARY}"}}'.encode(), {422}),
        (acts, b'{"act": "granted"}', {409}),
        (acts, b'{"act": "start"}', {409}),
        (acts, b'{"act": "begin-intervention"}', {409}),
        (acts, b'{"act": "take-screenshot"}', {422}),
        (f"{url}/{session.id}/screenshots", CANARY.encode(), {409}),
        (f"{url}/{session.id}/screenshots", b"x" * 10_000_001, {413}),
        (f"{url}/{uuid4()}/acts", b'{"act": "start"}', {404}),
        (f"{url}/{CANARY}/acts", b'{"act": "start"}', {404}),
    ):
        headers = {**assistant.headers, "Content-Type": "application/json"}
        answer = await system.client.post(target, content=body, headers=headers)
        _is_refused(answer, statuses)
        assert answer.headers["Content-Type"] == "application/problem+json", body[:40]
    for changes in _wrong_offers():
        answer = await assistant.try_once("", changes)
        _is_refused(answer, {422})
    evidence = await take_evidence(system.stack, system.folder)
    assert evidence.status == 0, evidence.finding
    assert not DECIDED & set(evidence.of(session.id))


def _wrong_offers() -> list[Mapping[str, Any]]:
    good = {"name": "Canaribelle", "email": f"{CANARY}@canarival.example", "organisation": "x"}
    request = str(uuid4())
    return [
        {"request_id": CANARY, "adherent": good},
        {"request_id": request},
        {"request_id": request, "adherent": {**good, "email": f"{CANARY}\r\nBcc: x@b.example"}},
        {"request_id": request, "adherent": {**good, "email": "x" * 320 + "@canarival.example"}},
        {"request_id": request, "adherent": {**good, "name": f"{CANARY}\r\nBcc: x"}},
        {"request_id": request, "adherent": {**good, "name": 5}},
        {"request_id": request, "adherent": good, "unknown-field": CANARY},
        {"request_id": request, "adherent": [good]},
    ]


def _is_refused(answer: httpx.Response, statuses: set[int]) -> None:
    assert answer.status_code in statuses, (answer.request.url.path, answer.status_code)
    assert CANARY not in answer.text
    assert "Traceback" not in answer.text
