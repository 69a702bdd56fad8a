"""Why the log is not intact, as the DPO reads it."""

from functools import cache

from services.consent.texts.wording import LANGUAGE, read_yaml
from services.consent.verify import FRENCH, in_french


@cache
def sentences() -> dict[str, str]:
    """Return what is said in French, by the reason in English; ``{}`` stands for what varies."""
    said: dict[str, str] = read_yaml(f"integrity.{LANGUAGE}.yaml")
    return said | FRENCH


def why_not_intact(reason: str) -> str:
    """Return the sentence for a reason of ``NotIntact``."""
    return in_french(reason, sentences())
