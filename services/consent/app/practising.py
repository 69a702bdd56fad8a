"""What this deployment puts into its entries, as the desk declares it."""

from datetime import timedelta
from typing import Final

from desk import Desk
from services.consent.domain.entry import Terms
from services.consent.domain.practice import ENDS, Practice, as_code

_WITHDRAWAL: Final = "session-page-button-or-telephone"
_MINUTE_S: Final = 60
_HOUR_MINUTES: Final = 60


def practice(desk: Desk, *, legal_basis: str) -> Practice:
    """Return what this deployment puts into its entries."""
    limits = desk.remote.limits
    in_minutes = {
        "offered": limits.offer_minutes,
        "code-confirmed": limits.session_without_presence_minutes,
        "granted": limits.start_minutes,
        "oral-grant-attested": limits.start_minutes,
        "started": min(limits.session_without_presence_minutes, limits.session_minutes),
        "intervene-begun": limits.intervention_minutes,
        "screenshot-requested": limits.screenshot_minutes,
        "screenshot-taken": limits.screenshot_minutes,
        **dict.fromkeys(ENDS, limits.declaration_hours * _HOUR_MINUTES),
    }
    return Practice(
        legal_basis=legal_basis,
        terms=Terms(
            controller=as_code(desk.operator.name),
            recipients=("bound-assistant", "dpo"),
            retention=f"P{desk.retention.days('evidence')}D",
            withdrawal=_WITHDRAWAL,
        ),
        undertaking=as_code(desk.remote.undertaking_version),
        limits_s={act: minutes * _MINUTE_S for act, minutes in in_minutes.items()},
        kept=timedelta(days=desk.retention.days("evidence")),
        code_minutes=limits.entry_code_minutes,
        code_tries=limits.entry_code_tries,
        session_s=limits.session_minutes * _MINUTE_S,
    )
