"""The desk of ``aiguillage-20``: the shipped one, with the peers' twenty rules for routing."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.router.peers.routing import RULES
from deploy.local import services

_BALANCE: Final[dict[str, Any]] = {
    "start": {"marketplace": 0.0, "general": 0.1},
    "thresholds": {"training": 3.0, "dpo": 3.0, "remote": 3.0},
    "sure_margin": 2.0,
    "cues": dict.fromkeys(("problem", "ask", "past", "background", "pivot", "names-object"), 1.0),
    "long_text_words": 70,
    "closing_boost": 1.0,
}
_WORDS: Final[dict[str, Any]] = {"silent": [], "contrasts": [], "object_stops": []}


def with_twenty_rules(folder: Path) -> Path:
    """Write the desk into ``folder``, and return it."""
    shutil.copytree(services.DESK, folder)
    (folder / "routing.yaml").write_text(routing())
    return folder


def routing() -> str:
    """Return the rules file that says what ``peers/rules.json`` says."""
    declared = json.loads(RULES.read_text())["rules"]
    rules = [
        {
            "name": f"regle-{number}",
            "about": rule["name"],
            "queue": rule["queue"],
            "weight": rule["weight"],
            "phrases": rule["words"],
        }
        for number, rule in enumerate(declared, start=1)
    ]
    return yaml.safe_dump(
        {"balance": _BALANCE, "words": _WORDS, "rules": rules}, allow_unicode=True, sort_keys=False
    )
