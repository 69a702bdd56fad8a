"""Where browsers reach the pages over https, every answer tells them to do so always."""

from typing import Any

import httpx
import pytest
from litestar import Response, get

from services.intake.web import build_web


@get("/")
async def _front() -> str:
    return "ok"


@pytest.mark.parametrize("path", ["/", "/absente", "/schema/openapi.json"])
@pytest.mark.parametrize(("is_https", "said"), [(True, "max-age=31536000"), (False, None)])
async def test_every_answer_over_https_asks_for_https_always(
    path: str,
    said: str | None,
    is_https: bool,  # noqa: FBT001
) -> None:
    app: Any = build_web(
        [_front], version="1", is_https=is_https, not_found=lambda: Response("", status_code=404)
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://intake.example") as client:
        answer = await client.get(path)

    assert answer.headers.get("strict-transport-security") == said
