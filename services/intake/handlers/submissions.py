"""The Kafka door: each form service's own topic, whose name says who wrote."""

from collections.abc import Mapping
from typing import Final

from faststream.kafka import KafkaBroker

from desk.facts import Source
from runtime.consumption import Handle, consume
from runtime.failures import PermanentFailure
from runtime.kafka import Publisher, Record
from runtime.tracing import current_traceparent, traced
from schemas import topics
from services.intake.domain.cloudevents import Event, is_json, read_binary, read_structured
from services.intake.domain.refusal import Unacceptable
from services.intake.domain.request import Incoming, incoming_of
from services.intake.domain.strict_json import read_json
from services.intake.domain.submission import read_submission
from services.intake.handlers.acceptance import Acceptance

STRUCTURED: Final = "application/cloudevents+json"


def subscribe(
    broker: KafkaBroker,
    acceptance: Acceptance,
    publisher: Publisher,
    *,
    sources: Mapping[str, Source],
    group: str,
) -> None:
    """Have every record of the declared sources' topics accepted, or parked with its bytes."""
    by_topic = {
        topics.submissions(name): source
        for name, source in sources.items()
        if "kafka" in source.doors
    }
    if by_topic:
        handle = build_handle(by_topic, acceptance)
        name = f"{group}.submissions"
        consume(broker, *by_topic, group=name, handle=handle, publisher=publisher)


def build_handle(by_topic: Mapping[str, Source], acceptance: Acceptance) -> Handle:
    """Return what is done with one record; ``by_topic`` says whose it is."""

    async def accept_submission(record: Record) -> None:
        try:
            incoming, traceparent = read_record(record, by_topic[record.topic])
            with traced(traceparent or current_traceparent()):
                await acceptance.accept(incoming)
        except Unacceptable as error:
            raise PermanentFailure(error.reason) from None

    return accept_submission


def read_record(record: Record, source: Source) -> tuple[Incoming, str | None]:
    """
    Return what a record asks for, with the trace that it carries within.

    Kafka protocol binding of CloudEvents 1.0.2, section 3; without its headers, the own JSON.
    Raises ``Unacceptable``, or ``PermanentFailure`` for a record that is none of these.
    """
    if record.value is None:
        raise PermanentFailure("no-value")
    headers = _texts(record)
    content_type = headers.pop("content-type", "application/json")
    if content_type.split(";")[0].strip().lower() == STRUCTURED:
        return _of_event(read_structured(read_json(record.value)), source)
    if not is_json(content_type):
        raise PermanentFailure("unsupported-content-type")
    attributes = {
        name.removeprefix("ce_"): text for name, text in headers.items() if name.startswith("ce_")
    }
    if attributes:
        return _of_event(read_binary(attributes, record.value), source)
    submission = read_submission(read_json(record.value))
    if submission.id is None:
        raise PermanentFailure("no-id")
    return incoming_of(source, submission.id, submission), None


def _of_event(event: Event, source: Source) -> tuple[Incoming, str | None]:
    submission = read_submission(event.data, at="/data")
    source_id = submission.id or event.identity
    return incoming_of(source, source_id, submission), event.traceparent


def _texts(record: Record) -> dict[str, str]:
    """Return the headers that matter here; another's may be anything."""
    texts: dict[str, str] = {}
    for name, value in record.headers:
        key = name.lower()
        if key != "content-type" and not key.startswith("ce_"):
            continue
        if value is None or key in texts:
            raise PermanentFailure("unreadable-header")
        try:
            texts[key] = value.decode()
        except UnicodeDecodeError:
            raise PermanentFailure("unreadable-header") from None
    return texts
