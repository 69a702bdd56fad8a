"""Sessions that are walked through, with both their pages checked on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from services.consent.domain.lifecycle import fold
from services.consent.texts.assistant import load_assistant_wording
from tests.integration.consent.pictures import hand_in, screen
from tests.integration.consent.stage import Adherent, Assistant, AtDesk, Stage
from tests.integration.consent.walking import Walk

TEXTS = load_assistant_wording()
SAID: Final[Mapping[str, Mapping[str, Any]]] = {
    "request-intervention": {"reason": "other", "words": "Le bordereau"},
    "request-screenshot": {"reason": "error-message", "words": "Le message"},
    "report-tool": {"reason": "old-version", "words": "Version 11"},
    "declare": {"no_password": True, "no_elevation": True},
}


@dataclass(kw_only=True)
class Show:
    """Sessions on a stage, and each state in which both pages of one were checked."""

    stage: Stage
    walk: Walk
    desk: AtDesk
    assistant: Assistant
    states: set[tuple[str, str]] = field(default_factory=set)

    async def offered(self) -> tuple["Session", str]:
        """Offer a session; return it with its entry code."""
        shown = (await self.assistant.offer()).json()
        return await self.session(shown["session_id"]), shown["entry_code"]["code"]

    async def session(self, session: str) -> "Session":
        return Session(show=self, id=session, adherent=await self.stage.adherent(session))

    async def entered(self) -> "Session":
        """Offer a session, and bind the adherent's browser."""
        session, code = await self.offered()
        await session.adherent.give_code(code)
        return session


@dataclass(kw_only=True)
class Session:
    """A session, its two pages, and all who act in it."""

    show: Show
    id: str
    adherent: Adherent

    @property
    def address(self) -> str:
        """Where the assistant's page is."""
        return f"/assistant/sessions/{self.id}"

    async def look(self) -> None:
        """Check both pages in the state that the session is in."""
        state = fold(await self.show.stage.entries(self.id))
        heading = self.show.stage.consent._wording.headings[state.session]
        await self.show.walk.see(await self.adherent.look(), heading)
        await self.see_desk(TEXTS.headings[state.session])
        self.show.states |= set(state.regions.items())

    async def see_desk(self, *words: str) -> None:
        """Check the assistant's page."""
        await self.show.walk.see(await self.show.desk.http.get(self.address), *words)

    async def go(self, *steps: str) -> None:
        """Do each step, written as who does what, and look at both pages after it."""
        for step in steps:
            await self.do(step)
            await self.look()

    async def do(self, *steps: str) -> None:
        """Do each step."""
        for step in steps:
            who, act = step.split()
            done = await self._done(who, act)
            assert done is None or done.status_code < 400, (step, done.text)

    async def _done(self, who: str, act: str) -> httpx.Response | None:
        stage = self.show.stage
        if who == "adherent":
            return await self.adherent.do(act)
        if who == "page":
            return await self.adherent.beat(act)
        if who == "stranger":
            return await (await stage.adherent(self.id)).report_unasked()
        if who == "service":
            await stage.by_service(self.id, act)
            return None
        if act == "take-screenshot":
            return await hand_in(self.show.assistant, self.id, screen())
        return await self.show.assistant.do(self.id, act, **SAID.get(act, {}))
