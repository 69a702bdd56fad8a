"""Says in plain French that nothing can be shown, when a request does not reach the application."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from litestar.types import Receive, Send

from runtime.doors import answer
from services.consent.web.rendering import Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorry:
    """Makes the page of the ``Problem`` that stands in the scope as ``refused``."""

    renderer: Renderer

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        problem = scope["refused"]
        is_away = problem.status == HTTPStatus.SERVICE_UNAVAILABLE
        page = self.renderer.saying("away" if is_away else "not-shown", status=problem.status)
        await answer(send, problem, page.content.encode(), media_type="text/html; charset=utf-8")
