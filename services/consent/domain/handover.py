"""The entry by which the log is handed over to another checkpoint key."""

import re
from collections.abc import Sequence
from typing import Final

from services.consent.domain.checkpoint import Signer, Verifier
from services.consent.domain.entry import THE_LOG, Draft, Entry, Role

ROTATED: Final = "key-rotated"
_KEY: Final = re.compile(r"[0-9a-f]{64}")


class NotTheLogsKey(Exception):
    """The log was handed over to another key than this one."""


def handover(
    about_log: Sequence[Entry],
    old: Signer,
    new: Verifier,
    *,
    actor: Role,
    basis: str,
    commitment: str | None = None,
) -> Draft | None:
    """Return the entry, or nothing where it is there; raises ``NotTheLogsKey``."""
    named = keys_named(about_log)
    if named and named[-1] == new.raw:
        return None
    if named and named[-1] != old.verifier.raw:
        raise NotTheLogsKey
    facts = {
        "old_key": old.verifier.raw.hex(),
        "old_key_id": old.verifier.key_id.hex(),
        "new_key": new.raw.hex(),
        "new_key_id": new.key_id.hex(),
        "signature": old.hand_over(new).hex(),
    }
    return Draft(
        session=THE_LOG,
        type=ROTATED,
        actor=actor,
        commitment=commitment,
        legal_basis=basis,
        facts=facts,
    )


def keys_named(about_log: Sequence[Entry]) -> list[bytes]:
    """Return the public keys that the log names, the newest last; verify.py judges them."""
    facts = [entry.draft.facts for entry in about_log if entry.draft.type == ROTATED]
    named = [one.get(name) for one in facts for name in ("old_key", "new_key")]
    return [bytes.fromhex(key) for key in named if isinstance(key, str) and _KEY.fullmatch(key)]
