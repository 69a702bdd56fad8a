"""Structured logs on stdout: JSON off a terminal, readable on one; never personal data."""

import logging
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogLevel = Literal["debug", "info", "warning", "error"]
# Libraries that log what they carry, or a line per request, say it only when it is wrong.
_QUIET = ("aiokafka", "pymongo", "uvicorn", "httpx", "asyncio", "litestar")

SPARING_S: Final = 10.0
_MOST_KNOWN: Final = 1_000


def configure_logs(
    *, service: str, level: LogLevel, personal: frozenset[str] = frozenset()
) -> None:
    """Send every log line, ours and the libraries', through the same processors."""
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _service(service),
        drop_personal(personal),
    ]
    renderers = _renderers()
    _LINES.service = None if sys.stdout.isatty() else service
    _LINES.level = getattr(logging, level.upper())
    _LINES.personal = personal
    structlog.configure(
        processors=[*processors, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*processors, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *renderers,
            ],
        )
    )
    handler.addFilter(Sparing())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    faststream = logging.getLogger("faststream")
    faststream.setLevel(logging.ERROR)  # warns of topics it may not create
    faststream.handlers.clear()  # its own writes tracebacks with the messages of exceptions
    faststream.propagate = True
    logging.getLogger("aiokafka.cluster").setLevel(logging.CRITICAL)  # 20 times a second, else


def log_each(event: str, rows: Sequence[dict[str, object]]) -> None:
    """
    Write a line for each row, as ``log.info(event, **row)`` does, in a tenth of its time.

    For canonical lines, thousands a second, whose keys the code names and whose values are texts
    and numbers of ours: no exception. Personal keys are dropped here, too.
    """
    if _LINES.service is None:  # a terminal, or not configured
        logger = structlog.get_logger()
        for row in rows:
            logger.info(event, **row)
        return
    if _LINES.level > logging.INFO or not rows:
        return
    said = {
        "event": event,
        "level": "info",
        "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "service": _LINES.service,
    }
    encode, personal = _LINES.encode, _LINES.personal
    kept = [
        row if personal.isdisjoint(row) else {k: v for k, v in row.items() if k not in personal}
        for row in rows
    ]
    lines = encode([row | said for row in kept])
    sys.stdout.flush()
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


@dataclass(slots=True)
class _Lines:
    """What :func:`log_each` needs of the configuration."""

    service: str | None = None
    level: int = logging.INFO
    personal: frozenset[str] = frozenset()
    encode: Callable[[Iterable[object]], bytes] = msgspec.json.Encoder().encode_lines


_LINES: Final = _Lines()


class Sparing(logging.Filter):
    """
    Lets each message of a library through once in 10 seconds, then says how many it kept back.

    A Kafka client says hundreds of times a second that its broker is away.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be written; the message before its values counts."""
        key = (record.name, str(record.msg))
        said_at, kept_back = self._said.get(key, (-SPARING_S, 0))
        if self._monotonic() - said_at < SPARING_S:
            self._said[key] = (said_at, kept_back + 1)
            return False
        if len(self._said) >= _MOST_KNOWN:
            self._said.clear()
        self._said[key] = (self._monotonic(), 0)
        if kept_back:
            record.msg = f"{record.getMessage()} (and {kept_back} times more)"
            record.args = None
        return True


def drop_personal(names: frozenset[str]) -> Processor:
    """Return a processor that removes the named keys, however deep."""

    def process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: _clean(value, names) for key, value in event.items() if key not in names}

    return process


def _clean(value: object, names: frozenset[str]) -> object:
    if isinstance(value, dict):
        return {key: _clean(item, names) for key, item in value.items() if key not in names}
    if isinstance(value, list | tuple):
        return [_clean(item, names) for item in value]
    return value


def _service(name: str) -> Processor:
    def process(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = name
        return event

    return process


def _renderers() -> list[Processor]:
    # Local variables and messages of exceptions may hold personal data: a traceback shows neither.
    if sys.stdout.isatty():
        return [_without_messages, _one_a_line, structlog.dev.ConsoleRenderer()]
    return [_without_messages, structlog.processors.JSONRenderer()]


def _one_a_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if "exception" in event:
        event["exception"] = "\n".join(event["exception"])
    return event


def _without_messages(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if error := event.pop("exc_info", None):
        exception = error if isinstance(error, BaseException) else sys.exc_info()[1]
        if isinstance(error, tuple):
            exception = error[1]
        if exception is not None:
            event["exception"] = _frames(exception)
    return event


def _frames(exception: BaseException) -> list[str]:
    frames = [type(exception).__qualname__]
    step = exception.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        frames.append(f"{code.co_filename}:{step.tb_lineno} {code.co_qualname}")
        step = step.tb_next
    return frames
