"""
Gives each service a folder with the secrets that it reads, and no others.

``python -m deploy.keys DRAWN SHARED`` draws the development keys that DRAWN lacks, and copies
them to ``SHARED/<service>``. A real desk fills these folders itself. A checkpoint key that was
changed in SHARED alone is not overwritten: the log goes on under no other.
"""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local import secrets

SIGNING: Final = "consent-signing.pem"
FORMER: Final = "consent-signing-former.pem"
READ_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "intake": ("fingerprint.key", "sealing.key", "sources.json", "desk-users.json"),
    "router": ("sealing.key",),
    "consent": (
        "consent.key",
        SIGNING,
        "fields.key",
        "fingerprint.key",
        "sealing.key",
        "tokens-public.pem",
    ),
    "notifier": ("fields.key", "fingerprint.key", "sealing.key"),
}
"""The files by service; the notifier's may grow by ``smtp-password`` and webhooks' keys."""
PASSING: Final[Mapping[str, tuple[str, ...]]] = {"consent": (FORMER,)}
"""Files that are there only for a time: a copy goes with what it was copied from."""


class ChangedElsewhere(Exception):
    """A checkpoint key was changed in the copy: what it was copied from holds the former one."""


def share(drawn: Path, shared: Path) -> None:
    """
    Copy each service's secrets into a folder of its own, readable by their owner alone.

    Raises ``ChangedElsewhere`` before anything is copied.
    """
    former = shared / "consent" / FORMER
    if former.exists() and former.read_bytes() == (drawn / SIGNING).read_bytes():
        raise ChangedElsewhere(f"{former.parent}: bring {SIGNING} and {FORMER} into {drawn} first")
    for service, names in READ_BY.items():
        folder = shared / service
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in names:
            _copy(drawn / name, folder / name)
        for name in PASSING.get(service, ()):
            if (drawn / name).exists():
                _copy(drawn / name, folder / name)
            else:
                (folder / name).unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """Copy so that the target is either whole or not there."""
    beside = target.with_name(f".{target.name}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, secrets.OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(source.read_bytes())
    beside.replace(target)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("drawn", type=Path)
    arguments.add_argument("shared", type=Path)
    given = arguments.parse_args()
    secrets.make(given.drawn)
    try:
        share(given.drawn, given.shared)
    except ChangedElsewhere as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
