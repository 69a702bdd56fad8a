"""The receipt of a session as a document: the fields of ISO/IEC TS 27560, and what proves them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.consent.domain.entry import Entry

SCHEMA: Final = "urn:aiguillage:receipt:1"
_EVENT_STATES: Final = {
    "granted": "consent given",
    "oral-grant-attested": "consent given",
    "intervene-granted": "consent given",
    "intervene-oral-grant-attested": "consent given",
    "screenshot-granted": "consent given",
    "screenshot-oral-grant-attested": "consent given",
    "screenshot-reviewed": "consent given",
    "refused": "consent refused",
    "oral-refusal-attested": "consent refused",
    "intervene-refused": "consent refused",
    "screenshot-refused": "consent refused",
    "withdrawn": "consent withdrawn",
    "oral-withdrawal-attested": "consent withdrawn",
    "intervene-revoked": "consent withdrawn",
    "stopped": "consent withdrawn",
    "expired": "consent expired",
    "grant-expired": "consent expired",
    "contested": "consent contested",
    "oral-contest-attested": "consent contested",
}
_SERVED: Final = frozenset({"notice-served", "notice-read-aloud"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A signed checkpoint, and the audit paths (RFC 6962) of entries that it covers, by index."""

    note: str
    paths: Mapping[int, Sequence[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Someone the receipt names: the role, and what is known (nothing once it was erased)."""

    role: str
    known: Mapping[str, str]


def receipt(
    session: UUID, entries: Sequence[Entry], parties: Sequence[Party], witness: Witness | None
) -> dict[str, Any]:
    """
    Return the receipt.

    ``proof.entries[].content`` is the canonical JSON that is hashed (RFC 8785, RFC 6962 leaf);
    ``inclusion`` the audit path to the checkpoint's root, hex, from the leaf upwards.
    """
    return {
        "schema_version": SCHEMA,
        "record_id": str(session),
        "pii_principal_id": _commitment(entries, "adherent"),
        "processing": _processing(entries),
        "events": [_event(entry) for entry in entries if entry.draft.type in _EVENT_STATES],
        "party_identification": [
            {"party_role": party.role, **{f"party_{k}": v for k, v in party.known.items()}}
            for party in parties
        ],
        "proof": _proof(entries, witness),
    }


def _processing(entries: Sequence[Entry]) -> dict[str, Any]:
    grants = [entry.draft for entry in entries if entry.draft.terms is not None]
    served = [entry.draft for entry in entries if entry.draft.type in _SERVED]
    content: dict[str, Any] = {
        "privacy_notice": [
            {
                "id": draft.facts.get("text_id"),
                "version": draft.facts.get("text_version"),
                "language": draft.facts.get("language"),
                "sha256": draft.notice,
            }
            for draft in served
        ],
        "purposes": [
            {
                "purpose": draft.scope,
                "purpose_type": "authorization to act on a workstation",
                "lawful_basis": draft.legal_basis,
                "notice_sha256": draft.notice,
                "collection_method": draft.how,
            }
            for draft in grants
        ],
    }
    if grants and (terms := grants[-1].terms):
        content |= {
            "pii_controllers": [terms.controller],
            "recipient_third_parties": list(terms.recipients),
            "retention_period": terms.retention,
            "withdrawal_method": terms.withdrawal,
        }
    return content


def _event(entry: Entry) -> dict[str, Any]:
    draft = entry.draft
    return {
        "event_time": entry.recorded_at,
        "event_type": draft.type,
        "event_state": _EVENT_STATES[draft.type],
        "event_actor": draft.actor,
        "event_scope": draft.scope,
        "entry_index": entry.index,
    }


def _proof(entries: Sequence[Entry], witness: Witness | None) -> dict[str, Any]:
    return {
        "tree": "RFC 6962, SHA-256",
        "checkpoint": witness.note if witness else None,
        "entries": [
            {
                "index": entry.index,
                "leaf_hash": entry.leaf_hash.hex(),
                "content": entry.content.decode(),
                "inclusion": _path(entry.index, witness),
            }
            for entry in entries
        ],
    }


def _path(index: int, witness: Witness | None) -> list[str] | None:
    if witness is None or index not in witness.paths:
        return None
    return [node.hex() for node in witness.paths[index]]


def _commitment(entries: Sequence[Entry], role: str) -> str | None:
    return next((e.draft.commitment for e in entries if e.draft.actor == role), None)
