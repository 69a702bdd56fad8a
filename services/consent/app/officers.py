"""Puts the DPO's page together: the log and the persons behind it, and the way in."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from litestar import Router

from desk import Desk
from desk.facts import Officer
from services.consent.app.connections import Connections
from services.consent.app.entrances import Entrances
from services.consent.domain.entry import THE_LOG
from services.consent.domain.lifecycle import fold
from services.consent.domain.persons import People
from services.consent.domain.signing_in import OFFICERS
from services.consent.gateway.requests import KafkaRequests
from services.consent.handlers.gathering import Gathering
from services.consent.handlers.reading import Reading
from services.consent.handlers.recorder import Seen
from services.consent.handlers.searching import Found, Searching
from services.consent.handlers.weeks import Weeks
from services.consent.settings import Settings
from services.consent.texts.dpo import load_dpo_wording
from services.consent.texts.wording import Wording
from services.consent.web.dpo.pages import DpoPages, dpo_page_routes
from services.consent.web.dpo.views import Views
from services.consent.web.receipts import Receipts


def officers_pages(
    entrances: Entrances,
    connections: Connections,
    desk: Desk,
    receipts: Receipts,
    *,
    wording: Wording,
    fingerprint: bytes,
    now: Callable[[], datetime],
) -> Router:
    """Return the routes under ``/dpo``; the notifier knows people by hashes with that key."""
    settings = entrances.settings
    searching = Searching(connections.log, connections.persons, desk)
    views = Views(renderer=entrances.renderer, desk=desk, wording=wording, texts=load_dpo_wording())
    idle = timedelta(minutes=settings.dpo_idle_minutes)
    find = entrances.identities.officers.admit
    return dpo_page_routes(
        DpoPages(
            way_in=entrances.way_in(OFFICERS, find, idle=idle),
            views=views,
            reading_of=_reading_of(connections, settings),
            searching=searching,
            gathering=Gathering(
                searching,
                connections.pictures,
                connections.mails(fingerprint),
                KafkaRequests(settings.kafka.bootstrap_servers, bounded=True),
                bounded=True,
            ),
            weeks=Weeks(connections.log, local=desk.calendar.local, now=now),
            standing=connections.standing,
            receipt=_receipt_of(receipts),
            desk=desk,
            origin=settings.log_origin,
            now=now,
        )
    )


def _reading_of(
    connections: Connections, settings: Settings
) -> Callable[[Officer], Awaitable[Reading]]:
    async def reading_of(officer: Officer) -> Reading:
        known = {"id": officer.id, "name": officer.name}
        person = await connections.persons.keep(THE_LOG, f"dpo:{officer.id}", known)
        return Reading(
            connections.log,
            actor="dpo",
            legal_basis=settings.legal_basis,
            commitment=person.commitment,
        )

    return reading_of


def _receipt_of(receipts: Receipts) -> Callable[[Found], Awaitable[dict[str, Any]]]:
    def receipt_of(found: Found) -> Awaitable[dict[str, Any]]:
        seen = Seen(entries=found.entries, state=fold(found.entries))
        return receipts.document(found.session, seen, People(found.records))

    return receipt_of
