"""Every page that says one thing, and every page behind an entrance, in a real Chromium."""

import uuid
from dataclasses import replace
from functools import partial

import pytest
from litestar.exceptions import ClientException

from deploy.local.browser import Chromium
from runtime.failures import Unavailable
from services.consent.access import as_document
from services.consent.domain.elsewhere import Mailed, Requested, TooMuch
from services.consent.domain.entry import THE_LOG
from services.consent.domain.lifecycle import fold
from services.consent.domain.redrawing import MOST_BYTES
from services.consent.domain.signing_in import ASSISTANTS, OFFICERS
from services.consent.handlers.assisting import Assisting
from services.consent.handlers.gathering import Gathering
from services.consent.handlers.places import Places, TooMany
from services.consent.handlers.recorder import NotNow, Seen
from services.consent.handlers.searching import Found, Searching
from services.consent.handlers.weeks import Weeks
from services.consent.telling import texts
from services.consent.texts.assistant import load_assistant_wording
from services.consent.texts.dpo import load_dpo_wording
from services.consent.web.assistant_api import AssistantApi
from services.consent.web.dpo import views as dpo_views
from services.consent.web.dpo.forms import Search
from services.consent.web.sign_in.routes import SignedIn
from tests.integration.consent.deciding import HTML, deciding
from tests.integration.consent.office import CONNECTION
from tests.integration.consent.pictures import granted, taken
from tests.integration.consent.stage import (
    ADHERENT,
    ALINE,
    BASTIEN,
    LUCIE,
    AtDesk,
    AtDpo,
    Stage,
    forms,
)
from tests.integration.consent.walking import Walk, headings_of, raising, texts_in, walking
from tests.unit.notifier import events

pytestmark = pytest.mark.timeout(180)

DESK, DPO = load_assistant_wording(), load_dpo_wording()
ROBOT = "192.0.2.7"
UNSEEN = {"written", "screenshot_alt"}
"""What the command says, and what stands for a picture."""
LARGE = b"x" * 17_000_000


async def test_every_refusal_of_the_adherents_page_is_accessible(
    stage: Stage, chromium: Chromium
) -> None:
    log = stage.consent.connections.log
    adherent, session = await deciding(stage)
    _, bound, started = await stage.started()
    robot = await stage.adherent(session, ROBOT)
    csrf = forms((await adherent.look()).text)[0].fields["csrf"]
    acts, link = f"{adherent.link}/acts", adherent.link
    async with walking(stage.url, chromium) as walk:

        async def act(status: int, **fields: str) -> None:
            sent = await adherent.http.post(acts, data={"csrf": csrf} | fields)
            await walk.see(sent, status=status)

        await walk.see(await robot.http.get("/nowhere", headers=HTML), status=404)
        await walk.see(await robot.http.post(acts, data={"act": "grant"}), status=403)
        await act(403, csrf="x")
        await act(422, act="grant", notice="x")
        await act(409, act="read-notice", notice="0" * 64)
        await act(409, act="stop")
        large = await adherent.http.post(acts, content=LARGE, headers=HTML)
        await walk.see(large, status=413)
        await walk.see(await bound.http.get(f"{bound.link}/screenshots/{uuid.uuid4()}"), status=404)
        with raising(Places, "one", TooMany("pictures")):
            picture = await bound.http.get(f"{bound.link}/screenshots/{uuid.uuid4()}")
        await walk.see(picture, status=503)
        for error, status in ((Unavailable("log"), 503), (RuntimeError("a bug"), 500)):
            with raising(log, "entries", error):
                broken = await adherent.http.get(link)
            await walk.see(broken, status=status)
        await walk.see(await robot.report_unasked())
        unknown = f"/s/{link[3:-1]}"
        await walk.see(await robot.http.get(unknown), status=404)
        while (late := await robot.http.get(unknown)).status_code == 404:
            pass
        await walk.see(late, status=429)
        await bound.do("stop")
        stranger = await stage.adherent(started)
        await walk.see(await stranger.look(), status=410)
        stage.clock.advance(days=366)
        await walk.see(await stranger.http.get(stage.receipt(started)), status=410)
    assert walk.unsaid(texts_in(stage.consent._wording.sayings)) == []


async def test_every_refusal_of_the_assistants_page_is_accessible(
    stage: Stage, chromium: Chromium
) -> None:
    _, adherent, session = await granted(stage)
    desk, stranger = await stage.at_desk(), await stage.browser()
    home, page = "/assistant", f"/assistant/sessions/{session}"
    async with walking(stage.url, chromium) as walk:
        await _sign_in_wrongly(walk, stage, stranger, "/assistant")
        await _fill_in_wrongly(walk, desk, page)
        await _hand_in_wrongly(walk, desk, page)
        offered = await desk.offer(key="1")
        await walk.see(await desk.offer(key="1"), status=409)
        await _act_in_vain(walk, stage, desk, offered.headers["location"])
        for error, status in ((Unavailable("log"), 503), (RuntimeError("a bug"), 500)):
            with raising(stage.consent.connections.log, "entries", error):
                broken = await desk.http.get(page)
            await walk.see(broken, status=status)
        await walk.see(await desk.http.get(f"{home}/sessions/{uuid.uuid4()}"), status=404)
        await adherent.do("stop")
        await walk.see(await desk.do(page, "declare", no_password="yes"), status=422)
        await desk.sign_out()
        await walk.see(await desk.http.post(f"{page}/acts", data={"csrf": "x"}), status=403)
    refusals = texts_in(DESK.sayings, DESK.flaws, DESK.not_now, DESK.state_now, DESK.back)
    assert walk.unsaid(refusals) == []


async def _sign_in_wrongly(walk: Walk, stage: Stage, desk: AtDesk, home: str) -> None:
    """Show each page of who is not signed in, with a link or a provider or neither."""
    entrance = OFFICERS if home == OFFICERS.home else ASSISTANTS
    right, nobody = ALINE if entrance is OFFICERS else LUCIE, "gilles-montbarrey"
    used = stage.login_link(right, entrance)
    await walk.see(await desk.http.get(entrance.login))
    await walk.see(await desk.http.get(used), "ne sert qu’une fois")
    provided = {"csrf": "", "ticket": "", "provider": True}
    page = stage.consent._renderer.page(f"{entrance.part}/login.html", provided)
    await walk.see_page(page.content, "avec le compte de votre organisme")
    assert (await desk.sign_in(used)).status_code == 303
    await walk.see(await desk.sign_in(used), status=403)
    await walk.see(await desk.sign_in(stage.login_link(nobody, entrance)), status=403)


async def _fill_in_wrongly(walk: Walk, desk: AtDesk, page: str) -> None:
    """Leave every field empty, and send what is no form of ours."""
    empty = dict.fromkeys(("request_id", "name", "email", "organisation"), "")
    await walk.see(await desk.offer(**empty), status=422)
    for reason in ("", "other"):
        asked = await desk.do(page, "request-intervention", reason=reason, words="")
        await walk.see(asked, status=422)
    form = await desk.form(page, "end")
    await walk.see(await desk.http.post(form.action, data={"csrf": "x"}), status=403)
    for act, status in (("promise", 422), ("granted", 409)):
        refused = await desk.http.post(form.action, data=form.fields | {"act": act})
        await walk.see(refused, status=status)


async def _hand_in_wrongly(walk: Walk, desk: AtDesk, page: str) -> None:
    """Hand in what is no picture, too large a one, one of too many; fetch one that is not there."""
    shown = (await desk.http.get(page)).text
    csrf = shown.partition('data-csrf="')[2].partition('"')[0]
    head = {"X-Form-Token": csrf, "X-Form-Key": "0"}
    hand_in = partial(desk.http.post, f"{page}/screenshots", headers=head)
    await walk.see(await hand_in(content=b"none"), status=422)
    await walk.see(await hand_in(content=b"x" * (MOST_BYTES + 1)), status=413)
    fetch = partial(desk.http.post, f"{page}/screenshots/{uuid.uuid4()}", data={"csrf": csrf})
    await walk.see(await fetch(), status=404)
    with raising(Places, "one", TooMany("pictures")):
        refused = await fetch()
    await walk.see(refused, status=503)


async def _act_in_vain(walk: Walk, stage: Stage, desk: AtDesk, page: str) -> None:
    """Show each reason for which an act is not possible now, and what a witness is told."""
    entries = await stage.entries(page.rsplit("/", 1)[-1])
    seen = Seen(entries=entries, state=fold(entries))
    for reason in DESK.not_now:
        with raising(Assisting, "act", NotNow(reason, seen)):
            refused = await desk.do(page, "cancel")
        await walk.see(refused, status=409)
    with raising(AssistantApi, "sessions_of", ClientException()):
        await walk.see(await desk.http.get("/assistant"), status=400)
    colleague = await stage.at_desk(BASTIEN)
    await walk.see(await colleague.do(f"{page}/witness", "attest-oral-refusal"))


async def test_every_page_and_refusal_of_the_dpo_is_accessible(
    stage: Stage, chromium: Chromium, monkeypatch: pytest.MonkeyPatch
) -> None:
    await taken(stage)
    dpo, address = await stage.at_dpo(), ADHERENT["email"]
    async with walking(stage.url, chromium) as walk:
        await _sign_in_wrongly(walk, stage, await stage.browser(), "/dpo")
        await _read(walk, stage, dpo, monkeypatch)
        for by in (*DPO.searches, ""):
            await walk.see(await dpo.ask("search", by=by, value="?"), status=422)
        await walk.see(await dpo.ask("access", address="?"), status=422)
        await walk.see(await dpo.ask("session", session=str(uuid.uuid4())), status=404)
        await walk.see(await dpo.ask("session", session="?"), status=422)
        await walk.see(await dpo.ask("overview", csrf="x"), status=403)
        with raising(Weeks, "read", ClientException()):
            refused = await dpo.ask("overview")
        await walk.see(refused, status=400)
        for step, error, status in (
            ("turn", TooMany("answers"), 503),
            ("gather", Unavailable("the ledger"), 503),
            ("gather", TooMuch(), 422),
        ):
            with raising(Gathering, step, error):
                refused = await dpo.ask("access", address=address)
            await walk.see(refused, status=status)
        for broken, status in ((Unavailable("log"), 503), (RuntimeError("a bug"), 500)):
            with raising(Searching, "by_session", broken):
                refused = await dpo.ask("session", session=str(THE_LOG))
            await walk.see(refused, status=status)
        csrf = await dpo.csrf()
        await dpo.ask("logout")
        await walk.see(await dpo.ask("overview", csrf), status=403)
    said = texts_in(DPO.sayings, DPO.no_search, DPO.scopes, DPO.strengths, DPO.counts, DPO.back)
    assert walk.unsaid([*said, *headings_of("dpo")]) == []
    assert walk.unsaid(one["flaw"] for one in DPO.searches.values()) == []


async def _read(walk: Walk, stage: Stage, dpo: AtDpo, patch: pytest.MonkeyPatch) -> None:
    """Read all that there is to read: of this week and another, in one page and in several."""
    await walk.see(await dpo.http.get("/dpo"))
    await walk.see(await dpo.ask("overview"), "Aucun point de contrôle")
    assistant = await stage.assistant()
    session = (await assistant.offer()).json()["session_id"]
    assert (await assistant.do(session, "start")).status_code == 409
    assert (await assistant.do(session, "read-notice-aloud")).status_code == 200
    await walk.see(await dpo.ask("overview"), "À regarder")
    await walk.see(await dpo.ask("overview", ago="1"))
    patch.setattr(dpo_views, "FOUND", 1)
    patch.setattr(dpo_views, "ENTRIES", 2)
    for page in ("0", "1"):
        found = await dpo.ask("search", by="address", value=ADHERENT["email"], page=page)
        await walk.see(found, "sur 2")
    await walk.see(await dpo.ask("search", by="address", value="nobody@x.example"))
    await walk.see(
        await dpo.ask("session", session=session, page="1"), "sur 2", "Motif", "Texte lu"
    )
    await walk.see(await dpo.ask("session", session=str(THE_LOG), page="1"))
    await _see_what_is_purged(walk, stage)


async def _see_what_is_purged(walk: Walk, stage: Stage) -> None:
    """Show a session of which nothing is left, as it is found and as it is read."""
    consent = stage.consent
    views = dpo_views.Views(
        renderer=consent._renderer, desk=consent._desk, wording=consent._wording, texts=DPO
    )
    aline = SignedIn(person=consent._desk.officers[ALINE], csrf="token")
    purged = Found(session=uuid.uuid4(), entries=(), records=())
    search = Search(by="session", value=str(purged.session), page=0)
    state = texts()["states"]["purged"]
    await walk.see_page(views.found(aline, search, [purged]).content, state)
    await walk.see_page(views.session(aline, purged, 0, ()).content, state)


async def test_every_part_of_the_answer_to_a_person_is_accessible(
    stage: Stage, chromium: Chromium
) -> None:
    assistant, _, session, _ = await taken(stage)
    assert (await assistant.do(session, "take-up")).status_code == 409
    connections, desk = stage.consent.connections, stage.consent._desk
    await connections.persons.keep(uuid.UUID(session), "connection:ab", CONNECTION)
    searching = Searching(connections.log, connections.persons, desk)
    gathering = Gathering(searching, connections.pictures, None, None, bounded=False)
    held = await gathering.gather(ADHERENT["email"], at=stage.clock())
    now = stage.clock()
    mail = Mailed(template="session-offer", state="sent", planned_at=now, forgotten_at=now)
    tickets = [Requested(ticket=events.ticket(), leaves_at=at) for at in (now, None)]
    own = held.sessions[0].own
    purged = Found(session=uuid.uuid4(), entries=(), records=(), own=own)
    lucie = await gathering.gather(desk.assistants[LUCIE].address, at=stage.clock())
    reader = Found(session=THE_LOG, entries=(), records=(), own=())
    sessions = (*held.sessions, purged, *lucie.sessions, reader)
    nothing = replace(held, sessions=(), pictures={})
    async with walking(stage.url, chromium) as walk:
        for gathered in (
            replace(held, sessions=sessions, mailed=[mail], asked=tickets, unreadable=1),
            replace(held, texts=()),
            nothing,
            replace(nothing, mailed=[], asked=[]),
        ):
            await walk.see_document("".join(as_document(gathered, desk)), ADHERENT["email"])
    said = {name: text for name, text in texts()["access"].items() if name not in UNSEEN}
    assert walk.unsaid(texts_in(said)) == []
