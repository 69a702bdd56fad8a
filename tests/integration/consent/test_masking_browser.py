"""Screenshots in a real Chromium: masked before anything is sent, reviewed without JavaScript."""

import asyncio
import base64
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Page, Response, expect

from deploy.local.browser import Chromium
from tests.integration.consent.browsing import checker, looks, opened_page, press
from tests.integration.consent.pictures import (
    PLACE,
    REMARK,
    SECRET,
    SIZE,
    ask,
    granted,
    points,
    screen,
    taken,
)
from tests.integration.consent.stage import Adherent, Stage

pytestmark = pytest.mark.timeout(120)
BLACK = {(0, 0, 0)}
PNG_HEAD = b"\x89PNG\r\n\x1a\n"
REFUSE = "Faire détruire cette capture"
ACCEPT = "Accepter que cette capture soit jointe"


async def _at_the_desk(stage: Stage, page: Page, session: str, url: str | None = None) -> None:
    await page.goto(stage.login_link())
    await press(page, "Se connecter")
    await page.goto(f"{url or stage.url}/assistant/sessions/{session}")


@asynccontextmanager
async def _overheard(url: str) -> AsyncIterator[tuple[str, bytearray]]:
    """Stand between browser and service, and take down all that the browser sends."""
    heard = bytearray()
    port = int(url.rpartition(":")[2])

    async def pass_on(source: StreamReader, sink: StreamWriter, noted: bytearray) -> None:
        while data := await source.read(65_536):
            noted += data
            sink.write(data)
        sink.close()

    async def stand_between(reader: StreamReader, writer: StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pass_on(reader, back, heard), pass_on(there, writer, bytearray()))

    async with await asyncio.start_server(stand_between, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


async def _stored(stage: Stage) -> bytes:
    pictures = stage.consent.connections.pictures
    (staged,) = await pictures.unsettled()
    png = await pictures.open(staged.session, staged.picture)
    assert png is not None
    return png


async def _drag(page: Page, box: tuple[int, int, int, int]) -> None:
    """Draw a box, given in points of the picture, with the mouse."""
    canvas = page.locator("#mask-canvas")
    await canvas.scroll_into_view_if_needed()
    left, top, width = await canvas.evaluate(
        """one => {
            const shown = one.getBoundingClientRect();
            return [shown.left + one.clientLeft, shown.top + one.clientTop, one.clientWidth];
        }"""
    )
    scale = width / SIZE[0]
    at = [(left + x * scale, top + y * scale) for x, y in (box[:2], box[2:])]
    await page.mouse.move(*at[0])
    await page.mouse.down()
    await page.mouse.move(*at[1], steps=3)
    await page.mouse.up()


async def test_what_is_masked_in_the_browser_never_leaves_it(
    stage: Stage, chromium: Chromium
) -> None:
    _, _, session = await granted(stage)
    async with _overheard(stage.url) as (url, heard), opened_page(chromium) as page:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        check = checker(page, chromium)
        await _at_the_desk(stage, page, session, url)
        await check("a picture may be handed in")
        await _mask(page)
        await check("masked")
        await press(page, "Remettre l’image masquée")
        await expect(page.get_by_text("Capture remise.")).to_be_visible()
        await expect(page.locator("#masking")).to_be_hidden()
        await check("handed in")
        assert not [text for text in complaints if "Content Security Policy" in text]
    kept = await _stored(stage)
    assert points(kept, PLACE) == BLACK
    assert points(kept) == (points(screen()) - {SECRET}) | BLACK
    assert heard.count(PNG_HEAD) == 1
    assert SECRET not in points(bytes(heard[heard.index(PNG_HEAD) :]))
    assert not [part for part in _parts(screen()) if part in heard]


def _parts(png: bytes) -> list[bytes]:
    """Return what tells this picture from another, as it is and as text."""
    return [png[-120:], REMARK.encode(), base64.b64encode(png)[60:140]]


async def _mask(page: Page) -> None:
    """Try what is no picture, choose one, try to send it as it is, and mask its secret."""
    chooser, said = page.get_by_label("Choisir une image"), page.locator("#mask-said")
    send = page.get_by_role("button", name="Remettre l’image masquée")
    await chooser.set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"none"})
    await expect(said).to_have_text("Ce n’est pas une image lisible.")
    await chooser.set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": screen()})
    await send.click()
    await expect(said).to_contain_text("Ajoutez un masque")
    await _drag(page, PLACE)
    await expect(said).to_have_text("Masque 1 ajouté.")


async def test_a_pasted_picture_is_masked_by_keyboard_alone_once_it_is_granted(
    stage: Stage, chromium: Chromium
) -> None:
    assistant, adherent, session = await stage.started()
    async with opened_page(chromium) as page:
        await _at_the_desk(stage, page, session)
        await expect(page.get_by_label("Choisir une image")).to_be_hidden()
        await ask(assistant, adherent, session)
        await expect(page.get_by_label("Choisir une image")).to_be_visible()
        await page.evaluate(
            """data => {
                const bytes = Uint8Array.from(atob(data), one => one.charCodeAt(0));
                const clipboardData = new DataTransfer();
                clipboardData.items.add(new File([bytes], "x.png", { type: "image/png" }));
                document.dispatchEvent(new ClipboardEvent("paste", { clipboardData }));
            }""",
            base64.b64encode(screen()).decode(),
        )
        for label, value in zip(
            ("De la gauche", "Du haut", "Largeur", "Hauteur"), (0, 0, 90, 120), strict=True
        ):
            await page.get_by_label(label).focus()
            await page.keyboard.press("Control+A")
            await page.keyboard.type(str(value))
        await page.get_by_role("button", name="Couvrir ce cadre de noir").focus()
        await page.keyboard.press("Enter")
        await page.locator("#mask-canvas").focus()
        for key in (*["ArrowRight"] * 8, *["Shift+ArrowRight"] * 3, "Enter"):
            await page.keyboard.press(key)
        await expect(page.locator("#mask-said")).to_have_text("Masque 2 ajouté.")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Backspace")
        await expect(page.locator("#mask-said")).to_have_text(
            "Dernier masque retiré\u202f; il en reste 2."
        )
        await page.get_by_role("button", name="Remettre l’image masquée").focus()
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
    kept = await _stored(stage)
    assert points(kept, (0, 0, 200, 120)) == BLACK
    assert points(kept, (200, 0, 400, 120)).isdisjoint(BLACK)
    assert points(kept, (0, 120, 400, 300)).isdisjoint(BLACK)


async def _on_their_page(stage: Stage, page: Page, adherent: Adherent) -> None:
    """Open the adherent's page in a browser that has their cookies."""
    await page.context.add_cookies(
        [
            {"name": one.name, "value": one.value or "", "url": stage.url}
            for one in adherent.http.cookies.jar
        ]
    )
    await page.goto(stage.url + adherent.link)


async def test_the_adherent_reviews_a_picture_without_javascript(
    stage: Stage, chromium: Chromium
) -> None:
    _, adherent, session, _ = await taken(stage)
    async with opened_page(chromium, java_script_enabled=False) as page:
        answers: list[tuple[int, str | None]] = []

        def note(answer: Response) -> None:
            if "/screenshots/" in answer.url:
                answers.append((answer.status, answer.headers.get("content-type")))

        page.on("response", note)
        await _on_their_page(stage, page, adherent)
        assert answers == [(200, "image/png")]
        await page.get_by_role("button", name=ACCEPT).focus()
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        await page.get_by_role("button", name=REFUSE).focus()
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        await expect(page.get_by_role("img")).to_have_count(0)
    assert (await stage.types(session))[-2:] == ["screenshot-reviewed", "screenshot-destroyed"]


async def test_every_state_of_a_picture_is_accessible_and_both_answers_look_alike(
    stage: Stage, chromium: Chromium
) -> None:
    assistant, adherent, session, _ = await taken(stage)
    async with opened_page(chromium) as page:
        check = checker(page, chromium)
        await _on_their_page(stage, page, adherent)
        await expect(page.get_by_role("img")).to_have_accessible_name(
            "Capture de votre écran, masquée par le téléassistant\u00a0: "
            "Garder la trace d’un message d’erreur, «\u00a0Le message\u00a0»"
        )
        await check("a picture to review")
        accept, refuse = (page.get_by_role("button", name=name) for name in (ACCEPT, REFUSE))
        assert await looks(accept) == await looks(refuse)
        await press(page, ACCEPT)
        await check("reviewed")
        assert (await assistant.do(session, "share-screenshot")).status_code == 200
        await expect(page.get_by_role("heading", name="Capture jointe")).to_be_visible()
        await check("shared")
