"""Trace context that travels with every event, call and mail (W3C Trace Context, level 1)."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)
_VALID = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def current_traceparent() -> str:
    """Return the ``traceparent`` to send on: the current trace's, or a new one's."""
    return _current.get() or _new()


@contextmanager
def traced(received: str | None) -> Iterator[str]:
    """Continue the trace that was received, or begin one; log lines carry its id."""
    parent = received if received and _VALID.fullmatch(received) else None
    value = f"{parent[:35]}-{secrets.token_hex(8)}-{parent[-2:]}" if parent else _new()
    token = _current.set(value)
    try:
        with structlog.contextvars.bound_contextvars(trace_id=value[3:35]):
            yield value
    finally:
        _current.reset(token)


def _new() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
