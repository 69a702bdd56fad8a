"""Every mail in both its forms: complete, in agreement, readable by everyone."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from desk import Closure, Desk
from schemas.sessions import EntryRecorded
from services.consent.domain.acts import SAID
from services.consent.domain.table import table as state_table
from services.notifier.declared import build_renderer
from services.notifier.domain import occasions
from services.notifier.domain.occasions import Word
from services.notifier.domain.table import Mail, MailTable
from services.notifier.rendering import TEMPLATES, Rendered, Renderer, RenderingFailed
from services.router.domain.evidence import FIELDS, RESERVED
from tests.unit.notifier import events
from tests.unit.test_typography import BREAKS

HOSTILE = '<script>alert(1)</script> & {{ 7*7 }} {% raw %} "l\'été" => > ok'
OF_STAFF = ("session-wish", "session-wish-queue", "session-wish-untaken-queue")
LUMINANCE_SHARE = (0.2126, 0.7152, 0.0722)


def samples(table: MailTable, desk: Desk, word: Word) -> Iterator[tuple[Mail, dict[str, object]]]:
    """Yield each mail of the table with what it would be given; texts are hostile ones."""
    request = {"subject": HOSTILE, "body": f"{HOSTILE}\n\n{HOSTILE}", "organisation": HOSTILE}
    created = events.marketplace_ticket(
        decision={"training": True, "dpo": True, "remote": True, "confident": False},
        request={**request, "masked": 1},
    )
    given = {
        "ticket-created": occasions.of_ticket(created, desk, word, b"").variables,
        "ticket-overdue": occasions.of_overdue(events.overdue(created), desk).variables,
        "ticket-reassigned": occasions.of_reassigned(
            events.reassigned(created), created, desk, word
        ).variables,
        "entry-recorded": occasions.of_entry(events.entry(), desk, word).variables,
    }
    for mail in table.mails:
        if mail.channel == "webhook":
            continue
        if mail.on == "notice-issued":
            yield mail, {**events.NOTICES[mail.template], "name": HOSTILE}
        else:
            yield mail, dict(given[mail.on])


@pytest.fixture(scope="module")
def rendered(table: MailTable, desk: Desk, word: Word, renderer: Renderer) -> dict[str, Rendered]:
    return {
        mail.template: renderer.render(mail.template, variables)
        for mail, variables in samples(table, desk, word)
    }


class _Page(HTMLParser):
    """Collects words, tags and styles of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self._open.append(tag)
        if tag == "a":
            self._link = dict(attrs)["href"]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "a":
            self.words.append(f" {self._link} ")

    def handle_data(self, data: str) -> None:
        if not {"title", "h1"} & set(self._open):
            self.words.append(f" {data}")


def read(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    page.close()
    assert page._open == []
    return page


def only_words(text: str) -> list[str]:
    return re.findall(r"[\w@./:'’-]*\w", re.sub(r"(?m)^> ?|^--$", "", text))


def test_every_template_is_in_the_table_and_every_mail_has_one(
    rendered: dict[str, Rendered],
) -> None:
    names = {path.name for path in TEMPLATES.glob("*.j2")}
    layouts = {"layout.txt.j2", "layout.html.j2"}
    assert names - layouts == {f"{name}.j2" for name in rendered}


def test_text_and_html_say_the_same(rendered: dict[str, Rendered]) -> None:
    for name, words in rendered.items():
        page = "".join(read(words.html).words)
        assert only_words(page) == only_words(words.text), name


def test_no_mail_breaks_a_line_where_french_has_none(rendered: dict[str, Rendered]) -> None:
    for name, words in rendered.items():
        for form in (words.subject, words.text, words.html):
            assert BREAKS.findall(form) == [], name
    assert "\u202f?" in rendered["session-offer"].text
    assert "«\u00a0Je n’ai rien demandé\u00a0»\u00a0:" in rendered["offer-disowned"].subject


def test_no_mail_lets_markup_of_others_through(rendered: dict[str, Rendered]) -> None:
    for name, words in rendered.items():
        assert "<script" not in words.html, name
        assert "49" not in words.text.split(), name


def test_every_page_is_french_titled_and_free_of_anything_to_load(
    rendered: dict[str, Rendered],
) -> None:
    for name, words in rendered.items():
        page = read(words.html)
        tags = [tag for tag, _ in page.tags]
        assert page.tags[0] == ("html", {"lang": "fr"}), name
        assert {"title", "main", "h1", "footer"} <= set(tags), name
        assert tags.count("h1") == 1
        assert not {"img", "script", "link", "style", "iframe", "form", "table"} & set(tags), name
        for tag, attributes in page.tags:
            assert "src" not in attributes, tag
            assert "onclick" not in attributes


def test_links_say_where_they_lead_without_their_surroundings(
    rendered: dict[str, Rendered],
) -> None:
    for words in rendered.values():
        for href, label in re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', words.html):
            assert href.startswith("https://")
            assert len(label.split()) >= 3


def test_contrast_is_at_least_four_and_a_half_to_one(rendered: dict[str, Rendered]) -> None:
    colours = set()
    for words in rendered.values():
        colours |= set(re.findall(r"(?<!-)color:(#[0-9a-f]{6})", words.html))
    assert colours
    for colour in colours:
        assert contrast(colour, "#ffffff") >= 4.5, colour


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio (WCAG 2.2, 1.4.3)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(share * part for share, part in zip(LUMINANCE_SHARE, linear, strict=True))


def test_paragraphs_are_short(rendered: dict[str, Rendered]) -> None:
    for name, words in rendered.items():
        for paragraph in re.findall(r"<p>([^<]*)</p>", words.html):
            assert len(paragraph) < 400, name
        assert all(first or second for first, second in pairwise(words.text.split("\n\n")))


def test_the_requester_reads_nothing_they_wrote_themselves(
    rendered: dict[str, Rendered],
) -> None:
    words = rendered["ticket-acknowledged"]
    assert "alert(1)" not in words.text
    assert "Pernot" not in words.text
    telephone, hour = "0\u00a0970\u00a0609\u00a0909", "13\u00a0h\u00a030"
    for said in ("gratuites", "formation.ternum-bfc.example", telephone, hour):
        assert said in words.text


def test_words_that_were_recognised_do_not_part_from_the_sign_between_them(
    rendered: dict[str, Rendered],
) -> None:
    assert "parapheur\u202f; visa" in rendered["ticket-staff"].text


def test_the_mail_with_the_identity_word_has_no_link(rendered: dict[str, Rendered]) -> None:
    assert "noisetier" in rendered["identity-check"].text
    assert "http" not in rendered["identity-check"].text
    assert "noisetier" not in rendered["session-offer"].text


def test_a_missing_variable_is_an_error_that_names_no_value(renderer: Renderer) -> None:
    with pytest.raises(RenderingFailed, match="session-wish"):
        renderer.render("session-wish", {"organisation": "secret"})


def test_only_web_addresses_become_links(renderer: Renderer) -> None:
    variables = {**events.NOTICES["session-offer"], "link": "javascript:alert(1)", "name": None}
    with pytest.raises(RenderingFailed):
        renderer.render("session-offer", variables)


def test_who_writes_while_the_desk_is_exceptionally_closed_is_told_so_and_when_it_opens(
    desk: Desk, word: Word, renderer: Renderer
) -> None:
    works = Closure(first=date(2026, 11, 23), last=date(2026, 11, 24), reason="travaux")
    closed = replace(desk, calendar=replace(desk.calendar, closures=(works,)))
    due_at = closed.calendar.due(events.NOW, timedelta(hours=8)).at
    created = events.ticket(decision={"due_at": due_at})

    def said(by: Desk) -> str:
        variables = occasions.of_ticket(created, by, word, b"").variables
        return " ".join(renderer.render("ticket-acknowledged", variables).text.split())

    assert (
        "Le lundi 23 novembre 2026, le service est exceptionnellement fermé (travaux). "
        "Le service ouvre le mercredi 25 novembre 2026 à 9 h."
    ) in said(closed)
    assert "mercredi 25 novembre 2026 à 18 h" in said(closed)
    assert "exceptionnellement" not in said(desk)


def test_staff_see_both_readings_of_a_request_whose_queue_is_uncertain(
    desk: Desk, word: Word, renderer: Renderer
) -> None:
    unsure = events.ticket(decision={"confident": False})
    told = occasions.of_ticket(unsure, desk, word, b"").variables
    text = renderer.render("ticket-staff", dict(told)).text
    assert str(unsure.data.request_id) in text  # with it, an assistant proposes a session
    assert f"{desk.queues['general'].title}\u00a0: parapheur" in text
    assert f"{desk.queues['marketplace'].title}\u00a0: signer l’offre" in text
    sure = occasions.of_ticket(events.ticket(), desk, word, b"").variables
    assert "signer l’offre" not in renderer.render("ticket-staff", dict(sure)).text


LEARNED = {
    "rule": "learned",
    "because": ("profile=agent ; visa", "parapheur", "profile=agent"),
    "readings": (
        {
            "queue": "general",
            "score": 14.7,
            "evidence": (
                {"rule": "learned", "words": "profile=agent ; visa", "points": 9.0},
                {"rule": "parapheur", "words": "parapheur", "points": 4.0},
                {"rule": "agenda", "words": "agenda", "points": -1.0},
                {"rule": "field-profile", "words": "profile=agent", "points": 2.0},
                {"rule": "start", "words": "", "points": 0.7},
            ),
        },
    ),
}


def test_staff_read_in_words_what_no_rule_said(desk: Desk, word: Word, renderer: Renderer) -> None:
    def said(**decision: object) -> str:
        created = events.ticket(decision=decision)
        variables = dict(occasions.of_ticket(created, desk, word, b"").variables)
        return " ".join(renderer.render("ticket-staff", variables).text.split())

    text = said(**LEARNED, confident=False)
    assert "mots appris d’exemples de demandes, puis parapheur" in text
    assert "profil choisi ; visa, parapheur Objet" in text  # each thing once
    assert f"{desk.queues['general'].title} : profil choisi ; visa ; parapheur Num" in text
    assert "mots appris d’exemples de demandes Mots" in said(**{**LEARNED, "readings": ()})
    assert "aucune, rien de reconnu ne parle pour cette file" in said(rule="no-rule")
    assert "learned" not in text


def test_whatever_may_stand_for_a_rule_has_words(word: Word) -> None:
    never = {"start", "rest", "refused"}  # they have no words of the request
    assert [name for name in RESERVED - never if word("rules", name) == name] == []
    assert [name for name in FIELDS if word("fields", name) == name] == []


def alerts() -> list[EntryRecorded]:
    """Return an entry for each way in which the state table has the DPO told."""
    acts = {arrow.act for arrow in state_table().arrows if arrow.dpo}
    reasons = {name for name, reason in state_table().refusals.reasons.items() if reason.dpo}
    assert len(acts) > 5
    assert len(reasons) > 5
    told = [events.entry(act, reason=None) for act in sorted(acts - {"refused-act"})]
    return told + [events.entry("refused-act", reason=reason) for reason in sorted(reasons)]


def test_each_alert_to_the_dpo_says_what_to_look_at(
    desk: Desk, word: Word, renderer: Renderer
) -> None:
    said = set()
    for event in alerts():
        variables = dict(occasions.of_entry(event, desk, word).variables)
        assert variables["look_at"] in renderer.render("session-alert", variables).text.replace(
            "\n", " "
        )
        said.add(variables["look_at"])
    assert word("other_look_at", "") not in said
    assert len(said) == len(alerts())
    unknown = occasions.of_entry(events.entry("new-act", reason=None), desk, word).variables
    assert unknown["look_at"] == word("other_look_at", "")


def test_no_alert_to_the_dpo_shows_a_code_and_each_has_its_own_title(
    desk: Desk, word: Word, renderer: Renderer
) -> None:
    codes = {arrow.act for arrow in state_table().arrows} | {"view", "intervene", "screenshot"}
    codes |= set(state_table().refusals.reasons)
    subjects = set()
    for event in alerts():
        mail = renderer.render("session-alert", occasions.of_entry(event, desk, word).variables)
        text = " ".join(mail.text.replace(str(event.data.session_id), "").split())
        assert codes & set(re.findall(r"[a-z-]+", f"{mail.subject} {text}")) == set()
        assert mail.subject.removeprefix("Alerte du journal des autorisations\u00a0: ") in text
        assert "https://consent.example/dpo" in mail.text
        assert "https://consent.example/dpo" in mail.html
        assert len(mail.subject) < 100
        subjects.add(mail.subject)
    assert len(subjects) == len(alerts())
    assert not any(word("other_title", "") in subject for subject in subjects)


def test_a_new_act_alerts_with_words_too_and_an_unknown_reason_with_those_of_its_act(
    desk: Desk, word: Word
) -> None:
    new = occasions.of_entry(events.entry("new-act", reason=None), desk, word).variables
    assert new["act_title"] == word("other_title", "")
    refused = occasions.of_entry(events.entry("refused-act", reason="new"), desk, word).variables
    assert refused["act_title"] == "acte refusé"


@pytest.mark.parametrize("scope", ["view", "intervene", "screenshot"])
def test_the_dpo_reads_a_scope_in_words_as_a_third_person(
    desk: Desk, word: Word, scope: str
) -> None:
    event = events.entry()
    event = event.model_copy(update={"data": event.data.model_copy(update={"scope": scope})})
    said = occasions.of_entry(event, desk, word).variables["scope"]
    assert said not in {scope, None}
    assert "votre" not in said


def test_an_assistant_whose_days_have_not_begun_is_not_told_as_one_whose_days_are_over(
    desk: Desk, word: Word
) -> None:
    event = events.entry("refused-act", reason="expired-assistant")
    told = occasions.of_entry(event, desk, word).variables
    for words in (told["reason"], told["look_at"]):
        assert "n’a pas encore commencé" in words


@pytest.mark.parametrize(
    ("state", "said"),
    [("paused", "suspendue"), ("started", "continue"), ("over", "terminée")],
)
def test_the_assistant_is_told_what_the_report_of_an_unasked_session_does(
    renderer: Renderer, state: str, said: str
) -> None:
    told = {**events.NOTICES["offer-disowned"], "state": state, "name": None}
    mail = renderer.render("offer-disowned", told)
    for words in (mail.subject, mail.text):
        assert ("suspendue" in words) == (state == "paused")
    assert said in mail.text
    assert BREAKS.findall(mail.subject + mail.text) == []


def test_without_the_address_of_consent_no_mail_leads_there(
    desk: Desk, word: Word, renderer: Renderer
) -> None:
    alert = occasions.of_entry(events.entry(), desk, word).variables
    wishes = {name: {**events.NOTICES[name], "name": None} for name in OF_STAFF}
    for name, told in {"session-alert": alert, **wishes}.items():
        page = "https://consent.example" + ("/dpo" if name == "session-alert" else "/assistant")
        assert page in renderer.render(name, told).text
        assert "://" not in build_renderer(desk, word).render(name, told).text


@pytest.mark.parametrize(
    ("count", "said"),
    [("0", "Aucun ambassadeur ne peut"), ("2", "Les ambassadeurs en sont avertis")],
)
def test_the_queue_reads_whether_anybody_else_was_told_of_a_wish(
    renderer: Renderer, count: str, said: str
) -> None:
    told = {**events.NOTICES["session-wish-queue"], "ambassadors": count, "name": None}
    text = renderer.render("session-wish-queue", told).text
    assert said in text
    assert text.count("mbassadeurs ") + text.count("mbassadeur ") == 1


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("waiting", "Votre prise en main à distance est déjà demandée"),
        ("proposed", "Une prise en main à distance vous est déjà proposée"),
        ("started", "Une prise en main à distance est déjà en cours"),
    ],
)
def test_who_wishes_again_reads_where_the_session_is(
    renderer: Renderer, desk: Desk, state: str, said: str
) -> None:
    told = {**events.NOTICES["session-wish-again"], "state": state, "name": None}
    mail = renderer.render("session-wish-again", told)
    assert mail.subject.startswith(said)
    assert ("Proposition de prise en main" in mail.text) == (state != "waiting")
    assert state not in mail.text
    assert desk.contacts.telephone.number.replace(" ", "\u00a0") in mail.text


@pytest.mark.parametrize("attested_by", ["witness", "assistant"])
@pytest.mark.parametrize("said", sorted(SAID.values()))
def test_the_adherent_reads_what_was_attested_of_them_and_whom_to_call_if_it_is_not_so(
    renderer: Renderer, said: str, attested_by: str
) -> None:
    told = {**events.NOTICES["oral-word-attested"], "said": said, "attested_by": attested_by}
    mail = renderer.render("oral-word-attested", told)
    words = {"refusal": "refus", "withdrawal": "retrait", "contest": "contestation"}
    for text in (mail.subject.lower(), mail.text):
        assert [one for one in words.values() if one in text] == [words[said]]
    assert ("deuxième personne" in mail.text) == (attested_by == "witness")
    assert "Appelez-nous" in mail.text
    alone = renderer.render("oral-word-attested", {**told, "assistant_name": ""})
    assert "Téléassistant" not in alone.text
    assert BREAKS.findall(mail.subject + mail.text) == []
