"""The assistants' API for masked screenshots: hand one in, fetch one that is shared."""

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from desk.facts import Assistant
from runtime.problems import Problem, to_response
from services.consent.domain.redrawing import MOST_BYTES, NotAPicture, TooLarge
from services.consent.handlers.assisting import Assisting
from services.consent.handlers.picturing import NoSuchPicture, Picturing
from services.consent.web.contract import HandingIn
from services.consent.web.holding import hold
from services.consent.web.marks import key_of, mark_of

PNG: Final = "image/png"
SENT_WITHIN_S: Final = 120.0
"""The largest, over 1 Mbit/s."""
Admit = Callable[[Request[Any, Any, Any]], Awaitable[Assistant]]
_TOO_LARGE: Final = (413, "too-large", "More bytes, or points of a picture, than are taken in.")
_REFUSALS: Final = MappingProxyType(
    {
        NotAPicture: (422, "not-a-picture", "Not a whole PNG, JPEG or WebP picture."),
        TooLarge: _TOO_LARGE,
        RequestEntityTooLarge: _TOO_LARGE,
        NoSuchPicture: (404, "not-found", "No such picture, or none any more."),
    }
)


def reading_of(request: Request[Any, Any, Any]) -> Callable[[], Awaitable[bytes]]:
    """Return what reads a request's picture; raises ``TooLarge`` where it is said to be that."""
    if (request.content_length or 0) > MOST_BYTES:
        raise TooLarge

    async def read() -> bytes:  # the request itself would keep what its own method reads
        return b"".join([part async for part in request.stream()])

    return read


def picture_handlers(
    admit: Admit, picturing: Picturing, assisting: Assisting
) -> list[HTTPRouteHandler]:
    """Return the handlers under ``/v1/sessions/{session}/screenshots``."""

    @post(
        "/{session:uuid}/screenshots",
        status_code=201,
        operation_class=HandingIn,
        request_max_body_size=MOST_BYTES,
    )
    async def hand_in(request: Request[Any, Any, Any], session: FromPath[UUID]) -> dict[str, Any]:
        assistant = await admit(request)
        mark = mark_of(assistant, key_of(request))
        await picturing.take(assistant, session, reading_of(request), mark)
        return await assisting.see(assistant, session)

    @get("/{session:uuid}/screenshots/{screenshot:uuid}", media_type=PNG)
    async def fetch_screenshot(
        request: Request[Any, Any, Any], session: FromPath[UUID], screenshot: FromPath[UUID]
    ) -> bytes:
        assistant = await admit(request)
        await hold(request.scope, picturing.place_out(assistant.id), within_s=SENT_WITHIN_S)
        return await picturing.fetch(assistant, session, str(screenshot))

    return [hand_in, fetch_screenshot]


def _refusal(status: int, code: str, detail: str) -> Callable[..., Response[dict[str, Any]]]:
    problem = Problem(status=status, code=code, detail=detail)
    return lambda _, __: to_response(problem)


PICTURE_REFUSALS: Final[dict[int | type[Exception], Any]] = {
    kind: _refusal(*refusal) for kind, refusal in _REFUSALS.items()
}
