"""Takes out of an assistant's own words what must never be kept: session numbers and passwords."""

import re
from typing import Final

MASK: Final = "[masqué]"
# A session number of the remote tool: 9 or 10 digits, no leading zero, often in groups.
_SESSION_NUMBER: Final = re.compile(r"(?<!\d)(?<!\d[ .])[1-9](?:[ .]?\d){8,9}(?!\d)")
_ANNOUNCED: Final = re.compile(
    r"((?:mots? de passe|mdp|password|passwd|pwd|code (?:secret|confidentiel|de session|pin))"
    r"\s*(?:(?:est|:|=|,|«|\")\s*){1,3})(\S{1,100})",
    re.IGNORECASE,
)


def without_secrets(words: str) -> str:
    """Return the words with what looks like a secret masked."""
    announced = _ANNOUNCED.sub(lambda found: found.group(1) + MASK, words)
    return _SESSION_NUMBER.sub(MASK, announced)
