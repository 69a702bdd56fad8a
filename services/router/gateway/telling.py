"""One line in the log and one count for each request record."""

from collections import Counter
from collections.abc import Sequence

import structlog

from runtime import metrics
from runtime.kafka import Record
from runtime.logs import log_each
from services.router.handlers import Answer

log = structlog.get_logger()

_TRACE_ID = slice(3, 35)


def tell(records: Sequence[Record], answers: Sequence[Answer], *, spent_s: float) -> None:
    """Tell what became of the records of one transaction, which took ``spent_s`` in all."""
    topic, partition = records[0].topic, records[0].partition
    log_each(
        "message",
        [
            {
                "topic": topic,
                "partition": partition,
                "offset": record.offset,
                "outcome": made.outcome,
                "reason": made.reason,
                "request_id": made.request_id,
                "trace_id": made.traceparent[_TRACE_ID] if made.traceparent else None,
            }
            for record, made in zip(records, answers, strict=True)
        ],
    )
    for made in answers:
        if made.error:
            log.error("rules failed", error=type(made.error).__name__, exc_info=made.error)
    for outcome, count in Counter(made.outcome for made in answers).items():
        metrics.messages.labels(topic, outcome).inc(count)
    for reason, count in Counter(made.reason for made in answers if made.reason).items():
        metrics.dead_letters.labels(topic, reason).inc(count)
    metrics.message_seconds.labels(topic).observe(spent_s / len(records))
