"""What the router understands of a request, by the shipped rules."""

import time

import pytest

from services.router.domain import Request, cues, frames, understand, weighing
from tests.unit.router.cases import labelled_cases, said, shipped_rules


def test_the_form_used_is_evidence_and_no_verdict() -> None:
    told = said(
        "Le dépôt de notre pli échoue avant la date limite.", service="autre", profile="entreprise"
    )
    assert told.queue == "marketplace"
    told = said(
        "Le circuit de validation du parapheur est bloqué.",
        service="salle-des-marches",
        profile="acheteur",
    )
    assert told.queue == "general"


def test_the_failing_service_counts_and_not_the_background() -> None:
    told = said(
        "Le marché est signé et notifié, tout s'est bien passé sur la salle des marchés. "
        "Mais le tiers de télétransmission refuse les pièces envoyées à la préfecture."
    )
    assert (told.queue, told.rule) == ("general", "actes-prefecture")


def test_a_signature_says_nothing() -> None:
    told = said(
        "Bonjour,\nL'imprimante du bureau ne répond plus.\n\nCordialement\nAnne Roux\n"
        "Service marchés publics\nRetrouvez nos appels d'offres sur le profil acheteur",
        profile="agent",
    )
    assert told.queue == "general"
    assert not any("march" in one.words for r in told.readings for one in r.evidence)


def test_the_end_of_a_forwarded_thread_holds_the_matter() -> None:
    told = said(
        "Voir ci-dessous, merci.\n\n----- Message transféré -----\nDe : Marc\nÀ : Anne\n"
        "Objet : points\n\nL'imprimante est réparée. Le site internet est à jour.\n"
        "Dernier point : impossible d'ouvrir les offres reçues, la clé de déchiffrement manque.",
        service="autre",
    )
    assert told.queue == "marketplace"


def test_a_quoted_message_counts_less_than_the_answer() -> None:
    told = said(
        "Bonjour, merci pour votre réponse au sujet de la consultation, c'est réglé. Mon agenda "
        "partagé n'apparaît plus dans la messagerie, pouvez-vous rétablir le partage ?\n\n"
        "> Vous ne pouviez pas publier votre consultation.\n> Le DCE était incomplet.\n"
    )
    assert told.queue == "general"


@pytest.mark.parametrize(
    "body",
    [
        "nou narivon pas a depozé notre ofre sur la sale des marcher",
        "IMPOSSIBLE D ENVOYER LE PLI",
        "Le bouton « Déposer l’offre » reste grisé",
        "dossié de consultacion vide",
    ],
)
def test_spelling_case_and_accents_do_not_matter(body: str) -> None:
    assert said(body).queue == "marketplace"


@pytest.mark.parametrize(
    ("body", "queue"),
    [
        ("Je cherche un emplacement sur le marché du samedi.", "general"),
        ("La consultation des arrêtés tamponnés est impossible.", "general"),
        ("L'appli de la ville n'envoie plus de notification.", "general"),
        ("L'avis d'enquête publique n'apparaît pas sur le site.", "general"),
        ("Les lots du lotissement sont absents du cadastre.", "general"),
        ("Les lots 2 et 3 de la consultation sont absents du DCE.", "marketplace"),
        ("Le registre des délibérations ne s'imprime plus.", "general"),
        ("Le registre des retraits ne s'imprime plus.", "marketplace"),
    ],
)
def test_words_that_both_worlds_use_are_told_apart(body: str, queue: str) -> None:
    assert said(body).queue == queue


def test_what_a_tender_is_for_says_nothing_of_the_failing_service() -> None:
    told = said("Pour notre consultation « site internet et archivage », un candidat nous écrit.")
    assert told.queue == "marketplace"
    assert not said("Le DCE du marché de formation des agents est vide.").training


def test_training_is_what_is_asked_and_not_a_fault_after_a_course() -> None:
    assert said("Proposez-vous une formation au parapheur ?").training
    assert said("On voudrait apprendre à utiliser la GED.").training
    assert not said("Suite à la formation d'hier, le parapheur ne fonctionne plus.").training
    assert not said("Je n'ai pas besoin d'une formation, le module est en panne.").training


def test_a_takeover_is_asked_in_any_words_and_a_refusal_is_none() -> None:
    assert said("Pouvez-vous prendre la main sur mon poste ?").remote
    assert said("Un technicien peut-il regarder mon écran à distance ?").remote
    assert not said("Pas de prise en main nécessaire.").remote
    assert not said("Inutile de prendre la main sur mon poste.").remote
    assert not said("En télétravail, je ne peux pas me connecter à mon poste.").remote
    assert said("N'hésitez pas à prendre la main sur mon poste.").remote


def test_personal_data_matter_when_a_right_a_breach_or_a_question_is_there() -> None:
    assert said("Je demande l'effacement de mes données personnelles.").dpo
    assert said("Un fichier avec les noms et adresses a été envoyé par erreur.").dpo
    assert said("Avons-nous le droit de recueillir des données de santé au regard du RGPD ?").dpo
    assert not said("Mon numéro de sécurité sociale est 2 73 03 21 990 041 13.").dpo
    assert not said("Merci de fermer le compte de notre collègue parti en retraite.").dpo
    assert not said("Il me faut les droits d'accès à la procédure.").dpo


def test_little_evidence_is_shown_for_a_human_look() -> None:
    told = said("Bonjour, cela ne marche pas.", service="autre")
    assert not told.confident
    assert {reading.queue for reading in told.readings} == {"marketplace", "general"}


@pytest.mark.parametrize("body", ["", "   \n", "?!", "🦊" * 50, "a" * 20_000, "\x00\ud7ff"])
def test_any_text_is_decided(body: str) -> None:
    told = said(body)
    assert told.queue == "general"
    assert told.confident is False


LONG_WORD = "".join(chr(97 + number * number % 26) for number in range(30_000))


LONG = [
    "déposer offre " * 2_500,
    "pas piraté données " * 1_800,
    "site page marchés publics " * 1_300,
]


@pytest.mark.parametrize(
    "body", [*LONG, LONG_WORD], ids=["covered", "framed", "excepted", "one word"]
)
def test_no_text_takes_time_or_memory_by_the_square_of_its_length(body: str) -> None:
    said("bonjour")
    began = time.process_time()
    said(body)
    assert time.process_time() - began < 1.5


@pytest.mark.parametrize("body", [*LONG, "Le dépôt n’est pas refusé, la page reste blanche. " * 60])
def test_a_long_text_is_understood_as_if_all_its_places_were_compared(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = body[:2_000]
    told = []
    for few in (0, len(short)):
        for module in (cues, frames, weighing):
            monkeypatch.setattr(module, "_FEW", few)
        told.append(said(short))
    assert told[0] == told[1]


def test_the_words_that_matched_are_quoted_as_found() -> None:
    told = said("Le DÉPÔT de notre Offre échoue.")
    assert any("DÉPÔT de notre Offre" in words for words in told.because)


def test_the_same_request_always_gets_the_same_answer() -> None:
    for case in labelled_cases("train.jsonl"):
        assert understand(case.request, shipped_rules()) == understand(
            case.request, shipped_rules()
        )


def test_a_consultation_reference_speaks_for_the_marketplace() -> None:
    request = Request(id="1", body="La page reste blanche.", consultation_reference="25-F-007")
    assert understand(request, shipped_rules()).queue == "marketplace"


@pytest.mark.parametrize(
    ("body", "rule", "words", "why"),
    [
        (
            "Je ne souhaite pas de prise en main à distance, le parapheur est bloqué.",
            *("prise-en-main", "prise en main à distance", "negated"),
        ),
        (
            "Ce n'est pas le parapheur qui bloque. Impossible de déposer notre offre.",
            *("parapheur", "parapheur", "denied"),
        ),
        (
            "Je réponds à une offre d'emploi sur le site de la mairie.",
            *("offre", "offre", "exception"),
        ),
        (
            "Consultation « assistance à distance » : notre pli est refusé.",
            *("prise-en-main", "assistance à distance", "object-of-a-tender"),
        ),
    ],
)
def test_what_nearly_counted_is_told_with_its_words_and_why_not(
    body: str, rule: str, words: str, why: str
) -> None:
    aside = [(one.rule, one.words, one.why) for one in said(body).set_aside]
    assert (rule, words, why) in aside
