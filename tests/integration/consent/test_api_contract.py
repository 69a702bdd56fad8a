"""What is generated from the API's own contract, fitting it or not, is answered as it says."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import schemathesis
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation

from tests.integration.consent.stage import Stage

CASES: Final = {"POST": 30, "GET": 4}
"""For each operation, of each mode."""
COMBINED: Final = {"/reason", "/words", "/no_password"}
"""What an act needs or must not have is said in words, and not by the contract's schema."""
Operation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]
Seen = Counter[tuple[str, int]]


async def test_what_fits_the_contract_is_read_and_what_does_not_is_refused(stage: Stage) -> None:
    assistant, _, session = await stage.started()
    token = assistant.http.headers["authorization"]
    before = await stage.types(session)
    seen = await asyncio.to_thread(_try_all, stage.url, token, session)
    assert seen.total() > 180
    assert {201, 400, 401, 409, 422} <= {status for of, status in seen if of == "POST /v1/sessions"}
    added = (await stage.types(session))[len(before) :]
    assert not [one for one in added if "grant" in one or one in ("notice-served", "started")]
    await stage.consent.connections._verify()


def _try_all(url: str, token: str, session: str) -> Seen:
    seen: Seen = Counter()
    for operation in _operations(url):
        for mode in GenerationMode:
            _try(operation, mode, url, token, session, seen)
    return seen


def _operations(url: str) -> Iterator[Operation]:
    for found in schemathesis.openapi.from_url(f"{url}/schema/openapi.json").get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path.startswith("/v1/") and not operation.path.endswith("/events"):
            yield operation


def _try(
    operation: Operation, mode: GenerationMode, url: str, token: str, session: str, seen: Seen
) -> None:
    cases = CASES[operation.method.upper()]

    @settings(max_examples=cases, database=None, derandomize=True, phases=[Phase.generate])
    @given(case=operation.as_strategy(generation_mode=mode), is_known=st.booleans())
    def one(*, case: AnyCase, is_known: bool) -> None:
        if is_known and "session" in case.path_parameters:
            case.path_parameters["session"] = session
        answer = case.call(base_url=url, headers={"Authorization": token})
        seen[operation.label, answer.status_code] += 1
        _judge(case, answer, mode)

    one()


def _judge(case: AnyCase, answer: Response, mode: GenerationMode) -> None:
    status, about = answer.status_code, case.as_curl_command()
    assert status < 500, about
    if status >= 400:
        assert answer.headers["content-type"] == ["application/problem+json"], about
        assert answer.json()["status"] == status, about
    if mode.is_positive:
        assert status not in (400, 401, 415), about
        if status == 422:
            assert {one["pointer"] for one in answer.json()["errors"]} <= COMBINED, about
    elif _is_wrong(case):
        assert status in (400, 401, 403, 404, 413, 415, 422), about


def _is_wrong(case: AnyCase) -> bool:
    """Say whether the body itself does not fit."""
    body = case.meta.components.get(ParameterLocation.BODY) if case.meta else None
    return body is not None and body.mode.is_negative
