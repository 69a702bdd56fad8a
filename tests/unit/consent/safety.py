"""What must never come to be in a log: written by hand, knowing nothing of the state table."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

Json = dict[str, Any]
Stage = Literal["none", "asked", "granted", "used", "ended"]

VIEW: Final = "view"
ASKS: Final = {
    "offered": VIEW,
    "requested": VIEW,
    "intervene-requested": "intervene",
    "screenshot-requested": "screenshot",
}
GRANTS: Final = {
    "granted": VIEW,
    "intervene-granted": "intervene",
    "screenshot-granted": "screenshot",
}
ATTESTED: Final = {
    "oral-grant-attested": VIEW,
    "intervene-oral-grant-attested": "intervene",
    "screenshot-oral-grant-attested": "screenshot",
}
SAID: Final = frozenset(
    {"oral-refusal-attested", "oral-withdrawal-attested", "oral-contest-attested"}
)
"""What else an adherent says on the telephone, and somebody attests."""
USES: Final = {"started": VIEW, "intervene-begun": "intervene", "screenshot-taken": "screenshot"}
ENDS: Final = {
    **dict.fromkeys(("refused", "oral-refusal-attested", "cancelled", "expired"), VIEW),
    **dict.fromkeys(("grant-expired", "withdrawn", "stopped", "ended"), VIEW),
    "oral-withdrawal-attested": VIEW,
    **dict.fromkeys(("time-limit-reached", "presence-lost"), VIEW),
    **dict.fromkeys(("identity-denied", "identity-unanswered"), VIEW),
    **dict.fromkeys(("intervene-refused", "intervene-ended", "intervene-revoked"), "intervene"),
    **dict.fromkeys(("intervene-limit-reached", "intervene-expired"), "intervene"),
    **dict.fromkeys(("screenshot-refused", "screenshot-expired"), "screenshot"),
}
OWN: Final = frozenset(
    {"started", "cancelled", "ended", "declared", "incident-declared", "intervene-requested"}
    | {"intervene-begun", "intervene-ended", "screenshot-requested", "screenshot-taken"}
    | {"screenshot-shared", "screenshot-destroyed", "screenshot-fetched"}
)
"""What an assistant does only in a session of their own."""
WAITS_S: Final = {VIEW: (1800, 86400), "intervene": (300, 900), "screenshot": (1800, 1800)}
"""How long a grant may wait for its use: where the entry says nothing, and at most."""
LASTS_S: Final = (3600, 14400)
"""How long a session may last: where the entry says nothing, and at most."""
OUTLIVES_S: Final = (
    (900, frozenset({"offer", "identity", "intervene"})),
    (900, frozenset({"screenshot", "picture", "page"})),
    (14400, frozenset({"view"})),
    (86400, frozenset({"grant"})),
    (259200, frozenset({"request", "doubt"})),
    (86400, frozenset({"declaration"})),
)
"""After so much more silence each, what may not be open any longer."""


LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Violated(AssertionError):
    """The log has what it must never have."""


@dataclass(kw_only=True)
class Right:
    """What was asked for in one scope, and how far it has come."""

    stage: Stage = "none"
    name: str | None = None
    since: datetime = LONG_AGO
    wait_s: int | None = None


@dataclass(kw_only=True)
class Session:
    """One session as an outsider reads it."""

    sequence: int = 0
    ticket: str | None = None
    assistant: str | None = None
    notice: str | None = None
    asked_by: str = ""
    identity: bool = False
    doubt: bool = False
    undeclared: bool = False
    page: bool = False
    rebound: bool = False
    picture: Literal["none", "taken", "reviewed"] = "none"
    started: datetime = LONG_AGO
    lasts_s: int | None = None
    names: set[str] = field(default_factory=set)
    rights: dict[str, Right] = field(
        default_factory=lambda: {scope: Right() for scope in (VIEW, "intervene", "screenshot")}
    )

    @property
    def view(self) -> Right:
        return self.rights[VIEW]

    @property
    def is_live(self) -> bool:
        """Whether the session holds its ticket."""
        return self.view.stage in ("asked", "granted", "used")

    @property
    def is_paused(self) -> bool:
        return self.identity or (self.doubt and self.is_live)

    def open(self) -> set[str]:
        """Return what silence must end."""
        waiting = {"offered": "offer", "requested": "request"}.get(self.asked_by, "request")
        found = {
            waiting: self.view.stage == "asked",
            "grant": self.view.stage == "granted",
            "view": self.view.stage == "used",
            "page": self.view.stage == "used" and (self.page or self.rebound),
            "identity": self.identity,
            "doubt": self.is_paused,
            "picture": self.picture != "none",
            "declaration": self.undeclared,
            "intervene": self.rights["intervene"].stage in ("asked", "granted", "used"),
            # Its use is its end: what is left then is the picture.
            "screenshot": self.rights["screenshot"].stage in ("asked", "granted"),
        }
        return {name for name, is_open in found.items() if is_open}


class Safety:
    """Takes the log's bytes one entry after the other, and raises ``Violated``."""

    def __init__(self) -> None:
        self.size = 0
        self.sessions: dict[str, Session] = {}

    def take(self, content: bytes) -> None:
        """Take the next entry."""
        entry = json.loads(content)
        session = self.sessions.setdefault(entry["session"], Session())
        _never(entry["index"] != self.size, "a gap", entry)
        _never(entry["sequence"] != session.sequence + 1, "a fork", entry)
        self.size += 1
        session.sequence += 1
        kind, at = entry["type"], datetime.fromisoformat(entry["recorded_at"])
        actor = entry["actor"]["role"]
        if actor == "assistant" and kind in OWN:
            is_own = entry["actor"].get("commitment") == session.assistant is not None
            _never(not is_own, "an act in a session of somebody else", entry)
        if kind in SAID:
            _never(not _is_attested(session, entry), "an oral word of nobody", entry)
        if kind in ASKS:
            self._ask(session, entry, at)
        elif kind in GRANTS or kind in ATTESTED:
            _grant(session, entry, at)
        elif kind in USES:
            _use(session, entry, at)
        elif kind in ENDS:
            _end(session, ENDS[kind], entry)
        else:
            _note(session, entry)

    def _ask(self, session: Session, entry: Json, at: datetime) -> None:
        kind = entry["type"]
        scope = ASKS[kind]
        right, name = session.rights[scope], entry.get("authorization")
        _never(session.is_paused, "a question during a pause", entry)
        if scope == VIEW:
            _never(right.stage != "none", "a second question for the session", entry)
            session.ticket = entry["facts"]["ticket"]
            others = [one for one in self.sessions.values() if one is not session and one.is_live]
            taken = any(one.ticket == session.ticket for one in others)
            _never(taken, "a second live session on a ticket", entry)
            session.asked_by = kind
            if kind == "offered":
                session.assistant = entry["actor"]["commitment"]
        else:
            _never(session.view.stage != "used", "a question outside the view", entry)
            _never(right.stage in ("asked", "granted"), "a question over another", entry)
            _never(scope == "intervene" and right.stage == "used", "an act over another", entry)
            _never(scope == "screenshot" and session.picture != "none", "a second picture", entry)
            _never(name is None or name in session.names, "a name used before", entry)
            session.names.add(str(name))
        session.rights[scope] = Right(stage="asked", name=name, since=at, wait_s=_limit(entry))


def _grant(session: Session, entry: Json, at: datetime) -> None:
    kind, actor, how = entry["type"], entry["actor"], entry.get("how")
    scope = GRANTS.get(kind) or ATTESTED[kind]
    right = session.rights[scope]
    if kind in GRANTS:
        _never(actor["role"] != "adherent", "a grant by somebody else", entry)
        _never(how != "link", "a grant that came in no way", entry)
    else:
        _never(not _is_attested(session, entry), "an oral yes of nobody", entry)
    _never(right.stage != "asked", "a grant that nobody asked for", entry)
    _never(right.name != entry.get("authorization"), "a grant of something else", entry)
    _never(session.is_paused, "a grant during a pause", entry)
    served = entry.get("notice") is not None and (
        scope != VIEW or entry["notice"] == session.notice
    )
    _never(not served, "a grant of a text that was not shown", entry)
    _never(scope != VIEW and session.view.stage != "used", "a grant outside the view", entry)
    right.stage = "granted"
    if scope != "screenshot":  # its half hour runs from the question
        right.since, right.wait_s = at, _limit(entry)


def _is_attested(session: Session, entry: Json) -> bool:
    actor = entry["actor"]
    who = actor.get("commitment")
    is_second = actor["role"] == "witness" and who not in (None, session.assistant)
    is_itself = actor["role"] == "assistant" and who == session.assistant is not None
    return entry.get("how") == "oral" and (is_second or is_itself)


def _use(session: Session, entry: Json, at: datetime) -> None:
    scope = USES[entry["type"]]
    right = session.rights[scope]
    _never(right.stage != "granted", "a use without its live grant", entry)
    _never(right.name != entry.get("authorization"), "a use of another grant", entry)
    _never(_is_over(right.since, right.wait_s, WAITS_S[scope], at), "a use after its time", entry)
    _never(session.is_paused, "a use during a pause", entry)
    right.stage = "used"
    if scope == VIEW:
        _never(session.assistant is None, "a session with nobody", entry)
        session.started, session.lasts_s = at, _limit(entry)
        return
    _never(session.view.stage != "used", "a use outside the view", entry)
    _never(_is_over(session.started, session.lasts_s, LASTS_S, at), "a use after the end", entry)
    if scope == "screenshot":
        session.picture = "taken"


def _end(session: Session, scope: str, entry: Json) -> None:
    right = session.rights[scope]
    _never(right.stage not in ("asked", "granted", "used"), "an end of nothing", entry)
    _never(right.name != entry.get("authorization"), "an end of something else", entry)
    if scope == VIEW:
        session.undeclared = right.stage == "used"
        session.identity = False
        for other in (one for one in session.rights.values() if one.stage != "none"):
            other.stage = "ended"
    right.stage = "ended"


def _note(session: Session, entry: Json) -> None:
    kind = entry["type"]
    if kind == "taken-up":
        _never(session.assistant is not None, "a session taken from its assistant", entry)
        session.assistant = entry["actor"]["commitment"]
    elif kind in ("notice-served", "notice-read-aloud"):
        _never(session.view.stage != "asked" or session.is_paused, "a notice out of time", entry)
        session.notice = entry["notice"]
    elif kind in ("contested", "oral-contest-attested"):
        _never(session.view.stage in ("none", "asked"), "a contest of nothing", entry)
    elif kind == "presence-shown":
        _never(session.view.stage not in ("granted", "used"), "a page of nothing", entry)
        session.page, session.rebound = True, False
    elif kind == "code-confirmed":
        session.page, session.rebound = False, session.view.stage == "used"
    elif kind in ("identity-asked", "identity-confirmed"):
        session.identity = kind == "identity-asked"
    elif kind in ("unasked-reported", "unasked-retracted"):
        session.doubt = kind == "unasked-reported" and session.view.stage in ("asked", "granted")
    elif kind in ("declared", "incident-declared", "closed-undeclared"):
        _never(not session.undeclared, "a declaration of nothing", entry)
        session.undeclared = False
    elif kind in ("screenshot-reviewed", "screenshot-shared", "screenshot-destroyed"):
        _move_picture(session, entry)


def _move_picture(session: Session, entry: Json) -> None:
    kind = entry["type"].removeprefix("screenshot-")
    wanted = {"reviewed": ("taken",), "shared": ("reviewed",), "destroyed": ("taken", "reviewed")}
    _never(session.picture not in wanted[kind], f"a picture {kind} that was not to be", entry)
    is_same = session.rights["screenshot"].name == entry.get("authorization")
    _never(not is_same, "another picture", entry)
    is_theirs = kind != "reviewed" or entry["actor"]["role"] == "adherent"
    _never(not is_theirs, "a picture reviewed by somebody else", entry)
    session.picture = "reviewed" if kind == "reviewed" else "none"


def _limit(entry: Json) -> int | None:
    limit_s = entry.get("facts", {}).get("limit_s")
    return limit_s if type(limit_s) is int and limit_s > 0 else None


def _is_over(
    since: datetime, wanted_s: int | None, limits_s: tuple[int, int], at: datetime
) -> bool:
    default_s, at_most_s = limits_s
    return at - since >= timedelta(seconds=min(wanted_s or default_s, at_most_s))


def _never(wrong: bool, what: str, entry: Json) -> None:  # noqa: FBT001 - reads as a sentence
    if wrong:
        raise Violated(f"{what}: {entry['type']} by {entry['actor']['role']} at {entry['index']}")
