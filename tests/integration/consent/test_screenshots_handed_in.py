"""Masked screenshots on their way in: who may not is refused first."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from services.consent.domain.redrawing import redraw
from services.consent.handlers import picturing
from tests.integration.consent.pictures import hand_in, screen, taken
from tests.integration.consent.stage import BASTIEN, Stage

NO_PICTURE = b"GIF89a"


@pytest.fixture
def handled(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what was done with pictures: each that was decoded, each that was kept."""
    done: list[str] = []
    pictures = stage.consent.connections.pictures
    keep = pictures.stage

    def decoded(data: bytes) -> bytes:
        done.append("decoded")
        return redraw(data)

    async def kept(session: UUID, png: bytes) -> str:
        done.append("kept")
        return await keep(session, png)

    monkeypatch.setattr(picturing, "redraw", decoded)
    monkeypatch.setattr(pictures, "stage", kept)
    return done


async def test_who_may_not_hand_a_picture_in_is_refused_before_it_is_decoded_or_kept(
    stage: Stage, handled: list[str]
) -> None:
    assistant, _, session = await stage.started()
    colleague = await stage.assistant(BASTIEN)
    for who, which, data, status in (
        (assistant, session, screen(), 409),
        (assistant, session, NO_PICTURE, 409),
        (colleague, session, screen(), 404),
        (colleague, session, NO_PICTURE, 404),
        (assistant, str(uuid4()), NO_PICTURE, 404),
    ):
        refused = await hand_in(who, which, data)
        assert refused.status_code == status, refused.text
        assert refused.headers["content-type"] == "application/problem+json"
    desk = await stage.at_desk()
    assert await _on_the_page(desk, session, NO_PICTURE) == (409, True)
    assert handled == []
    last = (await stage.types(session))[-5:]
    assert last == ["refused-act"] * 5


async def _on_the_page(desk: Any, session: str, data: bytes) -> tuple[int, bool]:
    home = f"/assistant/sessions/{session}"
    csrf = (await desk.http.get(home)).text.partition('name="csrf" value="')[2].partition('"')[0]
    headers = {"X-Form-Token": csrf, "X-Form-Key": "0"}
    answer = await desk.http.post(f"{home}/screenshots", content=data, headers=headers)
    return answer.status_code, "Ce n’est pas possible maintenant" in answer.text


async def test_a_grant_that_is_used_lets_no_second_picture_in(
    stage: Stage, handled: list[str]
) -> None:
    assistant, _, session, _ = await taken(stage)
    handled.clear()
    refused = await hand_in(assistant, session, NO_PICTURE)
    assert (refused.status_code, refused.json()["reason"]) == (409, "no-live-grant")
    assert handled == []
