"""The programs' door: requests and wishes by HTTP, and what became of a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from desk.facts import Source
from runtime.failures import Unavailable
from runtime.problems import Flaw, Problem, unavailable
from runtime.tracing import current_traceparent, traced
from services.intake.domain.refusal import Unacceptable
from services.intake.domain.submission import read_wish
from services.intake.handlers.acceptance import Acceptance, Accepted, IdempotencyConflict
from services.intake.web.authentication import Keys, forbidden, source_of
from services.intake.web.bodies import Posted, read_own_json, read_posted
from services.intake.web.refusals import to_problem

ACCEPTED: Final = 202
Answer = Response[dict[str, Any]]
AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """What the routes need."""

    acceptance: Acceptance
    keys: Keys
    sources: Mapping[str, Source]
    public_url: str


def api_routes(api: Api) -> list[HTTPRouteHandler]:
    """Return the routes under ``/v1``."""

    @post("/v1/requests", status_code=ACCEPTED, summary="Hand in a request, or a batch of them")
    async def submit_request(request: AnyRequest) -> Answer:
        source = source_of(request, api.keys, api.sources)
        try:
            posted = await read_posted(request, source)
            return await _accept(api, posted)
        except Unacceptable as error:
            raise to_problem(error) from None

    @get("/v1/requests/{request_id:str}", summary="Tell what is known of a request")
    async def show_request(request: AnyRequest, request_id: str) -> Answer:
        source = source_of(request, api.keys, api.sources)
        entry = await api.acceptance.find(source.name, _uuid(request_id))
        if entry is None:
            raise _unknown()
        accepted = Accepted(request_id=entry.id)
        return Response(_content(api, accepted, status=entry.state))

    @post("/v1/session-requests", status_code=ACCEPTED, summary="Hand in an adherent's own wish")
    async def submit_wish(request: AnyRequest) -> Answer:
        source = source_of(request, api.keys, api.sources)
        if not source.may_vouch:
            raise forbidden("This source may not vouch for a person.")
        try:
            wish = read_wish(await read_own_json(request))
            wish_id = await api.acceptance.accept_wish(source.name, wish)
        except Unacceptable as error:
            raise to_problem(error) from None
        return Response({"wish_id": str(wish_id), "status": "accepted"}, status_code=ACCEPTED)

    return [submit_request, show_request, submit_wish]


async def _accept(api: Api, posted: Posted) -> Answer:
    if posted.is_batch:
        return await _accept_batch(api, posted)
    with traced(posted.traceparent or current_traceparent()):
        accepted = await api.acceptance.accept(posted.items[0])
    content = _content(api, accepted)
    return Response(content, status_code=ACCEPTED, headers={"Location": content["status_url"]})


async def _accept_batch(api: Api, posted: Posted) -> Answer:
    """Accept all or name each that is not in; whatever is in may be sent again."""
    if conflicts := await api.acceptance.conflicts(posted.items):
        flaws = [IdempotencyConflict(at=f"/{place}").flaws[0] for place in conflicts]
        raise Unacceptable(
            "idempotency-conflict", "Ids were already used for other content.", flaws
        )
    answers: list[dict[str, Any]] = []
    failed: list[Flaw] = []
    for place, incoming in enumerate(posted.items):
        try:
            answers.append(_content(api, await api.acceptance.accept(incoming)))
        except (Unavailable, IdempotencyConflict):
            failed.append(Flaw(pointer=f"/{place}", detail="Not in; the others are."))
    if failed:
        raise _some_failed(failed)
    return Response({"items": answers}, status_code=ACCEPTED)


def _some_failed(failed: list[Flaw]) -> Problem:
    problem = unavailable("some items could not be taken")
    problem.errors = failed
    return problem


def _content(api: Api, accepted: Accepted, *, status: str = "accepted") -> dict[str, Any]:
    return {
        "request_id": str(accepted.request_id),
        "tracking": accepted.tracking,
        "status_url": f"{api.public_url}/v1/requests/{accepted.request_id}",
        "status": status,
    }


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _unknown() from None


def _unknown() -> Problem:
    return Problem(status=404, code="not-found", detail="No such request of this source.")
