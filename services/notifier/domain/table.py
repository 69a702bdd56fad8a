"""Which mails an event causes: the declared table's shape and its reading."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from desk.values import Count, Fact, Name

Kind = Literal[
    "ticket-created", "ticket-overdue", "ticket-reassigned", "entry-recorded", "notice-issued"
]
Condition = Literal[
    "training", "dpo", "remote", "unsure", "urgent", "marketplace", "general", "tells-dpo"
]
Role = Literal["staff", "requester", "assistant", "adherent", "dpo", "tool"]
LesserEvil = Literal["gap", "duplicate"]
Channel = Literal["mail", "webhook"]


class Limits(Fact):
    """How long and how often; the cap is in deliveries to one recipient in one clock hour."""

    give_up_after_hours: Count
    first_retry_seconds: Count
    longest_retry_seconds: Count
    per_recipient_and_hour: Mapping[Role, Count]


class Mail(Fact):
    """One mail that an event causes, to each address of one role, when all conditions hold."""

    on: Kind
    when: tuple[Condition, ...] = ()
    to: Role
    template: Name
    lesser_evil: LesserEvil
    """What to risk where the outcome of a delivery cannot be known."""
    channel: Channel = "mail"
    reply_to: Literal["desk", "requester"] = "desk"
    sender: Literal["desk", "assistant"] = "desk"
    variables: tuple[str, ...] = ()
    """For a notice: what it must bring."""
    useful_until: str | None = None
    """The variable that holds the moment after which it is given up rather than sent late."""

    @model_validator(mode="after")
    def _fits(self) -> "Mail":
        if self.variables and self.on != "notice-issued":
            raise ValueError("only a notice brings variables")
        if self.useful_until is not None and self.useful_until not in self.variables:
            raise ValueError("useful_until names one of the variables")
        if self.sender == "assistant" and "assistant_id" not in self.variables:
            raise ValueError("a mail from the assistant's address needs the variable assistant_id")
        if self.channel == "webhook" and (self.to != "tool" or self.on != "ticket-created"):
            raise ValueError("a webhook only takes created tickets to a tool")
        return self


class MailTable(Fact):
    """All mails, and the limits that hold for each of them. File mails.yaml."""

    limits: Limits
    mails: Annotated[tuple[Mail, ...], Field(min_length=1)]

    def caused_by(self, kind: Kind, facts: frozenset[str]) -> Iterator[Mail]:
        """Yield the mails of an event other than a notice."""
        for mail in self.mails:
            if mail.on == kind and facts.issuperset(mail.when):
                yield mail

    def of_notice(self, template: str) -> Mail | None:
        """Return the mail of a notice by its template's name."""
        for mail in self.mails:
            if mail.on == "notice-issued" and mail.template == template:
                return mail
        return None
