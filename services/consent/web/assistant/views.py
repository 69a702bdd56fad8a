"""What the assistants' pages show, made of what the API shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Response

from desk.facts import Assistant
from schemas.requests import tracking_number
from services.consent.domain.acts import ASSISTANT_ACTS
from services.consent.domain.redrawing import MOST_BYTES, MOST_PIXELS
from services.consent.texts.assistant import AssistantWording
from services.consent.texts.wording import Wording
from services.consent.web.rendering import Renderer

_SHOWS_WORD: Final = "identity_word"
_DECLARED: Final = frozenset({"declared", "incident-declared"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A form that came back: what was typed, and what is wrong with it, by field."""

    values: Mapping[str, str] = field(default_factory=dict)
    flaws: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The status of the page that shows it."""
        return 422 if self.flaws else 200


NOTHING: Final = Typed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """Fills the templates."""

    renderer: Renderer
    wording: Wording
    texts: AssistantWording

    def home(
        self,
        me: Assistant,
        csrf: str,
        sessions: Sequence[Mapping[str, Any]],
        *,
        key: str,
        typed: Typed,
    ) -> Response[str]:
        """Return the list of sessions and wishes, with the form that offers one."""
        context = {
            "me": me,
            "csrf": csrf,
            "key": key,
            "typed": typed,
            "sessions": [self._line(shown) for shown in sessions],
        }
        return self.renderer.page("assistant/home.html", context, status=typed.status)

    def session(
        self, me: Assistant, csrf: str, shown: Mapping[str, Any], code: str, *, typed: Typed
    ) -> Response[str]:
        """Return the page of a session; ``code`` is the entry code while it is good."""
        allowed = frozenset(shown["allowed"])
        context = {
            "me": me,
            "csrf": csrf,
            "typed": typed,
            "line": self._line(shown),
            "shown": shown,
            "told": self._told(shown["state"]),
            "code": code,
            "code_text": self.texts.code_states[shown["entry_code"]["state"]],
            "code_until": self._clock(shown["entry_code"]["expires_at"]),
            "word": shown.get(_SHOWS_WORD, ""),
            "allowed": allowed,
            "acts": {act: text for act, text in self.texts.acts.items() if act in allowed},
            "oral": {act: text for act, text in self.texts.oral.items() if act in allowed},
            "asks": {act: ask for act, ask in self.texts.asks.items() if act in allowed},
            "reasons": self.wording.reasons,
            "notice": self.wording.notice,
            "questions": self.wording.questions,
            "number": _numbers(shown),
            "pictures": self._pictures(shown["screenshots"]),
            "most_bytes": MOST_BYTES,
            "most_pixels": MOST_PIXELS,
            "timeline": [self._item(item) for item in shown["timeline"]],
        }
        return self.renderer.page("assistant/session.html", context, status=typed.status)

    def witness(self, me: Assistant, csrf: str, session: UUID, key: str) -> Response[str]:
        """Return the page on which a second person attests what they heard."""
        context = {
            "me": me,
            "csrf": csrf,
            "session": session,
            "key": key,
            "oral": self.texts.oral,
            "notice": self.wording.notice,
        }
        return self.renderer.page("assistant/witness.html", context)

    def says(self, name: str, *, status: int, back: str = "/assistant") -> Response[str]:
        """Return a page that says one thing: a refusal, for the most part."""
        said = self.texts.sayings[name]
        return self._says(said.title, said.lines, status, back)

    def not_now(self, reason: str, state: str | None, *, back: str) -> Response[str]:
        """Return the page of an act that ``state`` does not allow; who may not know it: none."""
        lines = [self.texts.not_now.get(reason, self.texts.not_now["other"])]
        if state is not None:
            lines.append(self.texts.state_now.format(state=self.texts.headings[state]))
        return self._says(self.texts.sayings["not-now"].title, lines, 409, back)

    def _says(self, title: str, lines: Sequence[str], status: int, back: str) -> Response[str]:
        return self.renderer.message(
            title, *lines, status=status, back=back, back_label=self.texts.back
        )

    def _line(self, shown: Mapping[str, Any]) -> Mapping[str, str]:
        adherent, request = shown["adherent"], shown["request_id"]
        return {
            "session": shown["session_id"],
            "name": adherent["name"] or self.texts.nobody,
            "organisation": adherent["organisation"] or "",
            "tracking": tracking_number(UUID(request)) if request else "",
            "heading": self.texts.headings[shown["state"]["session"]],
        }

    def _told(self, state: Mapping[str, str]) -> list[str]:
        found = (texts.get(state[region]) for region, texts in self.texts.regions.items())
        return [text for text in found if text]

    def _pictures(self, items: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
        times = {"at": "taken_at", "until": "kept_until"}
        return [
            {"id": one["id"], **{name: self._clock(one[time]) for name, time in times.items()}}
            for one in items
            if one["state"] == "shared"
        ]

    def _item(self, item: Mapping[str, Any]) -> Mapping[str, str]:
        text = self.texts.timeline[item["type"]]
        return {"at": item["at"], "clock": self._clock(item["at"]), "text": text}

    def _clock(self, at: str | None) -> str:
        return self.renderer.clock(datetime.fromisoformat(at)) if at else ""


def _numbers(shown: Mapping[str, Any]) -> Mapping[str, int]:
    """Return, by act, how often it was done: with it, a form that is sent twice names one act."""
    types = [item["type"] for item in shown["timeline"]]
    counted = {act: types.count(one.type) for act, one in ASSISTANT_ACTS.items()}
    return counted | {"declare": sum(kind in _DECLARED for kind in types)}
