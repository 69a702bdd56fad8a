"""Turns an occasion into the deliveries it causes, each with its exact bytes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from desk import Desk
from desk.facts import Mailbox
from runtime.tracing import current_traceparent
from schemas.deliveries import recipient_parts
from services.notifier.domain.addresses import Undeliverable, to_wire
from services.notifier.domain.deliveries import Content, Delivery
from services.notifier.domain.occasions import Occasion
from services.notifier.domain.table import Mail, MailTable
from services.notifier.messages import Mail as Message
from services.notifier.messages import UnsafeMail, serialise
from services.notifier.rendering import Renderer, RenderingFailed

ID_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """The deliveries of one event, and the templates that could not be made into a mail."""

    deliveries: tuple[Delivery, ...]
    failed: tuple[str, ...]


class Composer:
    """Composes deliveries; ``keyed_hash`` derives their ids and hides their recipients."""

    def __init__(
        self,
        *,
        table: MailTable,
        desk: Desk,
        renderer: Renderer,
        keyed_hash: Callable[..., str],
    ) -> None:
        self._table = table
        self._desk = desk
        self._renderer = renderer
        self._keyed_hash = keyed_hash

    def compose(self, occasion: Occasion, *, now: datetime) -> Composed:
        """Return every delivery that the table declares for the occasion."""
        deliveries: list[Delivery] = []
        failed: list[str] = []
        for mail in self._declared(occasion):
            for address in self._addresses(mail, occasion):
                try:
                    deliveries.append(self._delivery(mail, address, occasion, now))
                except (RenderingFailed, UnsafeMail):
                    failed.append(mail.template)
        return Composed(deliveries=tuple(deliveries), failed=tuple(failed))

    def _declared(self, occasion: Occasion) -> list[Mail]:
        if occasion.template is None:
            return list(self._table.caused_by(occasion.kind, occasion.facts))
        mail = self._table.of_notice(occasion.template)
        return [mail] if mail else []

    def _addresses(self, mail: Mail, occasion: Occasion) -> tuple[str, ...]:
        if mail.channel == "mail":
            return tuple(dict.fromkeys(occasion.addresses.get(mail.to, ())))
        queue = self._desk.queues.marketplace if "marketplace" in occasion.facts else None
        queue = queue or self._desk.queues.general
        return (queue.webhook.url,) if queue.webhook else ()

    def _delivery(self, mail: Mail, address: str, occasion: Occasion, now: datetime) -> Delivery:
        delivery_id = self._keyed_hash(occasion.event_id, address, mail.template)[:ID_DIGITS]
        sender = self._sender(mail, occasion)
        domain = sender.address.rpartition("@")[2]
        message_id = f"<{delivery_id}@{domain}>"
        content: Content | None = None
        refused: str | None = None
        try:
            if mail.channel == "webhook":
                content = Content(sender="", to=address, body=occasion.record)
            else:
                message = self._message(mail, to_wire(address), occasion, sender, delivery_id, now)
                content = Content(sender=message.sender, to=message.to, body=serialise(message))
        except Undeliverable as error:
            refused = error.code
        return Delivery(
            delivery_id=delivery_id,
            cause=occasion.cause,
            template=mail.template,
            role=mail.to,
            channel=mail.channel,
            recipient=self._keyed_hash(*recipient_parts(address)),
            message_id=message_id,
            lesser_evil=mail.lesser_evil,
            planned_at=now,
            give_up_at=self._give_up_at(occasion, now),
            traceparent=current_traceparent(),
            content=content,
            refused_because=refused,
        )

    def _give_up_at(self, occasion: Occasion, now: datetime) -> datetime:
        latest = now + timedelta(hours=self._table.limits.give_up_after_hours)
        return min(latest, occasion.useful_until or latest)

    def _sender(self, mail: Mail, occasion: Occasion) -> Mailbox:
        if mail.sender == "desk":
            return self._desk.operator.sender
        assistant = self._desk.assistants.get(str(occasion.variables["assistant_id"]))
        official = {one.address for one in self._desk.operator.official_senders}
        if assistant is None or assistant.address not in official:
            raise UnsafeMail("From")
        return Mailbox(name=assistant.name, address=assistant.address)

    def _message(
        self,
        mail: Mail,
        to: str,
        occasion: Occasion,
        sender: Mailbox,
        delivery_id: str,
        now: datetime,
    ) -> Message:
        by_requester = mail.reply_to == "requester" and occasion.reply_to is not None
        reply_to = occasion.reply_to if by_requester else self._desk.operator.reply_to
        return Message(
            delivery_id=delivery_id,
            message_id=f"<{delivery_id}@{sender.address.rpartition('@')[2]}>",
            date=now,
            sender_name=sender.name,
            sender=sender.address,
            to=to,
            reply_to=str(reply_to),
            traceparent=current_traceparent(),
            by_a_person=mail.to == "tool",
            words=self._renderer.render(mail.template, occasion.variables),
        )


def content_to_bytes(content: Content) -> bytes:
    """Return what is encrypted in the ledger."""
    return json.dumps(
        {"sender": content.sender, "to": content.to, "body": content.body.hex()}
    ).encode()


def content_from_bytes(data: bytes) -> Content:
    """Return what was encrypted in the ledger."""
    said = json.loads(data)
    return Content(sender=said["sender"], to=said["to"], body=bytes.fromhex(said["body"]))
