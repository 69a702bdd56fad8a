"""The shape of what one deployment declares about its desk: one model a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from desk.hours import Hours
from desk.policy import Policy
from desk.values import Address, Count, DateFormat, Fact, Name, Telephone, Text, Url, Zone, matching

QueueName = Literal["marketplace", "general"]
Headings = Annotated[tuple[Text, ...], Field(min_length=1)]


class Mailbox(Fact):
    """A name and an address mails are sent from."""

    name: Text
    address: Address


class OfficialSender(Fact):
    """An address from which an assistant may prove who they are (commitment 8)."""

    address: Address
    organisation: Text


class Operator(Fact):
    """Who runs the desk. File operator.yaml."""

    name: Text
    postal_address: Text
    portal: Url
    sender: Mailbox
    reply_to: Address
    official_senders: Annotated[tuple[OfficialSender, ...], Field(min_length=1)]


class DeskTelephone(Fact):
    """The number people call, and what the call costs."""

    number: Telephone
    cost: Text


class Dpo(Fact):
    """The data protection officer."""

    address: Address
    telephone: Telephone


class Contacts(Fact):
    """How people reach the desk. File contacts.yaml."""

    telephone: DeskTelephone
    dpo: Dpo


class Guide(Fact):
    """A document to be linked from a form."""

    title: Text
    url: Url


class Webhook(Fact):
    """Where tickets are posted; `key_file` names the signing key among the secret files."""

    url: Url
    key_file: Annotated[
        str, matching(re.compile(r"[a-z0-9][a-z0-9.-]{0,60}"), "file", "must be a file name")
    ]


class Queue(Fact):
    """A queue of tickets: who is told, and which ticket tools get a copy."""

    title: Text
    staff: Annotated[tuple[Address, ...], Field(min_length=1, max_length=50)]
    tool: Text | None = None
    ticket_mail: Address | None = None
    webhook: Webhook | None = None
    guide: Guide | None = None


class Queues(Fact):
    """The two queues. File queues.yaml."""

    marketplace: Queue
    general: Queue

    def __getitem__(self, name: QueueName) -> Queue:
        return self.marketplace if name == "marketplace" else self.general


class Service(Fact):
    """A service of the platform: `queue` is a hint, no verdict; `words` are what it is called."""

    id: Name
    title: Text
    queue: QueueName
    words: tuple[Text, ...] = ()


class Profile(Fact):
    """What a requester may say they are."""

    id: Name
    title: Text


class Catalogue(Fact):
    """What people may choose from in a form. File catalogue.yaml."""

    services: Annotated[tuple[Service, ...], Field(min_length=1)]
    profiles: Annotated[tuple[Profile, ...], Field(min_length=1)]


class Source(Fact):
    """A form service that hands in requests; its name is part of its topic and of their ids."""

    name: Name
    title: Text
    channel: Literal["form", "phone", "event"]
    doors: Annotated[tuple[Literal["http", "kafka"], ...], Field(min_length=1)]
    may_vouch: bool
    """Whether it knows who is signed in, and may hand in a person's own wish for a session."""


class Sources(Fact):
    """The form services. File sources.yaml."""

    sources: Annotated[tuple[Source, ...], Field(min_length=1)]


class Undertaking(Fact):
    """A signed undertaking of confidentiality (commitment 2)."""

    version: Name
    signed_on: date


class Person(Fact):
    """Someone with rights of their own, for a time."""

    id: Name
    name: Text
    organisation: Text
    subject: Annotated[Text, Field(max_length=128)] | None = None
    """How the identity provider names the person, where that is not the id."""
    valid_from: date
    valid_until: date

    def is_valid(self, on: date) -> bool:
        """Whether the person has them on this day, both ends included."""
        return self.valid_from <= on <= self.valid_until


class Assistant(Person):
    """Someone who may propose a remote session."""

    role: Literal["ambassador", "staff", "subcontractor"]
    address: Address
    undertakings: tuple[Undertaking, ...] = ()
    tool_users: Annotated[tuple[Text, ...], Field(max_length=20)] = ()
    """The user ids, e-mails and names under which the remote tool's report knows them."""

    def has_signed(self, version: str, on: date) -> bool:
        """Whether this version of the undertaking was signed on that day or before."""
        return any(one.version == version and one.signed_on <= on for one in self.undertakings)


class Assistants(Fact):
    """Who may propose remote sessions. File assistants.yaml."""

    assistants: tuple[Assistant, ...]


class Officer(Person):
    """The data protection officer, or someone who stands in for them."""


class Officers(Fact):
    """Who may read the authorization log at the DPO's page. File officers.yaml."""

    officers: tuple[Officer, ...]


class Training(Fact):
    """How to book a training session. File training.yaml."""

    text: Text
    url: Url
    address: Address


class SessionLimits(Fact):
    """The time limits of remote sessions, in minutes where not said otherwise."""

    offer_minutes: Count
    start_minutes: Count
    session_minutes: Count
    session_without_presence_minutes: Count
    intervention_minutes: Count
    screenshot_minutes: Count
    entry_code_minutes: Count
    entry_code_tries: Count
    declaration_hours: Count


class ReportColumns(Fact):
    """The headings of the tool's CSV report, in the languages of its console; one each is there."""

    user: Headings
    device: Headings
    start: Headings
    end: Headings
    user_id: tuple[Text, ...] = ()
    ticket: tuple[Text, ...] = ()
    """Where a tracking number may be quoted."""


class ConnectionReport(Fact):
    """How the remote tool's own report of connections is read."""

    zone: Zone
    """Of the local times in its CSV."""
    clock_skew_seconds: Annotated[int, Field(ge=0, le=900)]
    dates: Annotated[tuple[DateFormat, ...], Field(min_length=1)]
    """Beside ISO 8601, as ``strptime`` writes them; all four-digit years."""
    columns: ReportColumns


class RemoteCharter(Fact):
    """Which remote tool is allowed, started from where, within which limits. File remote.yaml."""

    tool: Text
    minimum_version: Annotated[
        str, matching(re.compile(r"[0-9]+(\.[0-9]+){0,3}"), "version", "must be a version number")
    ]
    origin: Url
    """The portal's address from which the adherent starts the tool."""
    version_notice: Text
    undertaking_version: Name
    limits: SessionLimits
    report: ConnectionReport


EVIDENCE_DAYS: Final = (365, 1_100)
"""At least and at most: what ``purge`` of the authorization log's state table allows."""


class Kept(Fact):
    """How long something is kept, and why."""

    what: Name
    days: Annotated[int, Field(ge=1, le=1_100)]
    reason: Text

    @model_validator(mode="after")
    def _evidence_within_bounds(self) -> Self:
        if self.what == "evidence" and self.days < EVIDENCE_DAYS[0]:
            raise PydanticCustomError("evidence", "evidence is kept for 12 to 36 months")
        return self


class Retention(Fact):
    """Every retention of stored data. File retention.yaml."""

    kept: Annotated[tuple[Kept, ...], Field(min_length=1)]

    def days(self, what: str) -> int:
        """Return the days something is kept; `KeyError` when it is not declared."""
        return {one.what: one.days for one in self.kept}[what]


FILES: Final[Mapping[str, type[Fact]]] = MappingProxyType(
    {
        "operator": Operator,
        "contacts": Contacts,
        "hours": Hours,
        "queues": Queues,
        "policy": Policy,
        "catalogue": Catalogue,
        "sources": Sources,
        "assistants": Assistants,
        "officers": Officers,
        "training": Training,
        "remote": RemoteCharter,
        "retention": Retention,
    }
)
"""The files of a deployment's folder (without .yaml), and the model of each."""
