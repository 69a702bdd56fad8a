"""Abuse in a real Chromium: script in every field, forms of other sites, tabs, Back, two clicks."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from playwright.async_api import Page, expect

from deploy.local.browser import Chromium
from deploy.waiting import until
from services.consent.domain.signing_in import OFFICERS
from services.consent.handlers.offering import Wanted
from tests.integration.consent.browsing import opened_page, press
from tests.integration.consent.served import served
from tests.integration.consent.stage import ADHERENT, ALINE, BASTIEN, Stage, forms

pytestmark = pytest.mark.timeout(180)

SCRIPTS = (
    "<script>window.ran = 1</script>",
    '"><img src=x onerror="window.ran = 1">',
    "</textarea></title></p><svg onload=window.ran=1>",
    "javascript:window.ran=1",
)
HOSTILE = " ".join(SCRIPTS)
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", e => window.violations.push(e.blockedURI));
"""


@asynccontextmanager
async def watched_page(chromium: Chromium) -> AsyncIterator[Page]:
    """Open a page that notes what the content security policy forbids."""
    async with opened_page(chromium) as page:
        await page.add_init_script(WATCH)
        yield page


async def nothing_ran(page: Page, *shown: str) -> None:
    """Hold that words are shown as they are, none became an element, and nothing tried to run."""
    for words in shown:
        assert words in await page.evaluate("document.body.innerText + inputs()"), words
    assert await page.evaluate("window.ran") is None
    assert await page.evaluate("window.violations") == []
    assert await page.locator("main img[src=x], main svg, main script").count() == 0


INPUTS = """
window.inputs = () => [...document.querySelectorAll("input")].map(one => one.value).join(" ");
"""


async def test_script_in_every_field_stays_text_on_every_page(
    connected: Stage, chromium: Chromium
) -> None:
    async with watched_page(chromium) as page:
        await page.add_init_script(INPUTS)
        session = await _an_offer_full_of_script(connected, page)
        async with watched_page(chromium) as theirs:
            await theirs.add_init_script(INPUTS)
            await _ask_and_answer(connected, page, theirs, session)
        await _look_as_the_dpo(connected, page, session)
        for address in (
            f"/assistant/login?ticket={HOSTILE}",
            f"/dpo/login?ticket={HOSTILE}",
            f"/s/{SCRIPTS[0]}",
            f"/{SCRIPTS[1]}",
        ):
            await page.goto(connected.url + address)
            await nothing_ran(page)
        await page.evaluate("html => document.body.innerHTML += html", SCRIPTS[1])
        async with asyncio.timeout(5):  # wait_for_function would need what the policy forbids
            while not await page.evaluate("window.violations.length"):
                await asyncio.sleep(0.05)
        assert await page.evaluate("window.ran") is None


async def _an_offer_full_of_script(stage: Stage, page: Page) -> str:
    """Offer a session at the assistants' page with script in every field; return its id."""
    await page.goto(stage.login_link())
    await press(page, "Se connecter")
    await page.goto(f"{stage.url}/assistant?request={HOSTILE}")
    await nothing_ran(page, HOSTILE)
    for label in ("Nom de l’adhérent", "Organisme de l’adhérent", "Adresse de courriel"):
        await page.get_by_label(label).fill(HOSTILE)
    await press(page, "Proposer la séance")
    await nothing_ran(page, HOSTILE)
    await page.get_by_label("Identifiant de la demande").fill(str(uuid.uuid4()))
    await page.get_by_label("Adresse de courriel").fill(ADHERENT["email"])
    await press(page, "Proposer la séance")
    await nothing_ran(page, HOSTILE)
    wish = Wanted(
        request=uuid.uuid4(),
        adherent=ADHERENT | dict.fromkeys(("name", "organisation", "phone"), HOSTILE),
        mark=None,
    )
    await stage.consent._offering.wish(wish)
    session = page.url.rsplit("/", 1)[-1]

    async def is_listed() -> bool:  # what follows the log is a moment behind it
        await page.goto(f"{stage.url}/assistant")
        wish = page.get_by_text("Demande d’un adhérent, à prendre en charge")
        return await wish.is_visible()

    assert await until(is_listed, within_s=15)
    await nothing_ran(page, HOSTILE)
    await page.goto(f"{stage.url}/assistant/sessions/{session}")
    return session


async def _ask_and_answer(stage: Stage, page: Page, theirs: Page, session: str) -> None:
    """Let script come to the adherent's open page, and into their receipt."""
    code = (await page.locator("#code .spoken").inner_text()).replace(" ", "")
    await theirs.goto(stage.url + stage.link(session))
    await theirs.get_by_label("Code d’accès").fill(SCRIPTS[1])
    await press(theirs, "Continuer")
    await nothing_ran(theirs)
    await theirs.get_by_label("Code d’accès").fill(code)
    for name in ("Continuer", "J’ai lu", "Accepter que mon écran soit vu"):
        await press(theirs, name)
    await page.reload()
    await press(page, "La prise en main commence")
    for act in ("request-intervention", "request-screenshot"):
        await page.locator(f"#{act}-reason").select_option("other")
        await page.locator(f"#{act}-words").fill(HOSTILE)
        async with page.expect_navigation():
            await page.locator(f"#{act} button").click()
        await nothing_ran(page)
    await expect(theirs.get_by_text(f"« {HOSTILE} »")).to_have_count(2)
    await nothing_ran(theirs, HOSTILE)
    await press(theirs, "Arrêter la séance maintenant")
    await theirs.goto(stage.url + stage.receipt(session))
    await nothing_ran(theirs, HOSTILE)
    await page.reload()
    await nothing_ran(page, HOSTILE)
    await press(page, "Se déconnecter")


async def _look_as_the_dpo(stage: Stage, page: Page, session: str) -> None:
    """Let the DPO search for script, and read the session and the answer to the person."""
    await page.goto(stage.login_link(ALINE, OFFICERS))
    await press(page, "Se connecter")
    await page.get_by_label("Ce que vous cherchez").fill(HOSTILE)
    await press(page, "Chercher")
    await nothing_ran(page, HOSTILE)
    await page.get_by_label("Adresse de courriel d’un adhérent").check()
    await page.get_by_label("Ce que vous cherchez").fill(f"{SCRIPTS[1].replace(' ', '/')}@x")
    await press(page, "Chercher")
    await nothing_ran(page, f"{SCRIPTS[1].replace(' ', '/')}@x")
    await page.goto(f"{stage.url}/dpo")
    await page.get_by_label("Ce que vous cherchez").fill(session)
    await press(page, "Chercher")
    await press(page, "Voir la séance")
    await nothing_ran(page, session)
    async with page.expect_download() as download:
        await page.goto(f"{stage.url}/dpo")
        await page.get_by_label("Adresse de courriel de la personne").fill(ADHERENT["email"])
        await page.get_by_role("button", name="Télécharger le document lisible").click()
    await (await download.value).save_as(document := stage.keys / "acces.html")
    await page.goto(document.as_uri())
    await nothing_ran(page, HOSTILE)


# --- pages of other sites


@contextmanager
def another_site(pages: Mapping[str, str]) -> Iterator[int]:
    """Serve these pages by path at a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    with served(Handler) as port:
        yield port


def _trap(action: str, fields: Mapping[str, str]) -> str:
    hidden = "".join(f"<input name='{name}' value='{fields[name]}'>" for name in fields)
    return f"<form method=post action='{action}'>{hidden}<button>Gagnez</button></form>"


async def test_a_page_of_another_site_acts_in_nobodys_name(
    stage: Stage, chromium: Chromium
) -> None:
    offered = (await (await stage.assistant()).offer()).json()
    session, url = offered["session_id"], stage.url
    attacker = await stage.at_desk(BASTIEN)
    csrf = forms((await attacker.http.get("/assistant")).text)[0].fields["csrf"]
    (login,) = forms((await attacker.http.get(stage.login_link(BASTIEN))).text)
    link, desk = f"{url}{stage.link(session)}", f"{url}/assistant/sessions/{session}"
    traps = {
        "/grant": _trap(f"{link}/acts", {"act": "refuse", "csrf": csrf}),
        "/unasked": _trap(f"{link}/not-asked", {"csrf": csrf}),
        "/cancel": _trap(f"{desk}/acts", {"act": "cancel", "csrf": csrf}),
        "/login": _trap(f"{url}/assistant/login", login.fields),
        "/read": _trap(f"{url}/dpo/overview", {"csrf": csrf}),
    }
    with another_site(traps) as port:
        async with opened_page(chromium) as page:
            await page.goto(link)
            await page.get_by_label("Code d’accès").fill(offered["entry_code"]["code"])
            await press(page, "Continuer")
            await page.goto(stage.login_link())
            await press(page, "Se connecter")
            before = await stage.types(session)
            for trap in ("/grant", "/unasked", "/cancel", "/login"):
                await _fall_into(page, port, trap)
            await page.goto(f"{url}/assistant")
            await expect(page.get_by_text("Lucie Garnerot")).to_be_visible()
        async with opened_page(chromium) as page:
            await page.goto(stage.login_link(ALINE, OFFICERS))
            await press(page, "Se connecter")
            await _fall_into(page, port, "/read")
    types = await stage.types(session)
    assert set(types[len(before) :]) <= {"refused-act"}
    assert await stage.size() == len(types)


async def _fall_into(page: Page, port: int, trap: str) -> None:
    """Press the button of a page elsewhere: on another site, then on the same host's next port."""
    for host in ("localhost", "127.0.0.1"):
        await page.goto(f"http://{host}:{port}{trap}")
        async with page.expect_navigation() as navigation:
            await page.get_by_role("button", name="Gagnez").click()
        answer = await navigation.value
        assert (answer.status, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
        heading = page.get_by_role("heading", level=1)
        await expect(heading).to_have_text(re.compile("refusée?$|plus connecté$"))


# --- tabs, Back, and two clicks


async def test_two_tabs_and_back_end_at_a_page_that_says_where_the_session_is(
    stage: Stage, chromium: Chromium
) -> None:
    offered = (await (await stage.assistant()).offer()).json()
    link = stage.url + stage.link(offered["session_id"])
    async with opened_page(chromium, java_script_enabled=False) as page:
        await page.goto(link)
        await page.get_by_label("Code d’accès").fill(offered["entry_code"]["code"])
        await press(page, "Continuer")
        await press(page, "J’ai lu")
        other = await page.context.new_page()
        await other.goto(link)
        await press(page, "Accepter que mon écran soit vu")
        await press(other, "Refuser que mon écran soit vu")
        heading = other.get_by_role("heading", level=1)
        await expect(heading).to_have_text("Ce n’est plus possible")
        await expect(
            other.get_by_text("Vous avez accepté\u202f; la séance peut commencer")
        ).to_be_visible()
        await other.goto(other.url)  # as who presses Enter in the address bar
        await expect(heading).to_have_text("Vous avez accepté\u202f; la séance peut commencer")
        await page.go_back()
        accept = page.get_by_role("button", name="Accepter que mon écran soit vu")
        if await accept.count():
            await press(page, "Accepter que mon écran soit vu")
            await press_link(page, "Revenir à la séance")
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "Vous avez accepté\u202f; la séance peut commencer"
        )
    assert (await stage.types(offered["session_id"])).count("granted") == 1


async def press_link(page: Page, name: str) -> None:
    """Follow a link that leads back."""
    async with page.expect_navigation():
        await page.get_by_role("link", name=name).click()


@pytest.mark.parametrize("scripted", [True, False])
async def test_a_double_click_on_the_code_lets_the_adherent_in(
    stage: Stage, chromium: Chromium, *, scripted: bool
) -> None:
    offered = (await (await stage.assistant()).offer()).json()
    async with opened_page(chromium, java_script_enabled=scripted) as page:
        await page.goto(stage.url + stage.link(offered["session_id"]))
        await page.get_by_label("Code d’accès").fill(offered["entry_code"]["code"])
        await page.get_by_role("button", name="Continuer").dblclick(no_wait_after=True)
        await expect(page.get_by_role("button", name="J’ai lu")).to_be_visible()
    assert (await stage.types(offered["session_id"])).count("code-confirmed") == 1
