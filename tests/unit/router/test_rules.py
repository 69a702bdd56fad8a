"""Reading the operator's rules file."""

from pathlib import Path

import pytest

from services.router.domain import Request, understand
from services.router.domain.ruleset import ALWAYS_POINTS
from services.router.rules import RulesError, load_rules, schema_text
from tests.unit.router.cases import RULES_FILE, shipped_rules

SMALL = """\
balance:
  start: {marketplace: 0, general: 0.5}
  thresholds: {training: 3, dpo: 3, remote: 3}
  sure_margin: 1
  cues: {problem: 1.6, ask: 1.3, past: 0.7, background: 0.2, pivot: 0.4, names-object: 0.2}
  long_text_words: 100
  closing_boost: 1.3
words:
  silent: [le, la, de, d]
  contrasts: [mais]
  correct: []
  object_stops: [est]
lists:
  remettre: [dépos*, remett*]
rules:
  - name: offres
    queue: marketplace
    weight: 4
    phrases: [<remettre> .. offre]
    except: [offre d'emploi]
  - name: courrier
    queue: general
    phrases: [boîte mail]
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "routing.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def reasons(tmp_path: Path, text: str) -> str:
    with pytest.raises(RulesError) as caught:
        load_rules(written(tmp_path, text))
    return str(caught.value)


def test_a_small_rule_set_routes(tmp_path: Path) -> None:
    rules = load_rules(written(tmp_path, SMALL))
    told = understand(Request(id="1", body="Je veux déposer la nouvelle offre."), rules)
    assert (told.queue, told.rule, told.confident) == ("marketplace", "offres", True)
    assert told.ruleset_version == rules.version


def test_the_version_is_that_of_the_content(tmp_path: Path) -> None:
    one = load_rules(written(tmp_path, SMALL)).version
    other = load_rules(written(tmp_path, SMALL + "# a comment\n")).version
    assert one != other
    assert one.startswith("sha256:")
    assert len(one) == len("sha256:") + 12


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("weight: 4", "wieght: 4", 18, "unknown key"),
        ("weight: 4", "weight: forte", 18, "must be a number"),
        ("weight: 4", "weight: 400", 18, "less than or equal to 10"),
        ("queue: general", "queue: generale", 22, "must be 'marketplace' or 'general'"),
        ("    queue: general\n", "", 21, "exactly one of queue, flag, cue, fact"),
        ("name: courrier", "name: offres", 21, "already used further up"),
        ("<remettre>", "<ouvrir>", 19, "no list is named 'ouvrir'"),
        ("[boîte mail]", "[boîte .. ]", 23, "begins or ends with '..'"),
        ("[boîte mail]", "[de la boîte]", 23, "only one word is left"),
        ("[boîte mail]", "[déposer .. offre, dépos* .. offre]", 23, "other queue in rule offres"),
        ("[boîte mail]", "['(boîte) mail']", 23, "has a bracket"),
        ("  sure_margin: 1\n", "", 1, "this key is missing"),
        ("dpo: 3, ", "", 3, "this key is missing"),
        ("rules:", "fields: {couleur: {rouge: {general: 1}}}\nrules:", 15, "unknown field"),
        ("balance:", "balance: [", 3, "not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_reason(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    told = reasons(tmp_path, SMALL.replace(old, new, 1))
    assert f"routing.yaml:{line}:" in told
    assert reason in told


def test_a_rule_that_always_holds_overrules_all_others(tmp_path: Path) -> None:
    ruled = SMALL.replace(
        "    phrases: [boîte mail]", "    always: true\n    phrases: [boîte mail]"
    )
    request = Request(id="1", body="Déposer une offre, déposer une offre depuis ma boîte mail.")
    assert understand(request, load_rules(written(tmp_path, SMALL))).queue == "marketplace"
    told = understand(request, load_rules(written(tmp_path, ruled)))
    assert (told.queue, told.rule) == ("general", "courrier")


def test_a_rule_that_always_holds_does_so_in_what_is_told_by_the_way(tmp_path: Path) -> None:
    ruled = SMALL.replace(
        "    phrases: [boîte mail]", "    always: true\n    phrases: [boîte mail]"
    )
    by_the_way = "  - name: en-passant\n    cue: background\n    phrases: [hier]\n"
    training = "  - name: jamais\n    flag: training\n    weight: -1\n    always: true\n"
    rules = load_rules(written(tmp_path, f"{ruled}{by_the_way}{training}    phrases: [agenda]\n"))
    told = understand(Request(id="1", body="Hier ma boîte mail et mon agenda."), rules)
    assert told.readings[0].evidence[0].points == ALWAYS_POINTS
    assert told.flags[0].score == -ALWAYS_POINTS


def test_what_was_learned_is_named_when_it_cannot_be_read(tmp_path: Path) -> None:
    text = SMALL.replace("words:\n", "learned: {file: learned.json, points: 10}\nwords:\n")
    assert "routing.yaml:8: learned.file: learned.json cannot be read" in reasons(tmp_path, text)
    (tmp_path / "learned.json").write_text('{"version": "x"}', encoding="utf-8")
    assert "missing required field" in reasons(tmp_path, text)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = SMALL.replace("<remettre>", "<rien>").replace("[boîte mail]", "['(x)']")
    assert len(reasons(tmp_path, text).splitlines()) == 2


def test_a_mistake_of_shape_hides_no_other(tmp_path: Path) -> None:
    text = SMALL.replace("sure_margin: 1", "sure_margin: eins")
    text = text.replace("past: 0.7, ", "").replace("weight: 4", "wieght: 4")
    text = text.replace("\nwords:", "\nlearned: {file: none.json, points: 1}\nwords:")
    text = text.replace("<remettre>", "<rien>").replace("[boîte mail]", "[2026, '(x)', mon:nom]")
    text += "  - name: offres\n    queue: [general]\n    phrases: [remettre offre]\n"
    text += "    phrases: []\n"
    told = [line.split("routing.yaml:")[1] for line in reasons(tmp_path, text).splitlines()]
    assert told == [
        "4: balance.sure_margin: must be a number such as 4 or 4.5, with a point",
        "5: balance.cues.past: this key is missing",
        "8: learned.file: none.json cannot be read (No such file or directory)",
        "19: rules[0].wieght: unknown key",
        "20: rules[0].phrases[0]: no list is named 'rien'",
        "24: rules[1].phrases[0]: must be text: put it in quotation marks",
        "24: rules[1].phrases[1]: '(x)' has a bracket",
        "24: rules[1].phrases[2]: words.owners does not say who 'mon' is",
        "25: rules[2].name: is already used further up",
        "26: rules[2].queue: must be 'marketplace' or 'general'",
        "28: rules[2].phrases: duplicate key, first on line 27",
    ]


@pytest.mark.parametrize("part", ["balance", "words", "lists", "rules"])
@pytest.mark.parametrize("value", ["5", "[]", "[{a: [1]}]", "{start: 3, silent: 4, remettre: 5}"])
def test_nothing_follows_from_a_part_that_is_of_another_shape(
    tmp_path: Path, part: str, value: str
) -> None:
    begin = SMALL.index(f"{part}:\n")
    ends = [SMALL.index(f"{one}:\n") for one in ("words", "lists", "rules")]
    end = next((one for one in ends if one > begin), len(SMALL))
    told = reasons(tmp_path, f"{SMALL[:begin]}{part}: {value}\n{SMALL[end:]}").splitlines()
    line = SMALL[:begin].count("\n") + 1
    assert {f"routing.yaml:{line}:" in one for one in told} == {True}


@pytest.mark.parametrize("cue", ["settled", "negation", "melody"])
def test_a_cue_without_a_factor_is_refused_one(tmp_path: Path, cue: str) -> None:
    told = reasons(tmp_path, SMALL.replace("{problem: 1.6", f"{{{cue}: 2, problem: 1.6"))
    assert f"routing.yaml:5: balance.cues.{cue}: unknown key: must be 'problem', 'ask'," in told


def test_what_fields_say_of_services_and_profiles_is_looked_up_in_the_catalogue(
    tmp_path: Path,
) -> None:
    fields = """fields:
  service:
    Parapheur: {general: 1}
    parapheurs: {general: 1}
    "*": {general: 1}
  profile:
    maire: {general: 1}
  organisation:
    sarl: {marketplace: 1}
"""
    text = SMALL.replace("rules:", f"{fields}rules:")
    assert load_rules(written(tmp_path, text)).fields
    (tmp_path / "catalogue.yaml").write_bytes(RULES_FILE.with_name("catalogue.yaml").read_bytes())
    told = [line.split("routing.yaml:")[1] for line in reasons(tmp_path, text).splitlines()]
    assert told == [
        "18: fields.service.parapheurs: no such service in the catalogue of the desk",
        "21: fields.profile.maire: no such profile in the catalogue of the desk",
    ]


LISTS = "lists:\n  remettre: [dépos*, remett*]\n"


@pytest.mark.parametrize(
    ("lists", "told"),
    [
        (
            "  remettre: [dépos*, <remettre>]\n",
            ["14: lists.remettre[1]: the list 'remettre' names itself"],
        ),
        (
            "  remettre: [<a>]\n  a: [pli, b, <b> pli]\n  b: [<a>]\n",
            [
                "15: lists.a[2]: the list 'a' names itself, by way of 'b'",
                "16: lists.b[0]: the list 'b' names itself, by way of 'a'",
            ],
        ),
        (
            "  remettre: [<a>]\n  a: [<b>]\n  b: [<remettre>]\n",
            [
                "14: lists.remettre[0]: the list 'remettre' names itself, by way of 'a' and 'b'",
                "15: lists.a[0]: the list 'a' names itself, by way of 'b' and 'remettre'",
                "16: lists.b[0]: the list 'b' names itself, by way of 'remettre' and 'a'",
            ],
        ),
        ("  remettre: [dépos*, <rien>]\n", ["14: lists.remettre[1]: no list is named 'rien'"]),
        (
            "  remettre: [dépos*]\n  seule: [le, pli .., '(pli)', a + b, mon:nom]\n",
            [
                "15: lists.seule[0]: 'le' holds no word that counts",
                "15: lists.seule[1]: 'pli ..' begins or ends with '..'",
                "15: lists.seule[2]: '(pli)' has a bracket",
                "15: lists.seule[3]: '+' is not one word",
                "15: lists.seule[4]: words.owners does not say who 'mon' is",
            ],
        ),
        (
            "  remettre: [mon:dépôt, <autre>]\n  autre: [mon:pli, envoi]\n",
            [
                "14: lists.remettre[0]: words.owners does not say who 'mon' is",
                "15: lists.autre[0]: words.owners does not say who 'mon' is",
            ],
        ),
        ("  remettre: []\n", ["14: lists.remettre: "]),
    ],
)
def test_a_mistake_in_a_list_is_told_there_and_nowhere_else(
    tmp_path: Path, lists: str, told: list[str]
) -> None:
    text = SMALL.replace(LISTS, f"lists:\n{lists}")
    found = [line.split("routing.yaml:")[1] for line in reasons(tmp_path, text).splitlines()]
    assert len(found) == len(told)
    assert all(one.startswith(said) for one, said in zip(found, told, strict=True)), found


def test_a_phrase_with_a_broken_list_has_its_own_mistakes_told(tmp_path: Path) -> None:
    text = SMALL.replace("[dépos*, remett*]", "[<rien>]").replace("..", "(..) <vide>")
    found = [line.split("routing.yaml:")[1] for line in reasons(tmp_path, text).splitlines()]
    assert found == [
        "14: lists.remettre[0]: no list is named 'rien'",
        "19: rules[0].phrases[0]: '<remettre> (..) <vide> offre' has a bracket",
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        (
            "object_stops: [est]",
            'object_stops: [""]',
            12,
            "words.object_stops[0]: only single words",
        ),
        ("correct: []", "correct: ['', ab]", 11, "words.correct[0]: only single words"),
        ("correct: []", "correct: [_]", 11, "words.correct[0]: only single words"),
        ("silent: [le", "silent: [à la", 9, "words.silent[0]: only single words"),
        ("silent: [le", 'silent: ["l\'"', 9, "words.silent[0]: only single words"),
        ("silent: [le", "silent: [le, '2024'", 9, "words.silent[1]: numbers are all written 0"),
        ("[mais]", "[au contraire]", 10, "words.contrasts[0]: only single words"),
        ("correct: []", "owners: {mon: [à moi]}", 11, "words.owners.mon[0]: only single words"),
        ("correct: []", "owners: {à moi: [mon]}", 11, "words.owners.à moi: only single words"),
        ("correct: []", "spellings: {a b: c}", 11, "words.spellings.a b: only single words"),
        ("correct: []", 'spellings: {"": x}', 11, "words.spellings.: only single words"),
        ("correct: []", "spellings: {ab: c d}", 11, "words.spellings.ab: only single words"),
    ],
)
def test_words_that_no_text_can_have_are_named(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    (told,) = reasons(tmp_path, SMALL.replace(old, new, 1)).splitlines()
    assert f"routing.yaml:{line}: {reason}" in told


@pytest.mark.parametrize("word", ["Œuvre", "DÉJÀ", "0", "12h", "r2d2", "a_b", "été"])
def test_words_are_taken_however_they_are_written(tmp_path: Path, word: str) -> None:
    words = f"correct: ['{word}']\n  spellings: {{'{word}': '{word}'}}"
    assert load_rules(written(tmp_path, SMALL.replace("correct: []", words)))


def test_what_nobody_expected_is_told_of_the_file(tmp_path: Path) -> None:
    text = SMALL.replace("words:\n", "learned: {file: deep.json, points: 10}\nwords:\n")
    (tmp_path / "deep.json").write_text('{"x":' + "[" * 100_000, encoding="utf-8")
    with pytest.raises(RulesError) as caught:
        load_rules(written(tmp_path, text))
    (told,) = caught.value.problems
    assert (told.file.name, told.line) == ("routing.yaml", 0)
    assert "RecursionError" in told.reason
    assert isinstance(caught.value.__cause__, RecursionError)


def test_all_that_a_value_of_a_field_counts_for_counts(tmp_path: Path) -> None:
    fields = "fields: {service: {parapheur: {general: 9, marketplace: 0.1}, '*': {general: 1}}}\n"
    rules = load_rules(written(tmp_path, SMALL.replace("rules:", f"{fields}rules:")))
    told = understand(Request(body="Bonjour.", service="Parapheur"), rules)
    assert [(one.queue, one.score) for one in told.readings] == [
        ("general", 9.5),
        ("marketplace", 0.1),
    ]
    told = understand(Request(body="Bonjour.", service="agenda"), rules)
    assert [one.score for one in told.readings] == [1.5, 0.0]


def test_values_of_a_field_that_are_read_alike_are_named(tmp_path: Path) -> None:
    fields = """fields:
  service:
    Élu: {general: 1}
    autre: {general: 1}
    elu: {marketplace: 1}
    Autre: {general: 2}
  profile:
    elu: {general: 1}
"""
    told = reasons(tmp_path, SMALL.replace("rules:", f"{fields}rules:")).splitlines()
    assert [line.split("routing.yaml:")[1] for line in told] == [
        "19: fields.service.elu: is read as Élu, which is further up",
        "20: fields.service.Autre: is read as autre, which is further up",
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="does not exist"):
        load_rules(tmp_path / "none.yaml")


def test_the_shipped_rules_are_right() -> None:
    assert len(shipped_rules().rules) > 50


def test_the_schema_for_editors_is_up_to_date() -> None:
    committed = (RULES_FILE.parent / "routing.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "run: python -m services.router.rules > (the schema file)"
