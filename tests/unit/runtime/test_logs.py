"""Log lines hold no personal data, whoever writes them."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from faststream._internal.logger import logger as faststream_logger

from runtime.logs import SPARING_S, Sparing, configure_logs, log_each
from runtime.tracing import current_traceparent, traced


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def configure() -> None:
    configure_logs(service="intake", level="info", personal=frozenset({"name", "email"}))


def lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in captured.readouterr().out.splitlines()]


def test_personal_fields_are_dropped_however_deep(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    structlog.get_logger().info("x", email="a@b.example", contact={"name": "Canari", "ok": 1})
    (line,) = lines(capsys)
    assert line["contact"] == {"ok": 1}
    assert "email" not in line
    assert line["service"] == "intake"


def test_a_traceback_shows_where_and_not_what(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    try:
        raise ValueError("Canari 03 53 01 00 00")
    except ValueError as error:
        structlog.get_logger().error("failed", exc_info=error)
    (line,) = lines(capsys)
    assert line["exception"][0] == "ValueError"  # type: ignore[index]
    assert "Canari" not in json.dumps(line)


def test_what_a_library_logs_is_json_too_without_the_message_of_its_exception(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure()
    try:
        raise ValueError("Canari")
    except ValueError:
        logging.getLogger("some.library").exception("it failed")
    (line,) = lines(capsys)
    assert line["event"] == "it failed"
    assert "Canari" not in json.dumps(line)


def test_lines_within_a_trace_carry_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with traced(parent):
        structlog.get_logger().info("x")
        sent_on = current_traceparent()
    (line,) = lines(capsys)
    assert line["trace_id"] == parent[3:35] == sent_on[3:35]
    assert sent_on != parent


@pytest.mark.parametrize(
    "received",
    [
        None,
        "",
        "x",
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "ff-" + "1" * 32 + "-" + "1" * 16 + "-01",
    ],
)
def test_an_invalid_trace_begins_a_new_one(received: str | None) -> None:
    with traced(received) as value:
        assert value[3:35] != (received or "")[3:35]


def test_a_library_that_says_the_same_again_and_again_is_written_once_in_ten_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure()
    for port in range(500):
        logging.getLogger("aiokafka").error("Unable connect to node with id %s", port)
    logging.getLogger("aiokafka").error("Something else")
    assert [line["event"] for line in lines(capsys)] == [
        "Unable connect to node with id 0",
        "Something else",
    ]


def test_what_was_kept_back_is_counted() -> None:
    now = 100.0
    sparing = Sparing(monotonic=lambda: now)
    said = logging.LogRecord("aiokafka", logging.ERROR, "", 1, "Gone: %s", ("a",), None)
    assert [sparing.filter(said) for _ in range(4)] == [True, False, False, False]
    now += SPARING_S
    assert sparing.filter(said)
    assert said.getMessage() == "Gone: a (and 3 times more)"


def test_the_kafka_framework_logs_through_the_same_processors(
    capsys: pytest.CaptureFixture[str],
) -> None:
    faststream = logging.getLogger(faststream_logger.name)
    configure()
    try:
        raise ValueError("Canari")
    except ValueError as error:
        faststream.error("Kafka error occurred", exc_info=error)
    captured = capsys.readouterr()
    assert not captured.err
    (line,) = [json.loads(text) for text in captured.out.splitlines()]
    assert line["exception"][0] == "ValueError"
    assert "Canari" not in captured.out


def test_lines_written_together_are_those_that_would_be_written_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure()
    rows: list[dict[str, object]] = [
        {"offset": 1, "outcome": "repeat", "reason": None, "trace_id": "a" * 32},
        {"offset": 2, "outcome": "parked", "reason": "not-json", "email": "canari@b.example"},
    ]
    for row in rows:
        structlog.get_logger().info("message", **row)
    alone = lines(capsys)
    log_each("message", rows)
    together = lines(capsys)
    assert [line.pop("timestamp") for line in alone]
    assert all(str(line.pop("timestamp")).endswith("Z") for line in together)
    assert together == alone
    assert "canari" not in json.dumps(together)


def test_lines_written_together_keep_to_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(service="intake", level="warning")
    log_each("message", [{"offset": 1}])
    assert lines(capsys) == []
