"""A stage for sessions: the consent service over real HTTP and MongoDB, and the people on it."""

import asyncio
import contextlib
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from cli.tokens import mint, mint_link
from deploy.local import secrets as local_secrets
from deploy.local.ports import a_free_port
from deploy.local.services import DESK
from runtime.doors import Door
from runtime.keys import read_key
from runtime.settings import HttpSettings, KafkaSettings, MongoSettings
from services.consent.app import Consent
from services.consent.domain.acts import Author, Drafting
from services.consent.domain.derived import Secrets
from services.consent.domain.entry import THE_LOG, Draft, Entry
from services.consent.domain.signing_in import ASSISTANTS, OFFICERS, Entrance
from services.consent.settings import OidcSettings, Settings
from tests.integration.consent.clients import client_of
from tests.unit.consent.told import untold_in

LUCIE, BASTIEN, ALINE = "lucie-garnerot", "bastien-lorimier", "aline-ferrandier"
NOWHERE = "127.0.0.1:1"
ADHERENT = {
    "name": "Odile Canarinelle",
    "email": "odile.canarinelle@mairie.example",
    "organisation": "Mairie de Canarville",
}


class Clock:
    """The real time, which a test may push forward, or back."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass
class Form:
    """A form of a page: where it goes, its hidden fields and its acts."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    acts: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(action=named["action"]))
        elif tag == "input" and self.found and "name" in named and named.get("type") != "radio":
            self.found[-1].fields[named["name"]] = named.get("value", "")
        elif tag == "button" and self.found and named.get("name") == "act":
            self.found[-1].acts.append(named["value"])


def forms(page: str) -> list[Form]:
    """Return the forms of a page."""
    parser = _Forms()
    parser.feed(page)
    return parser.found


@dataclass(kw_only=True)
class Adherent:
    """An adherent with a browser of their own, on a mailed link."""

    http: httpx.AsyncClient
    link: str

    async def look(self) -> httpx.Response:
        return await self.http.get(self.link)

    async def give_code(self, code: str) -> httpx.Response:
        form = next(f for f in forms((await self.look()).text) if f.action.endswith("/code"))
        return await self.http.post(form.action, data=form.fields | {"code": code})

    async def do(self, act: str) -> httpx.Response:
        """Press the button of the page that was just fetched."""
        page = await self.look()
        form = next((f for f in forms(page.text) if act in f.acts), None)
        assert form is not None, f"no button {act} on: {acts(page.text)}"
        return await self.http.post(form.action, data=form.fields | {"act": act})

    async def beat(self, view: str = "visible") -> httpx.Response:
        """Say that the page is there, as its script does every twenty seconds."""
        return await self.http.post(f"{self.link}/presence", data=await self.beat_form(view))

    async def beat_form(self, view: str = "visible") -> dict[str, str]:
        """Return what the page's script sends, from the page as it is."""
        found = re.search(r'data-beat="(.*?)"', (await self.look()).text)
        assert found is not None, "the page does not ask for it"
        return {"csrf": found.group(1), "view": view}

    async def report_unasked(self) -> httpx.Response:
        form = next(f for f in forms((await self.look()).text) if f.action.endswith("/not-asked"))
        return await self.http.post(form.action, data=form.fields)


@dataclass(kw_only=True)
class Assistant:
    """An assistant with a token."""

    http: httpx.AsyncClient

    async def offer(
        self, request: uuid.UUID | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        body = {"request_id": str(request or uuid.uuid4()), "adherent": ADHERENT}
        return await self.http.post("/v1/sessions", json=body, headers=headers or {})

    async def do(self, session: str, act: str, **more: Any) -> httpx.Response:
        return await self.http.post(f"/v1/sessions/{session}/acts", json={"act": act, **more})

    async def see(self, session: str) -> dict[str, Any]:
        shown: dict[str, Any] = (await self.http.get(f"/v1/sessions/{session}")).json()
        return shown


@dataclass(kw_only=True)
class AtDesk:
    """An assistant at a browser, on their page."""

    http: httpx.AsyncClient

    async def sign_in(self, link: str) -> httpx.Response:
        """Open a link that signs in, and press its button."""
        (form,) = forms((await self.http.get(link)).text)
        return await self.http.post(form.action, data=form.fields)

    async def form(self, address: str, act: str) -> Form:
        """Return the form for an act on the page at this address."""
        page = (await self.http.get(address)).text
        found = (f for f in forms(page) if act in f.acts or f.fields.get("act") == act)
        form = next(found, None)
        assert form is not None, f"no form for {act} on: {page}"
        return form

    async def do(self, address: str, act: str, **fields: str) -> httpx.Response:
        """Send the form for an act from a page that was just fetched."""
        form = await self.form(address, act)
        return await self.http.post(form.action, data=form.fields | {"act": act} | fields)

    async def offer(self, **changed: str) -> httpx.Response:
        """Fill in the form that offers a session, and send it."""
        page = (await self.http.get("/assistant")).text
        form = next(f for f in forms(page) if f.action.endswith("/offers"))
        filled = ADHERENT | {"request_id": str(uuid.uuid4())} | changed
        return await self.http.post(form.action, data=form.fields | filled)

    async def sign_out(self) -> httpx.Response:
        """Press the button that signs out."""
        page = (await self.http.get("/assistant")).text
        form = next(f for f in forms(page) if f.action.endswith("/logout"))
        return await self.http.post(form.action, data=form.fields)


@dataclass(kw_only=True)
class AtDpo(AtDesk):
    """The DPO, or whoever would be, at a browser on their page."""

    async def ask(self, what: str, csrf: str | None = None, **fields: str) -> httpx.Response:
        """Send the form for ``what`` from the page as it is."""
        token = await self.csrf() if csrf is None else csrf
        return await self.http.post(f"/dpo/{what}", data={"csrf": token} | fields)

    async def csrf(self) -> str:
        return forms((await self.http.get("/dpo")).text)[0].fields["csrf"]


@dataclass(kw_only=True)
class Stage:
    """The running service."""

    url: str
    keys: Path
    consent: Consent
    clock: Clock
    secrets: Secrets
    exits: contextlib.AsyncExitStack

    async def assistant(self, name: str = LUCIE, token: str | None = None) -> Assistant:
        bearer = token if token is not None else mint(self.keys, name)
        return Assistant(http=await self._client({"Authorization": f"Bearer {bearer}"}))

    async def browser(self) -> AtDesk:
        """Return a browser at the assistants' desk, nobody signed in."""
        return AtDesk(http=await self._client({}))

    async def at_desk(self, name: str = LUCIE) -> AtDesk:
        """Return an assistant who has signed in."""
        desk = await self.browser()
        assert (await desk.sign_in(self.login_link(name))).status_code == 303
        return desk

    async def at_dpo(self) -> AtDpo:
        """Return the DPO, signed in."""
        desk = AtDpo(http=await self._client({}))
        link = self.login_link(ALINE, OFFICERS)
        assert (await desk.sign_in(link)).headers["location"] == "/dpo"
        return desk

    def login_link(self, name: str = LUCIE, entrance: Entrance = ASSISTANTS) -> str:
        """Return a fresh link that signs in once."""
        return mint_link(self.keys, name, self.url, entrance)

    async def entered(self, session: str, code: str) -> Adherent:
        """Return an adherent whose browser is bound."""
        adherent = await self.adherent(session)
        assert (await adherent.give_code(code)).status_code == 303
        return adherent

    async def accepted(self, name: str = LUCIE) -> tuple[Assistant, Adherent, str]:
        """Return the people of a session that is granted and has not begun, and its id."""
        assistant = await self.assistant(name)
        offered = (await assistant.offer()).json()
        session = offered["session_id"]
        adherent = await self.entered(session, offered["entry_code"]["code"])
        await adherent.do("read-notice")
        await adherent.do("grant")
        return assistant, adherent, session

    async def started(self, name: str = LUCIE) -> tuple[Assistant, Adherent, str]:
        """Return the people of a session that has started, and its id."""
        assistant, adherent, session = await self.accepted(name)
        assert (await assistant.do(session, "start")).status_code == 200
        return assistant, adherent, session

    async def adherent(self, session: str, address: str | None = None) -> Adherent:
        """Return an adherent with a new browser, seen at this address by the proxy in front."""
        headers = {"X-Forwarded-For": address} if address else {}
        return Adherent(http=await self._client(headers), link=self.link(session))

    def link(self, session: str) -> str:
        return f"/s/{self.secrets.link_token(uuid.UUID(session))}"

    def receipt(self, session: str) -> str:
        return f"/receipt/{self.secrets.receipt_token(uuid.UUID(session))}"

    async def entries(self, session: str) -> tuple[Entry, ...]:
        return await self.consent.connections.log.entries(uuid.UUID(session))

    async def types(self, session: str) -> list[str]:
        return [entry.draft.type for entry in await self.entries(session)]

    async def until(self, session: str, kind: str) -> list[str]:
        """Wait for an entry of this type, and return the types of all."""
        async with asyncio.timeout(10):
            while kind not in (types := await self.types(session)):
                await asyncio.sleep(0.05)
        return types

    async def by_service(self, session: str, kind: str) -> None:
        """Put on record what the service does when something has happened elsewhere."""
        drafting = Drafting(practice=self.consent._practice, session=uuid.UUID(session))
        draft = drafting.fact(kind, Author(role="service"))
        await self.consent._recorder.record(uuid.UUID(session), lambda _: draft)

    async def about_log(self) -> list[Draft]:
        """Return what is on record about the log itself."""
        return [entry.draft for entry in await self.consent.connections.log.entries(THE_LOG)]

    async def untold(self) -> set[str]:
        """Return what came on record, or beside it, that the DPO would be shown as a bare code."""
        connections = self.consent.connections
        return await untold_in(connections.log, connections.persons)

    async def size(self) -> int:
        return await self.consent.connections.log.size()

    async def _client(self, headers: dict[str, str]) -> httpx.AsyncClient:
        return await self.exits.enter_async_context(client_of(self.url, headers))


async def settle(*stages: Stage) -> None:
    """Let the timers of all instances look at once, until nothing is left to be done."""
    before = -1
    while before != (before := await stages[0].size()):
        async with asyncio.timeout(30):
            while min(stage.consent.follower._next for stage in stages) < before:
                await asyncio.sleep(0.02)
        await asyncio.gather(*(stage.consent.timers.tick() for stage in stages for _ in range(2)))


async def fall_silent(*stages: Stage) -> None:
    """Let three minutes pass twice: the first look after a leap may yet hear the last beat."""
    for _ in range(2):
        for clock in {id(stage.clock): stage.clock for stage in stages}.values():
            clock.advance(minutes=3, seconds=1)
        await settle(*stages)


def acts(page: str) -> list[str]:
    """Return all acts that a page has buttons for."""
    return [act for form in forms(page) for act in form.acts]


def title(page: str) -> str:
    """Return the first heading of a page."""
    found = re.search(r"<h1>(.*?)</h1>", page)
    return found.group(1) if found else ""


def settings_of(
    folder: Path,
    mongo: MongoSettings,
    oidc: OidcSettings | None,
    kafka: str = NOWHERE,
    desk: Path = DESK,
    scheme: str = "http",
) -> Settings:
    """Return the settings of a service with its keys in this folder, at a port of its own."""
    port = a_free_port()
    return Settings(
        kafka=KafkaSettings(bootstrap_servers=kafka),
        mongo=mongo,
        ledger_database=mongo.database,
        http=HttpSettings(port=port),
        desk_dir=desk,
        keys_dir=folder / "keys",
        public_url=f"{scheme}://127.0.0.1:{port}",
        checkpoint_file=folder / "checkpoints",
        proxies=1,
        oidc=oidc,
    )


@contextlib.asynccontextmanager
async def staged(
    tmp_path: Path,
    mongo_uri: str,
    database: str,
    *,
    oidc: OidcSettings | None = None,
    clock: Clock | None = None,
    kafka: str = NOWHERE,
    desk: Path = DESK,
    scheme: str = "http",
) -> AsyncIterator[Stage]:
    """Run the service in this process: real HTTP, real MongoDB, no relay."""
    local_secrets.make(tmp_path / "keys")
    clock = clock or Clock()
    settings = settings_of(
        tmp_path,
        MongoSettings(uri=SecretStr(mongo_uri), database=database),
        oidc,
        kafka,
        desk,
        scheme,
    )
    consent = Consent(settings, now=clock)
    lifecycle = consent.prepare()
    connections = consent.connections
    await connections.prepare()
    lifecycle._connected.update(need.name for need in lifecycle._needs)
    door = Door(
        app=consent.build_app(lifecycle),
        settings=consent.http,
        lifecycle=lifecycle,
        sorry=consent.sorry,
    )
    server = uvicorn.Server(
        uvicorn.Config(
            door, port=settings.http.port, log_config=None, access_log=False, lifespan="off"
        )
    )
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    loops = (
        connections.log.run,
        connections.sweeping.run,
        consent.follower.run,
        consent.timers.run,
        server.serve,
    )
    async with contextlib.AsyncExitStack() as exits:
        tasks = [asyncio.create_task(loop()) for loop in loops]
        while not server.started:
            await asyncio.sleep(0.01)
        yield Stage(
            url=settings.public_url,
            keys=tmp_path / "keys",
            consent=consent,
            clock=clock,
            secrets=Secrets(read_key(tmp_path / "keys", "consent.key")),
            exits=exits,
        )
        server.should_exit = True
        await tasks[-1]
        for task in tasks[:-1]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        connections.close()
