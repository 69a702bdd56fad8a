"""Every state of a session in a real Chromium, on the adherent's page and on the assistant's."""

import uuid
from functools import partial

import pytest

from deploy.local.browser import Chromium
from deploy.waiting import until
from runtime.failures import Unavailable
from services.consent.domain.table import table
from services.consent.handlers.assisting import Assisting
from services.consent.handlers.erasing import Erasing, Ground
from services.consent.handlers.offering import Wanted
from tests.integration.consent.deciding import wrong
from tests.integration.consent.stage import ADHERENT, BASTIEN, Stage
from tests.integration.consent.walked_sessions import TEXTS, Session, Show
from tests.integration.consent.walking import headings_of, raising, texts_in, walking

pytestmark = pytest.mark.timeout(180)

GUESSER = "192.0.2.7"


def _states() -> set[tuple[str, str]]:
    """Return each state of each region that the table knows, but for one that no session has."""
    rules = table()
    begun = {(name, region.initial) for name, region in rules.regions.items()}
    moved = {one for arrow in rules.arrows for one in arrow.next.items()}
    ended = {
        (region, to)
        for cascade in rules.cascades
        for region, ends in cascade.ends.items()
        for to in ends.values()
    }
    return (begun | moved | ended) - {("session", "none")}


async def test_every_state_of_a_session_is_accessible_on_both_pages(
    stage: Stage, chromium: Chromium
) -> None:
    async with walking(stage.url, chromium) as walk:
        show = Show(
            stage=stage, walk=walk, desk=await stage.at_desk(), assistant=await stage.assistant()
        )
        await _guess_codes(show)
        session = await show.entered()
        await _decide(session)
        await _ask(session)
        await _end(session)
        await _end_early(show)
        await _wish(show)
        await _speak(show)
        await _run_out(show)
    assert _states() - show.states == set()
    adherents, regions = stage.consent._wording, TEXTS.regions.values()
    answers = texts_in(adherents.headings, adherents.answers, adherents.arrivals)
    pictures = [text for name, text in adherents.pictures.items() if name != "alt"]
    flaws = texts_in(adherents.code_flaws)
    desk = texts_in(
        TEXTS.headings, *regions, TEXTS.code_states, TEXTS.acts, TEXTS.oral, TEXTS.nobody
    )
    titles = [*headings_of(), *headings_of("assistant")]
    assert walk.unsaid([*answers, *pictures, *flaws, *desk, *titles]) == []


async def _guess_codes(show: Show) -> None:
    """Give wrong codes until the code is void, then until who gives them has to wait."""
    walk = show.walk
    for number in range(2):
        session, code = await show.offered()
        guesser = await show.stage.adherent(session.id, GUESSER)
        if not number:
            await session.look()
            await walk.see(await guesser.give_code("A"), "Le code a 8 lettres", status=422)
        answers = [await guesser.give_code(wrong(code)) for _ in range(5)]
        await walk.see(answers[0], "Ce code n’est pas le bon", status=422)
        await walk.see(answers[-1], "annulé après plusieurs essais", status=422)
    await walk.see(await guesser.look(), "annulé après plusieurs essais")
    await session.see_desk(TEXTS.code_states["void"])
    await session.do("assistant new-entry-code")
    await walk.see(await guesser.give_code(wrong(code)), "Trop de codes faux", status=429)


async def _decide(session: Session) -> None:
    """Let the adherent read and accept, in doubt between."""
    await session.look()
    await session.see_desk(TEXTS.code_states["used"])
    await session.go("stranger not-asked")
    other = await session.show.stage.adherent(session.id)
    await session.show.walk.see(await other.look(), "elle est en pause", "dans un autre navigateur")
    await session.go(
        "adherent retract",
        "adherent read-notice",
        "adherent ask-identity",
        "service identity-mailed",
        "adherent confirm-identity",
        "adherent grant",
        "page visible",
        "stranger not-asked",
        "adherent retract",
    )


async def _ask(session: Session) -> None:
    """Run the session: everything that may be asked, with each answer."""
    await session.go(
        "assistant start",
        "assistant report-tool",
        "stranger not-asked",
        "assistant request-intervention",
        "adherent refuse-intervention",
    )
    await session.do("assistant request-intervention")
    await session.go("adherent grant-intervention", "assistant begin-intervention")
    await session.go("assistant end-intervention")
    await session.do("assistant request-intervention", "adherent grant-intervention")
    await session.go(
        "adherent revoke-intervention",
        "assistant request-screenshot",
        "adherent refuse-screenshot",
    )
    await session.do("assistant request-screenshot")
    await session.go(
        "adherent grant-screenshot",
        "assistant take-screenshot",
        "adherent review-screenshot",
        "assistant share-screenshot",
    )
    await session.do(
        "assistant request-screenshot", "adherent grant-screenshot", "assistant take-screenshot"
    )
    await session.go("adherent destroy-screenshot")
    await session.do("assistant request-intervention", "assistant request-screenshot")
    await session.go("adherent ask-identity", "service identity-mailed")


async def _end(session: Session) -> None:
    """End it by what puts an end to all that is open, and contest it; then forget its people."""
    stage, walk = session.show.stage, session.show.walk
    await session.go("adherent deny-identity", "adherent contest")
    await session.go("assistant declare")
    await stage.consent.connections.checkpoints.write()
    receipt = partial((await stage.adherent(session.id)).http.get, stage.receipt(session.id))
    decided = "Vous avez contesté cette séance ("
    proven = "contient la preuve d’inscription"
    await walk.see(await receipt(), ADHERENT["name"], decided, proven)
    await walk.see(
        await (await stage.adherent(session.id)).look(), "Ce lien n’est plus valable", status=410
    )
    connections = stage.consent.connections
    erasing = Erasing(
        connections.log, connections.persons, connections.pictures, legal_basis="gdpr-6-1-e"
    )
    erase = partial(
        erasing.erase, uuid.UUID(session.id), actor="dpo", reason=Ground.REQUEST_OF_THE_PERSON
    )
    await erase("adherent")
    await session.see_desk(TEXTS.nobody)
    await erase("assistant")
    await walk.see(await session.adherent.look(), "La séance est terminée")
    await walk.see(await receipt(), decided)


async def _end_early(show: Show) -> None:
    """End a session in each way in which it never starts."""
    for ends in (
        ("adherent refuse",),
        ("assistant cancel",),
        ("adherent ask-identity", "service identity-unanswered"),
        ("adherent read-notice", "adherent grant", "adherent withdraw"),
    ):
        session = await show.entered()
        await session.do(*ends)
        await session.look()
        await show.walk.see(await session.adherent.http.get(show.stage.receipt(session.id)))


async def _wish(show: Show) -> None:
    """Show a wish to everybody, and take it up."""
    wanted = Wanted(request=uuid.uuid4(), adherent=ADHERENT, mark=None)
    opened = await show.stage.consent._offering.wish(wanted)
    assert opened is not None
    session = await show.session(str(opened.session))

    async def is_listed() -> bool:
        return session.address in (await show.desk.http.get("/assistant")).text

    assert await until(is_listed, within_s=10)
    await show.walk.see(await show.desk.http.get("/assistant"), TEXTS.headings["requested"])
    await show.walk.see(await session.adherent.look(), "Il n’y a pas encore de code")
    await session.look()
    with raising(Assisting, "issue_code", Unavailable("log")):
        taken = await show.assistant.do(session.id, "take-up")
    assert taken.status_code == 503
    await session.see_desk(TEXTS.code_states["none"])
    code = (await show.assistant.do(session.id, "new-entry-code")).json()["entry_code"]["code"]
    await show.walk.see(await session.adherent.look(), "a pris en charge votre demande")
    assert (await session.adherent.give_code(code)).status_code == 303
    await session.look()


async def _speak(show: Show) -> None:
    """Let the assistant attest what the adherent says."""
    session = await show.entered()
    colleague = await show.stage.at_desk(BASTIEN)
    await show.walk.see(await colleague.http.get(f"{session.address}/witness"))
    await session.do("assistant read-notice-aloud")
    await session.go("assistant attest-oral-grant")
    await session.do("assistant start", "assistant request-intervention")
    await session.do("assistant attest-oral-intervention", "assistant request-screenshot")
    await session.go("assistant attest-oral-screenshot")
    await session.go("assistant attest-oral-withdrawal", "assistant attest-oral-contest")
    await show.walk.see(await session.adherent.http.get(show.stage.receipt(session.id)))


async def _run_out(show: Show) -> None:
    """Let a code go out of date."""
    session, _ = await show.offered()
    show.stage.clock.advance(minutes=11)
    await show.walk.see(await session.adherent.look(), "Le code n’est plus valable")
    await session.see_desk(TEXTS.code_states["expired"])
