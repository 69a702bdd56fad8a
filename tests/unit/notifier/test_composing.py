"""Which deliveries an event causes, under which ids."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args
from uuid import uuid4

from desk import Desk
from schemas.sessions import EntryRecorded
from services.consent.domain.entry import Draft, place
from services.consent.domain.table import table as state_table
from services.consent.gateway.announce import announce
from services.notifier.composing import Composer, content_from_bytes, content_to_bytes
from services.notifier.domain import occasions
from services.notifier.domain.occasions import Occasion, Word
from services.notifier.domain.table import MailTable, Role
from tests.unit.notifier import events
from tests.unit.notifier.events import NOW


def an_offer(**changes: str) -> Occasion:
    return Occasion(
        kind="notice-issued",
        event_id="notice-1",
        cause="session-1",
        addresses={"adherent": ("claire@mairie.example",)},
        variables={**events.NOTICES["identity-check"], "name": None, **changes},
        template="identity-check",
        useful_until=NOW + timedelta(minutes=20),
    )


def test_the_same_event_makes_the_same_deliveries_at_any_time(
    composer: Composer, desk: Desk, word: Word
) -> None:
    created = events.marketplace_ticket(decision={"dpo": True})
    occasion = occasions.of_ticket(created, desk, word, b"{}")
    first = composer.compose(occasion, now=NOW).deliveries
    second = composer.compose(occasion, now=NOW + timedelta(days=1)).deliveries
    assert [d.delivery_id for d in first] == [d.delivery_id for d in second]
    assert [d.message_id for d in first] == [d.message_id for d in second]
    assert {d.template for d in first} == {
        *("ticket-staff", "ticket-acknowledged", "ticket-dpo", "ticket-tool")
    }


def test_the_ledger_sees_no_address(composer: Composer, desk: Desk, word: Word) -> None:
    occasion = occasions.of_ticket(events.ticket(), desk, word, b"{}")
    for delivery in composer.compose(occasion, now=NOW).deliveries:
        shown = repr(replace(delivery, content=None))
        assert "moutarde" not in shown.casefold()


def test_someone_without_an_address_is_not_written_to(
    composer: Composer, desk: Desk, word: Word
) -> None:
    occasion = occasions.of_ticket(events.ticket(email=None), desk, word, b"{}")
    assert [d.role for d in composer.compose(occasion, now=NOW).deliveries] == ["staff"]


def test_an_unusable_address_is_a_refused_delivery_and_staff_are_told(
    composer: Composer, desk: Desk, word: Word
) -> None:
    occasion = occasions.of_ticket(events.ticket(email="a b@c"), desk, word, b"{}")
    staff, requester = composer.compose(occasion, now=NOW).deliveries
    assert requester.content is None
    assert requester.refused_because == "bad-local-part"
    assert occasion.variables["unreachable"]
    assert staff.content is not None


def test_the_identity_mail_comes_from_the_assistants_official_address(
    composer: Composer,
) -> None:
    (delivery,) = composer.compose(an_offer(), now=NOW).deliveries
    assert delivery.content is not None
    assert delivery.content.sender == "lucie.garnerot@ternum-bfc.example"


def test_an_offer_is_given_up_when_it_expires_and_no_mail_outlives_the_general_limit(
    composer: Composer, table: MailTable
) -> None:
    (delivery,) = composer.compose(an_offer(), now=NOW).deliveries
    assert delivery.give_up_at == NOW + timedelta(minutes=20)
    limit = timedelta(hours=table.limits.give_up_after_hours)
    for far in (NOW + timedelta(days=900), None):
        offer = replace(an_offer(), useful_until=far)
        (delivery,) = composer.compose(offer, now=NOW).deliveries
        assert delivery.give_up_at == NOW + limit


def test_an_assistant_nobody_declared_sends_nothing(composer: Composer) -> None:
    composed = composer.compose(an_offer(assistant_id="somebody-else"), now=NOW)
    assert composed.deliveries == ()
    assert composed.failed == ("identity-check",)


def test_content_comes_back_from_the_ledger_exactly(
    composer: Composer, desk: Desk, word: Word
) -> None:
    occasion = occasions.of_ticket(events.ticket(), desk, word, b"{}")
    for delivery in composer.compose(occasion, now=NOW).deliveries:
        assert delivery.content is not None
        assert content_from_bytes(content_to_bytes(delivery.content)) == delivery.content


def test_each_role_has_a_cap(table: MailTable) -> None:
    assert set(table.limits.per_recipient_and_hour) == set(get_args(Role))


def test_every_alert_to_the_dpo_prefers_a_duplicate(table: MailTable) -> None:
    assert {mail.lesser_evil for mail in table.mails if mail.to == "dpo"} == {"duplicate"}


def test_an_entry_type_without_words_still_alerts(desk: Desk, word: Word) -> None:
    occasion = occasions.of_entry(events.entry("brand-new"), desk, word)
    assert "tells-dpo" in occasion.facts
    assert "attention" in occasion.variables["sentence"]


def test_each_refused_act_of_which_the_dpo_is_told_is_one_mail_to_them_and_no_other_is(
    composer: Composer, desk: Desk, word: Word
) -> None:
    reasons = state_table().refusals.reasons
    mailed = {}
    for reason in reasons:
        draft = Draft(
            session=uuid4(),
            type="refused-act",
            actor="assistant",
            legal_basis="gdpr-6-1-e",
            reason=reason,
            facts={"act": "granted"},
        )
        entry = place(draft, index=7, sequence=2, recorded_at=NOW)
        event = EntryRecorded.model_validate_json(announce(entry).to_json())
        composed = composer.compose(occasions.of_entry(event, desk, word), now=NOW)
        assert composed.failed == ()
        mailed[reason] = [(one.role, one.template) for one in composed.deliveries]
    assert mailed["never-by-an-assistant"] == [("dpo", "session-alert")]
    assert mailed == {
        name: [("dpo", "session-alert")] if reason.dpo else [] for name, reason in reasons.items()
    }
