"""Runs a reconciliation: the report is read whole, then matched with the log in MongoDB."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from cli.reconciling.asking import Ask, rows
from cli.stores import now, open_stores
from desk import Desk
from runtime.keys import read_key
from runtime.settings import MongoSettings
from services.consent.domain.acts import Author
from services.consent.handlers.authorized import allow_all
from services.consent.handlers.reconciling import Outcome, Reconciling
from services.consent.handlers.recorder import Recorder
from services.consent.handlers.taking_in import Report, take_in
from services.consent.store.staging import Staging


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a reconciliation works with."""

    desk: Desk
    keys: Path
    mongo: MongoSettings
    legal_basis: str

    @property
    def skew(self) -> timedelta:
        """By how much the two clocks may differ."""
        return timedelta(seconds=self.desk.remote.report.clock_skew_seconds)


async def match(ask: Ask, equipment: Equipment) -> Outcome:
    """Reconcile the report that is asked for; raises what reading, matching and recording raise."""
    key = read_key(equipment.keys, "consent.key")
    period = ask.period(ZoneInfo(equipment.desk.remote.report.zone))
    with Staging() as staging:
        async with rows(ask, equipment.desk, period) as found:
            report = await take_in(
                found,
                staging,
                key=key,
                source="csv" if ask.file else "api",
                period=period,
                leave_out=ask.leave_out,
            )
        return await _match(ask, equipment, report, staging)


async def _match(ask: Ask, equipment: Equipment, report: Report, staging: Staging) -> Outcome:
    # Brings the service's whole web; only this command needs it, and only for the declared terms.
    from services.consent.app.practising import practice  # noqa: PLC0415

    declared = practice(equipment.desk, legal_basis=equipment.legal_basis)
    async with open_stores(
        equipment.mongo,
        equipment.desk,
        equipment.keys,
        asker=ask.asker,
        legal_basis=equipment.legal_basis,
    ) as stores:
        log, persons = stores.log, stores.persons
        reconciling = Reconciling(
            Recorder(log, declared, now=now, on_append=lambda: None),
            persons,
            declared,
            assistants=equipment.desk.assistants,
            skew=equipment.skew,
            reader=Author(role=ask.asker.role, commitment=stores.commitment),
            now=now,
        )
        await reconciling.begin(report)
        if report.reach is not None:
            since, until = report.reach
            skew = equipment.skew
            await allow_all(log, persons, staging, since=since - skew, until=until + skew)
        return await reconciling.reconcile(report, staging, most_new=ask.most_new)
