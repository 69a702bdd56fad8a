"""One entry of the evidence log: what it says, and the bytes and hash that prove it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, Literal, get_args
from uuid import UUID

import msgspec

Role = Literal["assistant", "adherent", "service", "witness", "dpo", "operator"]
Scope = Literal["view", "intervene", "screenshot"]
How = Literal["link", "oral"]
Fact = str | int | bool

THE_LOG: Final = UUID(int=0)
"""The session of entries about the log as a whole: readings, exports, failures to write."""

# RFC 8785 for what an entry holds (ASCII text, whole numbers up to 2^53): a test compares the two.
_CANONICAL = msgspec.json.Encoder(order="sorted")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+/#-]{0,127}")
_FACT_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HASH = re.compile(r"[0-9a-f]{64}")
_OPTIONAL = {"commitment": _HASH, "notice": _HASH, "reason": _CODE, "authorization": _CODE}
_GREATEST = 2**53 - 1


class Uncoded(ValueError):
    """A field is not the code, hash or number that an entry may hold; names it, never quotes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What ISO/IEC TS 27560 wants beside an authorization, each as a code."""

    controller: str
    recipients: tuple[str, ...]
    retention: str
    withdrawal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """
    What is to be put on record: codes and hashes only, never words about or from a person.

    ``type`` is an act of lifecycle.yaml. ``actor`` is a role; ``commitment`` and ``notice`` are
    64 lower-case hexadecimal digits (HMAC-SHA-256 of who acted, SHA-256 of the text shown).
    ``authorization`` names one round of ``intervene`` or ``screenshot``. ``reason``,
    ``legal_basis`` and texts in ``facts`` are codes without spaces, at most 128 characters.
    Raises ``Uncoded``.
    """

    session: UUID
    type: str
    actor: Role
    legal_basis: str
    commitment: str | None = None
    scope: Scope | None = None
    reason: str | None = None
    notice: str | None = None
    how: How | None = None
    authorization: str | None = None
    terms: Terms | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self)
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    A draft at its place in the log; the same values always make the same bytes.

    ``index`` counts the log's entries from 0, ``sequence`` the session's from 1. ``recorded_at``
    is text (UTC, microseconds), as BSON dates would drop what the hash covers. ``content`` is the
    canonical JSON (RFC 8785); ``leaf_hash`` is its hash in the tree (RFC 6962, section 2.1).
    """

    draft: Draft
    index: int
    sequence: int
    recorded_at: str
    content: bytes
    leaf_hash: bytes

    @property
    def time(self) -> datetime:
        """When it was recorded, as an aware datetime."""
        return datetime.fromisoformat(self.recorded_at)


def place(draft: Draft, *, index: int, sequence: int, recorded_at: datetime) -> Entry:
    """Return the entry that ``draft`` becomes at this place and (aware) time."""
    utc = recorded_at.astimezone(UTC).replace(tzinfo=None)
    moment = f"{utc.isoformat(timespec='microseconds')}Z"
    content = _CANONICAL.encode(_document(draft, index, sequence, moment))
    return Entry(
        draft=draft,
        index=index,
        sequence=sequence,
        recorded_at=moment,
        content=content,
        leaf_hash=sha256(b"\x00" + content).digest(),
    )


def parse(content: bytes) -> Entry:
    """Return the entry whose canonical bytes these are; raises ``Uncoded`` if they are not that."""
    try:
        document = json.loads(content)
        entry = place(
            _draft(document),
            index=_whole(document["index"]),
            sequence=_whole(document["sequence"]),
            recorded_at=datetime.fromisoformat(document["recorded_at"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Uncoded("entry") from None
    if entry.content != content:
        raise Uncoded("entry")
    return entry


def _whole(number: object) -> int:
    if type(number) is not int:
        raise TypeError
    return number


def _document(draft: Draft, index: int, sequence: int, recorded_at: str) -> dict[str, Any]:
    terms = draft.terms
    fields = {
        "actor": _present({"role": draft.actor, "commitment": draft.commitment}),
        "authorization": draft.authorization,
        "facts": dict(draft.facts) or None,
        "how": draft.how,
        "index": index,
        "legal_basis": draft.legal_basis,
        "notice": draft.notice,
        "reason": draft.reason,
        "recorded_at": recorded_at,
        "scope": draft.scope,
        "sequence": sequence,
        "session": str(draft.session),
        "terms": None
        if terms is None
        else {
            "controller": terms.controller,
            "recipients": list(terms.recipients),
            "retention": terms.retention,
            "withdrawal": terms.withdrawal,
        },
        "type": draft.type,
    }
    return _present(fields)


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _draft(document: dict[str, Any]) -> Draft:
    actor, terms = document["actor"], document.get("terms")
    return Draft(
        session=UUID(document["session"]),
        type=document["type"],
        actor=actor["role"],
        commitment=actor.get("commitment"),
        legal_basis=document["legal_basis"],
        scope=document.get("scope"),
        reason=document.get("reason"),
        notice=document.get("notice"),
        how=document.get("how"),
        authorization=document.get("authorization"),
        terms=Terms(**terms | {"recipients": tuple(terms["recipients"])}) if terms else None,
        facts=document.get("facts") or {},
    )


def _check(draft: Draft) -> None:
    _choose("actor", draft.actor, Role)
    for name, value, allowed in (("scope", draft.scope, Scope), ("how", draft.how, How)):
        if value is not None:
            _choose(name, value, allowed)
    for name, pattern in _OPTIONAL.items():
        if (text := getattr(draft, name)) is not None:
            _match(name, text, pattern)
    _match("type", draft.type, _CODE)
    _match("legal_basis", draft.legal_basis, _CODE)
    if terms := draft.terms:
        for code in (terms.controller, terms.retention, terms.withdrawal, *terms.recipients):
            _match("terms", code, _CODE)
    _check_facts(draft.facts)


def _check_facts(facts: Mapping[str, Fact]) -> None:
    for name, fact in facts.items():
        _match("facts", name, _FACT_NAME)
        if not isinstance(fact, bool | int):
            _match(f"facts.{name}", fact, _CODE)
        elif abs(fact) > _GREATEST:
            raise Uncoded(f"facts.{name}")


def _choose(name: str, value: str, allowed: object) -> None:
    if value not in get_args(allowed):
        raise Uncoded(name)


def _match(name: str, value: object, pattern: re.Pattern[str]) -> None:
    if not (isinstance(value, str) and pattern.fullmatch(value)):
        raise Uncoded(name)
