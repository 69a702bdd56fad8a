#!/usr/bin/env python3
"""
Verify an exported evidence log, alone and offline, with Python and nothing else.

    python3 verify.py EXPORT [--checkpoints FILE --key FILE]

EXPORT is what ``aiguillage evidence export`` writes. The checkpoints are the mails that you were
sent: a file or a folder of files, as text or as ``.eml``, whole, quoted or the bare signed notes
one after the other; the key is the log's verifier key (``name+id+key``, several one a
line) or its public key in PEM. A key that a given one has handed the log over to counts from there
on. Exit status: 0 intact, 1 not intact, 2 wrong usage. One file on purpose, so that it can be read
whole and carried anywhere.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from email import message_from_bytes
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

FORMAT = "aiguillage-evidence/1"
TABLES = {
    "449bdcfc8cef0d55d7c1ecaaa451dfde66d2d5e13f2924b05b83f509e0894914",
    "bf30a3858a9aa85614e2abb53761fae13311243b4ca8ca4a74a4181475943a69",
    "72e9935a5df8a8566c3da9bd783ed1b1843b4d9bab89155c864d1a27424fd5f0",
    "e1cf1476e0b2b50517ca38b4a5a9e73497ece90bfb8e3695f31e8b14d644a966",
    "d9d7fff264c63dbbfa025046b52898d4f718ad66bb67d47e0ae9e8adcb50400a",
    "152c68741b7ab799f2aca9cfc0748e570fd5a5e41bfcc9fde734ea25369807cf",
    "aa3a42010e712df6a8484b4393631c17388738635e590670f5fe65caefbcae60",
    "3f33a04433104cdd081beeabb97232da4c6802e810bdb6e88d626eced232c3ac",
    "8756c6042f983e701244b1b2a0052318af01461529a373249e9264f035cb1efb",
}
"""SHA-256 of each state table (canonical JSON) that the software had: added to, never replaced."""

Json = dict[str, Any]

_FIELDS = {"actor", "index", "legal_basis", "recorded_at", "sequence", "session", "type"}
_OPTIONAL = {"authorization", "facts", "how", "notice", "reason", "scope", "terms"}
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SPANS = re.compile(r"\d{1,15}-\d{1,15}(/\d{1,15}-\d{1,15})*")
_ABOUT_THE_LOG = "00000000-0000-0000-0000-000000000000"
_DASH = "\N{EM DASH} "
_MARKS = re.compile(r"^[>\s]+")  # of a quotation, or an indent
_ROOT = re.compile(r"[A-Za-z0-9+/]{43}=")
_FOREIGN = re.compile(_DASH + r"\S+ [A-Za-z0-9+/=]{60,}")  # a signature, whosever it is
_NO_NOTE = "the checkpoint file holds something that is no signed note"
_HASH_BYTES = _KEY_BYTES = 32
_SIGNATURE_BYTES = 64


class NotIntact(Exception):
    """The first bad index (-1: the file itself, its header or a checkpoint), and why."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"entry {index}: {reason}" if index >= 0 else reason)
        self.index = index
        self.reason = reason


# --- canonical JSON (RFC 8785), of the ASCII text and whole numbers that entries are made of


def _refuse(number: str) -> NoReturn:
    raise ValueError("not a whole number")


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_DECODER = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)


def canonical(value: object) -> bytes:
    """Return the one way to write ``value``; raises ``ValueError`` where that is not ASCII."""
    return _ENCODER.encode(value).encode("ascii")


def read_canonical(content: bytes) -> Json:
    """Return the object; raises ``ValueError`` unless ``content`` is the one way to write it."""
    value = _DECODER.decode(content.decode("ascii"))
    if not isinstance(value, dict) or canonical(value) != content:
        raise ValueError("not canonical JSON")
    return value


# --- Ed25519 (RFC 8032, section 5.1), points in extended homogeneous coordinates (x, y, z, t)

Point = tuple[int, int, int, int]
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)


def _add(a: Point, b: Point) -> Point:
    first, second = (a[1] - a[0]) * (b[1] - b[0]) % _P, (a[1] + a[0]) * (b[1] + b[0]) % _P
    third, fourth = 2 * a[3] * b[3] * _D % _P, 2 * a[2] * b[2] % _P
    e, f, g, h = second - first, fourth - third, fourth + third, second + first
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


@lru_cache(maxsize=16)  # a year of checkpoints is signed by a few keys
def _doubled(point: Point) -> tuple[Point, ...]:
    """Return the point, twice it, four times it, and so on, for each bit of a factor."""
    doubled = [point]
    while len(doubled) < _L.bit_length():
        doubled.append(_add(doubled[-1], doubled[-1]))
    return tuple(doubled)


def _times(factor: int, point: Point) -> Point:
    """Return so many times the point; the factor is below the order."""
    product: Point = (0, 1, 1, 0)
    for bit, doubled in enumerate(_doubled(point)):
        if factor >> bit & 1:
            product = _add(product, doubled)
    return product


def _decode(encoded: bytes) -> Point | None:
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if len(encoded) != _KEY_BYTES or y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_1 % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE = _decode((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little")) or (0, 1, 1, 0)


def ed25519_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether this is the key's signature of the message (section 5.1.7)."""
    key, commitment = _decode(public), _decode(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or len(signature) != _SIGNATURE_BYTES or scalar >= _L:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % _L
    left, right = _times(scalar, _BASE), _add(commitment, _times(challenge, key))
    return not (
        (left[0] * right[2] - right[0] * left[2]) % _P
        or (left[1] * right[2] - right[1] * left[2]) % _P
    )


# --- checkpoints (C2SP tlog-checkpoint and signed-note)


def read_keys(text: str, origin: str) -> list[bytes]:
    """Return the keys of 32 bytes; raises ``NotIntact`` where one is none, or another log's."""
    try:
        if "BEGIN PUBLIC KEY" in text:
            lines = [line for line in text.splitlines() if line and not line.startswith("-")]
            der = base64.b64decode("".join(lines), validate=True)
            if der[:-32] == bytes.fromhex("302a300506032b6570032100"):
                return [der[-32:]]
        elif keys := [_read_vkey(line, origin) for line in text.splitlines() if line.strip()]:
            return keys
    except ValueError:
        pass
    raise NotIntact(-1, "the key file holds no Ed25519 key")


def _read_vkey(line: str, origin: str) -> bytes:
    name, key_id, encoded = line.strip().split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    if key[:1] != b"\x01" or len(key) != 1 + _KEY_BYTES or key_id != _key_id(name, key[1:]).hex():
        raise ValueError("no key")
    if name != origin:
        raise NotIntact(-1, "the key is of another log")
    return key[1:]


def vkey(name: str, key: bytes) -> str:
    """Return the key as one line, as it is handed out."""
    return f"{name}+{_key_id(name, key).hex()}+{base64.b64encode(bytes([1]) + key).decode()}"


def _key_id(name: str, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4]


class Witness:
    """
    Mailed checkpoints, and the keys that count for them: ``roots`` has root by size.

    Those are the keys given, for any checkpoint; and each that one of them has handed the log over
    to, for checkpoints that cover the entry which says so.
    """

    def __init__(self, text: str, keys: Iterable[bytes], origin: str) -> None:
        self.roots: dict[int, bytes] = {}
        self._origin = origin
        self._keys: set[bytes] = set()
        self._rest: list[tuple[int, int, bytes, str, list[str]]] = []
        for number, (body, signatures) in enumerate(_notes(text, origin), 1):
            name, size, root = _read_body(number, body)
            if name != origin:
                raise NotIntact(-1, f"checkpoint {number} is of another log")
            self._rest.append((number, size, root, body, signatures))
        if not self._rest:
            raise NotIntact(-1, "the checkpoint file holds no signed note")
        for key in keys:
            self._accept(key, -1)

    def hand_over(self, index: int, old: bytes, new: bytes) -> None:
        """Let the new key count for what covers this entry, if the old one counts."""
        if old in self._keys:
            self._accept(new, index)

    def finish(self, chain: dict[bytes, int]) -> None:
        """Raise ``NotIntact`` for a checkpoint, or a handover, that no key which counts signed."""
        for number, *_ in self._rest:
            raise NotIntact(
                -1, f"checkpoint {number} is not signed by a key that was given or handed over to"
            )
        if chain and not self._keys & set(chain):
            raise NotIntact(min(chain.values()), "handed over by a key that was not given")

    def _accept(self, key: bytes, index: int) -> None:
        self._keys.add(key)
        rest, self._rest = self._rest, []
        for note in rest:
            number, size, root, body, signatures = note
            if size <= index or not any(
                _signed(line, self._origin, key, body) for line in signatures
            ):
                self._rest.append(note)
            elif self.roots.setdefault(size, root) != root:
                raise NotIntact(-1, f"checkpoint {number} contradicts another of the same size")


def _notes(text: str, origin: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each signed note of a text, a mail for one; raises ``NotIntact`` for half of one."""
    lines = ["", "", *(_MARKS.sub("", line).rstrip() for line in text.splitlines()), ""]
    at = 0
    while at < len(lines):
        if not _begins(lines, at, origin):
            if _FOREIGN.fullmatch(lines[at]) or lines[at].startswith(f"{_DASH}{origin}"):
                raise NotIntact(-1, _NO_NOTE)
            at += 1
            continue
        end = next(n for n in range(at + 1, len(lines)) if not lines[n])
        first = next((n for n in range(end, len(lines)) if lines[n]), end)
        stop = first
        while lines[stop].startswith(_DASH):
            stop += 1
        if stop == first:
            raise NotIntact(-1, _NO_NOTE)
        yield "\n".join([*lines[at:end], ""]), lines[first:stop]
        at = stop


def _begins(lines: list[str], at: int, origin: str) -> bool:
    """Return whether a note begins here, or what was meant to be one."""
    if lines[at] == origin:
        return True
    number, root = [*lines[at + 1 : at + 3], "", ""][:2]
    return _ROOT.fullmatch(root) is not None and number != origin


def _read_body(number: int, body: str) -> tuple[str, int, bytes]:
    try:
        name, size, encoded, *_ = body.split("\n")
        root = base64.b64decode(encoded, validate=True)
        if len(root) == _HASH_BYTES and size.isascii() and size == str(int(size)):
            return name, int(size), root
    except ValueError:
        pass
    raise NotIntact(-1, f"checkpoint {number} is no checkpoint")


def _signed(line: str, name: str, key: bytes, body: str) -> bool:
    prefix = f"{_DASH}{name} "
    if not line.startswith(prefix):
        return False
    try:
        blob, text = base64.b64decode(line[len(prefix) :], validate=True), body.encode()
    except ValueError:
        return False
    return blob[:4] == _key_id(name, key) and ed25519_verifies(key, text, blob[4:])


# --- what a person has kept: mails, or what was copied from them


def read_kept(path: Path) -> str:
    """Return the text of a file, or of each in a folder; raises ``OSError``, ``UnicodeError``."""
    files = [path]
    if path.is_dir():
        files = sorted(f for f in path.iterdir() if f.is_file() and not f.name.startswith("."))
    return "\n\n".join(text for file in files for text in _texts(file.read_bytes(), file.suffix))


def _texts(content: bytes, suffix: str = "") -> Iterator[str]:
    boxed = re.split(rb"(?m)^From .*\n", content) if content.startswith(b"From ") else [content]
    for one in boxed:
        mail = message_from_bytes(one)
        if suffix.lower() != ".eml" and "MIME-Version" not in mail:
            yield _text(one)
            continue
        for part in mail.walk():
            payload = part.get_payload(decode=True)
            if part.get_content_type() == "text/plain" and isinstance(payload, bytes):
                yield _text(payload)
        if after := (mail.epilogue or "").strip():  # the next mail, where a file has several
            yield from _texts(after.encode("utf-8", "surrogateescape"))


def _text(content: bytes) -> str:
    if content.startswith((BOM_UTF16_BE, BOM_UTF16_LE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


# --- the state table


class Session:
    """What a session's entries add up to so far."""

    def __init__(self, table: Json) -> None:
        self.sequence = 0
        self.regions = {name: region["initial"] for name, region in table["regions"].items()}
        self.assistant: str | None = None
        self.notice: str | None = None
        self.rounds: dict[str, str] = {}
        self.used: dict[str, Json] = {}  # what each round's question is bound to
        self.newest: dict[str, tuple[datetime, int | None]] = {}

    def within(self, states: Json) -> bool:
        """Return whether each region named is in one of its states."""
        regions = self.regions
        for region, allowed in states.items():  # noqa: SIM110 - asked two dozen times for each entry
            if regions[region] not in allowed:
                return False
        return True


class Rules:
    """The state table, and what it says of an entry."""

    def __init__(self, table: Json, texts: Texts | None = None) -> None:
        self.table = table
        self._texts = texts or Texts({})
        self._arrows: dict[tuple[str, str], list[Json]] = {}
        for arrow in table["arrows"]:
            for actor in arrow["by"]:
                self._arrows.setdefault((arrow["act"], actor), []).append(arrow)

    def apply(self, session: Session, entry: Json) -> str | None:
        """Move the session on, or return why the table does not have this."""
        arrows = self._arrows.get((entry["type"], entry["actor"]["role"]), ())
        arrow = next((arrow for arrow in arrows if session.within(arrow["when"])), None)
        if arrow is None:
            return f"the table has no {entry['type']} here"
        at = _moment(entry["recorded_at"])
        wrong = self._early_or_late(session, arrow, at) or self._lacks(session, arrow, entry)
        if wrong is None:
            self._move(session, arrow, entry, at)
        return wrong

    def _early_or_late(self, session: Session, arrow: Json, at: datetime) -> str | None:
        if arrow.get("paused"):
            return None
        for region, states in self.table["pauses"].items():
            if session.regions[region] in states:
                return f"{arrow['act']} during a pause"
        for timer in self.table["timers"]:
            if timer.get("beats") or not session.within(timer["when"]):
                continue
            begun = [session.newest[act] for act in timer["since"] if act in session.newest]
            if begun:
                since, wanted_s = max(begun, key=lambda newest: newest[0])
                limit_s = min(wanted_s or timer["after_s"], timer["at_most_s"])
                if (at - since).total_seconds() >= limit_s:
                    return f"{arrow['act']} after the time of {timer['name']}"
        return None

    def _lacks(self, session: Session, arrow: Json, entry: Json) -> str | None:
        who, given = entry["actor"].get("commitment"), entry.get("authorization")
        for region, rule in arrow.get("round", {}).items():
            right = (
                given not in session.used
                if rule == "opens"
                else given == session.rounds.get(region)
            )
            if given is None or not right:
                return "another authorization than the one that is open"
        notice = arrow.get("notice")
        for lacking, what in (
            ("scope" in arrow and entry.get("scope") != arrow["scope"], "another scope"),
            ("how" in arrow and entry.get("how") not in arrow["how"], "not how this act may come"),
            (notice and "notice" not in entry, "no notice"),
            (notice == "served" and entry.get("notice") != session.notice, "another notice"),
            (
                arrow.get("refusal")
                and entry.get("reason") not in self.table["refusals"]["reasons"],
                "no known reason",
            ),
            (
                entry["actor"]["role"] == "assistant"
                and arrow["next"]
                and (who is None or not (arrow.get("binds") or who == session.assistant)),
                "not this session's assistant",
            ),
            (
                entry["actor"]["role"] == "witness"
                and arrow["next"]
                and who in (None, session.assistant),
                "attested by no second person",
            ),
        ):
            if lacking:
                return f"{arrow['act']}: {what}"
        return None

    def _move(self, session: Session, arrow: Json, entry: Json, at: datetime) -> None:
        session.regions.update(arrow["next"])
        for cascade in self.table["cascades"]:
            if session.within(cascade["when"]):
                for region, ends in cascade["ends"].items():
                    session.regions[region] = ends.get(
                        session.regions[region], session.regions[region]
                    )
        if arrow.get("binds"):
            session.assistant = entry["actor"].get("commitment")
        if arrow.get("notice") == "serves":
            session.notice = entry.get("notice")
        if arrow.get("notice"):
            bound = session.used.get(entry.get("authorization", ""), {})
            self._texts.take(entry["notice"], bound)
        for region, rule in arrow.get("round", {}).items():
            if rule == "opens":
                session.rounds[region] = entry["authorization"]
                session.used[entry["authorization"]] = _bound(entry)
        limit_s = entry.get("facts", {}).get("limit_s")
        limited = type(limit_s) is int and limit_s > 0
        session.newest[entry["type"]] = (at, limit_s if limited else None)


def _bound(entry: Json) -> Json:
    words = entry.get("facts", {}).get("words")
    return {
        "authorization": entry["authorization"],
        "reason": entry.get("reason", ""),
        "words": words if isinstance(words, str) else "",
    }


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:-1])


# --- texts: an entry names what was read by its hash; the text behind it is in the header


class Texts:
    """
    The texts that are kept, and which of the notices that entries name are of none of them.

    A text is filed bound to nothing. A question's hash is that of its text with the round, the
    reason and the commitment to the words of the entry that asks it. Raises ``NotIntact``.
    """

    def __init__(self, texts: object) -> None:
        self.named: set[tuple[str, bytes]] = set()
        """Each notice that was named, with what it was bound to there."""
        self.missing: set[tuple[str, bytes]] = set()
        self._rests: list[bytes] = []
        if not isinstance(texts, dict):
            raise NotIntact(-1, "the header's texts are damaged")
        for name, text in texts.items():
            content = text.encode("utf-8", "replace") if isinstance(text, str) else b""
            if hashlib.sha256(content).hexdigest() != name:
                raise NotIntact(-1, f"the text filed under {name} has another hash")
            self._rests.append(content.removeprefix(b'{"bound":{}'))  # first in canonical JSON

    def take(self, notice: str, bound: Json) -> None:
        """Take the notice that an entry names, and what its question is bound to."""
        begins = b'{"bound":' + canonical(bound)
        if (notice, begins) in self.named:
            return
        self.named.add((notice, begins))
        hashes = (hashlib.sha256(begins + rest).hexdigest() for rest in self._rests)
        if notice not in hashes:
            self.missing.add((notice, begins))


# --- purges: at the end of retention an entry's bytes go, its leaf hash stays


class Hidden:
    """
    The leaves without bytes, until an entry that names them comes, after their due date.

    Their own dates are gone with the bytes. But the log is in order of time, and its entries about
    itself, one a day at least, are never purged: a leaf is older than the next entry that can be
    read. That one's date (or a later one from before it) is what a purge must be far enough from.
    """

    def __init__(self, table: Json) -> None:
        self.count = 0
        self._bounds = table.get("purge")
        self._runs: list[tuple[int, int, str]] = []  # first, stop, before when

    def add(self, index: int) -> None:
        """Take a leaf."""
        self.count += 1
        if self._runs and self._runs[-1][1] == index:
            self._runs[-1] = (self._runs[-1][0], index + 1, "")
        else:
            self._runs.append((index, index + 1, ""))

    def date(self, newest: str) -> None:
        """Take the newest time that was read so far, when an entry was read."""
        if self._runs and not self._runs[-1][2]:
            self._runs[-1] = (self._runs[-1][0], self._runs[-1][1], newest)

    def take_purge(self, index: int, entry: Json) -> None:
        """Take a purge's entry, which is in the table; raises ``NotIntact``."""
        facts = entry.get("facts", {})
        if facts.get("what") != "entries":
            return
        due = self._due(index, entry, facts)
        left: list[tuple[int, int, str]] = []
        spans = _spans(index, facts)
        for first, stop, before in self._runs:
            rest = first
            is_apart = not spans or spans[-1][1] <= first or stop <= spans[0][0]
            for low, high in () if is_apart else spans:
                if high > rest and low < stop:
                    if before > due:
                        raise NotIntact(max(rest, low), "its bytes were removed before due")
                    if rest < low:
                        left.append((rest, low, before))
                    rest = min(high, stop)
            if rest < stop:
                left.append((rest, stop, before))
        self._runs = left

    def finish(self) -> None:
        """Raise ``NotIntact`` where leaves are left that no purge has named."""
        if self._runs:
            raise NotIntact(self._runs[0][0], "its bytes are not there, and no purge names it")

    def _due(self, index: int, entry: Json, facts: Json) -> str:
        """Return the newest time that this purge may remove, as text."""
        days, newest = facts.get("kept_days"), facts.get("newest")
        bounds = self._bounds or {"least_days": 1, "most_days": 0}
        if type(days) is not int or not bounds["least_days"] <= days <= bounds["most_days"]:
            raise NotIntact(index, "a purge after another time than entries are kept")
        limit = _moment(entry["recorded_at"]) - timedelta(days=days)
        due = limit.isoformat(timespec="microseconds") + "Z"
        if entry["session"] != _ABOUT_THE_LOG:
            raise NotIntact(index, "a purge in a session")
        if not (isinstance(newest, str) and _MOMENT.fullmatch(newest) and newest <= due):
            raise NotIntact(index, "a purge of what was not due")
        return due


def _spans(index: int, facts: Json) -> list[tuple[int, int]]:
    """Return what ``span_1``, ``span_2`` and so on name, each as first and stop, in order."""
    spans: list[tuple[int, int]] = []
    number = 1
    while (text := facts.get(f"span_{number}")) is not None:
        if not (isinstance(text, str) and _SPANS.fullmatch(text)):
            raise NotIntact(index, "a purge that does not say what it removes")
        for span in text.split("/"):
            first, _, last = span.partition("-")
            if not (spans[-1][1] if spans else 0) <= int(first) <= int(last) < index:
                raise NotIntact(index, "a purge that does not say what it removes")
            spans.append((int(first), int(last) + 1))
        number += 1
    return spans


# --- handovers: an entry that names the next key, under the signature of the one before


class Handovers:
    """The keys that the log itself names, each by the index of the entry that it came with."""

    def __init__(self, origin: str) -> None:
        self.keys: dict[bytes, int] = {}
        self.origin = origin
        self.last: bytes | None = None  # the key that the newest of them names

    def take(self, index: int, entry: Json) -> tuple[bytes, bytes]:
        """Return the old key and the new one; raises ``NotIntact``."""
        facts = entry.get("facts", {})
        try:
            old, new, signature = (
                bytes.fromhex(facts[name]) for name in ("old_key", "new_key", "signature")
            )
        except (KeyError, TypeError, ValueError):
            raise NotIntact(index, "a handover that does not say to which key") from None
        named = [facts.get(name) for name in ("old_key_id", "new_key_id")]
        if named != [_key_id(self.origin, key).hex() for key in (old, new)]:
            raise NotIntact(index, "a handover that names another key than it has")
        if entry["session"] != _ABOUT_THE_LOG or new in self.keys or new == old:
            raise NotIntact(index, "a handover in a session, or back to a key")
        if self.last not in (None, old):
            raise NotIntact(index, "handed over by another key than the log had")
        if not ed25519_verifies(old, handover_text(self.origin, new), signature):
            raise NotIntact(index, "handed over without the signature of the key before")
        self.keys.setdefault(old, index)
        self.keys[new], self.last = index, new
        return old, new


def handover_text(origin: str, new: bytes) -> bytes:
    """Return what the key before signs: no checkpoint, whose second line is a number."""
    return f"{origin}\nhanded over to\n{new.hex()}\n".encode()


# --- the log


class Log:
    """
    Takes the entries one after the other, and stops at the first that is not right.

    ``roots`` may grow while it does: ``handed_over`` is told of each handover.
    """

    def __init__(
        self,
        table: Json,
        roots: dict[int, bytes] | None = None,
        *,
        origin: str = "",
        texts: object = None,
        handed_over: Callable[[int, bytes, bytes], None] = lambda *_: None,
    ) -> None:
        self.size = 0
        self.hidden = Hidden(table)
        self.handovers = Handovers(origin)
        self.texts = Texts({} if texts is None else texts)
        self._handed_over = handed_over
        self._newest = ""
        self._rules = Rules(table, self.texts)
        self._sessions: dict[str, Session] = {}
        self._peaks: list[bytes] = []
        self._roots = {} if roots is None else roots
        self._witnessed = 0

    def add(self, index: int, content: bytes, leaf_hash: bytes) -> None:
        """Take the next entry; raises ``NotIntact``."""
        self._expect(index)
        if hashlib.sha256(b"\x00" + content).digest() != leaf_hash:
            raise NotIntact(index, "its bytes are not those that were hashed")
        self._follow(index, _read_entry(index, content))
        self._grow(index, leaf_hash)

    def hide(self, index: int, leaf_hash: bytes) -> None:
        """Take the next leaf, whose bytes a purge has removed; raises ``NotIntact``."""
        self._expect(index)
        if len(leaf_hash) != _HASH_BYTES:
            raise NotIntact(index, "its line is damaged")
        self.hidden.add(index)
        self._grow(index, leaf_hash)

    def _expect(self, index: int) -> None:
        if index != self.size:
            raise NotIntact(self.size, f"expected here, but found {index}: removed, added or moved")

    def _grow(self, index: int, node: bytes) -> None:
        while index & 1:
            node = hashlib.sha256(b"\x01" + self._peaks.pop() + node).digest()
            index >>= 1
        self._peaks.append(node)
        self.size += 1
        self._compare()

    def root(self) -> bytes:
        """Return the root hash so far (RFC 6962, section 2.1)."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = hashlib.sha256(b"\x01" + peak + node).digest()
        return node

    def finish(self) -> int:
        """Return how many entries checkpoints cover; raises ``NotIntact`` if there were more."""
        longest = max(self._roots, default=0)
        if longest > self.size:
            raise NotIntact(
                self.size,
                f"missing: a checkpoint has seen {longest} entries; cut, or exported before it",
            )
        self.hidden.finish()
        return self._witnessed

    def _follow(self, index: int, entry: Json) -> None:
        if entry["index"] != index:
            raise NotIntact(index, f"says that it is entry {entry['index']}")
        session = self._sessions.get(entry["session"])
        if session is None:
            session = self._sessions[entry["session"]] = Session(self._rules.table)
        if entry["sequence"] != session.sequence + 1:
            raise NotIntact(index, "is not the next of its session")
        wrong = self._rules.apply(session, entry)
        if wrong:
            raise NotIntact(index, wrong)
        session.sequence += 1
        self._newest = max(self._newest, entry["recorded_at"])
        self.hidden.date(self._newest)
        if entry["type"] == "purged":
            self.hidden.take_purge(index, entry)
        if entry["type"] == "key-rotated":
            self._handed_over(index, *self.handovers.take(index, entry))

    def _compare(self) -> None:
        expected = self._roots.get(self.size)
        if expected is None:
            return
        if expected != self.root():
            span = f"from {self._witnessed} to {self.size - 1}"
            raise NotIntact(self._witnessed, f"rewritten: an entry {span} is not the one witnessed")
        self._witnessed = self.size


def _read_entry(index: int, content: bytes) -> Json:
    try:
        entry = read_canonical(content)
        names = set(entry)
        well = (
            names >= _FIELDS
            and names <= _FIELDS | _OPTIONAL
            and isinstance(entry["actor"]["role"], str)
            and isinstance(entry["type"], str)
            and _UUID.fullmatch(entry["session"])
            and _MOMENT.fullmatch(entry["recorded_at"])
            and _moment(entry["recorded_at"])
            and type(entry["index"]) is type(entry["sequence"]) is int
            and isinstance(entry.get("notice", ""), str)
            and isinstance(entry.get("authorization", ""), str)
            and isinstance(entry.get("facts", {}), dict)
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        well = False
    if not well:
        raise NotIntact(index, "is not an entry in canonical JSON")
    return entry


# --- what is said, in French


FRENCH = {
    "the key file holds no Ed25519 key": "Le fichier de clé ne contient pas de clé du journal.",
    "the key is of another log": "La clé donnée est celle d’un autre journal.",
    "checkpoint {} is of another log": "Le point de contrôle n° {} est celui d’un autre journal.",
    "the checkpoint file holds no signed note": (
        "Les courriels donnés ne contiennent aucun point de contrôle."
    ),
    "checkpoint {} is not signed by a key that was given or handed over to": (
        "Le point de contrôle n° {} n’est signé par aucune clé donnée, ni par une qui l’a "
        "remplacée."
    ),
    "handed over by a key that was not given": (
        "Le changement de clé vient d’une clé qui n’a pas été donnée."
    ),
    "checkpoint {} contradicts another of the same size": (
        "Le point de contrôle n° {} en contredit un autre, pour le même nombre d’inscriptions."
    ),
    "the checkpoint file holds something that is no signed note": (
        "Les courriels donnés contiennent un point de contrôle incomplet ou abîmé."
    ),
    "checkpoint {} is no checkpoint": "Le point de contrôle n° {} ne peut pas être lu.",
    "the table has no {} here": "L’acte « {} » n’était pas permis à ce moment.",
    "{} during a pause": "L’acte « {} » est inscrit alors que la séance était en pause.",
    "{} after the time of {}": "L’acte « {} » est inscrit après la fin du délai « {} ».",
    "another authorization than the one that is open": (
        "L’acte se réclame d’une autre autorisation que celle qui était en cours."
    ),
    "{}: another scope": "L’acte « {} » a une autre portée que la sienne.",
    "{}: not how this act may come": "L’acte « {} » n’est pas venu par une voie permise.",
    "{}: no notice": "L’acte « {} » ne dit pas quelle information préalable a été lue.",
    "{}: another notice": (
        "L’acte « {} » porte sur une autre information préalable que celle qui a été lue."
    ),
    "{}: no known reason": "L’acte « {} » n’a pas de motif connu.",
    "{}: not this session's assistant": "L’acte « {} » n’est pas du téléassistant de la séance.",
    "{}: attested by no second person": (
        "L’acte « {} » n’est pas attesté par une deuxième personne."
    ),
    "its bytes were removed before due": (
        "Le contenu a été supprimé avant la fin de sa conservation."
    ),
    "its bytes are not there, and no purge names it": (
        "Le contenu manque, et aucune suppression inscrite ne l’explique."
    ),
    "a purge after another time than entries are kept": (
        "Une suppression se réclame d’une autre durée de conservation que celle qui est permise."
    ),
    "a purge in a session": (
        "Une suppression est inscrite dans une séance, où elle n’a pas sa place."
    ),
    "a purge of what was not due": "Une suppression porte sur ce qui devait encore être conservé.",
    "a purge that does not say what it removes": (
        "Une suppression ne dit pas clairement ce qu’elle supprime."
    ),
    "a handover that does not say to which key": (
        "Un changement de clé ne dit pas quelle est la nouvelle clé."
    ),
    "a handover that names another key than it has": (
        "Un changement de clé nomme une autre clé que celle qu’il contient."
    ),
    "a handover in a session, or back to a key": (
        "Un changement de clé est inscrit dans une séance, ou revient à une clé déjà remplacée."
    ),
    "handed over by another key than the log had": (
        "Un changement de clé vient d’une autre clé que celle du journal."
    ),
    "handed over without the signature of the key before": (
        "Un changement de clé n’est pas signé par la clé précédente."
    ),
    "its bytes are not those that were hashed": (
        "Le contenu n’est plus celui dont l’empreinte a été prise : il a été changé."
    ),
    "its line is damaged": "La ligne du fichier est abîmée.",
    "expected here, but found {}: removed, added or moved": (
        "L’inscription attendue n’est pas là, mais la n° {} : une inscription a été retirée, "
        "ajoutée ou déplacée."
    ),
    "missing: a checkpoint has seen {} entries; cut, or exported before it": (
        "Des inscriptions manquent : un point de contrôle en a compté {}. La fin a été "
        "retirée, ou l’export est plus ancien que ce courriel."
    ),
    "says that it is entry {}": "L’inscription porte un autre numéro, {}.",
    "is not the next of its session": "L’inscription ne suit pas la précédente de sa séance.",
    "rewritten: an entry from {} to {} is not the one witnessed": (
        "Le journal a été récrit : de la n° {} à la n° {}, une inscription n’est plus celle "
        "que le point de contrôle a vue."
    ),
    "is not an entry in canonical JSON": (
        "L’inscription n’a pas la forme d’une inscription du journal."
    ),
    "the file does not begin with a header of {}": (
        "Le fichier n’est pas un export du journal, ou son début manque."
    ),
    "the header's state table is none that the software had": (
        "Les règles jointes à l’export ne sont celles d’aucune version connue. Prenez le "
        "verify.py de la version en service."
    ),
    "the header's texts are damaged": "Les textes joints à l’export ne peuvent pas être lus.",
    "the text filed under {} has another hash": (
        "Le texte gardé sous l’empreinte {} n’est pas celui qui a cette empreinte : il a été "
        "changé."
    ),
    "the header says {} entries, not {}": "L’export annonce {} inscriptions et en contient {}.",
    "the header's root is not that of the entries": (
        "L’empreinte que l’export annonce n’est pas celle de ses inscriptions."
    ),
}
"""By the reason that is given in English, the same in French; ``{}`` stands for what varies."""

_VERDICTS = {
    "intact": "Intact : les inscriptions de l’export s’accordent entre elles.",
    "witnessed": (
        "Intact : les inscriptions de l’export s’accordent entre elles et avec vos points de "
        "contrôle."
    ),
    "handed over": (
        "La clé a été remplacée : comparez cette ligne à celle que l’exploitant vous a remise "
        "par une autre voie que le courriel."
    ),
    "purged": "Ces inscriptions ont été supprimées en fin de conservation, chacune après sa date.",
    "without text": (
        "Le texte de ces informations préalables n’est pas dans l’export : ce qui a été lu ne "
        "peut pas y être montré. C’est normal si les textes n’étaient pas encore gardés."
    ),
    "unwitnessed": (
        "Aucun point de contrôle ne couvre le journal : un journal récrit en entier passerait "
        "aussi."
    ),
    "tail": (
        "Ces dernières inscriptions ne sont encore couvertes par aucun de vos points de contrôle."
    ),
    "broken": "Pas intact, inscription n° {} : {}",
    "before": "Pas intact : {}",
    "unread": "Rien n’a été vérifié : un fichier manque ou ne peut pas être lu.",
}


def in_french(reason: str, said: Mapping[str, str] = FRENCH) -> str:
    """Return a reason as ``said`` has it in French, or else one sentence that is always true."""
    for pattern, sentence in said.items():
        if found := re.fullmatch("(.+)".join(map(re.escape, pattern.split("{}"))), reason):
            return sentence.format(*found.groups())
    return "La vérification a échoué ici."


# --- the export


def verify_export(
    lines: Iterable[str], checkpoints: str | None = None, key: str | None = None
) -> tuple[Log, int]:
    """Return the log and how many entries are witnessed; raises ``NotIntact``."""
    source = iter(lines)
    header = _line(-1, next(source, ""))
    origin, size, table = header.get("origin"), header.get("size"), header.get("table")
    if header.get("format") != FORMAT or not isinstance(origin, str) or type(size) is not int:
        raise NotIntact(-1, f"the file does not begin with a header of {FORMAT}")
    try:
        known = hashlib.sha256(canonical(table)).hexdigest() in TABLES
    except ValueError:
        known = False
    if not known or not isinstance(table, dict):
        raise NotIntact(-1, "the header's state table is none that the software had")
    texts = header.get("texts", {})
    if checkpoints is not None and key is not None:
        witness = Witness(checkpoints, read_keys(key, origin), origin)
        log = Log(table, witness.roots, origin=origin, texts=texts, handed_over=witness.hand_over)
    else:
        witness, log = None, Log(table, origin=origin, texts=texts)
    for index, content, leaf_hash in _entries(source):
        if content is None:
            log.hide(index, leaf_hash)
        else:
            log.add(index, content, leaf_hash)
    witnessed = log.finish()
    if witness:
        witness.finish(log.handovers.keys)
    if size != log.size:
        raise NotIntact(min(size, log.size), f"the header says {size} entries, not {log.size}")
    if header.get("root") != base64.b64encode(log.root()).decode():
        raise NotIntact(-1, "the header's root is not that of the entries")
    return log, witnessed


def _entries(lines: Iterator[str]) -> Iterator[tuple[int, bytes | None, bytes]]:
    for number, line in enumerate(lines):
        record = _line(number, line)
        try:
            is_shown = "entry" in record
            content = base64.b64decode(record["entry"], validate=True) if is_shown else None
            leaf_hash = bytes.fromhex(record["leaf_hash"])
            index = record["index"]
        except (KeyError, TypeError, ValueError):
            raise NotIntact(number, "its line is damaged") from None
        if type(index) is not int or set(record) - {"entry"} != {"index", "leaf_hash"}:
            raise NotIntact(number, "its line is damaged")
        yield index, content, leaf_hash


def _line(number: int, line: str) -> Json:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise NotIntact(number, "its line is damaged")
    return record


def _say(line: str, french: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"  # an old console may lack an apostrophe
    said = french.encode(encoding, "replace").decode(encoding)
    sys.stdout.write(f"{line}\n{said}\n")


def main(arguments: list[str] | None = None) -> int:
    """Verify as the command line says; print the finding and return the exit status."""
    parser = argparse.ArgumentParser(description="Verify an exported evidence log, offline.")
    parser.add_argument("export", type=Path, metavar="FILE")
    parser.add_argument("--checkpoints", type=Path, metavar="FILE")
    parser.add_argument("--key", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    if (given.checkpoints is None) != (given.key is None):
        parser.error("--checkpoints and --key go together")
    return report(given.export, given.checkpoints, given.key)


def report(export: Path, checkpoints: Path | None, key: Path | None) -> int:
    """Verify these files; print the finding and return the exit status."""
    try:
        witness = read_kept(checkpoints) if checkpoints else None
        signer = key.read_text("utf-8") if key else None
        with export.open(encoding="utf-8") as lines:
            log, witnessed = verify_export(lines, witness, signer)
    except NotIntact as finding:
        where = f"first bad entry: {finding.index}" if finding.index >= 0 else "before the entries"
        french, why = (
            _VERDICTS["broken" if finding.index >= 0 else "before"],
            in_french(finding.reason),
        )
        told = french.format(finding.index, why) if finding.index >= 0 else french.format(why)
        _say(f"NOT INTACT, {where}: {finding.reason}", told)
        return 1
    except (OSError, UnicodeError) as error:
        _say(f"NOT INTACT, a file cannot be read: {type(error).__name__}", _VERDICTS["unread"])
        return 1
    _say(
        f"INTACT: {log.size} entries, root {base64.b64encode(log.root()).decode()}",
        _VERDICTS["witnessed" if witnessed else "intact"],
    )
    for new, index in list(log.handovers.keys.items())[1:]:
        line = vkey(log.handovers.origin, new)
        _say(f"HANDED OVER by entry {index} to the key {line}", _VERDICTS["handed over"])
    if log.hidden.count:
        purged = f"PURGED: {log.hidden.count} entries, each named by a purge after its due date"
        _say(purged, _VERDICTS["purged"])
    if log.texts.missing:
        missing = f"{len(log.texts.missing)} of {len(log.texts.named)} notices that entries name"
        _say(f"WITHOUT TEXT: {missing} are not in the export", _VERDICTS["without text"])
    if witnessed < log.size or checkpoints is None:
        tail = f"entries {witnessed} to {log.size - 1}" if log.size else "an empty log"
        word, french = ("UNCOVERED TAIL", "tail") if witnessed else ("UNWITNESSED", "unwitnessed")
        _say(f"{word}: {tail} under no checkpoint", _VERDICTS[french])
    return 0


if __name__ == "__main__":
    sys.exit(main())
