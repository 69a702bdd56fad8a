"""Where a tile of the tree lies, and how wide it is in a tree of some size (C2SP tlog-tiles)."""

import re
from dataclasses import dataclass
from typing import Final, Self

from services.consent.domain.merkle import TILE_HEIGHT

WIDTH: Final = 1 << TILE_HEIGHT
_LEVELS: Final = 64
_PATH: Final = re.compile(r"(\d{1,2})/((?:x\d{3}/){0,5}\d{3})(?:\.p/(\d{1,3}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """``width`` consecutive hashes of a level, the ``index``-th group of 256 there."""

    level: int
    index: int
    width: int = WIDTH

    @classmethod
    def at(cls, path: str) -> Self | None:
        """Return the tile of ``<L>/<N>[.p/<W>]``, or nothing where no tile is written so."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        level, number, width = found.groups()
        index = int(number.replace("x", "").replace("/", ""))
        tile = cls(level=int(level), index=index, width=int(width or WIDTH))
        exists = tile.level < _LEVELS and 0 < tile.width <= WIDTH
        return tile if exists and tile.path == path else None

    @property
    def path(self) -> str:
        """The one way to write where it is."""
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        partial = f".p/{self.width}" if self.width != WIDTH else ""
        return f"{self.level}/{'/'.join(groups)}{partial}"

    @property
    def span(self) -> range:
        """The numbers of its hashes within the level."""
        return range(self.index * WIDTH, self.index * WIDTH + self.width)

    def is_in(self, size: int) -> bool:
        """Return whether a tree of this size has all its hashes."""
        return self.span.stop <= size >> TILE_HEIGHT * self.level
