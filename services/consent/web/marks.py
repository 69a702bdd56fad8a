"""What names an act of an assistant, so that a repeat is seen."""

from hashlib import sha256
from typing import Any, Final

from litestar import Request

from desk.facts import Assistant
from runtime.problems import Problem

_KEY_MOST: Final = 255


def key_of(request: Request[Any, Any, Any]) -> str | None:
    """Return the Idempotency-Key; raises ``Problem``."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _KEY_MOST:
        raise Problem(status=400, code="bad-idempotency-key", detail="1 to 255 characters.")
    return key


def mark_of(assistant: Assistant, key: str | None) -> str | None:
    """Return the name of the act that this assistant calls ``key``, as entries carry it."""
    return sha256(f"{assistant.id}\n{key}".encode()).hexdigest()[:32] if key else None
