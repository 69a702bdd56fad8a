"""Bad input through the real doors: a clear refusal each time, and nothing of it goes on."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio

from cli.demo.browsing import Browser
from schemas import topics
from tests.system.flaws import (
    CANARY,
    Wrong,
    broken_events,
    broken_headers,
    broken_json,
    dumped,
    misfits,
    wrong_keys,
)
from tests.system.records import ReadEnds, watching_ends
from tests.system.requests import Taken, taken
from tests.system.running import System, dice, new_requests

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASES = [*broken_json(), *misfits(), *broken_events(), *broken_headers()]
NEVER_WRITTEN = (topics.REQUESTS, topics.SESSION_REQUESTS)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ends(system: System) -> AsyncIterator[ReadEnds]:
    """Yield what tells where the topics end that only good input may reach."""
    async with watching_ends(system.stack.kafka, *NEVER_WRITTEN) as read_ends:
        yield read_ends


@pytest_asyncio.fixture(loop_scope="session")
async def untouched(ends: ReadEnds) -> AsyncIterator[None]:
    """Check that the test wrote nothing that anybody would act upon."""
    before = await ends()
    yield
    assert await ends() == before


def refused(answer: httpx.Response, status: int, code: str) -> None:
    """Check the refusal: problem details (RFC 9457) that repeat nothing of what was sent."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:aiguillage:problem:{code}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert CANARY not in answer.text + str(answer.headers)
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("wrong", CASES, ids=lambda wrong: wrong.title)
@pytest.mark.usefixtures("untouched")
async def test_bad_input_is_refused_with_its_reason_and_has_no_effect(
    system: System, wrong: Wrong
) -> None:
    answer = await _post(system, wrong)
    refused(answer, *wrong.answer)
    if wrong.pointer is not None:
        pointers = {error["pointer"] for error in answer.json()["errors"]}
        assert any(pointer.startswith(wrong.pointer) for pointer in pointers), pointers


@pytest.mark.usefixtures("untouched")
async def test_a_caller_without_a_good_key_is_not_let_in(system: System) -> None:
    for wrong in wrong_keys(system.form_service.key):
        answer = await _post(system, wrong)
        refused(answer, *wrong.answer)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), wrong.title


@pytest.mark.usefixtures("untouched")
async def test_only_the_portal_may_vouch_for_a_person_who_wishes_a_session(
    system: System,
) -> None:
    service = system.form_service
    wish = {"id": CANARY, "request_id": str(uuid.uuid4()), "contact": {"email": "a@b.example"}}
    path = "/v1/session-requests"
    refused(await service.post(dumped(wish), path=path), 403, "forbidden")
    portal = {"Authorization": f"Bearer {service.key('portail')}"}
    for flawed in (
        {**wish, "contact": {}},
        {**wish, "contact": {"email": f"{CANARY}\r\nBcc: x@canarival.example"}},
        {**wish, "request_id": CANARY},
        {**wish, "unknown-field": CANARY},
        [wish],
    ):
        answer = await service.post(dumped(flawed), path=path, headers=portal)
        refused(answer, 422, "invalid")


@pytest.mark.usefixtures("untouched")
async def test_addresses_and_methods_that_do_not_exist_are_refused(system: System) -> None:
    url, service = system.stack.urls["intake"], system.form_service
    bearer = {"Authorization": f"Bearer {service.key()}"}
    for method, path, status in (
        ("GET", f"/v1/{CANARY}", 404),
        ("GET", "/v1/requests/../../etc/passwd", 404),
        ("GET", f"/v1/requests/{CANARY}", 404),
        ("GET", f"/v1/requests/{uuid.uuid4()}", 404),
        ("DELETE", "/v1/requests", 405),
        ("PUT", "/v1/requests", 405),
        ("GET", "/v1/requests/%00", 404),
        ("GET", "/v1/requests/%ff%fe", 404),
    ):
        answer = await system.client.request(method, url + path, headers=bearer)
        code = {404: "not-found", 405: "method-not-allowed"}[status]
        refused(answer, status, code)


async def test_a_replayed_id_with_another_body_is_refused_and_the_first_stands(
    system: System, ends: ReadEnds
) -> None:
    first, service = await _accepted(system), system.form_service
    before = await ends()
    again = await service.post(first.wanted.body)
    assert again.status_code == httpx.codes.ACCEPTED
    assert again.json() == {**again.json(), "request_id": first.request_id}
    other = dumped({**first.wanted.content, "body": CANARY})
    refused(await service.post(other), 422, "idempotency-conflict")
    by_key = dumped({**first.wanted.content, "id": None, "body": CANARY})
    key = {"Idempotency-Key": first.wanted.id}
    refused(await service.post(by_key, headers=key), 422, "idempotency-conflict")
    assert await ends() == before
    await system.settled()


async def test_another_source_neither_sees_nor_touches_a_request(system: System) -> None:
    first, service = await _accepted(system), system.form_service
    portal = {"Authorization": f"Bearer {service.key('portail')}"}
    path = f"{system.stack.urls['intake']}/v1/requests/{first.request_id}"
    refused(await system.client.get(path, headers=portal), 404, "not-found")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("path", ["/demande/marche", "/demande/generale"])
async def test_a_form_that_is_filled_in_wrongly_comes_back_with_what_is_wrong(
    system: System, path: str
) -> None:
    browser = Browser(system.client)
    page = await browser.open(system.stack.urls["intake"] + path)
    form = page.form_with(name="body")
    script = "<script>canari()</script>"
    for changes in (
        {},
        {"subject": f"{CANARY}\r\nBcc: x@canarival.example", "body": script},
        {"email": f"{CANARY}@", "name": script},
        {"email": "canari@canarival.example\nBcc: x@canarival.example"},
    ):
        sent = {name: text for name, text in changes.items() if name in form.names}
        answer = await browser.send(page, form, sent)
        assert answer.status == httpx.codes.UNPROCESSABLE_ENTITY
        assert answer.form_with(name="body")
    forged = await system.client.post(page.url, data={"body": CANARY})
    assert httpx.codes.is_client_error(forged.status_code)
    large = await system.client.post(page.url, data={"body": "x" * 2_000_000})
    assert large.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE


async def test_a_hundred_bad_inputs_at_once_delay_no_good_one(system: System) -> None:
    throws = dice()
    some = throws.sample(CASES, 100)
    good = new_requests(throws, 10)
    answers, _ = await asyncio.gather(
        asyncio.gather(*(_post(system, wrong) for wrong in some)), system.hand_in(*good)
    )
    for wrong, answer in zip(some, answers, strict=True):
        assert answer.status_code == wrong.answer[0], wrong.title
    await system.settled()


async def _post(system: System, wrong: Wrong) -> httpx.Response:
    return await system.form_service.post(
        wrong.body, content_type=wrong.content_type, headers=wrong.headers
    )


async def _accepted(system: System) -> Taken:
    wanted = new_requests(dice(), 1)[0]
    wanted = replace(wanted, content={**wanted.content, "consultation": None})
    answer = await system.form_service.post(wanted.body)
    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    promise = taken(wanted, answer)
    system.promised.append(promise)
    return promise
