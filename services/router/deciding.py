"""The pure decision over the contract's values: live, in rehearsals and in tests."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from desk import Desk
from schemas.requests import Channel
from services.router.domain import Decision, Request, RuleSet, route


class Consulted(Protocol):
    """Which tender a request is about."""

    @property
    def reference(self) -> str | None: ...


class Asked(Protocol):
    """What is looked at of a request; ``schemas.requests.RequestData`` is one."""

    @property
    def channel(self) -> Channel: ...
    @property
    def service(self) -> str | None: ...
    @property
    def profile(self) -> str | None: ...
    @property
    def organisation(self) -> str | None: ...
    @property
    def subject(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def consultation(self) -> Consulted | None: ...


class Received(Asked, Protocol):
    """What is decided about, and what tells whether it is the same one."""

    @property
    def received_at(self) -> datetime: ...
    @property
    def fingerprint(self) -> str: ...


Decide = Callable[[Received], Decision]


def build_decide(desk: Desk, rules: RuleSet) -> Decide:
    """Return what decides about a request by these rules and this desk's hours."""

    def decide(request: Received) -> Decision:
        return route(as_heard(request), rules, desk, request.received_at)

    return decide


def as_heard(request: Asked) -> Request:
    """Return a request as far as rules look at it."""
    return Request(
        channel=request.channel,
        service=request.service,
        profile=request.profile,
        organisation=request.organisation,
        subject=request.subject,
        body=request.body,
        consultation_reference=request.consultation.reference if request.consultation else None,
    )
