"""Every subscriber of every service, walked: none has a default that loses records."""

import logging
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from deploy.local.folders import PROJECT
from deploy.topics import load as load_topics
from runtime import serving
from runtime.lifecycle import Lifecycle
from schemas import topics
from schemas.catalogue import CATALOGUE

SERVICES = ("intake", "router", "consent", "notifier")

SAFE = {
    "ack_policy": AckPolicy.MANUAL,
    "auto_offset_reset": "earliest",
    "isolation_level": "read_committed",
    "no_reply": True,
    "batch": True,
}


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Record with which options brokers and subscribers are made, and start nothing."""
    made: dict[str, list[dict[str, Any]]] = {"broker": [], "subscriber": []}
    make_broker, make_subscriber = KafkaBroker.__init__, KafkaBroker.subscriber

    def broker(self: KafkaBroker, *args: Any, **options: Any) -> None:
        made["broker"].append(options)
        make_broker(self, *args, **options)

    def subscriber(self: KafkaBroker, *args: Any, **options: Any) -> Any:
        made["subscriber"].append({"topics": args, **options})
        return make_subscriber(self, *args, **options)

    async def prepare_only(_: object, prepare: Callable[[], Lifecycle], *__: object) -> int:
        prepare()
        return 0

    monkeypatch.setattr(KafkaBroker, "__init__", broker)
    monkeypatch.setattr(KafkaBroker, "subscriber", subscriber)
    monkeypatch.setattr(serving, "_serve", prepare_only)
    yield made
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def declare(monkeypatch: pytest.MonkeyPatch, service: str, keys_dir: Path, folder: Path) -> None:
    settings = {
        "KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "MONGO__URI": "mongodb://127.0.0.1:1",
        "MONGO__DATABASE": "trial",
        "HTTP__PORT": "0",
        "DESK_DIR": str(PROJECT / "deploy" / "desk"),
        "KEYS_DIR": str(keys_dir),
        "PUBLIC_URL": "http://127.0.0.1:1",
        "CHECKPOINT_FILE": str(folder / "checkpoints"),
        "SMTP__HOST": "127.0.0.1",
        "SMTP__PORT": "1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"{service.upper()}_{name}", value)


@pytest.mark.parametrize("service", SERVICES)
def test_no_subscriber_loses_what_it_takes(
    walked: dict[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    keys_dir: Path,
    tmp_path: Path,
    service: str,
) -> None:
    declare(monkeypatch, service, keys_dir, tmp_path)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"services.{service}", run_name="__main__")
    assert ended.value.code == 0
    assert walked["subscriber"], "a service without a subscriber takes nothing"
    for options in walked["subscriber"]:
        assert SAFE.items() <= options.items(), options["topics"]
        assert options["group_id"], options["topics"]
    (broker,) = walked["broker"]
    assert broker["acks"] == "all"
    assert broker["enable_idempotence"] is True
    assert broker["allow_auto_create_topics"] is False
    assert broker["parser"] is not None


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_consumed_is_declared_with_its_dead_letters(
    walked: dict[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    keys_dir: Path,
    tmp_path: Path,
    service: str,
) -> None:
    declare(monkeypatch, service, keys_dir, tmp_path)
    with pytest.raises(SystemExit):
        runpy.run_module(f"services.{service}", run_name="__main__")
    consumed = {topic for options in walked["subscriber"] for topic in options["topics"]}
    letters = {topics.dead_letter(topic, service=service) for topic in consumed}
    declared = {topic.name for topic in load_topics()}
    assert consumed | letters <= declared


def test_every_topic_of_the_contract_is_declared() -> None:
    declared = {topic.name for topic in load_topics()}
    assert {topic for contract in CATALOGUE for topic in contract.topics} <= declared


def test_subscribers_are_made_in_two_places_only() -> None:
    makers = {
        str(path.relative_to(PROJECT))
        for folder in ("runtime", "services")
        for path in (PROJECT / folder).rglob("*.py")
        if ".subscriber(" in path.read_text()
    }
    assert makers == {"runtime/consumption.py", "services/router/app.py"}
