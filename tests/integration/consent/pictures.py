"""Screens for tests of screenshots: one that shows what nobody else may see, and the way to it."""

import asyncio
import uuid
from io import BytesIO
from typing import Final

import httpx
from PIL import Image, PngImagePlugin

from services.consent.domain.entry import Draft
from tests.integration.consent.stage import LUCIE, Adherent, Assistant, Stage

SIZE: Final = (400, 300)
SECRET: Final = (200, 30, 60)
PLACE: Final = (80, 60, 200, 120)
"""Where the secret is, as left, top, right and bottom."""
REMARK: Final = "taken at 48.8566 N"


def screen(secret: tuple[int, int, int] = SECRET) -> bytes:
    """Return a PNG with a secret in it, and a remark that is not to be seen."""
    picture = Image.new("RGB", SIZE, (240, 244, 250))
    picture.paste((20, 90, 40), (0, 200, 400, 240))
    picture.paste(secret, PLACE)
    remark = PngImagePlugin.PngInfo()
    remark.add_text("Comment", REMARK)
    out = BytesIO()
    picture.save(out, "PNG", pnginfo=remark)
    return out.getvalue()


def points(png: bytes, box: tuple[int, int, int, int] = (0, 0, *SIZE)) -> set[tuple[int, ...]]:
    """Return the colours within a part of a picture."""
    with Image.open(BytesIO(png)) as picture:
        part = picture.convert("RGB").crop(box)
        return {colour for _, colour in part.getcolors(SIZE[0] * SIZE[1]) or ()}  # type: ignore[misc]


async def granted(stage: Stage, name: str = LUCIE) -> tuple[Assistant, Adherent, str]:
    """Return the people of a session in which one screenshot is granted, and its id."""
    assistant, adherent, session = await stage.started(name)
    await ask(assistant, adherent, session)
    return assistant, adherent, session


async def ask(assistant: Assistant, adherent: Adherent, session: str) -> None:
    """Ask for a screenshot, and have it granted."""
    asked = {"reason": "error-message", "words": "Le message"}
    assert (await assistant.do(session, "request-screenshot", **asked)).status_code == 200
    assert (await adherent.do("grant-screenshot")).status_code == 303


async def hand_in(
    assistant: Assistant, session: str, data: bytes, key: str | None = None
) -> httpx.Response:
    """Hand a picture in over the API."""
    headers = {"Idempotency-Key": key} if key else {}
    url = f"/v1/sessions/{session}/screenshots"
    return await assistant.http.post(url, content=data, headers=headers)


async def taken(stage: Stage) -> tuple[Assistant, Adherent, str, str]:
    """Return the same with a picture handed in, and the address of that picture at the API."""
    assistant, adherent, session = await granted(stage)
    answer = await hand_in(assistant, session, screen())
    assert answer.status_code == 201, answer.text
    (one,) = answer.json()["screenshots"]
    return assistant, adherent, session, f"/v1/sessions/{session}/screenshots/{one['id']}"


async def drafts(stage: Stage, session: str | uuid.UUID) -> list[Draft]:
    entries = await stage.consent.connections.log.entries(uuid.UUID(str(session)))
    return [entry.draft for entry in entries]


async def nothing_kept(stage: Stage, session: str) -> None:
    """Wait until no picture of the session is there any more."""
    async with asyncio.timeout(15):
        while await stage.consent.connections.pictures.count(uuid.UUID(session)):
            await asyncio.sleep(0.05)


def seen_by(adherent: Adherent, address: str) -> str:
    """Return the picture's address on the adherent's page."""
    return f"{adherent.link}/screenshots/{address.rsplit('/', 1)[-1]}"
