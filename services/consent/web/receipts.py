"""The receipt at the end, by a link of its own: a page in plain French, and what verifies it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from services.consent.domain.persons import People
from services.consent.domain.receipt import Party, Witness, receipt
from services.consent.handlers.attending import has_ended
from services.consent.handlers.recorder import Seen
from services.consent.texts.wording import Wording
from services.consent.web.pages import Pages
from services.consent.web.refusals import NoSuchLink, NotKept, page_refusals
from services.consent.web.rendering import Renderer

Req = Request[Any, Any, Any]


class Checkpoints(Protocol):
    """The newest signed checkpoint, as a receipt needs it."""

    @property
    def size(self) -> int:
        """How many entries it covers; 0 while there is none."""

    async def witness(self, indexes: Iterable[int]) -> Witness | None:
        """Return it with the paths of those entries that it covers; raises ``Unavailable``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """Makes receipts."""

    renderer: Renderer
    wording: Wording
    kept_days: int
    checkpoints: Checkpoints

    async def document(self, session: UUID, seen: Seen, people: People) -> dict[str, Any]:
        """Return the document."""
        adherent = people.adherent(seen.entries)
        assistant = people.by_commitment(seen.state.assistant)
        parties = (
            Party(role="pii_principal", known=_known(adherent, "name", "organisation")),
            Party(role="assistant", known=_known(assistant, "name", "organisation")),
        )
        witness = await self.checkpoints.witness([entry.index for entry in seen.entries])
        return receipt(session, seen.entries, parties, witness)

    def page(self, token: str, session: UUID, seen: Seen, people: People) -> Response[str]:
        """Return the page; ``token`` is the receipt's own."""
        assistant = people.by_commitment(seen.state.assistant)
        decided = [entry for entry in seen.entries if entry.draft.type in self.wording.decisions]
        context = {
            "token": token,
            "session": str(session),
            "adherent": _known(people.adherent(seen.entries), "name", "organisation"),
            "assistant": _known(assistant, "name", "organisation"),
            "timeline": self.renderer.timeline(seen.entries, assistant),
            "decisions": [
                f"{self.wording.decisions[entry.draft.type]} ({self.renderer.clock(entry.time)})"
                for entry in decided
            ],
            "kept_days": self.kept_days,
            "proven": seen.entries[-1].index < self.checkpoints.size,
        }
        return self.renderer.page("receipt.html", context)


def receipt_routes(pages: Pages, receipts: Receipts) -> Router:
    """Return the routes under ``/receipt``, which need no cookie and change nothing."""

    @get("/")
    async def show(request: Req, token: FromPath[str]) -> Response[str]:
        session, seen = await _ended(pages, request, token)
        people = await pages.attending.people(session)
        return receipts.page(token, session, seen, people)

    @get("/receipt.json")
    async def download(request: Req, token: FromPath[str]) -> Response[dict[str, Any]]:
        session, seen = await _ended(pages, request, token)
        people = await pages.attending.people(session)
        return Response(await receipts.document(session, seen, people))

    return Router(
        path="/receipt/{token:str}",
        route_handlers=[show, download],
        exception_handlers=page_refusals(pages.renderer),
        include_in_schema=False,
    )


async def _ended(pages: Pages, request: Req, token: str) -> tuple[UUID, Seen]:
    session = pages.known(request, pages.secrets.session_of_receipt(token))
    seen = await pages.attending.see(session)
    if await pages.attending.was_kept(session, seen):
        raise NotKept
    if not has_ended(seen):
        raise NoSuchLink
    return session, seen


def _known(value: Any, *names: str) -> dict[str, str]:
    return {name: value.get(name, "") for name in names}
