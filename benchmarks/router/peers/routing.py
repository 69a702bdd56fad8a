"""The twenty rules as a Python user would write them, and the ticket event that they make."""

import json
import os
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

RULES: Final = Path(__file__).with_name("rules.json")
_WORD: Final = re.compile("[a-z0-9]+")


def setting(name: str) -> str:
    """Return what the benchmark told this peer, such as ``BENCH_GROUP``."""
    return os.environ[f"BENCH_{name}"]


def fold(text: str) -> str:
    """Return the text in lower case, without accents."""
    return unicodedata.normalize("NFD", text.lower()).encode("ascii", "ignore").decode()


class Rules:
    """Looks the words of a text up; the heavier queue has it."""

    def __init__(self, file: Path = RULES) -> None:
        self._rules: dict[str, tuple[str, str, float]] = {
            fold(word): (rule["name"], rule["queue"], rule["weight"])
            for rule in json.loads(file.read_text())["rules"]
            for word in rule["words"]
        }

    def decide(self, subject: str, body: str) -> dict[str, Any]:
        """Return queue, rule, words and scores."""
        scores = {"marketplace": 0.0, "general": 0.0}
        by_rule: dict[tuple[str, str], float] = {}
        words = []
        for word in dict.fromkeys(_WORD.findall(fold(f"{subject}\n{body}"))):
            if found := self._rules.get(word):
                name, queue, weight = found
                scores[queue] += weight
                by_rule[queue, name] = by_rule.get((queue, name), 0.0) + weight
                words.append(word)
        queue = "marketplace" if scores["marketplace"] > scores["general"] else "general"
        rules = {name: weight for (of, name), weight in by_rule.items() if of == queue}
        rule = max(rules, key=lambda name: rules[name], default="default")
        return {"queue": queue, "rule": rule, "words": words, "scores": scores}


def ticket(event: Mapping[str, Any], decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ticket event: envelope, decision, and the whole request inside."""
    return {
        "specversion": "1.0",
        "id": f"ticket-{event['subject']}",
        "source": "/benchmark/peer",
        "type": "assistance.ticket.created.v1",
        "subject": event["subject"],
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "traceparent": event["traceparent"],
        "data": {
            "request_id": event["subject"],
            "decision": decision,
            "request": event["data"],
        },
    }
