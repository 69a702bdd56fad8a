"""Walks one remote session over HTTP: an assistant with a token, an adherent with a browser."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import httpx

from cli.demo.browsing import Browser, NoSuchForm, Page
from cli.demo.mailbox import Caught, Mailbox
from deploy.waiting import until

MAIL_WITHIN_S: Final = 30.0
PAGE_WITHIN_S: Final = 15.0
POLL_S: Final = 0.2
Says = Callable[[str], None]


class SessionFailed(Exception):
    """The walk could not go on; says at which step, and the status or what was missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adherent:
    """Who needs help, and on which request."""

    request_id: UUID
    tracking: str
    name: str
    email: str
    organisation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """The session's end: what its log tells, and the receipt that the adherent got."""

    session_id: str
    adherent: str
    """The address that the session's mails go to."""
    timeline: list[dict[str, Any]]
    receipt: dict[str, Any]
    link: str


class Assistant:
    """The assistants' API, with one assistant's token."""

    def __init__(self, client: httpx.AsyncClient, url: str, token: str) -> None:
        self._client = client
        self._url = f"{url}/v1/sessions"
        self._headers = {"Authorization": f"Bearer {token}"}
        self.session_id = ""

    async def offer(self, adherent: Adherent) -> str:
        """Offer a session; return the entry code, which is told by telephone."""
        person = {
            "name": adherent.name,
            "email": adherent.email,
            "organisation": adherent.organisation,
        }
        content = {"request_id": str(adherent.request_id), "adherent": person}
        shown = await self._call("POST", "", content, 201)
        self.session_id = shown["session_id"]
        code: str = shown["entry_code"]["code"]
        return code

    async def act(self, act: str, **more: Any) -> dict[str, Any]:
        """Do one act."""
        return await self._call("POST", f"/{self.session_id}/acts", {"act": act, **more}, 200)

    async def see(self) -> dict[str, Any]:
        """Return the session as the assistant sees it."""
        return await self._call("GET", f"/{self.session_id}", None, 200)

    async def _call(
        self, method: str, path: str, content: dict[str, Any] | None, wanted: int
    ) -> dict[str, Any]:
        answer = await self._client.request(
            method, self._url + path, json=content, headers=self._headers
        )
        if answer.status_code != wanted:
            what = (content or {}).get("act", path or "offer")
            raise SessionFailed(f"assistant, {what}: {answer.status_code}")
        shown: dict[str, Any] = answer.json()
        return shown


class AdherentBrowser:
    """The adherent's page: each act is a button on the page that was just fetched."""

    def __init__(self, browser: Browser, link: str) -> None:
        self._browser = browser
        self.link = link

    async def enter(self, code: str) -> None:
        """Type the entry code that the assistant said."""
        page = await self._browser.open(self.link)
        after = await self._browser.send(page, page.form_with(name="code"), {"code": code})
        _expect_ok(after, "entry code")

    async def press(self, act: str) -> None:
        """Press the button of an act, once the page shows it."""
        button = ("act", act)
        deadline = time.monotonic() + PAGE_WITHIN_S
        while True:
            page = await self._browser.open(self.link)
            try:
                form = page.form_with(button=button)
                break
            except NoSuchForm as error:
                if time.monotonic() > deadline:
                    raise SessionFailed(f"adherent, {act}: {error}") from None
                await asyncio.sleep(POLL_S)
        _expect_ok(await self._browser.send(page, form, button=button), act)


async def walk(
    *,
    url: str,
    token: str,
    adherent: Adherent,
    mailbox: Mailbox,
    client: httpx.AsyncClient,
    says: Says,
) -> Walked:
    """Go from the offer to the receipt, each act where it belongs; raises ``SessionFailed``."""
    assistant = Assistant(client, url, token)
    says("offer")
    code = await assistant.offer(adherent)
    offer = await _mail(mailbox, adherent.email, lambda mail: _leads(mail, adherent, url, "s"))
    page = AdherentBrowser(Browser(client), str(_link(offer, url, "s")))
    await page.enter(code)
    says("notice")
    await page.press("read-notice")
    says("identity check")
    await _check_identity(assistant, page, adherent, mailbox)
    says("grant")
    await page.press("grant")
    await assistant.act("start")
    await _intervene(assistant, page, says)
    says("screenshot")
    await assistant.act(
        "request-screenshot", reason="error-message", words="Montrer le message au fournisseur"
    )
    await page.press("refuse-screenshot")
    says("end")
    await assistant.act("end")
    await assistant.act("declare", no_password=True, no_elevation=True)
    says("receipt")
    receipt = await _receipt(url, adherent, mailbox)
    says("ended, receipt read")
    shown = await assistant.see()
    return Walked(
        session_id=assistant.session_id,
        adherent=adherent.email,
        timeline=shown["timeline"],
        receipt=receipt,
        link=page.link,
    )


async def _receipt(url: str, adherent: Adherent, mailbox: Mailbox) -> dict[str, Any]:
    """Open the link of the mail at the end, in a browser that was not there before."""
    mail = await _mail(mailbox, adherent.email, lambda mail: _leads(mail, adherent, url, "receipt"))
    async with httpx.AsyncClient(trust_env=False) as another:
        answer = await another.get(f"{_link(mail, url, 'receipt')}/receipt.json")
    if answer.status_code != httpx.codes.OK:
        raise SessionFailed(f"receipt: {answer.status_code}")
    document: dict[str, Any] = answer.json()
    return document


async def _check_identity(
    assistant: Assistant, page: AdherentBrowser, adherent: Adherent, mailbox: Mailbox
) -> None:
    """Ask for the mail from an official address; its word is the one that the assistant sees."""
    await page.press("ask-identity")
    word = str((await assistant.see())["identity_word"])
    mail = await _mail(mailbox, adherent.email, lambda mail: mail.mentions(word))
    if page.link in mail.text:
        raise SessionFailed("identity check: the link and the word are in one mail")
    await page.press("confirm-identity")


async def _intervene(assistant: Assistant, page: AdherentBrowser, says: Says) -> None:
    says("intervention")
    await assistant.act(
        "request-intervention", reason="change-setting", words="Installer le pilote de la clé"
    )
    await page.press("grant-intervention")
    await assistant.act("begin-intervention")
    await assistant.act("end-intervention")


async def _mail(mailbox: Mailbox, to: str, fits: Callable[[Caught], bool]) -> Caught:
    found: list[Caught] = []

    def there() -> bool:
        found[:] = [mail for mail in mailbox.read() if mail.recipient == to and fits(mail)]
        return bool(found)

    if not await until(there, within_s=MAIL_WITHIN_S):
        raise SessionFailed(f"no such mail within {MAIL_WITHIN_S:.0f} s")
    return found[-1]


def _leads(mail: Caught, adherent: Adherent, url: str, to: str) -> bool:
    # A mail of an earlier run may still arrive, at the same address.
    return mail.mentions(adherent.tracking) and _link(mail, url, to) is not None


def _link(mail: Caught, url: str, to: str) -> str | None:
    found = re.search(rf"{re.escape(url)}/{to}/[A-Za-z0-9_-]+", mail.text)
    return found.group() if found else None


def _expect_ok(page: Page, act: str) -> None:
    if page.status != httpx.codes.OK:
        raise SessionFailed(f"adherent, {act}: {page.status}")
