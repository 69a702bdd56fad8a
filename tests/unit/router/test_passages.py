"""Taking a mail apart."""

from services.router.domain.passages import QUOTED_WEIGHT, passages


def texts(body: str) -> list[str]:
    return [passage.text for passage in passages("", body)]


def test_what_follows_a_closing_formula_is_no_matter() -> None:
    body = "Le site est en panne.\nCordialement\nAnne Roux\nService marchés\n03 53 01 00 00"
    assert texts(body) == ["Le site est en panne."]


def test_an_afterthought_under_the_signature_is_kept() -> None:
    told = texts("Le site est en panne.\nMerci\nAnne\nPS : le parapheur aussi, pouvez-vous voir ?")
    assert "parapheur" in told[0]


def test_a_list_after_thanks_is_no_signature() -> None:
    told = texts("1) L'imprimante est réparée, merci.\n2) Le registre des dépôts reste vide.")
    assert "registre" in told[0]


def test_a_last_block_with_name_and_service_is_a_signature() -> None:
    told = texts("L'agenda a disparu, pouvez-vous le rétablir ?\n\nAnne Roux\nService marchés\n")
    assert told == ["L'agenda a disparu, pouvez-vous le rétablir ?"]


def test_a_legal_notice_is_dropped() -> None:
    told = texts("Plus de wifi.\n\nConformément au RGPD, vous disposez d'un droit d'accès.")
    assert told == ["Plus de wifi."]


def test_quoted_lines_count_less_unless_the_writer_points_at_them() -> None:
    answer = "Le problème de messagerie est revenu, je ne peux plus rien envoyer depuis hier soir."
    found = passages("", f"{answer}\n> ancien message\n")
    assert [p.weight for p in found] == [1.0, QUOTED_WEIGHT]
    found = passages("", "Voir ci-dessous.\n> ancien message\n")
    assert [p.weight for p in found] == [1.0, 1.0]


def test_the_headers_of_a_forwarded_mail_are_dropped() -> None:
    body = "FYI\n-----Message d'origine-----\nDe : Marc\nÀ : Anne\nCc : Luc\n\nLe flux est rejeté."
    assert texts(body) == ["FYI", "Le flux est rejeté."]


def test_wrapped_lines_are_joined() -> None:
    assert texts("la salle\ndes marchés\nest fermée") == ["la salle des marchés est fermée"]
