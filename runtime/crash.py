"""Named points at which a test makes the process die, as if the power had gone."""

import os
from collections import Counter

_passed: Counter[str] = Counter()


def point(name: str) -> None:
    """
    Die at once (exit status 137) where the environment asks for it; else do nothing.

    ``AIGUILLAGE_CRASH_AT=router.committed:3`` dies when ``router.committed`` is passed the third
    time; without a number, the first time.
    """
    wanted, _, count = os.environ.get("AIGUILLAGE_CRASH_AT", "").partition(":")
    if wanted != name:
        return
    _passed[name] += 1
    if _passed[name] >= int(count or 1):
        os._exit(137)
