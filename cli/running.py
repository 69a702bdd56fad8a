"""Where Kafka, the services and the keys are: said on the command line, or by a running stack."""

import json
from dataclasses import dataclass
from pathlib import Path

STATE_FILE = Path(".local/stack.json")
KEYS_DIR = Path(".local/keys")


class WhereUnknown(Exception):
    """Neither the command line nor a running stack says where Kafka is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Addresses for an operator's commands; ``kafka`` is ``host:port``."""

    kafka: str
    keys_dir: Path


def find_where(*, kafka: str | None, keys_dir: Path | None, state: Path = STATE_FILE) -> Where:
    """Return what was given, completed by the stack that runs here; raises ``WhereUnknown``."""
    if kafka is None and state.exists():
        kafka = json.loads(state.read_text())["addresses"]["kafka"]
    if kafka is None:
        raise WhereUnknown("where is Kafka? give --bootstrap or AIGUILLAGE_KAFKA, or run `make up`")
    return Where(kafka=kafka, keys_dir=keys_dir or KEYS_DIR)
