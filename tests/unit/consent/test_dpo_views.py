"""The DPO's page shows a bounded part of what was found, and leads to the rest."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from uuid import UUID, uuid4

import pytest
from litestar import Response

from deploy.local.services import DESK
from desk import load_desk
from services.consent.domain.entry import THE_LOG, Entry, Role, Scope, place
from services.consent.domain.notices import bound_to
from services.consent.domain.persons import PersonRecord
from services.consent.domain.purging import OVER
from services.consent.domain.standing import Standing
from services.consent.handlers.erasing import Ground
from services.consent.handlers.searching import Found
from services.consent.handlers.weeks import Week
from services.consent.telling import people_of
from services.consent.texts.dpo import load_dpo_wording
from services.consent.texts.wording import load_wording
from services.consent.web.dpo.forms import Search
from services.consent.web.dpo.views import ALERTS, ENTRIES, FOUND, Views, alerts_of
from services.consent.web.rendering import Renderer
from services.consent.web.sign_in.routes import SignedIn
from tests.unit.consent.drafts import draft

DECLARED = load_desk(DESK)
WORDING = load_wording(DECLARED)
VIEWS = Views(
    renderer=Renderer(DECLARED, WORDING),
    desk=DECLARED,
    wording=WORDING,
    texts=load_dpo_wording(),
)
ALINE = SignedIn(person=DECLARED.officers["aline-ferrandier"], csrf="token")
SESSION = UUID("6f0c2d0e-5d1e-5c0b-9a53-6d3d1b0f6a10")
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def _log(entries: int) -> Found:
    made = [
        place(draft(THE_LOG, "evidence-read", "dpo"), index=n, sequence=n + 1, recorded_at=NOW)
        for n in range(entries)
    ]
    return Found(session=THE_LOG, entries=tuple(made), records=())


def _week(entries: tuple[Entry, ...]) -> tuple[Week, Standing]:
    size = len(entries)
    week = Week(begins=NOW - timedelta(days=1), ends=NOW, entries=entries, size=size)
    return week, Standing(size=size, note=None, covered=0, root="", verified=None)


def _alert(entry: Entry, *people: PersonRecord) -> str:
    """Return the overview of a week that had this alert alone."""
    week, standing = _week((entry,))
    return VIEWS.overview(ALINE, standing, week, 0, alerts_of(week, 0), people).content


def _indexes(page: Response[str]) -> list[int]:
    return [int(n) for n in re.findall(r"Inscription n°\u00a0(\d+), empreinte", page.content)]


@pytest.mark.parametrize(
    ("wanted", "first", "turns"),
    [(0, 0, {"1"}), (1, ENTRIES, {"0", "2"}), (2, 2 * ENTRIES, {"1"}), (99, 2 * ENTRIES, {"1"})],
)
def test_a_long_timeline_is_shown_page_by_page(wanted: int, first: int, turns: set[str]) -> None:
    page = VIEWS.session(ALINE, _log(2 * ENTRIES + 1), wanted, ())
    shown = _indexes(page)
    assert shown == list(range(first, min(first + ENTRIES, 2 * ENTRIES + 1)))
    assert set(re.findall(r'name="page" value="(\d+)"', page.content)) == turns


def test_many_sessions_are_shown_page_by_page_and_a_purged_one_says_so() -> None:
    found = [Found(session=uuid4(), entries=(), records=()) for _ in range(FOUND + 1)]
    search = Search(by="address", value="odile@mairie.example", page=1)
    page = VIEWS.found(ALINE, search, found)
    assert f": {FOUND + 1}." in page.content
    assert re.findall(r"Séance <code>(.*?)</code>", page.content) == [str(found[-1].session)]
    assert "fin de conservation, contenu supprimé" in page.content
    assert 'name="value" value="odile@mairie.example"' in page.content


STARTED: Sequence[tuple[str, Role]] = [
    ("offered", "assistant"),
    ("notice-served", "adherent"),
    ("granted", "adherent"),
    ("started", "assistant"),
]
SAID: Sequence[tuple[str, Scope | None, str]] = [
    ("intervene-requested", "intervene", "intervene"),
    ("screenshot-requested", "screenshot", "screenshot"),
    ("charter-warning-served", None, "tool"),
]


@pytest.mark.parametrize(("kind", "scope", "said"), SAID)
def test_what_an_assistant_gave_as_a_reason_is_told_in_words(
    kind: str, scope: Scope | None, said: str
) -> None:
    for code, words in WORDING.reasons[said].items():
        given = draft(SESSION, kind, "assistant", scope=scope, reason=code)
        drafts = (*(draft(SESSION, act, role) for act, role in STARTED), given)
        entries = tuple(
            place(one, index=n, sequence=n + 1, recorded_at=NOW) for n, one in enumerate(drafts)
        )
        found = Found(session=SESSION, entries=entries, records=())
        assert words in unescape(VIEWS.session(ALINE, found, 0, ()).content)


def test_by_which_name_a_stranger_came_is_shown() -> None:
    who = PersonRecord(kind="stranger:ines", value={"id": "ines-courtalon"}, commitment="e" * 64)
    refusal = draft(SESSION, "refused-act", "assistant", reason="unsigned-assistant")
    refusal = replace(refusal, facts={"who": who.commitment})
    entry = place(refusal, index=0, sequence=1, recorded_at=NOW)
    page = VIEWS.session(ALINE, Found(session=SESSION, entries=(entry,), records=(who,)), 0, ())
    assert "s\u2019est pr\u00e9sent\u00e9e\u00a0: ines-courtalon." in unescape(page.content)
    assert "personne non habilit\u00e9e (ines-courtalon)" in page.content
    assert "s\u2019est pr\u00e9sent\u00e9e\u00a0: ines-courtalon." in unescape(_alert(entry, who))
    page = VIEWS.session(ALINE, Found(session=SESSION, entries=(entry,), records=()), 0, ())
    assert "Nom sous lequel" not in page.content


def test_the_account_of_somebody_unknown_is_beside_the_alert_and_in_what_is_found() -> None:
    value = {"user": "zz unknown", "device": "d4711"}
    about = PersonRecord(kind="connection:ab", value=value, commitment="e" * 64)
    facts = {"connection": "ab", "about": about.commitment, "lasted_s": 4210, "source": "csv"}
    found = draft(SESSION, "connection-by-stranger", "service", facts=facts)
    found = replace(found, reason="unknown-account")
    entry = place(found, index=0, sequence=1, recorded_at=NOW)
    one = Found(session=SESSION, entries=(entry,), records=(about,))
    for page in (VIEWS.session(ALINE, one, 0, ()).content, _alert(entry, about)):
        assert "Compte de l\u2019outil\u00a0: zz unknown." in unescape(page)
        assert "Dur\u00e9e\u00a0: 1\u00a0h\u00a010\u00a0min\u00a010\u00a0s." in page
        assert "<li>Relev\u00e9 de l\u2019outil\u00a0: fichier export\u00e9.</li>" in unescape(page)
    assert people_of(one) == "connexion d\u2019une personne inconnue (zz unknown)"
    too_long = replace(found, type="connection-too-long", reason=None)
    known = replace(one, entries=(place(too_long, index=0, sequence=1, recorded_at=NOW),))
    assert people_of(known) == "connexion relev\u00e9e"


def test_which_officer_read_the_log_is_named_or_else_the_commitment_is() -> None:
    aline = PersonRecord(
        kind="dpo:aline", value={"id": "aline", "name": "Aline Ferrandier"}, commitment="e" * 64
    )
    drafts = (
        draft(THE_LOG, "evidence-exported", "dpo", commitment=aline.commitment),
        draft(THE_LOG, "evidence-read", "dpo", commitment="f" * 64),
        draft(THE_LOG, "evidence-read", "operator", commitment=None),
    )
    entries = tuple(
        place(one, index=n, sequence=n + 1, recorded_at=NOW) for n, one in enumerate(drafts)
    )
    log = Found(session=THE_LOG, entries=entries, records=(aline,))
    page = VIEWS.session(ALINE, log, 0, ()).content
    assert "protection des donn\u00e9es (<strong>Aline Ferrandier</strong>)<br>" in page
    assert f"engagement {'f' * 64}</strong>)<br>" in page
    assert "exploitant<br>" in page


def test_why_something_was_purged_or_erased_is_told_in_words() -> None:
    assert {OVER, *Ground} <= set(VIEWS.texts.reasons)


def test_every_reason_that_can_be_given_is_tried_above() -> None:
    assert {said for _, _, said in SAID} == set(WORDING.reasons)


def test_all_alerts_of_a_week_can_be_come_to_the_newest_first() -> None:
    refusal = draft(SESSION, "refused-act", "assistant", reason="unsigned-assistant")
    entries = tuple(
        place(refusal, index=n, sequence=n + 1, recorded_at=NOW) for n in range(2 * ALERTS + 1)
    )
    week, standing = _week(entries)
    pages = [alerts_of(week, page) for page in range(3)]
    shown = [_indexes(VIEWS.overview(ALINE, standing, week, 3, alerts, ())) for alerts in pages]
    assert [n for some in shown for n in some] == list(range(2 * ALERTS, -1, -1))
    page = VIEWS.overview(ALINE, standing, week, 3, pages[1], ())
    assert re.findall(r'name="page" value="(\d+)"', page.content)[-2:] == ["0", "2"]


def test_a_session_without_entries_has_no_receipt() -> None:
    page = VIEWS.session(ALINE, Found(session=SESSION, entries=(), records=()), 0, ())
    assert "/dpo/receipt" not in page.content
    assert "Page 1 sur" not in page.content


def test_each_notice_leads_to_the_text_as_it_was_read_also_one_of_a_former_version() -> None:
    former = replace(WORDING.notice, version="1", paragraphs=("Autrefois <b>.",))
    asking = draft(SESSION, "intervene-requested", "assistant", reason="fill-form")
    question = WORDING.question("intervene", asking)
    assert question.bound == bound_to(asking)
    given = (
        draft(SESSION, "offered", "assistant"),
        draft(SESSION, "notice-served", "adherent", notice=former.hash),
        draft(SESSION, "granted", "adherent", notice=former.hash),
        draft(SESSION, "started", "assistant"),
        asking,
        draft(SESSION, "intervene-granted", "adherent", notice=question.hash),
    )
    entries = tuple(
        place(one, index=n, sequence=n + 1, recorded_at=NOW) for n, one in enumerate(given)
    )
    found = Found(session=SESSION, entries=entries, records=())
    page = VIEWS.session(ALINE, found, 0, (former, *WORDING.shown)).content
    plain = WORDING.questions["intervene"]
    led_to = re.findall(r'Texte lu\u00a0: <a href="#text-(.*?)">(.*?)</a>', page)
    titles = [(one.hash, f"{one.title}, version {one.version}") for one in (former, plain)]
    assert led_to == [titles[0], titles[0], titles[1]]
    assert re.findall(r'<article id="text-(.*?)" lang="fr">', page) == [former.hash, plain.hash]
    assert "<p>Autrefois &lt;b&gt;.</p>" in page
    assert all(f"<p>{line}</p>" in unescape(page) for line in plain.paragraphs)
    assert f"empreinte <code>{question.hash}</code>" in page
    page = VIEWS.session(ALINE, found, 0, ()).content
    assert page.count("il n\u2019a pas \u00e9t\u00e9 gard\u00e9") == 3
    assert "Les textes qui" not in page
