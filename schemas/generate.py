"""
Writes the contract as files: a JSON Schema (2020-12) for each event, and AsyncAPI 3.0.

``python -m schemas.generate`` writes ``schemas/json/`` and ``schemas/asyncapi.json``; it refuses
what would break a reader or writer of the committed files.
"""

import json
import sys
from pathlib import Path
from typing import Any

from schemas.catalogue import CATALOGUE, Contract
from schemas.compatibility import breaking_changes

ROOT = Path(__file__).parent


def json_schema(contract: Contract) -> dict[str, Any]:
    """Return the schema that a reader validates by; unknown fields are allowed."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **contract.model.model_json_schema(),
        "x-topics": list(contract.topics),
        "x-producers": list(contract.producers),
        "x-consumers": list(contract.consumers),
    }


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document of all topics and events."""
    names = sorted({topic for contract in CATALOGUE for topic in contract.topics})
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Aiguillage", "version": "1"},
        "defaultContentType": "application/cloudevents+json",
        "channels": {topic: {"address": topic, "messages": _messages(topic)} for topic in names},
        "operations": {
            f"{producer}.{contract.event_type}.{topic}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{topic}"},
                "messages": [{"$ref": f"#/channels/{topic}/messages/{contract.event_type}"}],
                "summary": f"{producer} to {', '.join(contract.consumers)}",
            }
            for contract in CATALOGUE
            for producer in contract.producers
            for topic in contract.topics
        },
    }


def _messages(topic: str) -> dict[str, Any]:
    return {
        contract.event_type: {
            "name": contract.event_type,
            "contentType": "application/cloudevents+json",
            "payload": {"$ref": f"json/{contract.event_type}.schema.json"},
        }
        for contract in CATALOGUE
        if topic in contract.topics
    }


def files() -> dict[Path, str]:
    """Return each file of the contract with its text."""
    documents = {
        ROOT / "json" / f"{contract.event_type}.schema.json": json_schema(contract)
        for contract in CATALOGUE
    }
    documents[ROOT / "asyncapi.json"] = asyncapi()
    return {
        path: json.dumps(d, indent=2, ensure_ascii=False) + "\n" for path, d in documents.items()
    }


def refused(path: Path, text: str) -> list[str]:
    """Return what writing ``text`` over the committed file would break."""
    if path.parent.name != "json" or not path.exists():
        return []
    found = breaking_changes(json.loads(path.read_text()), json.loads(text))
    return [f"{path.name}{change}" for change in found]


def main() -> int:
    """Write all files, or none and say what would break: that is a new version of the event."""
    breaks = [change for path, text in files().items() for change in refused(path, text)]
    for change in breaks:
        sys.stderr.write(f"{change}\n")
    if breaks:
        return 1
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
