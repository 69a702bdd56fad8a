"""Codes in the answer to an access request have words: mails, acts, reasons, the catalogue's."""

from datetime import UTC, datetime
from html import unescape
from uuid import uuid4

import yaml

from deploy.local.folders import PROJECT
from deploy.local.services import DESK
from desk import load_desk
from services.consent.access import as_document
from services.consent.domain.elsewhere import Requested
from services.consent.domain.entry import Draft, place
from services.consent.domain.persons import PersonRecord
from services.consent.domain.table import table
from services.consent.handlers.gathering import Gathered
from services.consent.handlers.searching import Found
from services.consent.telling import texts
from services.consent.texts.details import load_details
from services.consent.texts.wording import load_wording
from tests.unit.consent.drafts import draft, walk
from tests.unit.notifier import events

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
WORDING = load_wording(load_desk(DESK))
PEOPLE = {"adherent", "assistant", "witness"}


def _document(*drafts: Draft, service: str | None = None, profile: str | None = None) -> str:
    entries = tuple(
        place(one, index=n, sequence=n + 1, recorded_at=NOW) for n, one in enumerate(drafts)
    )
    own = PersonRecord(kind="adherent:1", value={"email": "a@b.example"}, commitment="a" * 64)
    ticket = events.ticket(request={"service": service, "profile": profile})
    gathered = Gathered(
        address="a@b.example",
        at=NOW,
        sessions=(Found(session=uuid4(), entries=entries, records=(own,), own=(own,)),),
        pictures={},
        texts=WORDING.shown,
        mailed=[],
        asked=[Requested(ticket=ticket, leaves_at=None)],
        unreadable=0,
    )
    return "".join(as_document(gathered, load_desk(DESK)))


def test_every_mail_that_the_notifier_sends_has_words() -> None:
    declared = yaml.safe_load((PROJECT / "services/notifier/mails.yaml").read_text("utf-8"))
    assert {mail["template"] for mail in declared["mails"]} == set(texts()["mails"])


def test_every_act_of_people_in_a_session_has_words_for_its_refusal() -> None:
    acts = {arrow.act for arrow in table().arrows if PEOPLE & set(arrow.by)}
    assert acts - {"refused-act"} == set(load_details().of("refused-act")["act"].words)


def test_a_line_says_how_why_and_which_act_was_refused() -> None:
    session = uuid4()
    page = _document(
        draft(session, "offered", "assistant"),
        draft(session, "notice-served", "adherent"),
        draft(session, "granted", "adherent"),
        draft(session, "started", "assistant"),
        draft(session, "intervene-requested", "assistant", reason="fill-form"),
        draft(session, "charter-warning-served", "assistant", reason="old-version"),
        draft(
            session, "refused-act", "assistant", reason="no-live-grant", facts={"act": "started"}
        ),
    )
    for words in (
        "Vous avez accept\u00e9 que votre \u00e9cran soit vu. Voie\u00a0: par le lien.",
        "agir lui-m\u00eame. Motif\u00a0: Remplir un formulaire \u00e0 votre place.",
        "Motif\u00a0: Une version trop ancienne.",
        "Ce qui a \u00e9t\u00e9 refus\u00e9\u00a0: commencer la s\u00e9ance.",
        "Motif\u00a0: aucune autorisation n\u2019\u00e9tait en cours.",
    ):
        assert words in page
    for code in ("fill-form", "old-version", "no-live-grant"):
        assert code not in page


def test_a_line_says_what_it_is_about_and_names_nobody() -> None:
    session, about = uuid4(), "b" * 64
    beyond = {"about": about, "who": "c" * 64, "beyond_s": 1830, "began": "2026-11-23T10:00:00Z"}
    page = _document(
        *walk(session)[:-2],
        draft(session, "ended", "assistant", facts={"limit_s": 86400, "mark": "m-1"}),
        draft(session, "incident-declared", "assistant", facts={"no_password": False}),
        draft(session, "connection-too-long", "service", facts=beyond),
    )
    assert "Mot de passe\u00a0: un mot de passe a \u00e9t\u00e9 donn\u00e9." in page
    assert "Temps laiss\u00e9 pour la suite\u00a0: 24\u00a0h." in page
    assert "D\u00e9passement de l\u2019accord\u00a0: 30\u00a0min\u00a030\u00a0s." in page
    assert "D\u00e9but\u00a0: lundi 23 novembre 2026 \u00e0 11\u00a0h." in page
    for code in (about, "Compte de l", "m-1", "no_password", "1830"):
        assert code not in page


def test_who_assisted_is_said_to_be_erased_only_where_somebody_assisted() -> None:
    said, session = texts()["access"], uuid4()
    refused = draft(
        session, "refused-act", "adherent", facts={"act": "requested", "live": "waiting"}
    )
    assert said["assistants"] not in _document(refused)
    assert said["assistants"] in _document(draft(session, "offered", "assistant"))


def test_that_a_text_was_not_kept_is_said() -> None:
    missing, session = texts()["access"]["texts_missing"], uuid4()
    offered = draft(session, "offered", "assistant")
    for notice, is_said in ((WORDING.notice.hash, False), ("d" * 64, True)):
        page = _document(offered, draft(session, "notice-served", "adherent", notice=notice))
        assert (missing in unescape(page)) == is_said


def test_a_request_has_the_titles_that_its_form_shows() -> None:
    page = _document(service="salle-des-marches", profile="acheteur")
    assert "<dd>Salle des march\u00e9s publics</dd>" in page
    assert "<dd>Acheteur public</dd>" in page
    assert "salle-des-marches" not in page
    assert "<dd>gone</dd>" in _document(service="gone")


def test_each_text_that_was_read_is_in_it_once_and_no_other() -> None:
    session, notice = uuid4(), WORDING.notice
    asking = draft(session, "screenshot-requested", "assistant", reason="show-error")
    question = WORDING.question("screenshot", asking)
    page = _document(
        draft(session, "offered", "assistant"),
        draft(session, "notice-served", "adherent", notice=notice.hash),
        draft(session, "granted", "adherent", notice=notice.hash),
        draft(session, "started", "assistant"),
        asking,
        draft(session, "screenshot-granted", "adherent", notice=question.hash),
    )
    said = unescape(page)
    for text in (notice, question):
        assert said.count(f"<h5>{text.title} (version {text.version})</h5>") == 1
        assert all(line in said for line in (*text.paragraphs, *text.points))
    assert page.count("<h5>") == 2
    assert "<h5>" not in _document(draft(session, "offered", "assistant"))
