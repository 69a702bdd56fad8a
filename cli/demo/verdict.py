"""Judges what came out against what went in: nothing lost, doubled, misdelivered or unmasked."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cli.demo.http_doors import Taken
from cli.demo.mailbox import Caught
from cli.demo.sample import FLAGS
from desk import Desk
from schemas.deliveries import DeliveryData
from schemas.tickets import TicketData

TICKET_MAILS: Final = frozenset(
    {"ticket-staff", "ticket-tool", "ticket-acknowledged", "ticket-dpo"}
)
SESSION_MAILS: Final = ("session-offer", "identity-check", "session-receipt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen from outside: committed tickets, mails in the catcher, the ledger's word."""

    tickets: Sequence[TicketData]
    mails: Sequence[Caught]
    deliveries: Sequence[DeliveryData]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one request; ``missing`` may still come, ``wrong`` never becomes right."""

    taken: Taken
    tickets: tuple[TicketData, ...]
    mails: Mapping[str, int]
    """How many arrived that a new ticket causes, by role."""
    missing: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is waited for."""
        return not self.missing


def judge(taken: Sequence[Taken], seen: Seen, desk: Desk) -> list[Outcome]:
    """Return what became of each request."""
    return [_judge(one, seen, desk) for one in taken]


def recipients(taken: Taken, desk: Desk) -> dict[str, str]:
    """Return whom the desk's facts say must be told of a request: address → role."""
    queue = desk.queues[taken.sample.queue]
    told = dict.fromkeys(queue.staff, "staff")
    if queue.ticket_mail:
        told[queue.ticket_mail] = "tool"
    if taken.sample.email:
        told[taken.sample.email] = "requester"
    if "dpo" in taken.sample.flags:
        told[desk.contacts.dpo.address] = "dpo"
    return told


def judge_session(session_id: str, adherent: str, seen: Seen) -> tuple[list[str], list[str]]:
    """Return what is missing and what is wrong among the mails that the walked session causes."""
    templates = {d.message_id: d.template for d in seen.deliveries if d.cause == session_id}
    mails = [mail for mail in seen.mails if mail.message_id in templates]
    to_adherent = Counter(templates[m.message_id] for m in mails if m.recipient == adherent)
    excused = {d.template for d in seen.deliveries if d.cause == session_id and is_unknown(d)}
    wanted = (name for name in SESSION_MAILS if name not in excused)
    missing = [f"no mail {name}" for name in wanted if not to_adherent[name]]
    wrong = [f"{n} mails {name}" for name, n in to_adherent.items() if n > 1]
    wrong += ["a mail to somebody else"] if len(mails) > to_adherent.total() else []
    return missing, wrong


def is_unknown(delivery: DeliveryData) -> bool:
    """Whether the ledger says that nobody can know if this arrived: then it may be missing."""
    return delivery.outcome == "unknown"


def _judge(taken: Taken, seen: Seen, desk: Desk) -> Outcome:
    tickets = tuple(ticket for ticket in seen.tickets if ticket.tracking == taken.tracking)
    mails = [mail for mail in seen.mails if mail.mentions(taken.tracking)]
    templates = {delivery.message_id: delivery.template for delivery in seen.deliveries}
    unknown = [mail for mail in mails if mail.message_id not in templates]
    of_ticket = [mail for mail in mails if templates.get(mail.message_id) in TICKET_MAILS]
    told = recipients(taken, desk)
    arrived = Counter(told.get(mail.recipient, "stranger") for mail in of_ticket)
    missing = [*_missing(told, tickets, arrived, seen)]
    missing += [f"{len(unknown)} mails that the ledger does not know"] if unknown else []
    wrong = [*_wrong_tickets(taken, tickets), *_wrong_mails(told, of_ticket)]
    if taken.sample.secret and any(taken.sample.secret in text for text in _texts(tickets, mails)):
        wrong.append("a password went through unmasked")
    return Outcome(
        taken=taken, tickets=tickets, mails=arrived, missing=tuple(missing), wrong=tuple(wrong)
    )


def _missing(
    told: Mapping[str, str], tickets: Sequence[TicketData], arrived: Counter[str], seen: Seen
) -> Iterator[str]:
    if not tickets:
        yield "no ticket"
        return
    cause = str(tickets[0].request_id)
    unknown = {d.role for d in seen.deliveries if d.cause == cause and is_unknown(d)}
    for role in told.values():
        if not arrived[role] and role not in unknown:
            yield f"no mail to {role}"


def _wrong_tickets(taken: Taken, tickets: Sequence[TicketData]) -> Iterator[str]:
    if len(tickets) > 1:
        yield f"{len(tickets)} tickets"
    for ticket in tickets:
        decision, sample = ticket.decision, taken.sample
        if decision.queue != sample.queue:
            yield f"in the queue {decision.queue}, not in {sample.queue}"
        raised = {flag for flag in FLAGS if getattr(decision, flag)}
        if raised != sample.flags:
            yield f"flags {sorted(raised)}, not {sorted(sample.flags)}"
        if (decision.priority == "urgent") < sample.urgent:
            yield f"priority {decision.priority}, not urgent"


def _wrong_mails(told: Mapping[str, str], mails: Sequence[Caught]) -> Iterator[str]:
    for address, count in Counter(mail.recipient for mail in mails).items():
        if address not in told:
            yield "a mail to somebody who should have none"
        elif count > 1:
            yield f"{count} mails to {told[address]}"


def _texts(tickets: Sequence[TicketData], mails: Sequence[Caught]) -> Iterator[str]:
    for ticket in tickets:
        yield ticket.model_dump_json()
    for mail in mails:
        yield mail.subject
        yield mail.text
