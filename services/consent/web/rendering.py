"""Renders the adherent's pages from their templates; what a page shows is a value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import MediaType, Response

from desk import Desk, describe_hours
from desk.facts import RemoteCharter
from desk.wording import say
from services.consent.domain.acts import ADHERENT_ACTS
from services.consent.domain.entry import Entry
from services.consent.domain.notices import Notice
from services.consent.handlers.recorder import Seen
from services.consent.texts.wording import Wording

ASSETS: Final = {
    "consent.css": "text/css",
    "session.js": "text/javascript",
    "masking.js": "text/javascript",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of the assistant's that waits for an answer."""

    scope: str
    act: str
    notice: Notice
    authorization: str
    reason: str
    words: str
    accept: str
    refuse: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """What the assistant has seen of the tool that the charter does not provide for."""

    reason: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A masked screenshot as the adherent sees it: taken ``at``, kept ``until``."""

    id: str
    state: str
    title: str
    alt: str
    at: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """The page of a bound browser."""

    token: str
    csrf: str
    heading: str
    state: str
    regions: Mapping[str, str]
    rounds: Mapping[str, str]
    open: frozenset[str]
    assistant: Mapping[str, str]
    notice: Notice
    must_read: bool
    questions: Sequence[Question]
    warnings: Sequence[Warned]
    pictures: Sequence[Picture]
    timeline: Sequence[Mapping[str, str]]
    remote: RemoteCharter
    silence_minutes: int
    """How long the page may be silent once it has beaten."""
    receipt: str
    """The token of the receipt once the session has ended; empty before."""

    def can(self, name: str) -> bool:
        """Return whether the adherent may do this now."""
        return ADHERENT_ACTS[name].type in self.open


class Renderer:
    """Fills templates; every text field is escaped."""

    def __init__(self, desk: Desk, wording: Wording) -> None:
        self._desk = desk
        self._wording = wording
        self._environment = Environment(
            loader=PackageLoader("services.consent.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
        )
        self._environment.globals.update(
            operator=desk.operator.name,
            telephone=desk.contacts.telephone.number,
            hours=describe_hours(desk.calendar),
            dpo_address=desk.contacts.dpo.address,
        )

    def page(
        self,
        template: str,
        context: Mapping[str, Any],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> Response[str]:
        """Return a page as a response."""
        html = self._environment.get_template(template).render(**context)
        return Response(html, status_code=status, media_type=MediaType.HTML, headers=headers or {})

    def message(
        self,
        title: str,
        *lines: str,
        status: int,
        back: str | None = None,
        back_label: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response[str]:
        """Return a page that says one thing."""
        label = back_label or self._wording.back
        context = {"title": title, "lines": lines, "back": back, "back_label": label}
        return self.page("message.html", context, status=status, headers=headers)

    def saying(
        self,
        name: str,
        *,
        status: int,
        back: str | None = None,
        headers: Mapping[str, str] | None = None,
        **facts: str,
    ) -> Response[str]:
        """Return a page of that name, with ``facts`` in the places that its lines have."""
        said = self._wording.sayings[name]
        lines = (line.format_map(facts) for line in said.lines)
        return self.message(said.title, *lines, status=status, back=back, headers=headers)

    def code_flaw(self, name: str) -> str:
        """Return what is wrong with an entry code that was given."""
        return self._wording.code_flaws[name]

    def not_now(self, seen: Seen, *, back: str) -> Response[str]:
        """Return the page of an act that the session does not allow: it says where that is now."""
        done = [entry for entry in seen.entries if entry.draft.type != "refused-act"]
        (last,) = self.timeline(done[-1:], {})
        state = self._wording.headings[seen.state.session]
        facts = {"state": state, "last": last["text"], "clock": last["clock"]}
        return self.saying("not-now", status=409, back=back, **facts)

    def timeline(self, entries: Sequence[Entry], assistant: Mapping[str, str]) -> list[Any]:
        """Return the sentences of a timeline, in desk time."""
        name = assistant.get("name", self._wording.nobody)
        return [
            {
                "at": entry.recorded_at,
                "clock": self.clock(entry.time),
                "text": self._wording.timeline[entry.draft.type].format(assistant=name),
            }
            for entry in entries
        ]

    def clock(self, at: datetime) -> str:
        """Return the date and time on the desk's wall."""
        return say(self._desk.calendar.local(at))


def read_asset(name: str) -> bytes:
    """Return the bytes of a style sheet or script."""
    return files("services.consent.web").joinpath("assets", name).read_bytes()
