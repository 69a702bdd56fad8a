"""The newest checkpoint and the tree below it, for witnesses: static files, as it were (C2SP)."""

from typing import Final, Protocol

from litestar import MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from runtime.problems import Problem
from services.consent.domain.tiles import Tile

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ENTRIES: Final = "entries/"


class Tree(Protocol):
    """The tree up to the newest signed checkpoint."""

    @property
    def latest(self) -> str | None:
        """The signed note, once there is one."""

    @property
    def size(self) -> int:
        """How many entries it covers."""

    async def hashes(self, level: int, start: int, stop: int) -> bytes:
        """Return the roots of whole subtrees of 256**level leaves; raises ``Unavailable``."""


def tile_routes(tree: Tree) -> list[HTTPRouteHandler]:
    """Return the routes ``/checkpoint`` and ``/tile``; entries are not served there."""

    @get("/checkpoint", media_type=MediaType.TEXT, sync_to_thread=False)
    def show_checkpoint() -> str:
        if tree.latest is None:
            raise _not_found("No checkpoint yet.")
        return tree.latest

    @get("/tile/{place:path}")
    async def show_tile(place: FromPath[str]) -> Response[bytes]:
        path = place.removeprefix("/")
        if path.startswith(_ENTRIES):
            raise Problem(
                status=403,
                code="entries-not-public",
                detail="Entries leave the log by an export, which is put on record.",
            )
        tile = Tile.at(path)
        if tile is None or not tile.is_in(tree.size):
            raise _not_found("The newest checkpoint covers no such tile.")
        return Response(
            await tree.hashes(tile.level, tile.span.start, tile.span.stop),
            media_type="application/octet-stream",
            headers={"Cache-Control": _FOR_EVER},
        )

    return [show_checkpoint, show_tile]


def _not_found(detail: str) -> Problem:
    return Problem(status=404, code="not-found", detail=detail)
