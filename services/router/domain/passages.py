"""A mail taken apart: what its writer says, what is only quoted, and what is mere signature."""

import re
from dataclasses import dataclass
from typing import Final

from services.router.domain.words import fold

SUBJECT_WEIGHT: Final = 1.2
QUOTED_WEIGHT: Final = 0.35
_LONGEST_SIGNATURE: Final = 12
_SHORT_COVER_WORDS: Final = 60

_THREAD: Final = re.compile(
    r"(?m)^[ \t]*(?:-{2,}[^\n]*(?:message|transf|original|forward)[^\n]*-{2,}[ \t]*$"
    r"|_{8,}[ \t]*$|d[ée]but du message (?:transf|r[ée]exp)[^\n]*$"
    r"|le [^\n]{6,80} a [ée]crit ?:[ \t]*$|on [^\n]{6,80} wrote:[ \t]*$)",
    re.IGNORECASE,
)
_HEADER_BLOCK: Final = re.compile(
    r"(?mi)^[ \t>]*(?:de|from|exp[ée]diteur) ?:[^\n]*\n(?=(?:[^\n]*\n){0,4}[ \t>]*(?:objet|subject|sujet) ?:)"
)
_HEADER_LINE: Final = re.compile(
    r"(?mi)^[ \t>]*(?:de|from|à|a|to|cc|cci|exp[ée]diteur|destinataires?|envoy[ée]|sent|date)"
    r" ?:[^\n]*$"
)
_QUOTED_LINES: Final = re.compile(r"(?m)(?:^[ \t]*>[^\n]*\n?)+")
_WRAPPED: Final = re.compile(r"(?<=[^\n.!?:;])\n(?=[a-zà-ÿ(])")
_FOOTER: Final = re.compile(
    r"(?mi)^[ \t]*(?:(?:ce|cet|this) (?:message|courriel|mail|e-mail|email)[^\n]*"
    r"(?:confiden|destin|intended|erreur|virus|pi[èe]ces)[^\n]*"
    r"|(?:envoy[ée]|sent) (?:depuis|de|à partir de|from) (?:mon|my|outlook|yahoo|orange|gmail|l'application)[^\n]*"
    r"|(?:pensez|avant d'imprimer|n'imprimez)[^\n]*(?:environnement|imprim|plan[èe]te)[^\n]*"
    r"|(?:les )?(?:informations|donn[ée]es) (?:recueillies|collect[ée]es)[^\n]*"
    r"|conform[ée]ment (?:au|à|aux)[^\n]*vous (?:disposez|pouvez|b[ée]n[ée]ficiez)[^\n]*"
    r"|retrouvez[- ](?:nous|nos|toute|tous|l|notre|le|la)[^\n]*|suivez[- ]nous[^\n]*)$"
)
_CLOSING: Final = re.compile(
    r"(?:bien |tr[èe]s )?cordialement|cdlt|cdt|crdlt|bien (?:à|a) (?:vous|toi)"
    r"|(?:sinc[èe]res |meilleures |respectueuses |mes |nos )+salutations(?: distingu[ée]es)?"
    r"|salutations(?: distingu[ée]es)?|sinc[èe]rement|respectueusement|amicalement"
    r"|bonne (?:journ[ée]e|r[ée]ception|soir[ée]e|fin de journ[ée]e)|belle journ[ée]e"
    r"|en vous remerciant(?: par avance| d.avance)?|(?:avec (?:tous )?)?(?:mes|nos|tous mes) remerciements"
    r"|merci(?: d.avance| par avance| beaucoup| bcp)?(?= *[.,!]?\s*$)",
    re.IGNORECASE,
)
_AFTERTHOUGHT: Final = re.compile(r"(?i)^\W*(?:p\.? ?s\.?|n\.? ?b\.?|post[- ]scriptum|pj|nota)\b")
_ASKING: Final = re.compile(
    r"(?i)\?|\bpouvez|\bpourriez|\bje (?:n|v|souh|voud|suis)|\bnous (?:n|v|souh|voud|avons)"
    r"|\bimpossible|\bmerci de|\bj'|\bn'|\bil (?:faut|me|nous)|\bcar\b|\bpourtant|\bdepuis\b"
)
_SIGNING: Final = re.compile(
    r"(?i)\bservice\b|\bmairie\b|\bcommune|\bcommunaut|\bdirect|\brespons|\bsecr[ée]t|\bassist"
    r"|\btel\b|\bt[ée]l\b|\b0\d[ .]?\d\d|@|\bville\b|\bcharg[ée]|\bp[ôo]le\b|\bsyndicat|\bagent"
    r"|\bd[ée]partement|\bgestionnaire|\bmaire\b|\badjoint|\bbureau\b|\bcellule\b|\bsarl\b|\bsas\b"
    r"|\beurl\b|\bg[ée]rant|\bccas\b|\bcommande publique|\bmarch[ée]s publics|\bacheteu"
    r"|\br[ée]f[ée]rent|\bd[ée]l[ée]gu[ée]|\bdpo\b|\bcomptab|\bplace\b|\brue\b|\bformat(?:ion|eur)"
)
_POINTING: Final = (
    "ci dessous", "ci-dessous", "transfer", "transmet", "fais suivre", "plus bas", "ci-apres", "ci apres",
    "voir mail", "voir echange", "l'echange", "jusqu'au bout", "fil de discussion", "en dessous",
    "pour suite a donner", "cf. mail", "cf mail", "mail de", "message de", "relaie", "relaye",
    "remonte", "for you", "fyi", "vous lirez", "demande de mon collegue", "demande de ma collegue",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of text that counts alike."""

    text: str
    weight: float
    subject: bool = False


def passages(subject: str, body: str) -> list[Passage]:
    """Return what counts in a request: its subject, its own words, and quoted words less."""
    own, quoted = _threads(body)
    own_text = _told(own)
    quoted_texts = [told for told in (_told(part) for part in quoted) if told]
    leads = bool(quoted_texts) and _only_points(own_text)
    found = []
    if subject.strip():
        found.append(Passage(text=subject, weight=SUBJECT_WEIGHT, subject=True))
    if own_text:
        found.append(Passage(text=own_text, weight=1.0))
    weight = 1.0 if leads else QUOTED_WEIGHT
    found.extend(Passage(text=text, weight=weight) for text in quoted_texts)
    return found


def _threads(body: str) -> tuple[str, list[str]]:
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    if "\n" not in text:
        return text, []
    cuts = sorted(
        {match.start() for match in _THREAD.finditer(text)}
        | {match.start() for match in _HEADER_BLOCK.finditer(text)}
    )
    if not cuts:
        return _without_quotes(text)
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    own, inline = _without_quotes(pieces[0])
    rest = [_unquoted(_THREAD.sub("", piece)) for piece in pieces[1:]]
    return own, inline + [_HEADER_LINE.sub("", piece) for piece in rest]


def _without_quotes(text: str) -> tuple[str, list[str]]:
    if "\n>" not in text and not text.startswith(">"):
        return text, []
    quoted = [_unquoted(match.group()) for match in _QUOTED_LINES.finditer(text)]
    return _QUOTED_LINES.sub("\n", text), quoted


def _unquoted(text: str) -> str:
    return re.sub(r"(?m)^[ \t]*(?:>[ \t]?)+", "", text)


def _told(text: str) -> str:
    """Return a text without footers and signature, its wrapped lines joined."""
    if "\n" in text:
        text = _FOOTER.sub("", text).strip()
        text = _without_signature(text)
        text = _WRAPPED.sub(" ", text)
    return _without_inline_signature(text).strip()


def _without_signature(text: str) -> str:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        bare = line.strip().rstrip(".,!: ")
        closing = _CLOSING.search(line)
        if closing is None or len(bare) > 90 or not _ends_with_closing(bare):
            continue
        after = [rest for rest in lines[number + 1 :] if rest.strip()]
        if len(after) <= _LONGEST_SIGNATURE:
            kept = _afterthoughts(after)
            return "\n".join([*lines[: number + 1], *kept])
    return _without_closing_block(text)


def _ends_with_closing(bare: str) -> bool:
    last = None
    for last in _CLOSING.finditer(bare):
        pass
    return last is not None and len(bare) - last.end() <= 3


def _afterthoughts(lines: list[str]) -> list[str]:
    for number, line in enumerate(lines):
        if _AFTERTHOUGHT.match(line) or (_ASKING.search(line) and len(line) > 40):
            return lines[number:]
    return []


def _without_closing_block(text: str) -> str:
    """Drop a last block of short lines that names a person, a service, a telephone."""
    blocks = re.split(r"\n[ \t]*\n", text)
    while len(blocks) > 1:
        lines = [line for line in blocks[-1].split("\n") if line.strip()]
        signs = any(_SIGNING.search(line) for line in lines) or len(lines) == 1
        asks = any(_ASKING.search(line) or len(line) > 100 for line in lines)
        if asks or not signs or len(lines) > _LONGEST_SIGNATURE or ":" in blocks[-1][:40]:
            break
        if len(lines) == 1 and (len(lines[0]) > 60 or lines[0].rstrip()[-1] in ".!?"):
            break
        blocks.pop()
    text = "\n\n".join(blocks)
    head, _, last = text.rpartition("\n")
    if head and len(last) < 90 and not _ASKING.search(last) and _names_a_person(last):
        return head
    return text


def _names_a_person(line: str) -> bool:
    """Tell whether a last line is just ``Prénom Nom, fonction``."""
    name, comma, role = line.partition(",")
    words = name.split()
    if not 2 <= len(words) <= 4 or not all(w[:1].isupper() for w in words):
        return False
    return not comma or bool(_SIGNING.search(role))


def _without_inline_signature(text: str) -> str:
    last = None
    for last in _CLOSING.finditer(text[-220:]):
        pass
    if last is None:
        return text
    start = max(0, len(text) - 220) + last.start()
    tail = text[start:]
    if len(tail) > 130 or _ASKING.search(tail) or "\n" in tail.strip():
        return text
    return text[:start]


def _only_points(text: str) -> bool:
    if len(text.split()) > _SHORT_COVER_WORDS:
        return False
    folded = fold(text)
    return not text or any(word in folded for word in _POINTING) or len(text.split()) < 10
