"""The DPO's page: GET shows forms; what shows evidence is a POST, on record before it shows."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import Any, Final

import structlog
from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from desk import Desk
from desk.facts import Officer
from runtime.failures import Unavailable, Undecipherable
from services.consent.access import as_document, as_json
from services.consent.domain.elsewhere import TooMuch
from services.consent.domain.entry import THE_LOG, Entry, Fact
from services.consent.domain.persons import PersonRecord
from services.consent.domain.reconciliation import READ
from services.consent.domain.signing_in import OFFICERS
from services.consent.domain.standing import Standing
from services.consent.handlers.gathering import Gathered, Gathering
from services.consent.handlers.places import TooMany
from services.consent.handlers.reading import EXPORTED, Reading
from services.consent.handlers.searching import Found, Searching
from services.consent.handlers.weeks import Weeks
from services.consent.web.dpo.forms import WEEKS, Flawed, number_in, search_in, session_in
from services.consent.web.dpo.views import Views, alerts_of, verifier
from services.consent.web.holding import hold
from services.consent.web.sign_in.refusals import away, entrance_refusals, saying
from services.consent.web.sign_in.routes import Req, SignedIn, SigningIn, signing_in_routes, to

log = structlog.get_logger()

_ENTRIES_MOST: Final = 10_000_000
_ACCESS_WITHIN_S: Final = 600.0
_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json"


class NotGathered(Unavailable):
    """Something that an answer to a person needs is away: nothing of it is given out."""


class NothingFound(Exception):
    """Nothing is known under this id; that it was looked for is on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DpoPages:
    """What the routes need."""

    way_in: SigningIn[Officer]
    views: Views
    reading_of: Callable[[Officer], Awaitable[Reading]]
    searching: Searching
    gathering: Gathering
    weeks: Weeks
    standing: Callable[[], Awaitable[Standing]]
    receipt: Callable[[Found], Awaitable[dict[str, Any]]]
    desk: Desk
    origin: str
    now: Callable[[], datetime]

    async def asked(self, request: Req) -> tuple[SignedIn[Officer], Mapping[str, str], Reading]:
        """Return who asks, what, and how that is put on record; raises what refuses it."""
        who = await self.way_in.admit(request)
        fields = await self.way_in.read_form(request)
        return who, fields, await self.reading_of(who.person)


def dpo_page_routes(pages: DpoPages) -> Router:
    """Return the routes under ``/dpo``."""
    says = pages.views.says
    return Router(
        path=OFFICERS.home,
        route_handlers=[
            *signing_in_routes(pages.way_in),
            *_forms(pages),
            _overview(pages),
            _search(pages),
            _session(pages),
            _receipt(pages),
            _access(pages),
            _export(pages),
        ],
        exception_handlers={
            **entrance_refusals(says, OFFICERS),
            Flawed: saying(says, "malformed", 422, OFFICERS.home),
            NotGathered: away(says, "not-gathered", OFFICERS.home),
            TooMany: away(says, "busy", OFFICERS.home),
            TooMuch: saying(says, "too-much", 422, OFFICERS.home),
            NothingFound: saying(says, "nothing-found", 404, OFFICERS.home),
        },
        include_in_schema=False,
    )


def _forms(pages: DpoPages) -> list[HTTPRouteHandler]:
    @get("/")
    async def show_home(request: Req) -> Response[str]:
        return pages.views.home(await pages.way_in.admit(request))

    @get("/verify.py")
    async def take_verifier(request: Req) -> Response[bytes]:
        await pages.way_in.admit(request)
        return _file(verifier(), "verify.py", "text/x-python")

    @get(["/overview", "/search", "/session", "/receipt", "/access", "/export"])
    async def show_forms(request: Req) -> Response[None]:
        """Answer an address that was typed or reloaded: what it shows has to be asked for."""
        return to(OFFICERS.home)

    return [show_home, take_verifier, show_forms]


def _overview(pages: DpoPages) -> HTTPRouteHandler:
    @post("/overview", status_code=200)
    async def overview(request: Req) -> Response[str]:
        who, fields, reading = await pages.asked(request)
        ago = number_in(fields, "ago", most=WEEKS)
        standing, week = await pages.standing(), await pages.weeks.read(ago)
        alerts = alerts_of(week, number_in(fields, "page", most=_ENTRIES_MOST))
        people = await _people_behind(pages, alerts.shown)
        await reading.record(READ, {"what": "overview", "weeks_ago": ago})
        return pages.views.overview(who, standing, week, ago, alerts, people)

    return overview


async def _people_behind(pages: DpoPages, entries: Sequence[Entry]) -> tuple[PersonRecord, ...]:
    """Return who is behind alerts; nobody where a record was changed, as alerts are to be seen."""
    try:
        return await pages.searching.behind(entries)
    except Undecipherable:
        log.exception("a record was changed: alerts are shown without names")
        return ()


def _search(pages: DpoPages) -> HTTPRouteHandler:
    @post("/search", status_code=200)
    async def search(request: Req) -> Response[str]:
        who, fields, reading = await pages.asked(request)
        try:
            wanted = search_in(fields)
        except Flawed as flawed:
            return pages.views.home(who, flawed)
        found = await reading.find(pages.searching, wanted.by, wanted.value)
        return pages.views.found(who, wanted, found)

    return search


def _session(pages: DpoPages) -> HTTPRouteHandler:
    @post("/session", status_code=200)
    async def session(request: Req) -> Response[str]:
        who, fields, reading = await pages.asked(request)
        found = await reading.find(pages.searching, "session", str(session_in(fields)))
        if not found:
            raise NothingFound
        page, texts = number_in(fields, "page", most=_ENTRIES_MOST), await pages.searching.texts()
        return pages.views.session(who, found[0], page, texts)

    return session


def _receipt(pages: DpoPages) -> HTTPRouteHandler:
    @post("/receipt", status_code=200)
    async def receipt(request: Req) -> Response[bytes]:
        _, fields, reading = await pages.asked(request)
        session = session_in(fields)
        found = await pages.searching.by_session(session) if session != THE_LOG else ()
        if not found or not found[0].entries:
            await reading.record(READ, {"by": "session", "sessions": 0})
            raise NothingFound
        await reading.record(EXPORTED, {"what": "receipt", "sessions": 1})
        content = json.dumps(await pages.receipt(found[0]), ensure_ascii=False, indent=2) + "\n"
        return _file(content.encode(), f"recu-{session}.json", _JSON)

    return receipt


def _access(pages: DpoPages) -> HTTPRouteHandler:
    @post("/access", status_code=200)
    async def access(request: Req) -> Response[Any]:
        who, fields, reading = await pages.asked(request)
        try:
            wanted = search_in({"by": "address", "value": fields.get("address", "")})
        except Flawed as flawed:
            return pages.views.home(who, flawed, "access")
        await hold(request.scope, pages.gathering.turn(), within_s=_ACCESS_WITHIN_S)
        gathered = await _gathered(pages, wanted.value)
        facts: dict[str, Fact] = {"what": "access", "sessions": len(gathered.sessions)}
        await reading.record(EXPORTED, facts)
        if fields.get("form") == "json":
            return await _large(partial(as_json, gathered, pages.desk), "acces.json", _JSON)
        return await _large(partial(as_document, gathered, pages.desk), "acces.html", _HTML)

    return access


async def _gathered(pages: DpoPages, address: str) -> Gathered:
    try:
        return await pages.gathering.gather(address, at=pages.now())
    except Unavailable as error:
        log.warning("answer to an access request not gathered", lacks=error.what)
        raise NotGathered(error.what) from error


def _export(pages: DpoPages) -> HTTPRouteHandler:
    @post("/export", status_code=200)
    async def export(request: Req) -> Stream:
        _, __, reading = await pages.asked(request)
        lines = await reading.export(origin=pages.origin)
        name = f"registre-{pages.now():%Y%m%dT%H%M%SZ}.jsonl"
        return Stream(lines, media_type="application/jsonl", headers=_attached(name))

    return export


def _file(content: bytes, name: str, media_type: str) -> Response[bytes]:
    return Response(content, media_type=media_type, headers=_attached(name))


async def _large(make: Callable[[], Iterable[str]], name: str, media_type: str) -> Response[bytes]:
    """Return a file that is made while other requests go on; ``holding`` sends it in blocks."""
    made = BytesIO()
    await asyncio.to_thread(lambda: made.writelines(part.encode() for part in make()))
    return _file(made.getvalue(), name, media_type)


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
