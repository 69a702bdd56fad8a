"""The assistants' page over HTTP: the acts of the API behind forms, and what it refuses."""

import re
import uuid
from functools import partial

from deploy.waiting import until
from services.consent.domain.lifecycle import tells_dpo
from services.consent.handlers.offering import Wanted
from tests.integration.consent.stage import ADHERENT, BASTIEN, AtDesk, Stage, acts, title

CODE = re.compile(r'class="spoken">(\w{4}) (\w{4})<')


async def _offered(desk: AtDesk) -> tuple[str, str]:
    """Return the address and the id of a session that was just offered."""
    offered = await desk.offer()
    assert offered.status_code == 303, offered.text
    address = offered.headers["location"]
    return address, address.rsplit("/", 1)[-1]


async def _code(desk: AtDesk, address: str) -> str:
    found = CODE.search((await desk.http.get(address)).text)
    assert found is not None
    return "".join(found.groups())


async def _press(desk: AtDesk, address: str, act: str, **fields: str) -> str:
    """Do an act, and return the page's heading after it."""
    done = await desk.do(address, act, **fields)
    assert done.status_code == 303, (act, done.text)
    return title((await desk.http.get(done.headers["location"])).text)


async def test_a_session_runs_from_the_offer_to_the_declaration(stage: Stage) -> None:
    desk = await stage.at_desk()
    address, session = await _offered(desk)
    assert "Odile Canarinelle" in (await desk.http.get("/assistant")).text
    adherent = await stage.entered(session, await _code(desk, address))
    await adherent.do("read-notice")
    await adherent.do("grant")
    assert await _press(desk, address, "start") == "La séance est en cours"
    words = {"reason": "fill-form", "words": "Remplir le bordereau"}
    await _press(desk, address, "request-intervention", **words)
    assert "«\u00a0Remplir le bordereau\u00a0»" in (await adherent.look()).text
    await adherent.do("grant-intervention")
    await _press(desk, address, "begin-intervention")
    await _press(desk, address, "end-intervention")
    asked = {"reason": "error-message", "words": "Le message"}
    await _press(desk, address, "request-screenshot", **asked)
    await adherent.do("refuse-screenshot")
    await adherent.do("ask-identity")
    word = stage.secrets.identity_word(uuid.UUID(session), 1, stage.consent._wording.words)
    page = (await desk.http.get(address)).text
    assert word in page
    assert stage.link(session) not in page
    assert ADHERENT["email"] not in page
    ended = await _press(desk, address, "end")
    assert ended == "La séance est terminée\u202f; votre déclaration manque"
    declared = {"no_password": "yes", "no_elevation": "yes"}
    assert await _press(desk, address, "declare", **declared) == "La séance est close"
    assert (await stage.types(session))[-2:] == ["ended", "declared"]


async def test_a_declared_incident_is_one(stage: Stage) -> None:
    desk = await stage.at_desk()
    address, session = await _offered(desk)
    adherent = await stage.entered(session, await _code(desk, address))
    await adherent.do("read-notice")
    await adherent.do("grant")
    await _press(desk, address, "start")
    await _press(desk, address, "end")
    half = await desk.do(address, "declare", no_password="yes")
    assert half.status_code == 422
    assert "Répondez aux deux questions" in half.text
    await _press(desk, address, "declare", no_password="no", no_elevation="yes")
    assert (await stage.types(session))[-1] == "incident-declared"


async def test_an_oral_answer_is_attested_by_a_second_person_or_by_oneself(stage: Stage) -> None:
    desk, colleague = await stage.at_desk(), await stage.at_desk(BASTIEN)
    address, session = await _offered(desk)
    assert (await colleague.http.get(address)).status_code == 404
    assert await _press(desk, address, "read-notice-aloud") == (
        "L’adhérent a lu l’information préalable"
    )
    page = await colleague.http.get(f"{address}/witness")
    assert "Odile" not in page.text
    assert (await colleague.do(f"{address}/witness", "attest-oral-grant")).status_code == 200
    entries = await stage.consent.connections.log.entries(uuid.UUID(session))
    assert (entries[-1].draft.type, entries[-1].draft.actor) == ("oral-grant-attested", "witness")
    form = await colleague.form(f"{address}/witness", "attest-oral-grant")
    for act in ("end", "start", "grant"):
        sent = await colleague.http.post(form.action, data=form.fields | {"act": act})
        assert sent.status_code == 404
    other, second = await _offered(desk)
    await _press(desk, other, "read-notice-aloud")
    await _press(desk, other, "attest-oral-refusal")
    entries = await stage.consent.connections.log.entries(uuid.UUID(second))
    assert (entries[-1].draft.type, entries[-1].draft.actor) == (
        "oral-refusal-attested",
        "assistant",
    )


async def test_a_wish_is_seen_by_all_until_one_takes_it_up(stage: Stage) -> None:
    desk, colleague = await stage.at_desk(), await stage.at_desk(BASTIEN)
    wanted = Wanted(request=uuid.uuid4(), adherent=ADHERENT, mark=None)
    opened = await stage.consent._offering.wish(wanted)
    assert opened is not None
    address = f"/assistant/sessions/{opened.session}"
    for one in (desk, colleague):
        assert await until(partial(_lists, one, address), within_s=5)
        page = (await one.http.get(address)).text
        assert acts(page) == ["take-up"]
        assert CODE.search(page) is None
    await _press(desk, address, "take-up")
    assert await stage.entered(str(opened.session), await _code(desk, address))
    assert (await colleague.http.get(address)).status_code == 404
    assert not await _lists(colleague, address)


async def _lists(desk: AtDesk, address: str) -> bool:
    return address in (await desk.http.get("/assistant")).text


async def test_a_form_that_is_sent_twice_counts_once(stage: Stage) -> None:
    desk = await stage.at_desk()
    address, session = await _offered(desk)
    form = await desk.form(address, "new-entry-code")
    for _ in range(3):
        sent = await desk.http.post(form.action, data=form.fields | {"act": "new-entry-code"})
        assert sent.status_code == 303
    assert (await stage.types(session)).count("code-issued") == 2
    await _press(desk, address, "new-entry-code")
    assert (await stage.types(session)).count("code-issued") == 3
    home = await desk.http.get("/assistant")
    assert home.text.count(f"/assistant/sessions/{session}") == 1


async def test_an_offer_sent_twice_is_one_and_a_second_on_the_ticket_is_refused(
    stage: Stage,
) -> None:
    desk, request = await stage.at_desk(), str(uuid.uuid4())
    first = await desk.offer(request_id=request, key="once")
    again = await desk.offer(request_id=request, key="once")
    assert again.headers["location"] == first.headers["location"]
    changed = await desk.offer(request_id=request, key="once", name="Quelqu’un d’autre")
    assert changed.status_code == 409
    second = await desk.offer(request_id=request)
    assert second.status_code == 409
    assert "déjà ouverte pour cette demande" in second.text
    session = uuid.UUID(first.headers["location"].rsplit("/", 1)[-1])
    last = (await stage.consent.connections.log.entries(session))[-1].draft
    assert (last.reason, tells_dpo(last)) == ("second-session", True)


async def test_a_form_that_is_filled_in_wrongly_comes_back_as_it_was_typed(stage: Stage) -> None:
    desk = await stage.at_desk()
    for field, value in (
        ("request_id", "12"),
        ("name", ""),
        ("email", "<script>alert(1)</script>"),
        ("email", "lucie.garnerot@ternum-bfc.example"),
        ("organisation", "a\u2028b"),
    ):
        refused = await desk.offer(**{field: value})
        assert refused.status_code == 422, field
        assert f'id="{field}-flaw"' in refused.text
        assert "<script>alert" not in refused.text
        assert "Mairie de Canarville" in refused.text or field == "organisation"
    assert await stage.size() == 0
    address, session = await _offered(desk)
    adherent = await stage.entered(session, await _code(desk, address))
    await adherent.do("read-notice")
    await adherent.do("grant")
    await _press(desk, address, "start")
    asked = await desk.do(address, "request-intervention", words="Le bordereau")
    assert asked.status_code == 422
    assert "Choisissez un motif" in asked.text
    assert 'value="Le bordereau"' in asked.text
    assert "intervene-requested" not in await stage.types(session)


async def test_forms_from_elsewhere_and_of_others_change_nothing(stage: Stage) -> None:
    desk, colleague = await stage.at_desk(), await stage.at_desk(BASTIEN)
    address, session = await _offered(desk)
    form = await desk.form(address, "cancel")
    fields = form.fields | {"act": "cancel"}
    for client, sent, headers, status in (
        (desk, fields | {"csrf": ""}, {}, 403),
        (desk, fields, {"Sec-Fetch-Site": "same-site"}, 403),
        (colleague, fields, {}, 403),
        (desk, fields | {"act": "granted"}, {}, 409),
        (desk, fields | {"act": "promise"}, {}, 422),
    ):
        refused = await client.http.post(form.action, data=sent, headers=headers)
        assert refused.status_code == status
    assert "granted" not in await stage.types(session)
    json = await desk.http.post(form.action, json=fields)
    assert json.status_code == 403
    nobody = await (await stage.browser()).http.post(form.action, data=fields)
    assert nobody.status_code == 403
    csrf = (await colleague.form(f"{address}/witness", "attest-oral-grant")).fields["csrf"]
    stolen = await colleague.http.post(form.action, data=fields | {"csrf": csrf})
    assert stolen.status_code == 404
    assert "cancelled" not in await stage.types(session)
    assert acts((await desk.http.get(address)).text)


async def test_what_is_not_possible_now_is_said_and_on_record(stage: Stage) -> None:
    desk = await stage.at_desk()
    address, session = await _offered(desk)
    form = await desk.form(address, "cancel")
    early = await desk.http.post(form.action, data=form.fields | {"act": "start"})
    assert early.status_code == 409
    assert "Il n’y a pas d’accord en cours" in early.text
    last = (await stage.consent.connections.log.entries(uuid.UUID(session)))[-1].draft
    assert (last.reason, tells_dpo(last)) == ("no-live-grant", True)
    for path in (f"/assistant/sessions/{uuid.uuid4()}", "/assistant/sessions/x", "/assistant/no"):
        assert (await desk.http.get(path)).status_code == 404


async def test_a_browser_that_is_signed_in_acts_no_longer_than_its_person_may(
    stage: Stage,
) -> None:
    desk = await stage.at_desk()
    way_in = stage.consent._identities.authenticator
    lucie = way_in.subjects["lucie-garnerot"]
    way_in.subjects["lucie-garnerot"] = lucie.model_copy(  # type: ignore[index]
        update={"undertakings": ()}
    )
    assert (await desk.http.get("/assistant")).status_code == 403
    assert await stage.size() == 0
