"""A mail without what stands under it: signature, disclaimer, advertisement."""

import re
from typing import Final

_MOST_SIGNATURE_LINES: Final = 12
_LONGEST_SIGNATURE_LINE: Final = 80
_LONGEST_BLOCK_LINE: Final = 100
_LONGEST_LONE_LINE: Final = 60
_SHORT_LINE_WORDS: Final = 4
_LONGEST_CLOSING_LINE: Final = 90
_LONGEST_TAIL: Final = 220
_LONGEST_INLINE: Final = 130
_CLOSING_SLACK: Final = 3
_NAME_WORDS: Final = range(2, 5)

_ADDRESS: Final = re.compile(r"\S@\S+\.\w")
_WRAPPED: Final = re.compile(r"(?<=[^\n.!?:;])\n(?=[a-zà-ÿ(])")
_FOOTER: Final = re.compile(
    r"(?mi)^[ \t]*(?:(?:ce|cet|this) (?:message|courriel|mail|e-mail|email)[^\n]*"
    r"(?:confiden|destin|intended|erreur|virus|pi[èe]ces)[^\n]*"
    r"|(?:envoy[ée]|sent) (?:depuis|de|à partir de|from) "
    r"(?:mon|my|outlook|yahoo|orange|gmail|l'application)[^\n]*"
    r"|(?:pensez|avant d'imprimer|n'imprimez)[^\n]*(?:environnement|imprim|plan[èe]te)[^\n]*"
    r"|(?:les )?(?:informations|donn[ée]es) (?:recueillies|collect[ée]es)[^\n]*"
    r"|conform[ée]ment (?:au|à|aux)[^\n]*vous (?:disposez|pouvez|b[ée]n[ée]ficiez)[^\n]*"
    r"|retrouvez[- ](?:nous|nos|toute|tous|l|notre|le|la)[^\n]*|suivez[- ]nous[^\n]*)$"
)
_FOOTER_KEYS: Final = (
    *("message", "courriel", "mail", "envoy", "sent", "environnement", "recueillies"),
    *("collect", "conform", "retrouve", "suivez", "imprim"),
)
_CLOSING: Final = re.compile(
    r"(?:bien |tr[èe]s )?cordialement|cdlt|cdt|crdlt|bien (?:à|a) (?:vous|toi)"
    r"|(?:sinc[èe]res |meilleures |respectueuses |mes |nos )+salutations(?: distingu[ée]es)?"
    r"|salutations(?: distingu[ée]es)?|sinc[èe]rement|respectueusement|amicalement"
    r"|bonne (?:journ[ée]e|r[ée]ception|soir[ée]e|fin de journ[ée]e)|belle journ[ée]e"
    r"|en vous remerciant(?: par avance| d.avance)?"
    r"|(?:avec (?:tous )?)?(?:mes|nos|tous mes) remerciements"
    r"|merci(?: d.avance| par avance| beaucoup| bcp)?(?= *[.,!]?\s*$)",
    re.IGNORECASE,
)
_CLOSING_KEYS: Final = (
    *("cordialement", "cdlt", "cdt", "crdlt", "à vous", "a vous", "à toi", "a toi"),
    *("salutations", "sinc", "en vous remerciant", "remerciements"),
    *("respectueu", "amical", "bonne", "belle", "merci"),
)
_AFTERTHOUGHT: Final = re.compile(r"(?i)^\W*(?:p\.? ?s\.?|n\.? ?b\.?|post[- ]scriptum|pj|nota)\b")
_ASKING: Final = re.compile(
    r"(?i)\?|\bpouvez|\bpourriez|\bje (?:n|v|souh|voud|suis)|\bnous (?:n|v|souh|voud|avons)"
    r"|\bimpossible|\bmerci de|\bj'|\bn'|\bil (?:faut|me|nous)|\bcar\b|\bpourtant|\bdepuis\b"
)
_SIGNING: Final = re.compile(
    r"(?i)\bservice\b|\bmairie\b|\bcommune|\bcommunaut|\bdirect|\brespons|\bsecr[ée]t|\bassist"
    r"|\btel\b|\bt[ée]l\b|\b0\d[ .]?\d\d|@|\bville\b|\bcharg[ée]|\bp[ôo]le\b|\bsyndicat|\bagent"
    r"|\bd[ée]partement|\bgestionnaire|\bmaire\b|\badjoint|\bbureau\b|\bcellule\b|\bsarl\b"
    r"|\bsas\b|\beurl\b|\bg[ée]rant|\bccas\b|\bcommande publique|\bmarch[ée]s publics"
    r"|\bacheteu|\br[ée]f[ée]rent|\bd[ée]l[ée]gu[ée]|\bdpo\b|\bcomptab|\bplace\b|\brue\b"
    r"|\bformat(?:ion|eur)|\bchef"
)


def told(text: str) -> str:
    """Return a text without footers and signature, its wrapped lines joined."""
    if "\n" in text:
        if has_any(text.lower(), _FOOTER_KEYS):
            text = _FOOTER.sub("", text)
        text = _without_signature(text.strip())
        text = _WRAPPED.sub(" ", text)
    return _without_inline_signature(text).strip()


def has_any(lower: str, keys: tuple[str, ...]) -> bool:
    """Tell whether any of the words is there: far cheaper than the patterns behind it."""
    for key in keys:  # noqa: SIM110 - half the price of any()
        if key in lower:
            return True
    return False


def _without_signature(text: str) -> str:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        bare = line.strip().rstrip(".,!: ")
        if len(bare) > _LONGEST_CLOSING_LINE or not _ends_with_closing(bare):
            continue
        after = [rest for rest in lines[number + 1 :] if rest.strip()]
        if len(after) <= _MOST_SIGNATURE_LINES:
            return "\n".join([*lines[: number + 1], *_after_signature(after)])
    return _without_lone_name(_without_closing_block(text))


def _ends_with_closing(bare: str) -> bool:
    last = _last_closing(bare)
    return last is not None and len(bare) - last.end() <= _CLOSING_SLACK


def _last_closing(text: str) -> re.Match[str] | None:
    last = None
    if has_any(text.lower(), _CLOSING_KEYS):
        for match in _CLOSING.finditer(text):
            last = match
    return last


def _after_signature(lines: list[str]) -> list[str]:
    """Return what follows a closing formula from the first line that is no signature."""
    for number, line in enumerate(lines):
        if _AFTERTHOUGHT.match(line) or not _signature_like(line.strip()):
            return lines[number:]
    return []


def _signature_like(bare: str) -> bool:
    if _ASKING.search(bare) or len(bare) > _LONGEST_SIGNATURE_LINE:
        return False
    return bare[-1] not in ".?!;" or len(bare.split()) <= _SHORT_LINE_WORDS


def _without_closing_block(text: str) -> str:
    """Drop last blocks of short lines that name a person, a service, a telephone."""
    blocks = re.split(r"\n[ \t]*\n", text)
    while len(blocks) > 1 and _signs(blocks[-1]):
        blocks.pop()
    return "\n\n".join(blocks)


def _signs(block: str) -> bool:
    lines = [line for line in block.split("\n") if line.strip()]
    if len(lines) > _MOST_SIGNATURE_LINES or ":" in block[:40]:
        return False
    if any(_asks(line) or len(line) > _LONGEST_BLOCK_LINE for line in lines):
        return False
    if len(lines) == 1:
        return len(block) <= _LONGEST_LONE_LINE and block.rstrip()[-1] not in ".!?"
    return any(_SIGNING.search(line) for line in lines)


def _asks(line: str) -> bool:
    """Tell whether a line asks something; ``Une question ? accueil@…`` only offers an address."""
    return bool(_ASKING.search(line)) and not _ADDRESS.search(line)


def _without_lone_name(text: str) -> str:
    head, _, last = text.rpartition("\n")
    if head and len(last) <= _LONGEST_CLOSING_LINE and _names_a_person(last):
        return head
    return text


def _names_a_person(line: str) -> bool:
    """Tell whether a line is just ``Prénom Nom, fonction``."""
    name, comma, role = line.partition(",")
    words = name.split()
    if len(words) not in _NAME_WORDS or not all(word[:1].isupper() for word in words):
        return False
    return not _ASKING.search(line) and (not comma or bool(_SIGNING.search(role)))


def _without_inline_signature(text: str) -> str:
    last = _last_closing(text[-_LONGEST_TAIL:])
    if last is None:
        return text
    start = max(0, len(text) - _LONGEST_TAIL) + last.start()
    tail = text[start:]
    if len(tail) > _LONGEST_INLINE or _ASKING.search(tail) or "\n" in tail.strip():
        return text
    return text[:start]
