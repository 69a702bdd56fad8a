"""The DPO's page over HTTP: what it shows is on record first, and who has no right sees nothing."""

import asyncio
import hashlib
import re
import sys
import uuid
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from runtime.failures import Unavailable
from schemas.requests import tracking_number
from schemas.tickets import ticket_id
from services.consent import verify
from services.consent.domain.entry import THE_LOG, Draft, Entry
from services.consent.domain.lifecycle import tells_dpo
from services.consent.domain.signing_in import OFFICERS
from services.consent.verify import report
from tests.integration.consent.stage import ADHERENT, ALINE, LUCIE, AtDesk, AtDpo, Stage, title

READERS = ("overview", "search", "session", "receipt", "access", "export")
VERIFIER = Path(verify.__file__).read_bytes()
HOSTILE = "<script>alert(1)</script>"


async def _new(stage: Stage, before: int) -> list[tuple[str, dict[str, object]]]:
    """Return what came on record about the log behind its first ``before`` entries."""
    return [(draft.type, dict(draft.facts)) for draft in (await stage.about_log())[before:]]


async def _request_of(stage: Stage, session: str) -> uuid.UUID:
    entries = await stage.consent.connections.log.entries(uuid.UUID(session))
    return uuid.UUID(str(entries[0].draft.facts["request"]))


async def test_a_session_is_found_by_what_the_dpo_has_in_hand_and_that_is_on_record(
    stage: Stage,
) -> None:
    _, __, session = await stage.started()
    request = await _request_of(stage, session)
    dpo = await stage.at_dpo()
    for by, value in (
        ("session", session),
        ("ticket", str(request)),
        ("ticket", str(ticket_id(request))),
        ("tracking", tracking_number(request).lower()),
        ("address", ADHERENT["email"].upper()),
    ):
        before = len(await stage.about_log())
        shown = await dpo.ask("search", by=by, value=value)
        assert (shown.status_code, title(shown.text)) == (200, "Séances trouvées"), by
        assert f"Séance <code>{session}</code>" in shown.text
        assert ADHERENT["name"] not in shown.text
        assert await _new(stage, before) == [("evidence-read", {"by": by, "sessions": 1})]
    nothing = await dpo.ask("search", by="address", value="nobody@mairie.example")
    assert "Rien ne correspond" in nothing.text
    drafts = await stage.about_log()
    assert dict(drafts[-1].facts) == {"by": "address", "sessions": 0}
    assert {draft.actor for draft in drafts} == {"dpo"}
    (who,) = {draft.commitment for draft in drafts}
    kept = await stage.consent.connections.persons.of_session(THE_LOG)
    assert [one.value["id"] for one in kept if one.commitment == who] == ["aline-ferrandier"]


async def test_a_timeline_is_in_plain_words_with_index_and_hash_and_leads_to_the_receipt(
    stage: Stage,
) -> None:
    _, __, session = await stage.started()
    connections = stage.consent.connections
    await connections.checkpoints.write()
    dpo = await stage.at_dpo()
    before = len(await stage.about_log())
    shown = await dpo.ask("session", session=session)
    assert title(shown.text) == "Une séance\u00a0: en cours"
    assert "adhérent, par le lien<br>\nL’adhérent a accepté que son écran soit vu." in shown.text
    text = stage.consent._wording.notice
    assert shown.text.count(f'Texte lu\u00a0: <a href="#text-{text.hash}">{text.title}, ') == 2
    assert text.points[0] in shown.text
    for entry in await connections.log.entries(uuid.UUID(session)):
        assert (
            f"n°\u00a0{entry.index}, empreinte <code>{entry.leaf_hash.hex()}</code>" in shown.text
        )
    assert ADHERENT["name"] not in shown.text
    receipt = await dpo.ask("receipt", session=session)
    assert receipt.headers["content-disposition"].startswith('attachment; filename="recu-')
    proof = receipt.json()["proof"]
    assert proof["checkpoint"] == connections.checkpoints.latest
    assert all(one["inclusion"] for one in proof["entries"])
    assert await _new(stage, before) == [
        ("evidence-read", {"by": "session", "sessions": 1}),
        ("evidence-exported", {"what": "receipt", "sessions": 1}),
    ]
    log = await dpo.ask("session", session=str(THE_LOG), page="9999999")
    assert title(log.text) == "Ce qui est arrivé au registre lui-même"
    for what in ("session", "receipt"):
        unknown = await dpo.ask(what, session=str(uuid.uuid4()))
        assert (unknown.status_code, title(unknown.text)) == (404, "Rien ne correspond")
    assert (await dpo.ask("receipt", session=str(THE_LOG))).status_code == 404


async def test_only_todays_officers_records_are_opened_to_name_who_read_the_log(
    stage: Stage,
) -> None:
    dpo = await stage.at_dpo()
    await dpo.ask("overview")
    offer = await dpo.http.post("/assistant/offers", data={"csrf": await dpo.csrf()})
    assert offer.status_code == 403
    connections = stage.consent.connections
    kept = await connections.persons.keep(THE_LOG, "dpo:another", {"id": "another"})
    assert kept in await connections.persons.of_session(THE_LOG)
    name = connections.persons._name(THE_LOG, "dpo:another")
    harm = {"$set": {"sealed": b"nobody can open this"}}
    await connections._database["persons"].update_one({"_id": name}, harm)
    log = await dpo.ask("session", session=str(THE_LOG))
    assert (log.status_code, title(log.text)) == (200, "Ce qui est arrivé au registre lui-même")
    assert "données (<strong>Aline Ferrandier</strong>)" in log.text
    assert "<li>Ce qui a été lu\u00a0: la vue d’ensemble.</li>" in log.text
    alerts, named = (await dpo.ask("overview")).text, "Nom sous lequel"
    assert named in alerts
    found = await dpo.ask("search", by="session", value=str(THE_LOG))
    assert "Personnes encore connues\u00a0: sans objet" in found.text
    persons = connections._database["persons"]
    await persons.update_many({"group": "stranger"}, harm)
    alerts = (await dpo.ask("overview")).text  # whatever was done to a record, they are to be seen
    assert "Quelqu’un a tenté d’agir sans être déclaré." in alerts
    assert named not in alerts
    await persons.delete_many({"sealed": harm["$set"]["sealed"]})


async def test_the_overview_says_where_the_log_stands_and_what_is_to_be_looked_at(
    stage: Stage,
) -> None:
    dpo = await stage.at_dpo()
    fresh = await dpo.ask("overview")
    assert "Aucun point de contrôle n’a encore été signé" in fresh.text
    assert "n’a pas encore vérifié le registre" in fresh.text
    assert "<p>Aucune.</p>" in fresh.text
    assistant, _, session = await stage.started()
    refused = await assistant.do(session, "begin-intervention")
    assert refused.status_code == 409
    connections = stage.consent.connections
    await connections.checkpoints.write()
    await connections._check()
    size = await stage.size()
    shown = await dpo.ask("overview")
    assert f"avant cette consultation\u00a0: {size}.\nToutes sont couvertes" in shown.text
    assert f"Inscriptions\u00a0: {size}, intactes" in shown.text
    assert connections.checkpoints.latest is not None
    assert connections.checkpoints.latest.splitlines()[2] in shown.text
    assert "<dt>Séances commencées</dt><dd>1</dd>" in shown.text
    assert "<dd>1 par le lien, 0 de vive voix" in shown.text
    assert "<dt>Consultations</dt><dd>1</dd>" in shown.text
    assert "En tout\u00a0: 1." in shown.text
    assert "Une prise en main ou un acte a été tenté sans accord en cours." in shown.text
    again = await dpo.ask("overview")
    assert "contrôle signé\u00a0: 1</strong>" in again.text
    before = await dpo.ask("overview", ago="1")
    assert "<dt>Séances commencées</dt><dd>0</dd>" in before.text
    assert (await stage.about_log())[-1].facts == {"what": "overview", "weeks_ago": 1}


async def test_the_export_is_on_record_and_verifies_with_the_text_behind_each_notice(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assistant, adherent, session = await stage.started()
    for what in ("intervention", "screenshot"):
        asked = await assistant.do(
            session, f"request-{what}", reason="other", words="Un r\u00e9glage"
        )
        assert asked.status_code == 200
    await adherent.do("grant-intervention")
    attested = await assistant.do(session, "attest-oral-screenshot")
    assert attested.status_code == 200
    dpo = await stage.at_dpo()
    exported = await dpo.ask("export")
    assert exported.headers["content-disposition"].endswith('.jsonl"')
    file = tmp_path / "export.jsonl"
    file.write_text(exported.text)
    report(file, None, None)
    said = capsys.readouterr().out
    assert f"INTACT: {await stage.size()} entries" in said
    assert "WITHOUT TEXT" not in said
    log = verify.verify_export(exported.text.splitlines())[0]
    assert len(log.texts.named) == 3
    assert (await stage.about_log())[-1].type == "evidence-exported"


async def test_the_dpo_takes_the_verifier_from_the_page_and_verifies_with_its_steps_alone(
    stage: Stage, tmp_path: Path
) -> None:
    await stage.started()
    dpo = await stage.at_dpo()
    await stage.consent.connections.checkpoints.write()
    mails = tmp_path / "courriels"
    mails.mkdir()
    note = stage.consent.connections.checkpoints.latest
    (mails / "1.txt").write_text(f"Bonjour,\n\n> {note}".replace("\n", "\n> "), "utf-8")
    home = (await dpo.http.get("/dpo")).text
    taken = await dpo.http.get("/dpo/verify.py")
    assert taken.headers["content-disposition"] == 'attachment; filename="verify.py"'
    assert hashlib.sha256(taken.content).hexdigest() in home
    assert taken.content == VERIFIER
    (tmp_path / "verify.py").write_bytes(taken.content)
    (tmp_path / "registre.jsonl").write_text((await dpo.ask("export")).text, "utf-8")
    (tmp_path / "cle.txt").write_text(stage.consent._signer.verifier.vkey, "utf-8")
    steps = re.findall(r"<code>python3 (verify.py registre.jsonl .*?)</code>", home)
    command = [sys.executable, "-I", "-S", *steps[0].split()]
    done = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=PIPE)
    said = (await done.communicate())[0].decode()
    assert (done.returncode, said.count("INTACT: ")) == (0, 1)
    assert "Intact\u00a0: les inscriptions de l’export s’accordent entre elles et avec" in said
    assert "UNCOVERED TAIL" in said


async def test_who_is_not_the_dpo_does_not_get_it_from_there(stage: Stage) -> None:
    for who in (await stage.browser(), await stage.at_desk()):
        answer = await who.http.get("/dpo/verify.py")
        assert answer.status_code in {303, 403}
        assert "def ed25519_verifies" not in answer.text


@pytest.mark.parametrize(
    "word",
    [
        "INTACT",
        "NOT INTACT",
        "UNWITNESSED",
        "UNCOVERED TAIL",
        "HANDED OVER",
        "PURGED",
        "WITHOUT TEXT",
    ],
)
async def test_the_page_says_what_each_outcome_means(stage: Stage, word: str) -> None:
    home = (await (await stage.at_dpo()).http.get("/dpo")).text
    assert f'<dt><code lang="en">{word}</code></dt><dd>' in home


async def test_a_get_shows_nothing_of_the_log_and_records_nothing(stage: Stage) -> None:
    _, __, session = await stage.started()
    dpo = await stage.at_dpo()
    size = await stage.size()
    home = await dpo.http.get("/dpo")
    assert home.headers["cache-control"] == "no-store"
    assert home.headers["referrer-policy"] == "no-referrer"
    assert "script-src 'self'" in home.headers["content-security-policy"]
    assert session not in home.text
    for what in READERS:
        shown = await dpo.http.get(f"/dpo/{what}", params={"session": session})
        assert (shown.status_code, shown.headers["location"]) == (303, "/dpo")
    assert await stage.size() == size


async def test_what_cannot_be_recorded_is_not_shown(
    connected: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, __, session = await connected.started()
    dpo = await connected.at_dpo()
    csrf = await dpo.csrf()

    async def append(draft: Draft, *, after: int) -> Entry:
        raise Unavailable("evidence-log")

    monkeypatch.setattr(connected.consent.connections.log, "append", append)
    asked = {"session": session, "by": "session", "value": session, "address": ADHERENT["email"]}
    for what in READERS:
        refused = await dpo.ask(what, csrf, **asked)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5"), what
        assert "n’a pas pu être inscrite\u00a0: rien n’est affiché" in refused.text
        assert session not in refused.text


async def _refused_everywhere(who: AtDpo | AtDesk, csrf: str) -> None:
    for what in READERS:
        fields = {"csrf": csrf, "session": str(uuid.uuid4())}
        refused = await who.http.post(f"/dpo/{what}", data=fields)
        assert refused.status_code == 403, what


async def test_an_assistant_has_no_right_at_the_dpos_page_nor_the_dpo_at_theirs(
    stage: Stage,
) -> None:
    lucie, dpo = await stage.at_desk(), await stage.at_dpo()
    assert (await lucie.http.get("/dpo")).status_code == 403
    assert (await dpo.http.get("/assistant")).status_code == 403
    assert await stage.size() == 0
    home = await lucie.http.get("/assistant")
    csrf = home.text.split('name="csrf" value="')[1].split('"')[0]
    await _refused_everywhere(lucie, csrf)
    (entry,) = await stage.consent.connections.log.read(0, 10)  # once an hour
    assert (entry.draft.type, entry.draft.actor) == ("refused-act", "assistant")
    assert (entry.draft.reason, tells_dpo(entry.draft)) == ("no-right-to-read", True)
    offer = await dpo.http.post("/assistant/offers", data={"csrf": await dpo.csrf()})
    assert offer.status_code == 403
    _, second = await stage.consent.connections.log.read(0, 10)
    assert (second.draft.reason, second.draft.actor) == ("unknown-assistant", "dpo")
    alerts = (await dpo.ask("overview")).text
    for who in (LUCIE, ALINE):
        assert f"Nom sous lequel cette personne s’est présentée\u00a0: {who}." in alerts
    size = await stage.size()
    await _refused_everywhere(await stage.browser(), csrf)
    assert await stage.size() == size


async def test_a_link_lets_the_dpo_in_once_and_nobody_else(stage: Stage) -> None:
    link = stage.login_link(ALINE, OFFICERS)
    first, second = await stage.browser(), await stage.browser()
    assert (await first.sign_in(link)).headers["location"] == "/dpo"
    assert (await second.sign_in(link)).status_code == 403
    assistants = stage.login_link()
    ticket = assistants.split("?")[1]
    assert (await second.sign_in(f"/dpo/login?{ticket}")).status_code == 403
    dpos = stage.login_link(ALINE, OFFICERS).split("?")[1]
    assert (await second.sign_in(f"/assistant/login?{dpos}")).status_code == 403
    assert await stage.size() == 0
    for name in ("gilles-montbarrey", LUCIE, "nobody-known"):  # over, of another list, of none
        refused = await second.sign_in(stage.login_link(name, OFFICERS))
        assert (refused.status_code, title(refused.text)) == (403, "Vous n’êtes pas habilité")
    entries = await stage.consent.connections.log.read(0, 10)
    assert [entry.draft.reason for entry in entries] == ["no-right-to-read"] * 3
    assert all(tells_dpo(entry.draft) for entry in entries)
    assert (await second.http.get("/dpo")).headers["location"] == "/dpo/login"


async def test_the_dpo_is_signed_out_when_idle_at_the_end_of_the_day_and_when_they_say_so(
    stage: Stage,
) -> None:
    dpo = await stage.at_dpo()
    stage.clock.advance(minutes=19)
    csrf = await dpo.csrf()
    stage.clock.advance(minutes=19)
    assert (await dpo.ask("overview", csrf)).status_code == 200
    stage.clock.advance(minutes=21)
    late = await dpo.ask("overview", csrf)
    assert (late.status_code, title(late.text)) == (403, "Vous n’êtes plus connecté")
    dpo = await stage.at_dpo()
    for _ in range(33):  # never idle, for ten hours and more
        stage.clock.advance(minutes=18)
        assert (await dpo.http.get("/dpo")).status_code == 200
    stage.clock.advance(minutes=18)
    assert (await dpo.http.get("/dpo")).headers["location"] == "/dpo/login"
    dpo, thief = await stage.at_dpo(), await stage.browser()
    for leave in (dpo.sign_in(stage.login_link(ALINE, OFFICERS)), dpo.ask("logout")):
        thief.http.cookies.update(dpo.http.cookies)
        assert (await leave).status_code == 303
        assert (await thief.http.get("/dpo")).headers["location"] == "/dpo/login"


async def test_forms_from_elsewhere_read_nothing(stage: Stage) -> None:
    dpo, other = await stage.at_dpo(), await stage.at_dpo()
    csrf, theirs = await dpo.csrf(), await other.csrf()
    for fields, headers in (
        ({}, {}),
        ({"csrf": theirs}, {}),
        ({"csrf": csrf}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": csrf}, {"Sec-Fetch-Site": "same-site"}),
    ):
        for what in READERS:
            refused = await dpo.http.post(f"/dpo/{what}", data=fields, headers=headers)
            assert (refused.status_code, title(refused.text)) == (403, "Formulaire refusé")
    assert (await dpo.http.post("/dpo/export", json={"csrf": csrf})).status_code == 403
    assert await stage.size() == 0


async def test_what_is_typed_is_shown_as_text_and_what_cannot_be_is_said(stage: Stage) -> None:
    dpo = await stage.at_dpo()
    csrf = await dpo.csrf()
    for by in ("session", "ticket", "tracking", "address", "", HOSTILE):
        refused = await dpo.ask("search", csrf, by=by, value=HOSTILE)
        assert refused.status_code == 422
        assert "&lt;script&gt;alert" in refused.text
        assert HOSTILE not in refused.text
    for value in ("", " ", "a" * 300, "1" * 33, "\u2028", "%00"):
        assert (await dpo.ask("search", csrf, by="ticket", value=value)).status_code == 422
    for fields in ({"address": HOSTILE}, {"address": ""}, {}):
        refused = await dpo.ask("access", csrf, **fields)
        assert refused.status_code == 422
        assert HOSTILE not in refused.text
    assert (await dpo.ask("session", csrf, session=HOSTILE)).status_code == 422
    assert await stage.size() == 0
    shown = await dpo.ask("search", csrf, by="address", value=f"{HOSTILE}@x.example")
    assert shown.status_code == 200
    assert HOSTILE not in shown.text
    for page in ("-1", "x", "9" * 400, "٣", "1e3"):
        assert (await dpo.ask("session", csrf, session=str(THE_LOG), page=page)).status_code == 200
        assert (await dpo.ask("overview", csrf, ago=page)).status_code == 200
