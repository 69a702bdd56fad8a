"""What the consent service hears from Kafka: adherents' wishes, and identity mails that left."""

import re
from typing import Final
from uuid import UUID

import structlog
from faststream.kafka import KafkaBroker
from pydantic import TypeAdapter

from runtime.consumption import consume, read_event
from runtime.failures import PermanentFailure
from runtime.kafka import Publisher, Record
from schemas import topics
from schemas.deliveries import DeliveryChanged
from schemas.sessions import SessionRequested
from services.consent.domain.acts import Author, Drafting
from services.consent.domain.entry import Draft
from services.consent.domain.practice import Practice
from services.consent.handlers.offering import Offering, Wanted
from services.consent.handlers.recorder import Recorder, Seen

log = structlog.get_logger()

GROUP: Final = "consent"
IDENTITY_TEMPLATE: Final = "identity-check"
_REQUESTED: Final = TypeAdapter(SessionRequested)
_DELIVERY: Final = TypeAdapter(DeliveryChanged)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")


class Handlers:
    """Both are idempotent: the log itself says what was done already."""

    def __init__(self, offering: Offering, recorder: Recorder, practice: Practice) -> None:
        self._offering = offering
        self._recorder = recorder
        self._practice = practice

    async def open_wish(self, record: Record) -> None:
        """Put an adherent's wish on record, once, also where it is turned away."""
        wish = read_event(record, _REQUESTED).data
        if wish.contact.email is None or not _ADDRESS.fullmatch(wish.contact.email):
            raise PermanentFailure("no-address")
        adherent = {
            "name": wish.contact.name or "",
            "email": wish.contact.email,
            "organisation": wish.organisation or "",
            "phone": wish.contact.phone or "",
        }
        opened = await self._offering.wish(
            Wanted(request=wish.request_id, adherent=adherent, mark=str(wish.wish_id))
        )
        outcome = "turned-away" if opened is None else "repeated" if opened.repeated else "opened"
        log.info("session wish", wish_id=str(wish.wish_id), outcome=outcome)

    async def note_delivery(self, record: Record) -> None:
        """Put on record that an identity mail has left, where one was asked for."""
        delivery = read_event(record, _DELIVERY).data
        if delivery.template != IDENTITY_TEMPLATE or delivery.outcome != "sent":
            return
        try:
            session = UUID(delivery.cause)
        except ValueError:
            raise PermanentFailure("no-session") from None
        draft = Drafting(practice=self._practice, session=session).fact(
            "identity-mailed", Author(role="service"), {"delivery": delivery.delivery_id}
        )

        def build(seen: Seen) -> Draft | None:
            known = (entry.draft.facts.get("delivery") for entry in seen.entries)
            is_asked = seen.state.regions["identity"] == "asked"
            return draft if is_asked and delivery.delivery_id not in known else None

        await self._recorder.record_if(session, build)


def subscribe(broker: KafkaBroker, handlers: Handlers, publisher: Publisher) -> None:
    """Subscribe to both topics."""
    consume(
        broker,
        topics.SESSION_REQUESTS,
        group=GROUP,
        handle=handlers.open_wish,
        publisher=publisher,
    )
    consume(
        broker,
        topics.DELIVERIES,
        group=f"{GROUP}.deliveries",
        handle=handlers.note_delivery,
        publisher=publisher,
    )
