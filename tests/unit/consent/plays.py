"""What people, timers, crashes and clocks do in the small world, read from a string of bytes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from runtime.failures import Unavailable
from services.consent.domain.acts import ADHERENT_ACTS, ASSISTANT_ACTS, Author, Drafting
from services.consent.domain.entry import Draft, Role
from services.consent.domain.persons import adherent_commitment
from services.consent.domain.table import table
from services.consent.handlers.offering import Wanted, author_of
from services.consent.handlers.recorder import Seen
from tests.unit.consent.drafts import NOTICE, QUESTION, draft
from tests.unit.consent.racing import BASTIEN, LUCIE, PRACTICE, Instance, World
from tests.unit.consent.safety import ATTESTED, GRANTS, OUTLIVES_S, USES, Session

BYTES_A_STEP: Final = 4
TICKETS: Final = tuple(UUID(int=number + 1) for number in range(3))
ADHERENT: Final = {"name": "Odile", "email": "odile@mairie.example", "organisation": "Mairie"}
MOST_IN_FLIGHT: Final = 6
FORSAKEN: Final = 245
RARE: Final = 180
JUMPS_S: Final = (1, 20, 60, 240, 300, 600, 900, 1200, 1800, 3600, 14400, 86400)
ACTS: Final = sorted(
    {arrow.act for arrow in table().arrows} - {"offered", "requested", "key-rotated"}
)  # a handover is signed, and about the log: test_verify_rotation.py
DECISIVE: Final = (*GRANTS, *ATTESTED, *USES)
ROLES: Final[tuple[Role, ...]] = ("assistant", "service", "witness", "adherent", "dpo", "operator")

Deed = tuple[str, str]
"""Who, and what: of each kind as many as it is worth, for what never comes far shows little."""

ENDINGS: Final[tuple[Deed, ...]] = (
    ("adherent", "refuse"), ("own", "cancel"), ("adherent", "withdraw"), ("adherent", "stop"),
    ("own", "end"), ("service", "presence-lost"), ("own", "attest-oral-refusal"),
    ("other", "attest-oral-refusal"), ("adherent", "contest"), ("own", "declare"),
    ("own", "attest-oral-withdrawal"), ("other", "attest-oral-withdrawal"),
    ("own", "attest-oral-contest"), ("other", "attest-oral-contest"),
)  # fmt: skip
DOUBTS: Final[tuple[Deed, ...]] = (
    ("adherent", "ask-identity"), ("anyone", "unasked-reported"), ("adherent", "presence-shown"),
    ("own", "new-entry-code"), *ENDINGS,
)  # fmt: skip
UNREAD: Final[tuple[Deed, ...]] = (
    *(("adherent", "read-notice"),) * 6, ("own", "read-notice-aloud"), ("own", "take-up"),
    ("other", "read-notice-aloud"), ("adherent", "grant"), ("own", "start"), ENDINGS[0],
)  # fmt: skip
READ: Final[tuple[Deed, ...]] = (
    *(("adherent", "grant"),) * 8, *(("own", "take-up"),) * 2, ("own", "attest-oral-grant"),
    ("other", "attest-oral-grant"), ("own", "start"), ("own", "start"), ("adherent", "read-notice"),
)  # fmt: skip
GRANTED: Final[tuple[Deed, ...]] = (*(("own", "start"),) * 8, ("own", "take-up"), *DOUBTS[:3])
OVER: Final[tuple[Deed, ...]] = (
    *(("own", "declare"),) * 4, ("own", "start"), ("own", "begin-intervention"),
    ("own", "take-screenshot"), ("own", "end-intervention"), *ENDINGS,
)  # fmt: skip
PAUSED: Final[tuple[Deed, ...]] = (
    ("service", "identity-mailed"), ("service", "identity-mailed"), ("adherent", "deny-identity"),
    *(("adherent", "confirm-identity"),) * 3, *(("adherent", "retract"),) * 3, ("own", "start"),
    ("adherent", "grant"), ("own", "begin-intervention"), ("own", "request-screenshot"),
)  # fmt: skip
BY_STAGE: Final[Mapping[tuple[str, str], tuple[Deed, ...]]] = {
    ("intervene", "asked"): (
        *(("adherent", "grant-intervention"),) * 5, ("own", "attest-oral-intervention"),
        ("other", "attest-oral-intervention"), ("adherent", "refuse-intervention"),
        ("own", "begin-intervention"),
    ),
    ("intervene", "granted"): (
        *(("own", "begin-intervention"),) * 5, ("adherent", "revoke-intervention"),
    ),
    ("intervene", "used"): (("own", "end-intervention"), ("adherent", "revoke-intervention")),
    ("intervene", "ended"): (("own", "begin-intervention"),),
    ("screenshot", "used"): (("own", "take-screenshot"),),
    ("screenshot", "asked"): (
        *(("adherent", "grant-screenshot"),) * 5, ("own", "attest-oral-screenshot"),
        ("other", "attest-oral-screenshot"), ("adherent", "refuse-screenshot"),
        ("own", "take-screenshot"),
    ),
    ("screenshot", "granted"): (*(("own", "take-screenshot"),) * 5, ("own", "share-screenshot")),
}  # fmt: skip
ASKING: Final[tuple[Deed, ...]] = (
    *(("own", "request-intervention"),) * 3, *(("own", "request-screenshot"),) * 3,
)  # fmt: skip
PICTURE: Final[tuple[Deed, ...]] = (
    ("adherent", "review-screenshot"), ("adherent", "review-screenshot"),
    ("own", "share-screenshot"), ("own", "share-screenshot"), ("own", "destroy-screenshot"),
    ("adherent", "destroy-screenshot"),
)  # fmt: skip
AGREEING: Final[tuple[Deed, ...]] = (
    ("adherent", "read-notice"), ("adherent", "grant"), ("own", "start"),
)  # fmt: skip
CHAINS: Final[tuple[tuple[Deed, ...], ...]] = (
    (("own", "request-intervention"), ("adherent", "grant-intervention"),
     ("own", "begin-intervention"), ("own", "end-intervention")),
    (("own", "request-screenshot"), ("adherent", "grant-screenshot"), ("own", "take-screenshot"),
     ("adherent", "review-screenshot")),
)  # fmt: skip
STOPS: Final[tuple[Deed, ...]] = (
    ("adherent", "stop"), ("own", "end"), ("service", "presence-lost"), *DOUBTS[:3],
)  # fmt: skip
ANY: Final = (*UNREAD, *READ, *GRANTED, *ASKING, *PICTURE, *OVER, *PAUSED, *DOUBTS)


def likely(session: Session) -> tuple[Deed, ...]:
    """Return what people do at this point, most of it allowed."""
    if session.is_paused:
        return PAUSED
    if session.view.stage == "asked":
        return READ if session.notice else UNREAD
    if session.view.stage == "granted":
        return GRANTED
    picture = PICTURE if session.picture != "none" else ()
    if session.view.stage != "used":
        return OVER + picture
    rights = [BY_STAGE.get((name, right.stage), ()) for name, right in session.rights.items()]
    return (*picture, *ASKING, *(deed for right in rights for deed in right), *STOPS)


class Play:
    """Does one step after the other in a world, each told by four bytes; ``urge`` is tried more."""

    def __init__(self, world: World, urge: str | None = None) -> None:
        self.world = world
        self._urge = urge
        self._number = 0
        self._names = 0

    def run(self, script: bytes) -> None:
        """Do all steps, then fall silent."""
        try:
            self._prelude(*script[:2])
            for start in range(0, len(script) - BYTES_A_STEP + 1, BYTES_A_STEP):
                self._step(*script[start : start + BYTES_A_STEP])
            self.world.fall_silent()
            self.world.compare_the_past()
        finally:
            self.world.close()

    def _prelude(self, how_far: int, which: int) -> None:
        """Let a first session come some way undisturbed."""
        world, instance = self.world, self.world.instances[0]
        world.begin(0, self._open(instance, 0, 0))
        self._finish()
        session = UUID(next(iter(world.safety.sessions)))
        deeds = (*AGREEING, *CHAINS[which % 2])
        for who, name in deeds[: how_far % (len(deeds) + 1)]:
            world.begin(0, self._by(instance, session, who, name))
            self._finish()

    def _finish(self) -> None:
        while self.world.flights:
            self.world.go_on(0)

    def _step(self, kind: int, which: int, what: int, how: int) -> None:
        world, flights = self.world, len(self.world.flights)
        number = how % len(world.instances)
        instance = world.instances[number]
        if flights and (kind < 150 or flights >= MOST_IN_FLIGHT):
            world.go_on(which % flights)
        elif kind < 236:
            world.at += timedelta(seconds=1)
            self._act(number, which, what, how)
        elif kind < 240:
            world.begin(number, self._open(instance, which, how))
        elif kind < 246:
            world.begin(number, instance.tick())
        elif kind < 248:
            world.at += timedelta(seconds=JUMPS_S[what % len(JUMPS_S)])
        elif kind < 251:
            instance.view.lags = what
        elif kind < 253 and flights:
            world.go_on(which % flights, Unavailable("log"))
        elif kind < 254:
            world.die(number)
        else:
            world.fall_silent(OUTLIVES_S[:1])

    def _act(self, number: int, which: int, what: int, how: int) -> None:
        instance, sessions = self.world.instances[number], self.world.safety.sessions
        lively = [one for one, session in sessions.items() if session.open()]
        ids = lively if which < FORSAKEN else list(sessions)
        if len(lively) < len(TICKETS) and what % 4 == 0:
            ids = []
        if not ids:
            self.world.begin(number, self._open(instance, which, how))
            return
        session = UUID(ids[which % len(ids)])
        if which % 16 < (6 if self._urge else 2):
            self.world.begin(number, self._wild(instance, session, what, how))
            return
        deeds = ANY if which % 16 == 15 else likely(sessions[str(session)])
        who, name = deeds[what % len(deeds)]
        self.world.begin(number, self._by(instance, session, who, name))

    async def _open(self, instance: Instance, which: int, how: int) -> object:
        self._number += 1
        mark = f"mark-{self._number // 2}" if how & 16 else None
        wanted = Wanted(request=TICKETS[which % len(TICKETS)], adherent=ADHERENT, mark=mark)
        if how & 8:
            return await instance.offering.wish(wanted)
        return await instance.offering.offer(BASTIEN if how & 4 else LUCIE, wanted)

    async def _by(self, instance: Instance, session: UUID, who: str, name: str) -> object:
        drafting = Drafting(practice=PRACTICE, session=session)
        if who in ("own", "other"):
            return await self._by_assistant(instance, session, who, name)
        if name in ADHERENT_ACTS:
            return await instance.recorder.record(session, lambda s: _answer(drafting, name, s))
        role: Role = "service" if who == "service" else "adherent"
        fact = drafting.fact(name, Author(role=role))
        return await instance.recorder.record(session, lambda _: fact)

    async def _by_assistant(self, instance: Instance, session: UUID, who: str, name: str) -> object:
        drafting, act = Drafting(practice=PRACTICE, session=session), ASSISTANT_ACTS[name]
        author = await self._author(session, who)
        role: Role = "witness" if who == "other" and act.oral else "assistant"
        opened = self._name()

        def build(seen: Seen) -> Draft:
            text = seen.state.notice if act.scope == "view" and seen.state.notice else NOTICE
            return drafting.by_assistant(
                act,
                Author(role=role, commitment=author.commitment),
                seen.state,
                authorization=opened,
                notice=text if act.oral else None,
            )

        return await instance.recorder.record(session, build)

    async def _author(self, session: UUID, who: str) -> Author:
        """Return the session's own assistant, or another."""
        bound = self.world.safety.sessions[str(session)].assistant
        both = [await author_of(self.world.persons, session, one) for one in (LUCIE, BASTIEN)]
        own = next((one for one in both if one.commitment == bound), both[0])
        return own if who == "own" else next(one for one in both if one is not own)

    async def _wild(self, instance: Instance, session: UUID, what: int, how: int) -> object:
        """Try any act by any role, with all that the table could ask of it but for the right."""
        among = ACTS if what >= RARE else DECISIVE
        act = self._urge or among[what % len(among)]
        role = ROLES[how // 3 % (4 if what < RARE else len(ROLES))]
        author = await self._author(session, "other" if how & 64 else "own")
        opened = self._name()

        def build(seen: Seen) -> Draft:
            brings: dict[str, Any] = {}
            region = act.partition("-")[0]
            if region in seen.state.rounds or act.endswith("-requested"):
                fresh = act.endswith("-requested")
                brings["authorization"] = opened if fresh else seen.state.rounds[region]
            if act in ("granted", "oral-grant-attested") and seen.state.notice:
                brings["notice"] = seen.state.notice
            if role in ("assistant", "witness"):
                brings["commitment"] = author.commitment
            return draft(session, act, role, **brings)

        return await instance.recorder.record(session, build)

    def _name(self) -> str:
        self._names += 1
        return f"round-{self._names}"


def _answer(drafting: Drafting, name: str, seen: Seen) -> Draft:
    act, state = ADHERENT_ACTS[name], seen.state
    author = Author(role="adherent", commitment=adherent_commitment(seen.entries))
    asks_again = act.scope in ("intervene", "screenshot")
    text = (
        NOTICE
        if act.type == "notice-served"
        else QUESTION
        if asks_again
        else state.notice or NOTICE
    )
    name_now = state.rounds.get(act.scope) if act.scope else None
    return drafting.by_adherent(act, author, notice=text, authorization=name_now)
