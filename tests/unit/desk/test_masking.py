"""Secrets in free text are masked; what only talks of passwords is left as it was written."""

import pytest

from desk.masking import Masked, Shape, fold, load_words, mask_secrets, shape_of

WORDS = load_words()
SIGN = "[masqué]"


def mask(text: str) -> Masked:
    return mask_secrets(text, WORDS)


WITH_SECRET = [
    ("Identifiant : compta@ville.example / mot de passe : Girafe!2031", "Girafe!2031"),
    ("LOGIN dupuis.t MDP Tracteur8x8. MERCI", "Tracteur8x8"),
    ("je tape bien mon mot de passe c'est Tulipe44* comme toujours", "Tulipe44*"),
    ("noté par erreur : mdp session k4p9zt. Rappel à 15h.", "k4p9zt"),
    ("donne au tél. son mot de passe actuel Bourgneuf1998 pour vérif", "Bourgneuf1998"),
    ("mdp: azerty1234", "azerty1234"),
    ("MDP=Soleil2024!", "Soleil2024!"),
    ("password : hunter2hunter", "hunter2hunter"),
    ("Mon mot de passe est Marguerite.", "Marguerite"),
    ("mon mot de passe est tournesol, il ne marche plus", "tournesol"),
    ("Mot de passe : coquelicot", "coquelicot"),
    ("Mot de passe :\nVioletteBleue7", "VioletteBleue7"),
    ("mot de passe « Lilas des champs 3 » refusé", "Lilas des champs 3"),
    ('le mot de passe "bleuet" ne passe pas', "bleuet"),
    ("login mairie-sud / mdp Pivoine22", "Pivoine22"),
    ("identifiants : mairie.sud / Pivoine23", "Pivoine23"),
    ("Mes identifiants sont mairie.sud et Pivoine#24", "Pivoine#24"),
    ("le code PIN de la clé est 4821", "4821"),
    ("code pin : 0073", "0073"),
    ("le code de la carte d'achat est le 7391, je ne comprends pas", "7391"),
    ("carte bancaire refusée, code 5530 pourtant bon", "5530"),
    ("code secret 24680 refusé", "24680"),
    ("PIN du certificat 918273", "918273"),
    ("ID TeamViewer 987 654 321, mot de passe 8fk2p9", "8fk2p9"),
    ("ID TeamViewer 987 654 321, mot de passe 8fk2p9", "987 654 321"),
    ("TeamViewer : 1 234 567 890 puis mdp x7k9m2", "1 234 567 890"),
    ("J'ai essayé l'ancien mot de passe Muguet11 et aussi Muguet12 sans succès", "Muguet11"),
    ("mots de passe : Muguet13 ou Muguet14", "Muguet14"),
    ("Capucine77 est mon mot de passe, rien à faire", "Capucine77"),
    ("j'utilise Capucine78 comme mot de passe", "Capucine78"),
    ("mot de passe provisoire: xY7-pQ2-aa", "xY7-pQ2-aa"),
    ("Le mdp de la boîte accueil est Glycine+5", "Glycine+5"),
    ("mot-de-passe : Jonquille3", "Jonquille3"),
    ("MOT DE PASSE : CAMPANULE8", "CAMPANULE8"),
    ("mot de passe 123456", "123456"),
    ("https://mairie:Orchidee5@intranet.example/", "Orchidee5"),
    ("mdp refusé ce matin (c'était Anemone66)", "Anemone66"),
    ("code wifi : fraise-des-bois", "fraise-des-bois"),
    ("passe: Hortensia1", "Hortensia1"),
    ("le code reçu par sms 482913 est refusé", "482913"),
    ("carte 4970 1012 3456 7890 ou 4111 1111 1111 1111", "4111 1111 1111 1111"),
    ("mon mdp Iris2020 marche pas. Je redis : Iris2020", "Iris2020"),
    ("mot\u00a0de\u00a0passe\u00a0: Dahlia9", "Dahlia9"),
    ("Mot de passe → Bruyere55", "Bruyere55"),
    ("mot de passe = p@ssOrd", "p@ssOrd"),
    ("mdp du poste = 0000", "0000"),
    ("Nouveau mot de passe choisi : LeChatGris", "LeChatGris"),
    ("mot de passe messagerie : coquelicot", "coquelicot"),
    ("l'ID c'est 222333444 et le code qx81zz pour TeamViewer", "qx81zz"),
    ("session TV : 222 333 444 code 9z8y7x", "222 333 444"),
    ("session TV : 222 333 444 code 9z8y7x", "9z8y7x"),
    ("user admin pass Lavande2020", "Lavande2020"),
    ("mot de passe ; Framboise8", "Framboise8"),
    ("Le mot de passe qu'on m'a donné, Bretagne35, ne marche pas", "Bretagne35"),
    ("le code à quatre chiffres de la carte est 4417", "4417"),
    ("ID TeamViewer 123-456-789", "123-456-789"),
    ("TV 123 456 789 / 4x8k2p", "4x8k2p"),
    ("le code d'accès est X7!kk2", "X7!kk2"),
]

WITHOUT_SECRET = [
    "mot de passe oublié",
    "Je clique sur « mot de passe oublié » mais le mail n'arrive jamais.",
    "je n'ai pas reçu mon mot de passe",
    "j'ai perdu le mot de passe pour mettre à jour le site",
    "Appel de l'entreprise : mot de passe oublié sur la salle des marchés, ne reçoit pas le mail",
    "Mon mot de passe est expiré depuis le 12/03/2026.",
    "mon mot de passe est toujours refusé",
    "Le mot de passe est trop court",
    "mot de passe : impossible de le changer",
    "mon mot de passe ne fonctionne plus depuis ce matin 9h30",
    "Mot de passe administrateur perdu !",
    "mdp perdu",
    "Merci de réinitialiser le mot de passe du compte accueil@mairie.example",
    "Le code postal est 21000 et le code INSEE 21231",
    "le code CPV 45233140 n'est pas accepté",
    "code erreur 4031 au moment de signer avec la carte agent",
    "SIRET 212 101 234 00015, SIREN 212101234",
    "Merci d'appeler le 03 53 01 22 33 ou le 0 970 609 909",
    "rappeler la mairie au 06 39 98 12 34 pour le mot de passe",
    "La consultation 2026-MAPA-07 : mot de passe demandé à l'ouverture du pli",
    "Mot de passe oublié pour la consultation 26AO014",
    "Le mot de passe a été envoyé hier à 14h30",
    "Nous voulons un mot de passe par agent.",
    "Le parapheur demande un code PIN que je n'ai jamais reçu",
    "Comment changer le code PIN de ma clé ?",
    "Je ne reçois pas le code par SMS",
    "identifiants et mots de passe à créer pour 12 agents",
    "TeamViewer est déjà ouvert, pouvez-vous prendre la main ?",
    "Identifiant de la consultation : 20260015",
    "Le nouveau mot de passe est enregistré mais la connexion échoue sous Windows 11",
    "flux PES 2026-03 rejeté, bordereau n°145, mandat 2210",
    "Le mot de passe est identique à celui de la messagerie.",
    "Votre mot de passe expire dans 15 jours",
    "mot de passe perdu, commune : Vermeil",
    "Mot de passe refusé sur la consultation : 20260015",
    "mot de passe du parapheur : comment faire ?",
    "Le code de la commune et le code article sont vides",
    "Je dois passer le marché avant vendredi : passe-t-il en commission ?",
]


@pytest.mark.parametrize(("text", "secret"), WITH_SECRET)
def test_a_secret_is_masked_and_the_rest_stays(text: str, secret: str) -> None:
    masked = mask(text)

    assert secret not in masked.text
    assert SIGN in masked.text
    assert masked.count >= 1
    assert fold(text).split()[0][:3] in fold(masked.text) or masked.text.startswith(SIGN)


@pytest.mark.parametrize("text", WITHOUT_SECRET)
def test_text_that_only_talks_of_passwords_is_left_alone(text: str) -> None:
    assert mask(text).text == text
    assert mask(text).count == 0


def test_the_words_around_a_secret_survive() -> None:
    text = "Bonjour, mon mdp c'est Azur2029* et je n'accède plus au parapheur."

    assert mask(text).text == ("Bonjour, mon mdp c'est [masqué] et je n'accède plus au parapheur.")


def test_masking_again_changes_nothing() -> None:
    for text, _ in WITH_SECRET:
        once = mask(text).text
        assert mask(once).text == once


def test_folding_keeps_every_character_in_its_place() -> None:
    text = "É œ’ß\u00a0ﬁ ÇA Ⅻ"

    assert len(fold(text)) == len(text)
    assert fold("ÉtÉ’") == "ete'"


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "unit",
    [
        "mot de passe code carte identifiant ",
        "x",
        "mdp:",
        "login:",
        "mdp Abc123 ",
        "mot ",
        " ",
        "«",
        '" ',
        "code carte ",
        "1234 ",
        "://a:b",
        "Abc123/",
        ".",
        "mot de passe '",
    ],
)
def test_a_text_of_any_shape_is_masked_in_a_moment(unit: str) -> None:
    assert mask((unit * 20_000)[:20_000]).text


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("14h30", Shape.NONE),
        ("a@b.example", Shape.NONE),
        ("12/03/2026", Shape.NONE),
        ("soleil", Shape.WORD),
        ("oublié!", Shape.WORD),
        ("2024", Shape.NUMBER),
        ("2026-MAPA-07", Shape.MIXED),
        ("Autobus4x4", Shape.STRONG),
        ("Paille!9", Shape.STRONG),
    ],
)
def test_the_shape_tells_how_much_a_word_looks_like_a_secret(value: str, shape: Shape) -> None:
    assert shape_of(value) is shape
