"""A mistake in the rules is told where somebody has to look, and what to write instead."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.rules import RulesError, load_rules
from tests.unit.router.test_rules import SMALL

MAIL = "[boîte mail]"
OFFERS = "<remettre> .. offre]"
EXCEPT = "except: [offre d'emploi]"
QUEUE = "queue: general"
RULES = SMALL[SMALL.index("rules:") :]

OF_SHAPE = [
    ("weight: 4", "weight: 4,5", 18, "must be a number such as 4 or 4.5, with a point"),
    ("weight: 4", "weight:", 18, "must be a number such as 4 or 4.5, with a point"),
    ("general: 0.5", "general: 0,5", 2, "unknown key: decimal numbers have a point, not a comma"),
    ("problem: 1.6", "problem:1.6", 5, "unknown key: a colon needs a space after it"),
    (QUEUE, "queue\u00a0: general", 22, "unknown key: a space stands before or after it, perhaps"),
    (QUEUE, "\u00a0queue: general", 22, "unknown key: a space stands before or after it, perhaps"),
    (QUEUE, "queue: générale", 22, "must be 'marketplace' or 'general'"),
    ("name: courrier", "name: Courrier général", 21, "must be lower-case letters, digits and hyph"),
    ("remettre: [", "Déposer: [", 14, "lists.Déposer: must be lower-case letters, digits and hyph"),
    (
        "\nwords:",
        "\nlearned: {file: a, points: 1}\nwords:",
        8,
        "must be a file name such as learned.js",
    ),
    (RULES, "rules: []", 15, "must not be empty: at least one is needed"),
    (RULES, "rules:", 15, "must be a list: between [ and ], or each on a line that begins with -"),
    ("[dépos*, remett*]", "[]", 14, "must not be empty: at least one is needed"),
    (MAIL, "boîte mail", 23, "must be a list: between [ and ], or each on a line that begins"),
    (MAIL, "boîte mail]", 23, "must be a list: between [ and ], or each on a line that begins"),
    (MAIL, "", 23, "must be a list: between [ and ], or each on a line that begins with -"),
    (
        MAIL,
        "\n      - objet: boîte mail",
        24,
        'must be text: put what has a ":" in it in quotation',
    ),
    (MAIL, "[objet: boîte mail]", 23, 'must be text: put what has a ":" in it in quotation marks'),
    (MAIL, "[2024]", 23, "must be text: put it in quotation marks"),
    (MAIL, "[true]", 23, "must be text: put it in quotation marks"),
    (MAIL, "[[pli]]", 23, "must be text, not a list"),
    (MAIL, "[pli, ]\n    about: ~\n    weight: [1]", 25, "must be a number such as 4"),
    (MAIL, "[~]", 23, "must be text, and nothing stands here"),
    (MAIL, "['']", 23, "must not be empty"),
    (MAIL, f"[{'pli ' * 100}]", 23, "must have at most 300 characters"),
    ("long_text_words: 100", "long_text_words: 99,5", 6, "must be a whole number"),
    (QUEUE, "queue: general\n    always: oui", 23, "must be true or false"),
    ("  contrasts: [mais]", "  contrasts: mais", 10, "must be a list"),
    (
        "  remettre: [dépos*, remett*]",
        "  - remettre",
        13,
        "must be a mapping of keys, each as key: v",
    ),
    (MAIL, '["\\ud800"]', 23, r"an escape (\u…) that stands for no character"),
    (QUEUE, 'queue: general\n    "\\ud800": 1', 23, r"an escape (\u…) that stands for no char"),
]

OF_YAML = [
    (QUEUE, "queue:general", 22, "a colon needs a space after it"),
    ("silent: [", "silent:\u00a0[", 9, "a colon needs a space after it, and not a no-break one"),
    (QUEUE, "queue:\u00a0general", 22, "a colon needs a space after it, and not a no-break one"),
    (QUEUE, "queue general", 22, "a line is neither key: value nor an entry that begins with -"),
    ("rules:", "rules", 15, "a line is neither key: value nor an entry that begins with -"),
    ("- name: courrier", "- name courrier", 21, "a colon is missing in this line"),
    ("silent: [", "silent:[", 9, "a colon needs a space after it"),
    (
        "name: courrier",
        "name: courrier: a",
        21,
        'a second ":" in one line; put the text in quotation',
    ),
    (QUEUE, "about: Ceci : cela", 22, 'a second ":" in one line; put the text in quotation marks'),
    (QUEUE, "  queue: general", 22, "this line is indented otherwise than the one above it"),
    (f"    {QUEUE}", f"{QUEUE}", 23, "this line is indented otherwise than the one above it"),
    (f"    {QUEUE}", f"   {QUEUE}", 22, "this line is indented otherwise than those above it"),
    (f"    {QUEUE}", f"  {QUEUE}", 22, "this line is indented otherwise than those above it"),
    ("  - name: courrier", " - name: courrier", 21, "this line is indented otherwise than those a"),
    ("  - name: courrier", "   - name: courrier", 21, "this line is indented otherwise than those"),
    ("  long_text", "   long_text", 6, "this line is indented otherwise than those above it"),
    ("- name: courrier", "-name: courrier", 21, "a dash needs a space after it"),
    (MAIL, "\n      - pli\n      -offre", 25, "a dash needs a space after it"),
    (MAIL, "\n      - pli\n      offre", 25, "a line is neither key: value nor an entry"),
    (f"    {QUEUE}", f"\t{QUEUE}", 22, "a tab is used for indentation; use spaces"),
    (f"    {QUEUE}", f"   \u00a0{QUEUE}", 22, "a no-break space is used for indentation; use sp"),
    (f"    {QUEUE}", f"\u00a0\u00a0\u00a0\u00a0{QUEUE}", 22, "a no-break space is used for indent"),
    (MAIL, '["boîte mail]', 23, "a quotation mark is opened and not closed here"),
    (
        MAIL,
        "\n      - 'boîte mail\n      - b",
        24,
        "a quotation mark is opened and not closed here",
    ),
    (f"[{OFFERS}", f"['{OFFERS}", 19, "a quotation mark is opened and not closed here"),
    (f"{OFFERS}\n    {EXCEPT}", '"pli]\n    except: ["offre"]', 19, "a quotation mark is opened"),
    (MAIL, "['l'offre']", 23, "a comma is missing; or put a text with an apostrophe between doubl"),
    (EXCEPT, "except: ['offre d'emploi']", 20, "a comma is missing; or put a text with an apos"),
    (MAIL, "['boîte' mail]", 23, "a comma is missing; or put a text with an apostrophe between"),
    (MAIL, "\n      - 'l'offre'", 24, "text after a closing quotation mark; put a text with an ap"),
    (QUEUE, "about: 'l'offre'", 22, "text after a closing quotation mark; put a text with an apos"),
    (MAIL, "'pli', 'offre'", 23, "a comma outside of a list; put the list between [ and ]"),
    (OFFERS, "<remettre> .. offre", 19, "a bracket is opened and not closed here"),
    (MAIL, "[boîte mail", 23, "a bracket is opened and not closed here"),
    (MAIL, "[boîte\n  - name: autre", 23, "a bracket is opened and not closed here"),
    (MAIL, "[boîte #mail]", 23, "a bracket is opened and not closed here; what follows # is a com"),
    ("remote: 3}", "remote: 3", 3, "a bracket is opened and not closed here"),
    ("dpo: 3, remote", "dpo: 3 remote", 3, "a comma is missing"),
    (MAIL, "[boîte mail,", 23, "a bracket is opened and not closed here"),
    ("de, d]", "de, d,", 9, "a bracket is opened and not closed here"),
    ("remett*]", "remett*,", 14, "a bracket is opened and not closed here"),
    (MAIL, "[boîte,, mail]", 23, "a comma too many"),
    (
        MAIL,
        "[\n    'pli'\n    offre]",
        25,
        "a comma is missing before this; or a bracket is opened",
    ),
    (MAIL, "[boîte mail]]", 23, "a bracket is closed that was not opened"),
    (MAIL, "[*boîte]", 23, "a text that begins with * belongs in quotation marks"),
    (MAIL, "[*]", 23, "a text that begins with * belongs in quotation marks"),
    (
        MAIL,
        "[*mail]",
        23,
        "anchors and aliases are not allowed; put a text that begins with * or &",
    ),
    (MAIL, "[!boîte mail]", 23, "a text that begins with ! belongs in quotation marks"),
    (MAIL, "[@boîte]", 23, "a text that begins with @ belongs in quotation marks"),
    (MAIL, "[%boîte]", 23, "a text that begins with % belongs in quotation marks"),
    (MAIL, '["a\\q"]', 23, "found unknown escape character"),
]


def told(file: Path, content: bytes) -> list[str]:
    file.write_bytes(content)
    with pytest.raises(RulesError) as caught:
        load_rules(file)
    return [f"{one.line}: {one.reason}" for one in caught.value.problems]


@pytest.mark.parametrize(("old", "new", "line", "reason"), [*OF_SHAPE, *OF_YAML])
def test_a_mistake_says_what_to_write_instead(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    assert old in SMALL
    found = told(tmp_path / "routing.yaml", SMALL.replace(old, new, 1).encode())
    assert any(one.startswith(f"{line}: ") and reason in one for one in found), found


@pytest.mark.parametrize(("old", "new"), [(one[0], one[1]) for one in OF_YAML])
def test_text_that_is_no_yaml_is_told_once(tmp_path: Path, old: str, new: str) -> None:
    (only,) = told(tmp_path / "routing.yaml", SMALL.replace(old, new, 1).encode())
    assert ": not valid YAML: " in only


@pytest.mark.parametrize("key", ["général", "5"])
def test_what_stands_at_a_wrong_key_is_not_told_as_well(tmp_path: Path, key: str) -> None:
    text = SMALL.replace("general: 0.5", f"general: 0.5, {key}: a")
    (only,) = told(tmp_path / "routing.yaml", text.encode())
    assert f"balance.start.{key}: unknown key" in only


@pytest.mark.parametrize(
    ("encoding", "line", "reason"),
    [
        ("utf-16", 1, "the text is UTF-16; save the file as UTF-8"),
        ("utf-16-le", 1, "the text is UTF-16; save the file as UTF-8"),
        ("utf-16-be", 1, "the text is UTF-16; save the file as UTF-8"),
        ("latin-1", 14, "the text is not UTF-8; save the file as UTF-8, not as ANSI or Latin-1"),
        ("mac-roman", 14, "the text is not UTF-8; save the file as UTF-8, not as ANSI or Latin-1"),
    ],
)
def test_another_encoding_is_told(tmp_path: Path, encoding: str, line: int, reason: str) -> None:
    assert told(tmp_path / "routing.yaml", SMALL.encode(encoding)) == [f"{line}: {reason}"]


@given(
    at=st.integers(0, len(SMALL)),
    gone=st.integers(0, 3),
    new=st.text(":-[]{}'\"#,|<>*&!?%@ \n\t\u00a0é0.+/\\\u2028\ufeff", max_size=2),
)
def test_whatever_is_mistyped_is_a_mistake_of_the_file(
    tmp_path_factory: pytest.TempPathFactory, at: int, gone: int, new: str
) -> None:
    file = tmp_path_factory.mktemp("rules") / "routing.yaml"
    file.write_bytes((SMALL[:at] + new + SMALL[at + gone :]).encode())
    refused = None
    try:
        load_rules(file)
    except RulesError as error:
        refused = error
    assert refused is None or refused.__cause__ is None
    assert refused is None or all(one.line for one in refused.problems)
