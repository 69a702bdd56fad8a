"""Structured logs on stdout: JSON off a terminal, readable on one; never personal data."""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

LogLevel = Literal["debug", "info", "warning", "error"]
# Libraries that log what they carry, or a line per request, say it only when it is wrong.
_QUIET = ("aiokafka", "pymongo", "uvicorn", "httpx", "asyncio", "litestar")


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
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("faststream").setLevel(logging.ERROR)  # warns of topics it may not create


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
        plain = structlog.dev.RichTracebackFormatter(show_locals=False)
        return [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    return [_without_messages, structlog.processors.JSONRenderer()]


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
