"""The pure decision over the contract's values: live, in rehearsals and in tests."""

from collections.abc import Callable

from desk import Desk
from schemas.requests import RequestData
from services.router.domain import Decision, Request, RuleSet, route

Decide = Callable[[RequestData], Decision]


def build_decide(desk: Desk, rules: RuleSet) -> Decide:
    """Return what decides about a request by these rules and this desk's hours."""

    def decide(request: RequestData) -> Decision:
        return route(as_heard(request), rules, desk, request.received_at)

    return decide


def as_heard(request: RequestData) -> Request:
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
