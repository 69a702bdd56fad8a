"""The assistants' API: offer, act, watch. It never shows the adherent's link."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from litestar import Request, Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import ServerSentEvent
from pydantic import BaseModel, ValidationError

from desk.facts import Assistant
from runtime.problems import MEDIA_TYPE, Flaw, Problem, invalid, to_content
from services.consent.domain.acts import ASSISTANT_ACTS, ATTEMPTS
from services.consent.domain.addresses import DeskAddresses
from services.consent.domain.persons import People, Persons
from services.consent.handlers.asked import Asked
from services.consent.handlers.assisting import Assisting, NoSuchSession
from services.consent.handlers.follower import Follower
from services.consent.handlers.offering import Offering, Wanted
from services.consent.handlers.picturing import Picturing
from services.consent.handlers.recorder import MarkReused, NotNow, Seen
from services.consent.handlers.strangers import Stranger
from services.consent.web.assistant_pictures import PICTURE_REFUSALS, picture_handlers
from services.consent.web.authentication import Authenticator
from services.consent.web.bodies import BY_WORD, ActBody, OfferBody
from services.consent.web.contract import BEARER, reading
from services.consent.web.live import Live
from services.consent.web.marks import key_of, mark_of

M = TypeVar("M", bound=BaseModel)
Reasons = dict[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistantApi:
    """What the routes need."""

    authenticator: Authenticator
    assisting: Assisting
    offering: Offering
    picturing: Picturing
    persons: Persons
    follower: Follower
    live: Live
    desk_addresses: DeskAddresses
    record_stranger: Callable[[Stranger], Awaitable[None]]
    reasons: Reasons
    """The coded reasons of each act that needs one."""

    async def admit(self, request: Request[Any, Any, Any]) -> Assistant:
        """Return who calls; a stranger who would act is on record before the refusal is given."""
        try:
            return await self.authenticator.authenticate(request.headers.get("authorization"))
        except Stranger as stranger:
            if request.method == "POST":
                await self.record_stranger(stranger)
            raise Problem(
                status=403, code=stranger.reason, detail="You may not act in remote sessions."
            ) from None

    async def sessions_of(self, assistant: Assistant) -> list[dict[str, Any]]:
        """Return the live sessions of this assistant, and the wishes that nobody has taken up."""
        shown = []
        for session in list(self.follower.live):
            try:
                shown.append(await self.assisting.see(assistant, session))
            except NoSuchSession:
                continue
        return shown

    async def follow(
        self,
        request: Request[Any, Any, Any],
        session: UUID,
        admit: Callable[[], Awaitable[Assistant]],
        *refusals: type[Exception],
    ) -> ServerSentEvent:
        """Return the stream of a session, for as long as ``admit`` lets in who may see it."""
        await self.assisting.see(await admit(), session)
        refused: tuple[type[Exception], ...] = (NoSuchSession, *refusals)

        async def may_watch(seen: Seen) -> bool:
            try:
                await self.assisting.people(await admit(), session, seen)
            except refused:
                return False
            return True

        return self.live.stream(session, request.headers.get("last-event-id"), may_watch)

    async def offer(self, assistant: Assistant, body: OfferBody, key: str | None) -> dict[str, Any]:
        """Open a session and issue its first entry code."""
        if self.desk_addresses.include(body.adherent.email):
            raise _flawed("/adherent/email", "must be the adherent's own, not one of the desk's")
        mark = mark_of(assistant, key)
        wanted = Wanted(request=body.request_id, adherent=body.adherent.model_dump(), mark=mark)
        opened = await self.offering.offer(assistant, wanted)
        seen = opened.seen
        if not any(entry.draft.type == "code-issued" for entry in seen.entries):
            _, seen = await self.assisting.issue_code(opened.session)
        people = People(await self.persons.of_session(opened.session))
        shown = self.assisting.view(opened.session, seen, people)
        shown["entry_code"]["code"] = self.assisting.code_of(opened.session, seen)
        return shown

    async def act(
        self, assistant: Assistant, session: UUID, body: ActBody, key: str | None
    ) -> dict[str, Any]:
        """Put one act on record and return the session after it."""
        self._check(body)
        asked = Asked(**body.model_dump(), mark=mark_of(assistant, key))
        await self.assisting.act(assistant, session, asked)
        if body.act == "take-up":
            seen = await self.assisting.seen(session)
            if not any(entry.draft.type == "code-issued" for entry in seen.entries):
                await self.assisting.issue_code(session)
        if ASSISTANT_ACTS[body.act].oral:
            return await self.assisting.attested(assistant, session)
        shown = await self.assisting.see(assistant, session)
        if body.act in ("take-up", "new-entry-code"):
            seen = await self.assisting.seen(session)
            shown["entry_code"]["code"] = self.assisting.code_of(session, seen)
        return shown

    def _check(self, body: ActBody) -> None:
        if body.act not in BY_WORD and body.act not in ATTEMPTS:
            raise _flawed("/act", f"must be one of {', '.join(BY_WORD)}")
        if codes := self.reasons.get(body.act):
            if body.reason not in codes:
                raise _flawed("/reason", f"must be one of {', '.join(sorted(codes))}")
            if not body.words:
                raise _flawed("/words", "must say in words what for")
        elif body.reason is not None:
            raise _flawed("/reason", "has no meaning with this act")
        declares = body.act == "declare"
        if declares != (body.no_password is not None) or declares != (
            body.no_elevation is not None
        ):
            raise _flawed("/no_password", "both declarations go with declare, and only with it")


def assistant_routes(api: AssistantApi) -> Router:
    """Return the routes under ``/v1/sessions``."""
    return Router(
        path="/v1/sessions",
        route_handlers=[
            *_reading(api),
            *_acting(api),
            *picture_handlers(api.admit, api.picturing, api.assisting),
        ],
        security=[{BEARER: []}],
        exception_handlers={
            NotNow: _on_not_now,
            NoSuchSession: _on_no_such,
            MarkReused: _on_reused,
            **PICTURE_REFUSALS,
        },
    )


def _acting(api: AssistantApi) -> list[HTTPRouteHandler]:
    @post("/", status_code=201, operation_class=reading(OfferBody))
    async def offer_session(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        assistant = await api.admit(request)
        body = await _read(request, OfferBody)
        shown = await api.offer(assistant, body, key_of(request))
        return Response(shown, headers={"Location": f"/v1/sessions/{shown['session_id']}"})

    @post("/{session:uuid}/acts", status_code=200, operation_class=reading(ActBody))
    async def act(request: Request[Any, Any, Any], session: FromPath[UUID]) -> dict[str, Any]:
        assistant = await api.admit(request)
        return await api.act(assistant, session, await _read(request, ActBody), key_of(request))

    return [offer_session, act]


def _reading(api: AssistantApi) -> list[HTTPRouteHandler]:
    @get("/")
    async def list_sessions(request: Request[Any, Any, Any]) -> dict[str, Any]:
        return {"sessions": await api.sessions_of(await api.admit(request))}

    @get("/{session:uuid}")
    async def show_session(
        request: Request[Any, Any, Any], session: FromPath[UUID]
    ) -> dict[str, Any]:
        return await api.assisting.see(await api.admit(request), session)

    @get("/{session:uuid}/events")
    async def follow_session(
        request: Request[Any, Any, Any], session: FromPath[UUID]
    ) -> ServerSentEvent:
        return await api.follow(request, session, lambda: api.admit(request), Problem)

    return [list_sessions, show_session, follow_session]


async def _read(request: Request[Any, Any, Any], model: type[M]) -> M:
    kind = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(status=415, code="not-json", detail="Send application/json.")
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        kinds = {one["type"] for one in error.errors(include_input=False, include_url=False)}
        if "json_invalid" in kinds:
            raise Problem(status=400, code="malformed", detail="Not valid JSON.") from None
        raise invalid(error) from None


def _flawed(pointer: str, detail: str) -> Problem:
    return Problem(
        status=422,
        code="invalid",
        detail="The content does not fit the contract.",
        errors=[Flaw(pointer=pointer, detail=detail)],
    )


def _on_not_now(_: Request[Any, Any, Any], error: NotNow) -> Response[dict[str, Any]]:
    problem = Problem(status=409, code="conflict", detail="The session's state does not allow it.")
    content = {**to_content(problem), "reason": error.reason}
    if error.is_shown:
        state = error.seen.state
        content |= {"state": dict(state.regions), "sequence": state.sequence}
    return Response(content, status_code=409, media_type=MEDIA_TYPE)


def _on_reused(_: Request[Any, Any, Any], __: MarkReused) -> Response[dict[str, Any]]:
    detail = "This Idempotency-Key has named another act."
    problem = Problem(status=422, code="idempotency-conflict", detail=detail)
    return Response(to_content(problem), status_code=422, media_type=MEDIA_TYPE)


def _on_no_such(_: Request[Any, Any, Any], __: NoSuchSession) -> Response[dict[str, Any]]:
    problem = Problem(status=404, code="not-found", detail="No such session of yours.")
    return Response(to_content(problem), status_code=404, media_type=MEDIA_TYPE)
