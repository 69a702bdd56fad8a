"""What the page of a bound browser shows, made of the session's entries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from desk.facts import RemoteCharter
from services.consent.domain.acts import ADHERENT_ACTS, WARNED
from services.consent.domain.derived import Secrets
from services.consent.domain.entry import Entry
from services.consent.domain.lifecycle import (
    Permitted,
    SessionState,
    decide,
    longest_silence_s,
)
from services.consent.domain.notices import Asked
from services.consent.domain.persons import People
from services.consent.domain.pictures import Capture, captures
from services.consent.handlers.attending import Attending, has_ended
from services.consent.handlers.recorder import Seen
from services.consent.texts.wording import Wording
from services.consent.web.rendering import Picture, Question, Renderer, SessionPage, Warned

_MINUTE_S: Final = 60
_ACTS: Final[dict[Asked, str]] = {"intervene": "intervention", "screenshot": "screenshot"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPages:
    """Makes pages of sessions."""

    attending: Attending
    secrets: Secrets
    renderer: Renderer
    wording: Wording
    remote: RemoteCharter
    now: Callable[[], datetime]

    def arrival(self, seen: Seen) -> Mapping[str, str]:
        """Return the texts for who has only the link, by how the session began."""
        is_wish = any(entry.draft.type == "requested" for entry in seen.entries)
        return self.wording.arrivals["requested" if is_wish else "offered"]

    def page(self, token: str, csrf: str, seen: Seen, people: People) -> SessionPage:
        """Return the page as it is now."""
        state = seen.state
        assistant = people.by_commitment(state.assistant)
        return SessionPage(
            token=token,
            csrf=csrf,
            heading=self.wording.headings[state.session],
            state=state.session,
            regions=state.regions,
            rounds=state.rounds,
            open=self._open(state),
            assistant={name: assistant.get(name, "") for name in ("name", "organisation")},
            notice=self.wording.notice,
            must_read=state.notice != self.wording.notice.hash,
            questions=[
                question for asked in _ACTS if (question := self._question(asked, seen, people))
            ],
            warnings=self._warnings(seen, people),
            pictures=[self._picture(one, seen, people) for one in self._shown(seen)],
            timeline=self.renderer.timeline(seen.entries, assistant),
            remote=self.remote,
            silence_minutes=longest_silence_s() // _MINUTE_S,
            receipt=self._receipt(seen),
        )

    def _receipt(self, seen: Seen) -> str:
        return self.secrets.receipt_token(seen.entries[0].draft.session) if has_ended(seen) else ""

    def _open(self, state: SessionState) -> frozenset[str]:
        types, at = (act.type for act in ADHERENT_ACTS.values()), self.now()
        return frozenset(
            kind for kind in types if isinstance(decide(state, kind, "adherent", at=at), Permitted)
        )

    def _question(self, asked: Asked, seen: Seen, people: People) -> Question | None:
        found = self.attending.question(asked, seen)
        if found is None:
            return None
        entry, notice = found
        reason, words = self._asked(asked, entry, people)
        return Question(
            scope=asked,
            act=_ACTS[asked],
            notice=notice,
            authorization=entry.draft.authorization or "",
            reason=reason,
            words=words,
            accept=self.wording.answers[asked]["accept"],
            refuse=self.wording.answers[asked]["refuse"],
        )

    def _warnings(self, seen: Seen, people: People) -> list[Warned]:
        """Return what was reported of the tool, while the session can still be stopped for it."""
        if seen.state.session not in ("granted", "started"):
            return []
        reported = (entry for entry in seen.entries if entry.draft.type == WARNED)
        told = (self._asked("tool", entry, people) for entry in reported)
        return [Warned(reason=reason, words=words) for reason, words in dict.fromkeys(told)]

    def _shown(self, seen: Seen) -> list[Capture]:
        at = self.now()
        taken = captures(seen.entries)
        return [one for one in taken if one.state != "destroyed" and one.kept_until > at]

    def _picture(self, one: Capture, seen: Seen, people: People) -> Picture:
        entry = next(
            entry
            for entry in seen.entries
            if entry.draft.type == "screenshot-requested"
            and entry.draft.authorization == one.authorization
        )
        reason, words = self._asked("screenshot", entry, people)
        texts = self.wording.pictures
        return Picture(
            id=one.authorization,
            state=one.state,
            title=texts[one.state],
            alt=texts["alt"].format(reason=reason, words=words),
            at=self.renderer.clock(one.taken_at),
            until=self.renderer.clock(one.kept_until),
        )

    def _asked(self, asked: str, entry: Entry, people: People) -> tuple[str, str]:
        """Return the reason that the assistant gave, and the words that were given with it."""
        words = entry.draft.facts.get("words")
        said = people.by_commitment(words) if isinstance(words, str) else {}
        return self.wording.reasons[asked].get(entry.draft.reason or "", ""), said.get("words", "")
