"""An assistant and an adherent of a remote session; both are patient with dead lines and 503."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from cli.demo.browsing import Browser, NoSuchForm, Page
from cli.tokens import mint
from tests.system.running import System, until

ASSISTANT: Final = "lucie-garnerot"
PATIENCE_S: Final = 60.0
MAIL_WITHIN_S: Final = 45.0
DECLARATION: Final = {"act": "declare", "no_password": True, "no_elevation": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A session that was answered with 201: its id and its entry code; whom it was offered to."""

    id: str
    code: str
    address: str


class Assistant:
    """The assistants' API with one token; an act is repeated until it is answered."""

    def __init__(self, system: System, *, name: str = ASSISTANT) -> None:
        self._system = system
        self._url = f"{system.stack.urls['consent']}/v1/sessions"
        self.headers = {"Authorization": f"Bearer {mint(system.stack.keys_dir, name)}"}

    async def offer(self, name: str) -> Offered:
        """Offer a session on a ticket of nobody else."""
        address = f"canaribelle.{name}@canarival.example"
        adherent = {
            "name": f"Canaribelle Vertebise {name}",
            "email": address,
            "organisation": "Commune de Canarival",
        }
        content = {"request_id": str(uuid.uuid4()), "adherent": adherent}
        answer = await self._patiently("", content, key=name)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        shown = answer.json()
        self._system.secrets.add(shown["entry_code"]["code"])
        return Offered(id=shown["session_id"], code=shown["entry_code"]["code"], address=address)

    async def act(self, session: str, content: Mapping[str, Any]) -> httpx.Response:
        """Do one act, again as long as its outcome is not known."""
        return await self._patiently(f"/{session}/acts", content)

    async def another_code(self, session: str) -> str:
        """Have another entry code issued: the one before is void."""
        shown = (await self.act(session, {"act": "new-entry-code"})).json()
        code: str = shown["entry_code"]["code"]
        self._system.secrets.add(code)
        return code

    async def try_once(self, path: str, content: Any) -> httpx.Response:
        """Post once."""
        return await self._system.client.post(
            self._url + path, json=content, headers=self.headers, timeout=30.0
        )

    async def _patiently(
        self, path: str, content: Mapping[str, Any], *, key: str | None = None
    ) -> httpx.Response:
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    answer = await self._system.client.post(
                        self._url + path, json=content, headers=headers, timeout=30.0
                    )
                except httpx.TransportError:
                    await asyncio.sleep(0.3)
                    continue
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    return answer
                await asyncio.sleep(0.3)


class Adherent:
    """A person with a browser of their own and the link of the mail."""

    def __init__(self, link: str) -> None:
        self.link = link
        self.answers: list[httpx.Response] = []
        self.client = httpx.AsyncClient(
            trust_env=False, timeout=30.0, event_hooks={"response": [self._remember]}
        )
        self._browser = Browser(self.client)

    async def _remember(self, answer: httpx.Response) -> None:
        self.answers.append(answer)

    async def open(self) -> Page:
        """Fetch the page, once."""
        return await self._browser.open(self.link)

    async def enter(self, code: str) -> Page:
        """Type the entry code, once."""
        page = await self.open()
        return await self._browser.send(page, page.form_with(name="code"), {"code": code})

    async def enter_patiently(self, code: str, another: Callable[[], Awaitable[str]]) -> None:
        """Type the entry code; when the answer was lost, and the cookie with it, get another."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    page = await self.open()
                    form = page.form_with(name="code")
                except httpx.TransportError:
                    await asyncio.sleep(0.3)
                    continue
                except NoSuchForm:
                    if _is_inside(page):
                        return  # only the answer after the cookie's was lost
                    await asyncio.sleep(0.3)
                    continue
                try:
                    entered = await self._browser.send(page, form, {"code": code})
                except httpx.TransportError:
                    entered = None
                if entered is not None and entered.status == httpx.codes.OK:
                    return
                code = await another()

    async def try_press(self, page: Page, act: str) -> Page:
        """Press a button of a page that was fetched before, once."""
        button = ("act", act)
        return await self._browser.send(page, page.form_with(button=button), button=button)

    async def press(self, act: str) -> None:
        """Press a button as soon as the page has it, again as long as the outcome is not known."""
        tried = False
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    page = await self.open()
                    pressed = await self.try_press(page, act)
                except NoSuchForm:
                    if tried and page.status == httpx.codes.OK:
                        return  # the first try had come through
                except httpx.TransportError:
                    tried = True
                else:
                    if pressed.status == httpx.codes.OK:
                        return
                    tried = True
                await asyncio.sleep(0.3)

    async def close(self) -> None:
        """Close the browser."""
        await self.client.aclose()


def _is_inside(page: Page) -> bool:
    try:
        page.form_with(button=("act", "read-notice"))
    except NoSuchForm:
        return False
    return page.status == httpx.codes.OK


async def mailed_link(system: System, offered: Offered) -> str:
    """Wait for the offer's mail and return its link."""
    url = system.stack.urls["consent"]

    async def link() -> str | None:
        for mail in system.mailbox.to(offered.address):
            if found := re.search(re.escape(url) + r"/s/[A-Za-z0-9_-]+", mail.text):
                return found.group()
        return None

    found: str = await until(link, within_s=MAIL_WITHIN_S, what="the mail with the link")
    system.secrets.add(found.rpartition("/")[2])
    return found


async def walk(system: System, name: str) -> Offered:
    """Walk a session from its offer to the declaration at its end."""
    assistant = Assistant(system)
    offered = await assistant.offer(name)
    adherent = Adherent(await mailed_link(system, offered))
    try:
        await adherent.enter_patiently(offered.code, lambda: assistant.another_code(offered.id))
        await adherent.press("read-notice")
        await adherent.press("grant")
        for act in ({"act": "start"}, {"act": "end"}, DECLARATION):
            await assistant.act(offered.id, act)
    finally:
        await adherent.close()
    return offered
