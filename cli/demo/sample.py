"""The shipped sample: requests of invented people, the door of each, and where each must end."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from schemas.tickets import Queue

SAMPLE: Final = Path(__file__).resolve().parents[2] / "deploy" / "sample" / "requests.jsonl"

Door = Literal[
    "page-marketplace",
    "page-general",
    "call",
    "http-json",
    "http-structured",
    "http-binary",
    "http-batch",
    "kafka",
]
SHORTEST: Final = 9
FLAGS: Final = ("training", "dpo", "remote")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request as it is handed in, and what must become of it."""

    id: str
    door: Door
    source: str
    content: dict[str, Any]
    """The own JSON of the door (intake's OpenAPI document), without an id."""
    queue: Queue
    flags: frozenset[str]
    urgent: bool
    canaries: frozenset[str]
    """What may stand in tickets and mails, and in no log, metric or header."""
    secret: str | None
    """A password, which may stand nowhere once it is through the door."""

    @property
    def email(self) -> str | None:
        """Where the requester is answered."""
        address: str | None = self.content["contact"].get("email")
        return address

    def submission(self, run: str) -> dict[str, Any]:
        """Return the content with the source's own id; ``run`` makes it new in every run."""
        return {"id": f"{self.id}-{run}", **self.content}


def load_sample(path: Path = SAMPLE) -> list[Sample]:
    """Return the sample in its order; a missing field is a ``KeyError``."""
    with path.open(encoding="utf-8") as lines:
        return [_read(json.loads(line)) for line in lines]


def _read(line: dict[str, Any]) -> Sample:
    fields = ("service", "profile", "organisation", "subject", "body", "contact", "consultation")
    expected = line["expected"]
    return Sample(
        id=line["id"],
        door=line["door"],
        source=line["source"],
        content={name: line[name] for name in fields if line.get(name) is not None},
        queue=expected["queue"],
        flags=frozenset(flag for flag in FLAGS if expected[flag]),
        urgent=expected.get("priority") == "urgent",
        canaries=frozenset(_canaries(line)),
        secret=line.get("secret"),
    )


def _canaries(line: dict[str, Any]) -> list[str]:
    """Return names (whole, and the family's), addresses, numbers, organisation, text, secret."""
    contact = line["contact"]
    name = contact["name"]
    found = [name, name.split(" ", 1)[1], *contact.values(), line.get("organisation")]
    found += re.split(r"[.?!:\n]", line["body"])
    secret = [line["secret"]] if "secret" in line else []
    # A short word would be found where nobody leaked it.
    return [*secret, *(text.strip() for text in found if text and len(text) >= SHORTEST)]
