"""Requests of about 800 bytes, no two alike: the test cases' texts, recombined."""

import hashlib
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from deploy.local.folders import PROJECT
from schemas.requests import RequestData, RequestReceived, request_id

EVENT_BYTES: Final = 800
SOURCE: Final = "formulaires"
_CASES: Final = PROJECT / "tests" / "cases"
_SENTENCE: Final = re.compile(r"[^.!?\n]{15,140}[.!?]")
_DIGIT: Final = re.compile(r"\d")
_ONSETS: Final = (
    "b",
    "br",
    "c",
    "ch",
    "d",
    "f",
    "fl",
    "g",
    "gr",
    "j",
    "l",
    "m",
    "n",
    "p",
    "r",
    "v",
)
_MIDDLES: Final = ("a", "au", "e", "é", "i", "o", "oi", "ou", "u")
_ENDINGS: Final = ("rd", "nt", "llet", "sson", "vier", "lin", "mbert", "tte", "neau", "zac")
_ASIDES: Final = (
    " depuis le {day} à {hour}h{minute:02}",
    " (réf. {number})",
    ", comme je l'ai dit à {name} le {day}",
    ", voir le dossier {number} de {name}",
    " d'après {name}",
    " : {number}",
)


def keys(count: int) -> Iterator[bytes]:
    """Yield the keys of the first requests, which are the same for every seed."""
    return (str(request_id(SOURCE, str(number))).encode() for number in range(count))


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One request record: its key, which is the request's id, and the event as JSON."""

    key: bytes
    value: bytes
    traceparent: str


class Maker:
    """Makes the same requests for the same seed, but for the time at which they are received."""

    def __init__(self, *, seed: int = 7) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - a repeatable run, no secret
        self._began = datetime.now(UTC)
        self._cases = [
            json.loads(line)
            for file in sorted(_CASES.glob("*.jsonl"))
            for line in file.read_text().splitlines()
        ]
        bodies = (case["body"] for case in self._cases)
        self._sentences = [found.strip() for body in bodies for found in _SENTENCE.findall(body)]

    def make(self, count: int, *, first: int = 0) -> Iterator[Made]:
        """Yield requests; a number in each text, written nowhere else, makes every body another."""
        for number in range(first, first + count):
            event = self._event(number)
            yield Made(
                key=event.subject.encode(),
                value=event.to_json(),
                traceparent=str(event.traceparent),
            )

    def _event(self, number: int) -> RequestReceived:
        dice = self._dice
        case = dice.choice(self._cases)
        identifier = request_id(SOURCE, str(number))
        body = self._body(number)
        at = self._began + timedelta(microseconds=number)
        return RequestReceived(
            id=str(identifier),
            source="/aiguillage/intake",
            subject=str(identifier),
            time=at,
            traceparent=f"00-{dice.getrandbits(128):032x}-{dice.getrandbits(64):016x}-01",
            data=self._data(case, number, body, at),
        )

    def _data(self, case: dict[str, Any], number: int, body: str, at: datetime) -> RequestData:
        return RequestData(
            request_id=request_id(SOURCE, str(number)),
            source=SOURCE,
            source_id=str(number),
            channel="form",
            service=case["service"],
            profile=case["profile"],
            organisation=case["organisation"],
            subject=case["subject"],
            body=body,
            received_at=at,
            fingerprint=hashlib.sha256(body.encode()).hexdigest(),
        )

    def _body(self, number: int) -> str:
        """Return sentences until the event is about `EVENT_BYTES` long."""
        text = f"Bonjour, dossier {number:07}."
        room = EVENT_BYTES - _BYTES_AROUND_BODY - self._dice.randrange(80)
        while len(text) < room:
            text += f" {self._sentence()}"
        return f"{text} {self._name()}"

    def _sentence(self) -> str:
        """Return a sentence with other numbers in it, and an aside, so that few come twice."""
        dice = self._dice
        sentence = _DIGIT.sub(lambda _: str(dice.randrange(10)), dice.choice(self._sentences))
        aside = dice.choice(_ASIDES).format(
            day=f"{dice.randrange(1, 29)}/{dice.randrange(1, 13)}",
            hour=dice.randrange(7, 19),
            minute=dice.randrange(60),
            number=dice.randrange(100_000),
            name=self._name(),
        )
        return f"{sentence[:-1].rstrip()}{aside}{sentence[-1]}"

    def _name(self) -> str:
        dice = self._dice
        parts = (dice.choice(p) for p in (_ONSETS, _MIDDLES, _ONSETS, _MIDDLES, _ENDINGS))
        return "".join(parts).capitalize()


_BYTES_AROUND_BODY: Final = 700
"""What the envelope, the ids and the other fields take, and half a sentence, on average."""
