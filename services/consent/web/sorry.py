"""Says in plain French that nothing can be shown, when a request does not reach the application."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from litestar.types import Receive, Send

from services.consent.web.rendering import Renderer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorry:
    """Makes the page of the ``Problem`` that stands in the scope as ``refused``."""

    renderer: Renderer

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        problem = scope["refused"]
        is_away = problem.status == HTTPStatus.SERVICE_UNAVAILABLE
        page = self.renderer.refusal("away" if is_away else "not-shown", status=problem.status)
        content = page.content.encode()
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(content))}
        start: Any = {
            "type": "http.response.start",
            "status": problem.status,
            "headers": [
                (name.lower().encode(), value.encode())
                for name, value in {**headers, **problem.headers}.items()
            ],
        }
        end: Any = {"type": "http.response.body", "body": content, "more_body": False}
        await send(start)
        await send(end)
