"""Judges what an outsider saw against what was promised: nothing lost, doubled or misdelivered."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from desk import Desk
from tests.system.mailbox import Mail
from tests.system.requests import Taken

Outcomes = Mapping[tuple[str, str], frozenset[str]]
"""What the ledger told of (request, role): every outcome so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Committed ticket records, mails in the catcher, and what the ledger told on its topic."""

    queues: Mapping[str, Sequence[str]]
    """The queue of each ticket record, by request."""
    mails: Sequence[Mail]
    outcomes: Outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``missing`` may still come; ``wrong`` never becomes right."""

    missing: tuple[str, ...]
    wrong: tuple[str, ...]
    unknown: tuple[str, ...]
    """Mails that the ledger lists as unknown, by request and role."""


def read_outcomes(events: Iterable[Mapping[str, Any]]) -> Outcomes:
    """Return what the deliveries topic tells."""
    told: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for event in events:
        data = event["data"]
        told[data["cause"], data["role"]].add(data["outcome"])
    return {about: frozenset(outcomes) for about, outcomes in told.items()}


def judge(promised: Sequence[Taken], seen: Seen, desk: Desk) -> Verdict:
    """Say what lacks and what is wrong for the requests that were answered with 202."""
    mails: defaultdict[str, list[Mail]] = defaultdict(list)
    for mail in seen.mails:
        for tracking in mail.trackings:
            mails[tracking].append(mail)
    missing: list[str] = []
    wrong: list[str] = []
    unknown: list[str] = []
    for taken in promised:
        queues = seen.queues.get(taken.request_id, ())
        if not queues:
            missing.append(f"{taken.wanted.id}: no ticket")
        elif list(queues) != [taken.wanted.queue]:
            wrong.append(f"{taken.wanted.id}: tickets in {list(queues)}")
        for fate, what in _judge_mails(taken, mails[taken.tracking], seen.outcomes, desk):
            {"missing": missing, "wrong": wrong, "unknown": unknown}[fate].append(what)
    wrong += _copies(seen)
    return Verdict(missing=tuple(missing), wrong=tuple(wrong), unknown=tuple(unknown))


def recipients(taken: Taken, desk: Desk) -> dict[str, str]:
    """Return whom the desk's facts say must be told: address → role."""
    queue = desk.queues[taken.wanted.queue]
    told = {**dict.fromkeys(queue.staff, "staff"), taken.wanted.address: "requester"}
    return told | ({queue.ticket_mail: "tool"} if queue.ticket_mail else {})


def _judge_mails(
    taken: Taken, mails: Sequence[Mail], outcomes: Outcomes, desk: Desk
) -> Iterator[tuple[str, str]]:
    told = recipients(taken, desk)
    arrived = Counter(mail.to for mail in mails)
    for address in arrived.keys() - told.keys():
        yield "wrong", f"{taken.wanted.id}: a mail to a stranger, {address}"
    for address, role in told.items():
        name = f"{taken.wanted.id} to {role}"
        said = outcomes.get((taken.request_id, role), frozenset())
        if arrived[address] > 1:
            yield "wrong", f"{name}: {arrived[address]} mails"
        if said & {"refused", "given-up"}:
            yield "wrong", f"{name}: {sorted(said)}"
        if "unknown" in said:
            yield "unknown", name
        elif not arrived[address]:
            yield (
                ("wrong", f"{name}: told as sent, not there")
                if "sent" in said
                else (
                    "missing",
                    f"{name}: no mail",
                )
            )
        elif "sent" not in said:
            yield "missing", f"{name}: its outcome is not told"


def _copies(seen: Seen) -> Iterator[str]:
    for message_id, count in Counter(mail.message_id for mail in seen.mails).items():
        if count > 1:
            yield f"{message_id} was caught {count} times"
