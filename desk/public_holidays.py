"""The public holidays of France, with their French names."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import date

FIRST_YEAR, LAST_YEAR = 1970, 2099
PENTECOST_MONDAY = "Lundi de Pentecôte"


class OutsideCalendar(ValueError):
    """The reckoning leaves the years the calendar knows (1970 to 2099)."""


@functools.lru_cache(maxsize=512)
def public_holidays(year: int, *, alsace_moselle: bool) -> Mapping[date, str]:
    """
    Return the holidays of a year by date (Code du travail, L3133-1; Alsace-Moselle L3134-13).

    Raises `OutsideCalendar`.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise OutsideCalendar
    import holidays  # noqa: PLC0415  (it takes 0.4 s, and not everyone who imports this needs it)

    subdivision = "57" if alsace_moselle else None
    return dict(holidays.country_holidays("FR", subdiv=subdivision, years=year, language="fr"))
