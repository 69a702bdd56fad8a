"""The one function that decides, live, in tests and in rehearsals."""

from datetime import datetime
from typing import Protocol

from desk.calendar import Calendar
from desk.policy import Policy
from services.router.domain.ruleset import RuleSet
from services.router.domain.understanding import understand
from services.router.domain.values import Decision, Request


class DueTimes(Protocol):
    """The desk's hours and its policy of deadlines; :class:`desk.Desk` is one."""

    @property
    def calendar(self) -> Calendar:
        """When the desk is open."""

    @property
    def policy(self) -> Policy:
        """Which deadline applies to what."""


def route(request: Request, ruleset: RuleSet, desk: DueTimes, now: datetime) -> Decision:
    """Decide where a request goes and by when it is due; ``now`` is when it was received.

    NaiveTime when ``now`` has no zone.
    """
    told = understand(request, ruleset)
    deadline = desk.policy.select(told.facts)
    due = deadline.within.due(desk.calendar, now)
    return Decision(
        queue=told.queue,
        training=told.training,
        dpo=told.dpo,
        remote=told.remote,
        confident=told.confident,
        rule=told.rule,
        because=told.because,
        readings=told.readings,
        flags=told.flags,
        set_aside=told.set_aside,
        facts=told.facts,
        facts_evidence=told.facts_evidence,
        rules_looked_at=told.rules_looked_at,
        priority=deadline.priority,
        deadline=deadline.id,
        due_at=due.at,
        due_because=(deadline.reason, *due.explanation),
        ruleset_version=told.ruleset_version,
    )
