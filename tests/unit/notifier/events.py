"""Example events, as the router and consent write them."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from runtime.sealing import Sealer
from schemas.requests import Consultation, Contact, RequestData, tracking_number
from schemas.sessions import EntryData, EntryRecorded, NoticeData, NoticeIssued
from schemas.tickets import (
    DecisionData,
    OverdueData,
    ReassignedData,
    TicketClosed,
    TicketCreated,
    TicketData,
    TicketOverdue,
    TicketReassigned,
    TicketReference,
    ticket_id,
)

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


DECISION: dict[str, Any] = {
    "queue": "general",
    "training": False,
    "dpo": False,
    "remote": False,
    "confident": True,
    "rule": "parapheur",
    "because": ("parapheur ; visa",),
    "readings": (
        {
            "queue": "general",
            "score": 5.0,
            "evidence": ({"rule": "parapheur", "words": "parapheur", "points": 4.0},),
        },
        {
            "queue": "marketplace",
            "score": 1.5,
            "evidence": ({"rule": "offres", "words": "signer l’offre ; dépôt", "points": 1.5},),
        },
    ),
    "priority": "normal",
    "deadline": "normal",
    "due_at": datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
    "due_because": ("Délai\u00a0: 8\u00a0h d’ouverture du service.",),
    "ruleset_version": "sha256:0123456789ab",
}
REQUEST: dict[str, Any] = {
    "source": "page-assistance",
    "source_id": "f-1",
    "channel": "form",
    "service": "parapheur",
    "profile": "agent",
    "organisation": "Commune de Montrecey",
    "subject": "Le parapheur ne s’ouvre plus",
    "body": "Bonjour,\n\nLe parapheur reste blanc depuis ce matin.\nMerci.",
    "received_at": NOW,
    "fingerprint": "0" * 64,
}


def ticket(
    *,
    email: str | None = "claire.moutarde@mairie.example",
    decision: dict[str, Any] | None = None,
    request: dict[str, Any] | None = None,
) -> TicketCreated:
    request_id = uuid4()
    contact = Contact(name="Claire Moutarde", email=email, phone="03 53 01 22 33")
    said = {**REQUEST, "request_id": request_id, "contact": contact, **(request or {})}
    data = TicketData(
        ticket_id=ticket_id(request_id),
        request_id=request_id,
        tracking=tracking_number(request_id),
        decision=DecisionData(**{**DECISION, **(decision or {})}),
        request=RequestData(**said),
    )
    return TicketCreated(
        id=str(data.ticket_id),
        source="urn:aiguillage:router",
        subject=str(request_id),
        time=NOW,
        traceparent=TRACE,
        data=data,
    )


def marketplace_ticket(**changes: Any) -> TicketCreated:
    decision = {"queue": "marketplace", "rule": "depot", **changes.pop("decision", {})}
    request = {
        "consultation": Consultation(reference="2026-TX-04"),
        "organisation": "SARL Pernot Couverture",
        **changes.pop("request", {}),
    }
    return ticket(decision=decision, request=request, **changes)


def overdue(created: TicketCreated) -> TicketOverdue:
    return TicketOverdue(
        id=f"{created.data.ticket_id}-overdue",
        source="urn:aiguillage:router",
        subject=created.subject,
        time=NOW,
        data=OverdueData(
            ticket_id=created.data.ticket_id,
            request_id=created.data.request_id,
            queue=created.data.decision.queue,
            due_at=created.data.decision.due_at,
            tracking=created.data.tracking,
        ),
    )


def closed(created: TicketCreated) -> TicketClosed:
    return TicketClosed(
        id=f"{created.data.ticket_id}-closed",
        source="urn:aiguillage:cli",
        subject=created.subject,
        time=NOW,
        data=TicketReference(
            ticket_id=created.data.ticket_id,
            request_id=created.data.request_id,
            queue=created.data.decision.queue,
        ),
    )


def reassigned(created: TicketCreated, *, again: bool = False) -> TicketReassigned:
    return TicketReassigned(
        id=f"{created.data.ticket_id}-reassigned-{int(again)}",
        source="urn:aiguillage:cli",
        subject=created.subject,
        time=NOW,
        data=ReassignedData(
            ticket_id=created.data.ticket_id,
            request_id=created.data.request_id,
            queue="marketplace",
            previous_queue="general",
            reason="tender-matter",
        ),
    )


def entry(
    entry_type: str = "refused-act",
    *,
    tells_dpo: bool = True,
    reason: str | None = "no-live-grant",
) -> EntryRecorded:
    session = uuid4()
    return EntryRecorded(
        id=f"{session}-1",
        source="urn:aiguillage:consent",
        subject=str(session),
        time=NOW,
        data=EntryData(
            index=7,
            session_id=session,
            sequence=1,
            entry_type=entry_type,
            recorded_at="2026-11-23T09:30:00.123456Z",
            actor="assistant",
            scope="view",
            reason=reason,
            tells_dpo=tells_dpo,
            leaf_hash="ab" * 32,
        ),
    )


NOTICES: dict[str, dict[str, str]] = {
    "session-offer": {
        "link": "https://assistance.example/s/abc",
        "assistant_name": "Lucie Garnerot",
        "assistant_organisation": "Ternum Bourgogne-Franche-Comté",
        "tracking": "7K3M-Q2XD-9F",
        "expires_at": "2099-11-23T09:45:00Z",
    },
    "session-wish": {
        "organisation": "Commune de Montrecey",
        "contact_name": "Claire Moutarde",
        "contact_phone": "",
        "tracking": "7K3M-Q2XD-9F",
        "requested_at": "2026-11-23T09:45:00Z",
    },
    "session-wish-queue": {
        "organisation": "Commune de Montrecey",
        "contact_name": "Claire Moutarde",
        "contact_phone": "",
        "tracking": "7K3M-Q2XD-9F",
        "requested_at": "2026-11-23T09:45:00Z",
        "expires_at": "2099-11-24T09:45:00Z",
        "ambassadors": "0",
    },
    "session-wish-untaken": {
        "tracking": "7K3M-Q2XD-9F",
        "requested_at": "2026-11-23T09:45:00Z",
        "ended_at": "2026-11-24T09:45:00Z",
    },
    "session-wish-untaken-queue": {
        "organisation": "Commune de Montrecey",
        "contact_name": "Claire Moutarde",
        "contact_phone": "",
        "tracking": "7K3M-Q2XD-9F",
        "requested_at": "2026-11-23T09:45:00Z",
        "ended_at": "2026-11-24T09:45:00Z",
    },
    "session-wish-again": {
        "tracking": "7K3M-Q2XD-9F",
        "requested_at": "2026-11-23T10:45:00Z",
        "state": "proposed",
    },
    "identity-check": {
        "assistant_id": "lucie-garnerot",
        "assistant_name": "Lucie Garnerot",
        "assistant_organisation": "Ternum Bourgogne-Franche-Comté",
        "identity_word": "noisetier",
        "expires_at": "2099-11-23T09:45:00Z",
    },
    "oral-grant-attested": {
        "scope": "view",
        "assistant_name": "Lucie Garnerot",
        "assistant_organisation": "Ternum Bourgogne-Franche-Comté",
        "attested_by": "witness",
        "granted_at": "2026-11-23T09:45:00Z",
        "tracking": "7K3M-Q2XD-9F",
    },
    "oral-word-attested": {
        "said": "withdrawal",
        "assistant_name": "Lucie Garnerot",
        "assistant_organisation": "Ternum Bourgogne-Franche-Comté",
        "attested_by": "witness",
        "said_at": "2026-11-23T09:45:00Z",
        "tracking": "7K3M-Q2XD-9F",
    },
    "session-receipt": {
        "link": "https://assistance.example/r/abc",
        "assistant_name": "Lucie Garnerot",
        "assistant_organisation": "Ternum Bourgogne-Franche-Comté",
        "started_at": "2026-11-23T09:45:00Z",
        "ended_at": "2026-11-23T10:00:00Z",
        "tracking": "7K3M-Q2XD-9F",
    },
    "offer-disowned": {
        "tracking": "7K3M-Q2XD-9F",
        "reported_at": "2026-11-23T09:45:00Z",
        "state": "paused",
    },
    "checkpoint": {
        "checkpoint": "aiguillage.example/log\n12\nAAECAwQ=\n\n— aiguillage.example abc=\n",
        "size": "12",
        "issued_at": "2026-11-23T09:45:00Z",
    },
    "digest": {
        **{
            f"{scope}_{how}": "1"
            for scope in ("view", "intervene", "screenshot")
            for how in ("link", "witness", "assistant")
        },
        **dict.fromkeys(("sessions", "intervened", "refusals", "withdrawals", "stops"), "4"),
        **dict.fromkeys(("contests", "refused_acts", "unauthorized", "too_long"), "2"),
        **dict.fromkeys(
            ("by_strangers", "purged_entries", "purged_persons", "purged_pictures"), "3"
        ),
        "looked_by": "connections",
        "looked_from": "2026-11-16T08:00:00+00:00",
        "looked_to": "2026-11-20T17:00:00+00:00",
        **dict.fromkeys(("reconciliations", "never_started", "not_reported"), "6"),
        **dict.fromkeys(("erasures", "readings", "exports", "size"), "5"),
        "share": "25\u00a0%",
        "begins_at": "2026-11-16T00:00:00+01:00",
        "ends_at": "2026-11-23T00:00:00+01:00",
        "root": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    },
    "log-not-intact": {
        "index": "12",
        "reason": "Le contenu n’est plus celui dont l’empreinte a été prise.",
        "detected_at": "2026-11-23T09:45:00Z",
    },
}


def notice(
    template: str, *, to: str, sealer: Sealer, variables: dict[str, str] | None = None
) -> NoticeIssued:
    session = uuid4()
    said = {
        "to": to,
        "name": "Lucie",
        "variables": NOTICES[template] if variables is None else variables,
    }
    sealed = sealer.seal_text(json.dumps(said).encode(), purpose="notice")
    return NoticeIssued(
        id=f"{session}-notice",
        source="urn:aiguillage:consent",
        subject=str(session),
        time=NOW,
        data=NoticeData(notice_id=uuid4(), session_id=session, template=template, sealed=sealed),
    )
