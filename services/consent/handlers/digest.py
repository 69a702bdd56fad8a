"""The DPO's weekly digest: what the log says of the week that has ended, the same from everyone."""

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol
from uuid import uuid5

from runtime.sealing import Sealer
from schemas.sessions import NoticeIssued
from services.consent.domain.entry import THE_LOG, Entry
from services.consent.domain.merkle import root_hash
from services.consent.domain.reconciliation import reconciliations
from services.consent.domain.tally import tally
from services.consent.handlers import weeks
from services.consent.handlers.letters import Letter, seal_notice

TEMPLATE: Final = "digest"


class Source(weeks.Source, Protocol):
    """The log, as far as its digest needs it."""

    async def leaf_hashes(self, start: int, stop: int) -> tuple[bytes, ...]:
        """Return the leaf hashes from ``start`` to before ``stop``."""


class Digest:
    """
    Makes one notice a week, from Monday to Monday on the desk's wall clock.

    Its id and content rest on the week alone, so that it is mailed once, whoever issues it again.
    """

    def __init__(
        self,
        source: Source,
        sealer: Sealer,
        *,
        dpo: str,
        local: Callable[[datetime], datetime],
        now: Callable[[], datetime],
    ) -> None:
        self._source = source
        self._sealer = sealer
        self._dpo = dpo
        self._weeks = weeks.Weeks(source, local=local, now=now)

    async def notice(self) -> NoticeIssued | None:
        """Return the digest of the last whole week, or nothing if the log was empty then."""
        week = await self._weeks.read(1)
        if not week.size:
            return None
        root = root_hash(await self._source.leaf_hashes(0, week.size))
        counted = tally(week.entries)
        variables = {
            **{name: str(number) for name, number in counted.items()},
            **_looked_at(week.entries),
            "share": _share(counted["intervened"], counted["sessions"]),
            "begins_at": week.begins.isoformat(),
            "ends_at": week.ends.isoformat(),
            "size": str(week.size),
            "root": base64.b64encode(root).decode(),
        }
        letter = Letter(template=TEMPLATE, to=self._dpo, name=None, variables=variables)
        return seal_notice(
            letter,
            session=THE_LOG,
            notice=uuid5(THE_LOG, f"digest/{week.begins.isoformat()}"),
            time=week.ends,
            sealer=self._sealer,
        )


def _looked_at(entries: Sequence[Entry]) -> dict[str, str]:
    """Return in which stretch the last reconciliation looked for unused authorizations."""
    stretches = [one.stretch for one in reconciliations(entries)]
    last = stretches[-1] if stretches else None
    if last is None:
        return {"looked_by": "none", "looked_from": "", "looked_to": ""}
    return {
        "looked_by": "days" if last.given else "connections",
        "looked_from": last.since.isoformat(),
        "looked_to": last.until.isoformat(),
    }


def _share(part: int, whole: int) -> str:
    return f"{round(100 * part / whole)}\u00a0%" if whole else "0\u00a0%"
