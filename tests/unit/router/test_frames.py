"""Frames: thoughts told in any order within one sentence."""

from pathlib import Path

import pytest

from services.router.domain import Request, RuleSet, understand
from services.router.rules import RulesError, load_rules
from tests.unit.router.cases import said
from tests.unit.router.test_rules import SMALL

OWNERS = "  owners:\n    mon: [mon, ma, mes]\n    votre: [vos]\n  contrasts:"
RULE = """\
  - name: droit
    flag: dpo
    weight: 3
    phrases: [{phrase}]
"""


def rules_with(folder: Path, phrase: str) -> RuleSet:
    file = folder / "routing.yaml"
    text = SMALL.replace("  contrasts:", OWNERS).replace("[le, la", "[mon, ma, mes, vos, le, la")
    file.write_text(text + RULE.format(phrase=phrase), encoding="utf-8")
    return load_rules(file)


def is_raised(rules: RuleSet, body: str) -> bool:
    return understand(Request(id="1", body=body), rules).dpo


@pytest.mark.parametrize(
    ("phrase", "body"),
    [
        ("effacer + adresse", "Effacer cette vieille adresse"),
        ("effacer + adresse", "Cette adresse, il faut l'effacer"),
        ("effacer + mon:adresse", "Effacer mes adresses"),
        ("effacer + mon:adresse", "Effacer mon ancienne adresse"),
        ("effacer + mon:adres*", "Effacer ma adressse"),
        ("effacer + adresse - messagerie", "Effacer une adresse"),
        ("plus être | retirer + votre:liste", "Ne plus être dans vos listes"),
        ("plus être | retirer + votre:liste", "À retirer de vos listes"),
        ("vu + vu", "Il l'a vu et encore vu"),
    ],
)
def test_a_frame_is_filled_by_its_parts(tmp_path: Path, phrase: str, body: str) -> None:
    assert is_raised(rules_with(tmp_path, phrase), body)


@pytest.mark.parametrize(
    ("phrase", "body"),
    [
        ("effacer + adresse", "Effacer. Mon adresse est rue Haute"),
        ("effacer + adresse", "Effacer " + "mot " * 30 + "adresse"),
        ("effacer + mon:adresse", "Effacer l'adresse"),
        ("effacer + mon:adresse", "Effacer vos adresses"),
        ("effacer + mon:adresse", "Effacer chez ma voisine la vieille adresse"),
        ("effacer + adresse - messagerie", "Effacer une adresse de la messagerie"),
        ("vu + vu", "Il l'a vu"),
    ],
)
def test_a_frame_with_a_part_amiss_says_nothing(tmp_path: Path, phrase: str, body: str) -> None:
    assert not is_raised(rules_with(tmp_path, phrase), body)


def test_an_owner_must_be_declared(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"yaml:30: .*words\.owners does not say who 'vos' is"):
        rules_with(tmp_path, "effacer + vos:liste")


def test_words_are_taken_where_they_stand_closest(tmp_path: Path) -> None:
    rules = rules_with(tmp_path, "effacer + adresse")
    told = understand(Request(id="1", body="Une adresse là puis effacer mon adresse"), rules)
    (evidence,) = told.flags[1].evidence
    assert evidence.words == "effacer mon adresse"


@pytest.mark.parametrize(
    "body",
    [
        "Je ne veux plus figurer dans vos fichiers.",
        "Qui a consulté mon dossier d'aide sociale ?",
        "Ma photo est parue sur votre site sans mon accord.",
        "Les bulletins de paie des agents sont accessibles à tous depuis ce matin.",
        "On a volé la tablette où se trouvait la liste des familles suivies.",
        "Combien de temps peut-on garder les images des caméras ?",
        "Le club réclame les adresses des élèves, pouvons-nous les transmettre ?",
    ],
)
def test_personal_data_are_heard_in_plain_words(body: str) -> None:
    assert said(body).dpo


@pytest.mark.parametrize(
    "body",
    [
        "La liste des bénéficiaires ne s'imprime plus.",
        "Le formulaire efface le nom et l'adresse de l'usager.",
        "Comment retirer ma première offre de votre plateforme ?",
        "La page RGPD de notre site s'affiche en blanc.",
        "Nous avons égaré la clé de déchiffrement des offres.",
    ],
)
def test_names_and_lists_in_a_fault_are_no_matter_of_personal_data(body: str) -> None:
    assert not said(body).dpo


def test_a_lesson_is_asked_without_the_word() -> None:
    assert said("Quelqu'un peut-il venir montrer l'outil à nos secrétaires ?").training
    assert said("Une séance de découverte des tablettes pour onze élus, c'est possible ?").training
    assert not said("Depuis l'atelier de jeudi, le bouton a disparu.").training
    assert not said("La présentation du budget ne s'ouvre pas avant la séance.").training


def test_a_takeover_is_asked_without_the_word() -> None:
    assert said("Vous pouvez entrer dans mon ordinateur, je reste devant.").remote
    assert said("Certificat non vu. TV proposé, OK 15h30.").remote
    assert not said("La personne qui a pris la main lundi a tout réparé.").remote
    assert not said("Je ne peux pas voir mon écran sur le vidéoprojecteur.").remote
