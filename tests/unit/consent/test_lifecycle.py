"""The state table: what it allows, and that it allows nothing else."""

import itertools
import random
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from services.consent.domain.entry import THE_LOG, Draft, Role, place
from services.consent.domain.lifecycle import (
    Broken,
    Permitted,
    Refused,
    SessionState,
    advance,
    deadlines,
    fold,
    initial,
    is_final,
    judge,
    open_acts,
    state_of_log,
    tells_dpo,
)
from services.consent.domain.table import Table, document, table
from services.consent.verify import Rules, Session, read_canonical
from tests.unit.consent.drafts import ASSISTANT, NOW, WALK, draft, placed, walk

ROLES: tuple[Role, ...] = ("assistant", "adherent", "service", "witness", "dpo", "operator")
ACTS = sorted({arrow.act for arrow in table().arrows})
SESSION = uuid4()
STARTED = WALK[:4]


ABOUT_THE_LOG: tuple[tuple[str, Role], ...] = (
    ("evidence-read", "dpo"),
    ("evidence-exported", "operator"),
    ("person-erased", "dpo"),
    ("day-closed", "service"),
    ("purged", "service"),
    ("key-rotated", "operator"),
    ("write-failed", "service"),
    ("refused-act", "assistant"),
)


def after(*acts: tuple[str, Role]) -> SessionState:
    return fold(placed([draft(SESSION, act, actor) for act, actor in acts]))


def soon(state: SessionState) -> datetime:
    return max((newest.at for newest in state.newest.values()), default=NOW) + timedelta(seconds=1)


def verdict(state: SessionState, act: str, actor: Role, **brings: Any) -> Permitted | Refused:
    return judge(state, draft(SESSION, act, actor, **brings), at=soon(state))


def test_a_session_as_it_should_go_is_closed() -> None:
    state = fold(placed(walk()))
    assert state.session == "closed"
    assert is_final(state)


ENDED_BY_THE_END = {"intervene-ended", "screenshot-refused"}


@pytest.mark.parametrize(
    "act", [act for act, _ in WALK if act not in ENDED_BY_THE_END | {"screenshot-requested"}][:-1]
)
def test_no_step_of_a_session_can_be_left_out(act: str) -> None:
    drafts = [one for one in walk() if one.type != act]
    with pytest.raises(Broken):
        fold(placed(drafts))


def test_a_start_without_a_grant_is_refused_and_told_to_the_dpo() -> None:
    for acts in (WALK[:1], WALK[:2], (*WALK[:3], ("withdrawn", "adherent"))):
        assert verdict(after(*acts), "started", "assistant") == Refused(
            reason="no-live-grant", tell_dpo=True
        )


@pytest.mark.parametrize("region", ["intervene", "screenshot"])
def test_no_scope_implies_another(region: str) -> None:
    state = after(*STARTED)
    use = {"intervene": "intervene-begun", "screenshot": "screenshot-taken"}[region]
    refused = Refused(reason="no-live-grant", tell_dpo=True)
    assert verdict(state, use, "assistant") == refused
    state = after(*STARTED, (f"{region}-requested", "assistant"))
    assert verdict(state, use, "assistant") == refused


def test_an_assistant_never_grants_in_any_state_that_can_be_reached() -> None:
    for arrow in table().arrows:
        if arrow.act.endswith("granted"):
            assert arrow.by == ("adherent",)
        if arrow.act.endswith("attested"):
            assert arrow.how == ("oral",)
    attempt = verdict(after(*WALK[:2]), "granted", "assistant")
    assert attempt == Refused(reason="never-by-an-assistant", tell_dpo=True)


def test_silence_never_leads_to_a_yes() -> None:
    for arrow in table().arrows:
        if "service" in arrow.by:
            assert not {"granted", "started", "begun", "taken", "shared"} & set(arrow.next.values())


def test_every_state_that_is_not_final_can_be_ended_by_a_timer_or_has_not_begun() -> None:
    ended = {state for timer in table().timers for state in timer.when.get("session", ())}
    states = {state for arrow in table().arrows for state in arrow.when.get("session", ())}
    assert states - ended == {"none", "closed"}


def test_a_grant_must_be_for_the_very_notice_that_was_served() -> None:
    state = after(*WALK[:2])
    for notice in ("f" * 64, None):
        attempt = verdict(state, "granted", "adherent", notice=notice)
        assert attempt == Refused(reason="wrong-notice", tell_dpo=False)


def test_a_grant_counts_for_its_own_round_only() -> None:
    first: tuple[tuple[str, Role], ...] = (
        ("intervene-requested", "assistant"),
        ("intervene-refused", "adherent"),
    )
    state = after(*STARTED, *first)
    again = verdict(state, "intervene-requested", "assistant", authorization="intervene-1")
    assert again == Refused(reason="wrong-round", tell_dpo=False)
    entries = placed([draft(SESSION, act, actor) for act, actor in (*STARTED, *first)])
    asked = draft(SESSION, "intervene-requested", "assistant", authorization="intervene-2")
    entry = place(asked, index=6, sequence=7, recorded_at=soon(fold(entries)))
    attempt = verdict(fold([*entries, entry]), "intervene-granted", "adherent")
    assert attempt == Refused(reason="wrong-round", tell_dpo=False)


def test_a_decision_must_say_how_it_came() -> None:
    attempt = verdict(after(*WALK[:2]), "granted", "adherent", how="oral")
    assert attempt == Refused(reason="wrong-how", tell_dpo=False)


def test_only_the_assistant_of_the_offer_acts_in_the_session() -> None:
    attempt = verdict(after(*STARTED), "intervene-requested", "assistant", commitment="0" * 64)
    assert attempt == Refused(reason="not-this-assistant", tell_dpo=False)


def test_what_was_said_is_attested_by_a_second_person_or_marked_as_the_assistants_own() -> None:
    state = after(*WALK[:2])
    for nobody in (ASSISTANT, None):
        attempt = verdict(state, "oral-grant-attested", "witness", commitment=nobody)
        assert attempt == Refused(reason="not-a-second-person", tell_dpo=False)
    for actor in ROLES[3], ROLES[0]:
        assert isinstance(verdict(state, "oral-grant-attested", actor), Permitted)


@pytest.mark.parametrize("actor", ["witness", "assistant"])
def test_what_was_granted_is_withdrawn_by_telephone_as_by_the_page(actor: Role) -> None:
    for acts in (WALK[:3], WALK[:4], WALK[:7], (*WALK[:7], ("screenshot-requested", "assistant"))):
        said = after(*acts, ("oral-withdrawal-attested", actor))
        assert said.regions == after(*acts, ("withdrawn", "adherent")).regions
    contested = (*WALK[:3], ("oral-contest-attested", actor))
    assert after(*contested).regions == after(*WALK[:3]).regions


@pytest.mark.parametrize("act", ["oral-withdrawal-attested", "oral-contest-attested"])
def test_nobody_attests_a_withdrawal_or_a_contest_as_somebody_else(act: str) -> None:
    state = after(*STARTED)
    other = verdict(state, act, "assistant", commitment="0" * 64)
    assert other == Refused(reason="not-this-assistant", tell_dpo=False)
    itself = verdict(state, act, "witness", commitment=ASSISTANT)
    assert itself == Refused(reason="not-a-second-person", tell_dpo=False)
    assert verdict(state, act, "adherent").__class__ is Refused


def test_a_doubt_about_the_assistant_pauses_everything_but_stop() -> None:
    state = after(*STARTED, ("identity-asked", "adherent"))
    assert verdict(state, "intervene-requested", "assistant").__class__ is Refused
    assert open_acts(state, "assistant", at=soon(state)) == {
        "charter-warning-served",
        "ended",
        "oral-contest-attested",
        "oral-withdrawal-attested",
        "screenshot-fetched",
    }
    assert "stopped" in open_acts(state, "adherent", at=soon(state))


def test_a_robot_that_says_it_did_not_ask_only_pauses_the_offer() -> None:
    state = after(*WALK[:2], ("unasked-reported", "adherent"))
    assert verdict(state, "granted", "adherent") == Refused(reason="paused", tell_dpo=False)
    state = after(*WALK[:2], ("unasked-reported", "adherent"), ("unasked-retracted", "adherent"))
    assert isinstance(verdict(state, "granted", "adherent"), Permitted)
    state = after(*STARTED, ("unasked-reported", "adherent"))
    assert isinstance(verdict(state, "intervene-requested", "assistant"), Permitted)


def test_what_is_overdue_goes_no_further_even_before_the_timer_has_run() -> None:
    state = after(*WALK[:3])
    (deadline,) = deadlines(state)
    start = draft(SESSION, "started", "assistant")
    assert isinstance(judge(state, start, at=deadline.at - timedelta(seconds=1)), Permitted)
    assert judge(state, start, at=deadline.at) == Refused(reason="too-late", tell_dpo=False)


def test_a_limit_that_was_set_is_kept_up_to_the_greatest() -> None:
    for limit_s, expected_s in ((60, 60), (10**6, 1800), (True, 600), (0, 600)):
        facts = {"facts": {"limit_s": limit_s}}
        acts = (*STARTED, *WALK[4:6])
        drafts = [draft(SESSION, act, actor) for act, actor in acts]
        state = fold(placed([*drafts, draft(SESSION, "intervene-begun", "assistant", **facts)]))
        ends = next(one for one in deadlines(state) if one.timer == "intervene-limit")
        assert ends.at - state.newest["intervene-begun"].at == timedelta(seconds=expected_s)


def test_the_end_of_the_view_ends_what_depends_on_it() -> None:
    state = after(*WALK[:7], ("screenshot-requested", "assistant"), ("stopped", "adherent"))
    assert (state.regions["intervene"], state.regions["screenshot"]) == ("ended", "expired")


def test_the_dpo_is_told_of_these_acts_alone() -> None:
    told = {
        (act, actor)
        for act, actor in itertools.product(ACTS, ROLES)
        if any(arrow.dpo for arrow in table().arrows_of(act, actor))
    }
    assert {act for act, _ in told} == {
        "closed-undeclared", "code-voided", "connection-by-stranger", "connection-too-long",
        "connection-unauthorized", "contested", "identity-denied", "incident-declared",
        "key-rotated", "oral-contest-attested", "screenshot-destroyed", "unasked-reported",
        "write-failed",
    }  # fmt: skip
    assert ("screenshot-destroyed", "assistant") not in told
    assert tells_dpo(draft(SESSION, "refused-act", "assistant", reason="unknown-assistant"))
    assert not tells_dpo(draft(SESSION, "refused-act", "assistant", reason="not-in-table"))


def test_a_table_that_contradicts_itself_is_not_read() -> None:
    for change in (
        {"act": "ended", "by": ["nobody"]},
        {"act": "ended", "by": ["assistant"], "when": {"nowhere": ["started"]}, "next": {}},
        {"act": "reopened", "by": ["assistant"], "when": {"session": ["closed"]},
         "next": {"session": "started"}},
        {"act": "ended", "by": ["assistant"], "when": {}, "next": {}, "dpo": True},
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            Table.model_validate({**document(), "arrows": [*document()["arrows"], change]})


ENDS = {
    arrow.act
    for arrow in table().arrows
    if arrow.next.get("session") in {"refused", "cancelled", "expired", "withdrawn", "over"}
}
ODDITIES: tuple[dict[str, Any], ...] = (
    *({"how": how} for how in ("link", "oral", None)),
    *({"notice": notice} for notice in ("f" * 64, None)),
    *({"commitment": who} for who in ("0" * 64, ASSISTANT, None, ASSISTANT)),
    *({"scope": scope} for scope in ("view", "intervene", "screenshot", None)),
    *({"authorization": given} for given in ("intervene-0", "screenshot-0", None)),
    *({"reason": reason} for reason in ("paused", "invented", None)),
    *({"facts": {"limit_s": limit_s}} for limit_s in (1, 30, True, -5, 10**9)),
)


def random_draft(chance: random.Random, state: SessionState) -> Draft:
    actor = chance.choice(ROLES[:4])
    act = chance.choice(ACTS)
    if chance.random() < 0.7 and (here := open_acts(state, actor, at=soon(state))):
        act = chance.choice(sorted(here))
    if act in ENDS and chance.random() < 0.7:  # let sessions live
        act = chance.choice(ACTS)
    brings: dict[str, Any] = {}
    if act.startswith(("intervene-", "screenshot-")):
        region = act.partition("-")[0]
        current = state.rounds.get(region, f"{region}-0")
        fresh = f"{region}-{len(state.used)}"
        brings["authorization"] = fresh if act.endswith("requested") else current
    if chance.random() < 0.1:
        brings |= chance.choice(ODDITIES)
    return draft(SESSION, act, actor, **brings)


SHOT: tuple[tuple[str, Role], ...] = (
    *WALK[:4],
    ("screenshot-requested", "assistant"),
    ("screenshot-granted", "adherent"),
    ("screenshot-taken", "assistant"),
    ("screenshot-reviewed", "adherent"),
)
"""What leads to the rarest arrow: chance alone seldom takes all of these."""


def steps(seed: int) -> list[str]:
    """Walk at random; the service and verify.py must say the same of every step."""
    chance = random.Random(seed)  # noqa: S311
    rules, theirs, ours = Rules(document()), Session(document()), initial()
    walk = SHOT if seed % 5 == 0 else WALK[: chance.randrange(11)]
    begin = [draft(SESSION, act, actor) for act, actor in walk]
    now, taken = NOW, []
    for _ in range(150):
        now += timedelta(
            seconds=chance.choice([1000 if chance.random() < 0.1 else 5, *[0.25] * 15])
        )
        attempt = begin.pop(0) if begin else random_draft(chance, ours)
        entry = place(attempt, index=0, sequence=ours.sequence + 1, recorded_at=now)
        permitted = isinstance(judge(ours, attempt, at=now), Permitted)
        wrong = rules.apply(theirs, read_canonical(entry.content))
        assert permitted == (wrong is None), (attempt.type, attempt.actor, wrong)
        if permitted:
            ours = advance(ours, entry)
            taken.append(attempt.type)
        assert dict(ours.regions) == theirs.regions
    return taken


def test_the_service_and_the_verifier_agree_on_random_sessions_and_take_every_arrow() -> None:
    taken = {act for seed in range(300) for act in steps(seed)}
    by_others = ["evidence-exported", "evidence-read", "key-rotated", "person-erased"]
    assert sorted(set(ACTS) - taken) == by_others


def test_the_newest_entry_about_the_log_says_all_that_those_before_it_add_up_to() -> None:
    entries = placed([draft(THE_LOG, act, actor) for act, actor in ABOUT_THE_LOG])
    for length in range(len(entries) + 1):
        state, whole = state_of_log(entries[length - 1] if length else None), fold(entries[:length])
        assert (state.regions, state.sequence) == (whole.regions, whole.sequence)
        for act, actor in itertools.product(ACTS, ROLES):
            one = draft(THE_LOG, act, actor)
            assert judge(state, one, at=NOW) == judge(whole, one, at=NOW)
