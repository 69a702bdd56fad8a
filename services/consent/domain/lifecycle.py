"""What may happen to a session, decided on its entries and the state table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType

from services.consent.domain.entry import Draft, Entry, Role
from services.consent.domain.table import Arrow, States, Table, Timer, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """When an act last happened, and the ``limit_s`` that its entry set."""

    at: datetime
    limit_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """
    What a session's entries add up to.

    ``regions`` holds the state of each region; ``rounds`` the authorization id of the newest
    intervention and screenshot; ``used`` all ids so far; ``notice`` the hash in force.
    """

    regions: Mapping[str, str]
    sequence: int = 0
    assistant: str | None = None
    notice: str | None = None
    rounds: Mapping[str, str] = field(default_factory=dict)
    used: frozenset[str] = frozenset()
    newest: Mapping[str, Newest] = field(default_factory=dict)

    @property
    def session(self) -> str:
        """The state of the session itself."""
        return self.regions["session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """The table has this arrow; ``next`` is what the regions it moves become."""

    next: Mapping[str, str]
    tell_dpo: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The table has no such arrow: answer 409 and record a ``refused-act`` with this reason."""

    reason: str
    tell_dpo: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The act that the service does at ``at`` unless something happens before."""

    timer: str
    act: str
    at: datetime


class Broken(Exception):
    """An entry does what the table does not have: the log was not written by this software."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(f"entry {index}: {reason}")
        self.index = index
        self.reason = reason


@cache
def initial() -> SessionState:
    """Return the state of a session without entries."""
    regions = {name: region.initial for name, region in table().regions.items()}
    return SessionState(regions=MappingProxyType(regions))


def fold(entries: Iterable[Entry]) -> SessionState:
    """Return what a session's entries, in order, add up to; raises ``Broken``."""
    state = initial()
    for entry in entries:
        state = advance(state, entry)
    return state


def state_of_log(newest: Entry | None) -> SessionState:
    """Return the state of ``THE_LOG``, whose acts move nothing, from the newest entry about it."""
    return replace(initial(), sequence=newest.sequence if newest else 0)


def advance(state: SessionState, entry: Entry) -> SessionState:
    """Return the state after ``entry``; raises ``Broken`` if the table does not allow it."""
    after = attempt(state, entry)
    if isinstance(after, Refused):
        raise Broken(entry.index, after.reason)
    if entry.sequence != state.sequence + 1:
        raise Broken(entry.index, "sequence")
    return after


def attempt(state: SessionState, entry: Entry) -> SessionState | Refused:
    """Return the state after ``entry``, whatever its sequence, or why the table has it not."""
    at = entry.time
    found = _judge(state, entry.draft, at)
    return found if isinstance(found, Refused) else _moved(state, entry, at, found)


def decide(state: SessionState, act: str, actor: Role, *, at: datetime) -> Permitted | Refused:
    """Return whether the table allows ``actor`` this act now, whatever else the draft brings."""
    found = _decide(state, act, actor, at)
    if isinstance(found, Refused):
        return found
    return Permitted(next=found.next, tell_dpo=found.dpo)


def judge(state: SessionState, draft: Draft, *, at: datetime) -> Permitted | Refused:
    """Return whether the table allows exactly this draft now: act, actor and all it must bring."""
    found = _judge(state, draft, at)
    if isinstance(found, Refused):
        return found
    return Permitted(next=found.next, tell_dpo=tells_dpo(draft))


def open_acts(state: SessionState, actor: Role, *, at: datetime) -> frozenset[str]:
    """Return the acts that ``actor`` may do now: what a page has buttons for."""
    acts = {arrow.act for arrow in table().arrows if actor in arrow.by and arrow.next}
    return frozenset(act for act in acts if isinstance(decide(state, act, actor, at=at), Permitted))


def deadlines(state: SessionState) -> tuple[Deadline, ...]:
    """
    Return what the service will have to do if nothing happens, the earliest first.

    What hangs on the page's beats is not among them: see ``silence``.
    """
    return tuple(sorted(_running(state), key=lambda deadline: deadline.at))


def silence(state: SessionState, *, heard: datetime) -> Deadline | None:
    """
    Return by when a page that can beat has to be heard of again, if the session needs it.

    ``heard`` is when it last was, or when anybody could last have heard it.
    """
    timer = next((one for one in table().timers if one.beats and _matches(one.when, state)), None)
    return None if timer is None else _deadline(state, timer, at_least=heard)


def longest_silence_s() -> int:
    """Return how long a page that can beat may be silent."""
    return next(timer.after_s for timer in table().timers if timer.beats)


def tells_dpo(draft: Draft) -> bool:
    """Return whether the DPO must be told of an entry with this draft."""
    if draft.type == "refused-act":
        reason = table().refusals.reasons.get(draft.reason or "")
        return reason is not None and reason.dpo
    return any(arrow.dpo for arrow in table().arrows_of(draft.type, draft.actor))


def is_final(state: SessionState) -> bool:
    """Return whether nothing can move any more: a final session and no timer running."""
    return state.session in table().regions["session"].final and not deadlines(state)


def _decide(state: SessionState, act: str, actor: str, at: datetime) -> Arrow | Refused:
    arrows = table().arrows_of(act, actor)
    arrow = next((arrow for arrow in arrows if _matches(arrow.when, state)), None)
    if arrow is None:
        return _refused(_reason(act, actor))
    if not arrow.paused:
        if any(state.regions[region] in states for region, states in table().pauses.items()):
            return _refused("paused")
        if any(deadline.at <= at for deadline in _running(state)):
            return _refused("too-late")
    return arrow


def _judge(state: SessionState, draft: Draft, at: datetime) -> Arrow | Refused:
    arrow = _decide(state, draft.type, draft.actor, at)
    if isinstance(arrow, Refused):
        return arrow
    for reason, wrong in (
        ("not-this-assistant", not _is_bound_assistant(state, draft, arrow)),
        ("not-a-second-person", not _is_second_person(state, draft, arrow)),
        ("wrong-scope", arrow.scope is not None and draft.scope != arrow.scope),
        ("wrong-how", bool(arrow.how) and draft.how not in arrow.how),
        ("wrong-round", not _is_right_round(state, draft, arrow)),
        ("wrong-notice", not _is_right_notice(state, draft, arrow)),
        ("not-in-table", arrow.refusal and draft.reason not in table().refusals.reasons),
    ):
        if wrong:
            return _refused(reason)
    return arrow


def _matches(states: States, state: SessionState) -> bool:
    regions = state.regions
    for region, allowed in states.items():  # noqa: SIM110 - asked a dozen times for each entry
        if regions[region] not in allowed:
            return False
    return True


def _reason(act: str, actor: str) -> str:
    refusals = table().refusals
    if actor == "assistant" and act in refusals.by_assistant:
        return refusals.by_assistant[act]
    return refusals.acts.get(act, "not-in-table")


def _refused(reason: str) -> Refused:
    return Refused(reason=reason, tell_dpo=table().refusals.reasons[reason].dpo)


def _is_bound_assistant(state: SessionState, draft: Draft, arrow: Arrow) -> bool:
    if draft.actor != "assistant" or not arrow.next:
        return True
    return draft.commitment is not None and (arrow.binds or draft.commitment == state.assistant)


def _is_second_person(state: SessionState, draft: Draft, arrow: Arrow) -> bool:
    if draft.actor != "witness" or not arrow.next:
        return True
    return draft.commitment not in (None, state.assistant)


def _is_right_round(state: SessionState, draft: Draft, arrow: Arrow) -> bool:
    for region, rule in arrow.round.items():
        if draft.authorization is None:
            return False
        if rule == "opens" and draft.authorization in state.used:
            return False
        if rule == "same" and draft.authorization != state.rounds.get(region):
            return False
    return True


def _is_right_notice(state: SessionState, draft: Draft, arrow: Arrow) -> bool:
    if arrow.notice is None:
        return True
    return draft.notice is not None and (arrow.notice != "served" or draft.notice == state.notice)


def _running(state: SessionState) -> Iterator[Deadline]:
    for timer in table().timers:
        if timer.beats or not _matches(timer.when, state):
            continue
        if (deadline := _deadline(state, timer)) is not None:
            yield deadline


def _deadline(
    state: SessionState, timer: Timer, at_least: datetime | None = None
) -> Deadline | None:
    newest = max(
        (state.newest[act] for act in timer.since if act in state.newest),
        key=lambda newest: newest.at,
        default=None,
    )
    if newest is None:
        return None
    wanted_s = newest.limit_s or timer.after_s
    since = newest.at if at_least is None else max(newest.at, at_least)
    return Deadline(
        timer=timer.name,
        act=timer.act,
        at=since + timedelta(seconds=min(wanted_s, timer.at_most_s)),
    )


def _moved(state: SessionState, entry: Entry, at: datetime, arrow: Arrow) -> SessionState:
    """Return the state behind the entry; ``at`` is its time, which is not read twice."""
    draft = entry.draft
    limit_s = draft.facts.get("limit_s")
    newest = Newest(at=at, limit_s=limit_s if type(limit_s) is int and limit_s > 0 else None)
    opened = {
        region: draft.authorization or "" for region, rule in arrow.round.items() if rule == "opens"
    }
    return SessionState(
        regions=_cascaded(table(), {**state.regions, **arrow.next}),
        sequence=entry.sequence,
        assistant=draft.commitment if arrow.binds else state.assistant,
        notice=draft.notice if arrow.notice == "serves" else state.notice,
        rounds={**state.rounds, **opened} if opened else state.rounds,
        used=state.used.union(opened.values()) if opened else state.used,
        newest={**state.newest, draft.type: newest},
    )


def _cascaded(rules: Table, regions: dict[str, str]) -> Mapping[str, str]:
    for cascade in rules.cascades:
        if all(regions[region] in states for region, states in cascade.when.items()):
            for region, ends in cascade.ends.items():
                regions[region] = ends.get(regions[region], regions[region])
    return MappingProxyType(regions)
