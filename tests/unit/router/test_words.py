"""Words as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain.notation import Notation, PhraseError
from services.router.domain.words import Lexicon, Vocabulary, fold, singular, spans, split

WORDS = Vocabulary(
    ["offre", "depot", "certificat", "0h"],
    ["telecharg"],
    correct=["college"],
    spellings={"sal": "offre"},
)


def names(written: str) -> set[int]:
    return set(WORDS.ids(written, fold(written)))


@pytest.mark.parametrize("written", ["offre", "Offres", "OFFRE", "ofre", "oFFRE", "sal"])
def test_a_word_is_known_however_it_is_written(written: str) -> None:
    assert names(written) == {WORDS.word_id("offre")}


def test_a_beginning_stands_for_its_family() -> None:
    assert names("télécharger") == names("TELECHARGEMENT") == {WORDS.stem_id("telecharg")}


def test_hours_are_one_word() -> None:
    assert names("12h") == names("16h30") == {WORDS.word_id("0h")}


@pytest.mark.parametrize("written", ["collège", "Offray", "x", "été"])
def test_other_words_and_names_are_left_alone(written: str) -> None:
    assert names(written) == set()


def test_folding_takes_accents_and_ligatures_away() -> None:
    assert fold("Maître d'ŒUVRE") == "maitre d'oeuvre"
    assert singular("plis") == "pli"
    assert singular("plus") == "plus"


@given(st.text(max_size=200))
def test_every_item_is_where_its_span_says(text: str) -> None:
    assert [text[a:b] for a, b in spans(text)] == split(text)


@given(st.text(max_size=60))
def test_no_text_is_too_strange(text: str) -> None:
    lexicon = Lexicon(WORDS, silent=["le"], contrasts=["mais"], owners={"ma": "mon"})
    for item in split(text):
        meaning = lexicon[item]
        assert meaning is None or isinstance(meaning, int | tuple | str)


def test_a_phrase_stands_for_all_its_forms() -> None:
    silent = frozenset({"le", "des"})
    notation = Notation({"papiers": ("plis", "offres")}, silent)
    forms = notation.read("ouvrir|lire .. <papiers>")
    assert len(forms.sequences) == 4
    assert ("lire", "..", "pli") in forms.sequences
    assert notation.read("date des offres").sequences == (("date", "offre"),)


def test_a_frame_has_parts_that_are_phrases_or_lists() -> None:
    lists = {"papiers": ("plis", "liste <gens>"), "gens": ("élèves", "agents")}
    forms = Notation(lists, frozenset({"de"})).read("vu|lu par + <papiers> | rib - essai")
    assert forms.sequences == ()
    assert forms.parts == (
        (("vu", "par"), ("lu", "par")),
        (("pli",), ("liste", "eleve"), ("liste", "agent"), ("rib",)),
    )
    assert forms.without == ((("essai",),),)


@pytest.mark.parametrize(
    "text",
    [
        *("le", ".. plis", "plis ..", "x*", "<rien>", "{plis}", "le plis", ":nom", "2:nom"),
        *("a + le", "a + .. b", "a - b + c", "a + le plis", "a + <tourne>", "<petits> + a"),
    ],
)
def test_a_phrase_that_makes_no_sense_is_refused(text: str) -> None:
    lists = {"tourne": ("<tourne>",), "petits": ("le plis",)}
    with pytest.raises(PhraseError):
        Notation(lists, frozenset({"le"})).read(text)


def test_a_phrase_is_refused_again_and_others_are_still_read() -> None:
    notation = Notation(
        {"un": ("<deux>",), "deux": ("<un>", "plis"), "bon": ("offre",)}, frozenset()
    )
    for _ in range(2):
        for wrong in ("voir <un>", "voir <deux>"):
            with pytest.raises(PhraseError, match="names itself"):
                notation.read(wrong)
        assert notation.read("voir <bon>").sequences == (("voir", "offre"),)
