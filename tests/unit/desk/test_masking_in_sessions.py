"""What an assistant writes during a session keeps no secret, and no number of the session."""

import pytest

from desk.masking import load_words, mask_secrets


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("TeamViewer 1 234 567 890 ok", "TeamViewer [masqué] ok"),
        ("id 987654321.", "id [masqué]."),
        ("ID TeamViewer 123-456-789", "ID TeamViewer [masqué]"),
        ("c'est le 123-456-789", "c'est le [masqué]"),
        ("noté 98 76 54 321", "noté [masqué]"),
        ("puis 987\u00a0654\u00a0321", "puis [masqué]"),
        ("1234567890", "[masqué]"),
        ("Mot de passe : Tulipe77!", "Mot de passe : [masqué]"),
        ("le mdp est Tulipe77 merci", "le mdp est [masqué] merci"),
        ("le mot de passe Tulipe77", "le mot de passe [masqué]"),
        ("mdp Tulipe77", "mdp [masqué]"),
        ("code d'accès est X7!kk2", "code d'accès est [masqué]"),
        ("123456789 / 4x8k2p", "[masqué] / [masqué]"),
        ("987 654 321 puis 4x8k2p", "[masqué] puis [masqué]"),
        ("le code est 4821", "le code est [masqué]"),
    ],
)
def test_a_secret_or_a_number_of_the_session_is_masked(words: str, kept: str) -> None:
    assert mask_secrets(words, load_words(), in_session=True).text == kept


@pytest.mark.parametrize(
    "words",
    [
        "Remplir le bordereau 2026-114",
        "Changer le mot de passe du compte",
        "Appeler le 0 970 609 909",
        "Rappeler au +33 3 80 27 04 20 ou au 03 80 27 04 20",
        "Le 2026-11-23 14:30, ou le 23-11-2026 14h",
        "SIREN 212 101 234, SIRET 212 101 234 00015",
        "le code postal 21000, le code erreur 4031",
    ],
)
def test_other_numbers_and_words_stay(words: str) -> None:
    masked = mask_secrets(words, load_words(), in_session=True)

    assert (masked.text, masked.count) == (words, 0)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("unit", ["1", "1 ", "12-", "9 - ", "1.1 ", "123456789 , ", "code "])
def test_numbers_without_end_are_read_in_a_moment(unit: str) -> None:
    assert mask_secrets((unit * 20_000)[:20_000], load_words(), in_session=True).text


def test_without_a_session_a_number_that_nothing_announces_stays() -> None:
    assert mask_secrets("dossier 987654321", load_words()).count == 0
