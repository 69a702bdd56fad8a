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
from services.consent.domain.entry import THE_LOG, Role, Scope, place
from services.consent.domain.persons import PersonRecord
from services.consent.domain.purging import OVER
from services.consent.domain.standing import Standing
from services.consent.handlers.erasing import Ground
from services.consent.handlers.searching import Found
from services.consent.handlers.weeks import Week
from services.consent.texts.dpo import load_dpo_wording
from services.consent.texts.wording import load_wording
from services.consent.web.dpo.forms import Search
from services.consent.web.dpo.views import ALERTS, ENTRIES, FOUND, Views
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


def _indexes(page: Response[str]) -> list[int]:
    return [int(n) for n in re.findall(r"Inscription n°\u00a0(\d+), empreinte", page.content)]


@pytest.mark.parametrize(
    ("wanted", "first", "turns"),
    [(0, 0, {"1"}), (1, ENTRIES, {"0", "2"}), (2, 2 * ENTRIES, {"1"}), (99, 2 * ENTRIES, {"1"})],
)
def test_a_long_timeline_is_shown_page_by_page(wanted: int, first: int, turns: set[str]) -> None:
    page = VIEWS.session(ALINE, _log(2 * ENTRIES + 1), wanted)
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
        assert words in unescape(VIEWS.session(ALINE, found, 0).content)


def test_by_which_name_a_stranger_came_is_shown() -> None:
    who = PersonRecord(kind="stranger:ines", value={"id": "ines-courtalon"}, commitment="e" * 64)
    refusal = draft(SESSION, "refused-act", "assistant", reason="unsigned-assistant")
    refusal = replace(refusal, facts={"who": who.commitment})
    entry = place(refusal, index=0, sequence=1, recorded_at=NOW)
    page = VIEWS.session(ALINE, Found(session=SESSION, entries=(entry,), records=(who,)), 0)
    assert "<strong>ines-courtalon</strong>" in page.content
    assert "personne non habilitée" in page.content
    page = VIEWS.session(ALINE, Found(session=SESSION, entries=(entry,), records=()), 0)
    assert "Nom sous lequel" not in page.content


def test_why_something_was_purged_or_erased_is_told_in_words() -> None:
    assert {OVER, *Ground} <= set(VIEWS.texts.reasons)


def test_every_reason_that_can_be_given_is_tried_above() -> None:
    assert {said for _, _, said in SAID} == set(WORDING.reasons)


def test_all_alerts_of_a_week_can_be_come_to_the_newest_first() -> None:
    refusal = draft(SESSION, "refused-act", "assistant", reason="unsigned-assistant")
    entries = tuple(
        place(refusal, index=n, sequence=n + 1, recorded_at=NOW) for n in range(2 * ALERTS + 1)
    )
    week = Week(begins=NOW - timedelta(days=1), ends=NOW, entries=entries, size=len(entries))
    standing = Standing(size=len(entries), note=None, covered=0, root="", verified=None)
    shown = [_indexes(VIEWS.overview(ALINE, standing, week, 3, page)) for page in range(3)]
    assert [n for some in shown for n in some] == list(range(2 * ALERTS, -1, -1))
    page = VIEWS.overview(ALINE, standing, week, 3, 1)
    assert re.findall(r'name="page" value="(\d+)"', page.content)[-2:] == ["0", "2"]


def test_a_session_without_entries_has_no_receipt() -> None:
    page = VIEWS.session(ALINE, Found(session=SESSION, entries=(), records=()), 0)
    assert "/dpo/receipt" not in page.content
    assert "Page 1 sur" not in page.content
