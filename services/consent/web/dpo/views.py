"""What the DPO's page shows, made of what was read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final, TypeVar
from uuid import UUID

from litestar import Response

from desk import Desk
from desk.facts import Officer
from schemas.requests import tracking_number
from services.consent.domain.entry import THE_LOG, Draft, Entry
from services.consent.domain.lifecycle import tells_dpo
from services.consent.domain.notices import Notice, texts_read
from services.consent.domain.persons import PersonRecord
from services.consent.domain.signing_in import OFFICERS
from services.consent.domain.standing import Standing
from services.consent.domain.tally import tally
from services.consent.handlers.searching import Found
from services.consent.handlers.weeks import Week
from services.consent.telling import found_line, names_of, people_of, state_of
from services.consent.texts.details import load_details
from services.consent.texts.dpo import DpoWording
from services.consent.texts.wording import Wording
from services.consent.web.dpo.forms import WEEKS, Flawed, Search
from services.consent.web.rendering import Renderer
from services.consent.web.sign_in.routes import SignedIn

T = TypeVar("T")
FOUND: Final = 20
ENTRIES: Final = 50
ALERTS: Final = 50


_READERS: Final = frozenset({"dpo", "operator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """One page of a week's alerts."""

    shown: Sequence[Entry]
    in_all: int
    page: int
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Fills the templates."""

    renderer: Renderer
    desk: Desk
    wording: Wording
    texts: DpoWording

    def home(
        self, who: SignedIn[Officer], flawed: Flawed | None = None, form: str = "search"
    ) -> Response[str]:
        """Return the forms, one as it came back: nothing of the log is on this page."""
        context: dict[str, Any] = {"searches": self.texts.searches, "flaws": {}, "typed": {}}
        context["verifier_sha256"] = sha256(verifier()).hexdigest()
        if flawed is not None:
            said = self.texts.searches.get(flawed.by, {}).get("flaw", self.texts.no_search)
            context |= {"flaws": {form: said}, "typed": {form: flawed.value, "by": flawed.by}}
        return self._page("home", who, context, status=422 if flawed else 200)

    def overview(
        self,
        who: SignedIn[Officer],
        standing: Standing,
        week: Week,
        ago: int,
        alerts: Alerts,
        people: Iterable[PersonRecord],
    ) -> Response[str]:
        """Return where the log stands and what a week of it had, with who is behind its alerts."""
        counted, names = tally(week.entries), names_of(people)
        verified = standing.verified
        context = {
            "standing": standing,
            "verified_at": self.renderer.clock(verified.at) if verified else "",
            "begins": self.renderer.clock(week.begins),
            "ends": self.renderer.clock(week.ends - timedelta(minutes=1)),
            "ago": ago,
            "weeks": WEEKS,
            "scopes": self.texts.scopes,
            "strengths": self.texts.strengths,
            "counts": self.texts.counts,
            "counted": counted,
            "alerts": [self._item(entry, names) for entry in alerts.shown],
            "alerts_in_all": alerts.in_all,
            "page": alerts.page,
            "pages": alerts.pages,
            "the_log": THE_LOG,
        }
        return self._page("overview", who, context)

    def found(
        self, who: SignedIn[Officer], search: Search, found: Sequence[Found]
    ) -> Response[str]:
        """Return one page of the sessions that were found."""
        page, pages, shown = _paged(found, search.page, FOUND)
        context = {
            "search": search,
            "label": self.texts.searches[search.by]["label"],
            "in_all": len(found),
            "lines": [found_line(one, self.desk) for one in shown],
            "page": page,
            "pages": pages,
        }
        return self._page("found", who, context)

    def session(
        self, who: SignedIn[Officer], found: Found, page: int, kept: Sequence[Notice]
    ) -> Response[str]:
        """
        Return one page of what happened in a session, or to the log itself.

        What was read by then is shown below it, of the texts that are ``kept``.
        """
        page, pages, shown = _paged(found.entries, page, ENTRIES)
        names = names_of(found.records)
        read = texts_read(found.entries, kept)
        named = dict.fromkeys(entry.draft.notice for entry in shown)
        context = {
            "session": str(found.session),
            "is_log": found.session == THE_LOG,
            "state": state_of(found),
            "tracking": tracking_number(UUID(found.request)) if found.request else "",
            "people": people_of(found),
            "in_all": len(found.entries),
            "items": [self._item(entry, names) for entry in shown],
            "read": read,
            "texts": {read[name].hash: read[name] for name in named if name in read},
            "page": page,
            "pages": pages,
        }
        return self._page("session", who, context)

    def says(self, name: str, *, status: int, back: str = OFFICERS.home) -> Response[str]:
        """Return a page that says one thing: a refusal, for the most part."""
        said = self.texts.sayings[name]
        return self.renderer.message(
            said.title, *said.lines, status=status, back=back, back_label=self.texts.back
        )

    def _page(
        self, name: str, who: SignedIn[Officer], context: Mapping[str, Any], *, status: int = 200
    ) -> Response[str]:
        known = {"me": who.person, "csrf": who.csrf}
        return self.renderer.page(f"dpo/{name}.html", {**context, **known}, status=status)

    def _item(self, entry: Entry, names: Mapping[str, str]) -> Mapping[str, Any]:
        draft, local = entry.draft, self.desk.calendar.local
        return {
            "session": str(draft.session),
            "at": entry.recorded_at,
            "clock": self.renderer.clock(entry.time),
            "text": self.texts.timeline[draft.type],
            "actor": self.texts.actors[draft.actor],
            "reader": self._reader(draft, names),
            "how": self.texts.hows[draft.how] if draft.how else "",
            "reason": self.texts.reason(draft, self.wording.reasons),
            "details": load_details().lines(draft, local=local, names=names),
            "notice": draft.notice,
            "look": self.texts.look_at(draft) if tells_dpo(draft) else "",
            "index": entry.index,
            "leaf_hash": entry.leaf_hash.hex(),
            "content": entry.content.decode(),
        }

    def _reader(self, draft: Draft, names: Mapping[str, str]) -> str:
        """Return who it was that read, exported or erased; an operator is nobody in particular."""
        if draft.actor not in _READERS or draft.commitment is None:
            return ""
        unknown = self.texts.unknown_reader.format(commitment=draft.commitment)
        return names.get(draft.commitment, unknown)


def alerts_of(week: Week, page: int) -> Alerts:
    """Return one page of the alerts of a week, the newest first."""
    alerts = [entry for entry in reversed(week.entries) if tells_dpo(entry.draft)]
    page, pages, shown = _paged(alerts, page, ALERTS)
    return Alerts(shown=shown, in_all=len(alerts), page=page, pages=pages)


@cache
def verifier() -> bytes:
    """Return ``verify.py`` as it is handed out."""
    return files("services.consent").joinpath("verify.py").read_bytes()


def _paged(items: Sequence[T], page: int, size: int) -> tuple[int, int, Sequence[T]]:
    """Return the page nearest to the wanted one (from 0), how many there are, and its items."""
    pages = max(1, -(-len(items) // size))
    page = min(page, pages - 1)
    return page, pages, items[page * size : (page + 1) * size]
