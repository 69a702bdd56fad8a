"""Redraws a picture that somebody handed in: what it shows stays, whatever else it held goes."""

from io import BytesIO
from typing import Final

from PIL import Image

MOST_BYTES: Final = 10_000_000
"""Of a picture that is handed in."""
MOST_KEPT: Final = 15_000_000
"""Of one that is kept: with its envelope it must fit into one MongoDB document (16 MiB)."""
MOST_PIXELS: Final = 25_000_000
"""Three screens of 3840 by 2160."""
FORMATS: Final = ("PNG", "JPEG", "WEBP")
_PAPER: Final = "white"


class NotAPicture(Exception):
    """The bytes are no whole PNG, JPEG or WebP picture."""


class TooLarge(Exception):
    """The picture has more bytes or pixels than are taken in."""


def redraw(data: bytes) -> bytes:
    """
    Return the picture as PNG: its first frame's colours, and nothing else that came with it.

    The type is read from the content. What is transparent becomes white: the colours that lie
    hidden under it do not come to light. Raises ``NotAPicture`` and ``TooLarge``.
    """
    if len(data) > MOST_BYTES:
        raise TooLarge
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            # The size is known before anything is unpacked.
            drawn = _as_png(picture) if picture.width * picture.height <= MOST_PIXELS else None
    except Exception:  # a decoder may meet anything in bytes that are made to harm it
        raise NotAPicture from None
    if drawn is None or len(drawn) > MOST_KEPT:
        raise TooLarge
    return drawn


def _as_png(picture: Image.Image) -> bytes:
    colours = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    drawn = Image.new("RGB", picture.size, _PAPER)
    drawn.paste(colours, mask=colours if colours.mode == "RGBA" else None)
    written = BytesIO()
    drawn.save(written, "PNG")
    return written.getvalue()
