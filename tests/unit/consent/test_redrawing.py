"""Pictures are judged by what they hold, and come out with nothing but what they show."""

import zlib
from collections.abc import Callable
from io import BytesIO
from struct import pack
from typing import Any
from zipfile import ZipFile

import pytest
from PIL import Image, PngImagePlugin

from services.consent.domain import redrawing
from services.consent.domain.redrawing import MOST_BYTES, NotAPicture, TooLarge, redraw

PLACE = "48.8566"


def a_picture(mode: str = "RGB") -> Image.Image:
    """Return a small picture whose points all differ."""
    drawn = Image.new("RGB", (40, 30))
    drawn.putdata([(x * 6, y * 8, x + y) for y in range(30) for x in range(40)])
    return drawn.convert(mode)


def written(picture: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def read(data: bytes) -> Image.Image:
    picture = Image.open(BytesIO(data))
    picture.load()
    return picture


def chunk(name: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + name + content + pack(">I", zlib.crc32(name + content))


def a_png(width: int, height: int, *chunks: bytes) -> bytes:
    """Return a PNG of this size by its own word, with these chunks and next to no points."""
    head = chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "more"), [("PNG", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 95})]
)
def test_what_a_picture_shows_comes_out_as_png(kind: str, more: dict[str, Any]) -> None:
    data = written(a_picture(), kind, **more)
    drawn = read(redraw(data))
    assert (drawn.format, drawn.mode, drawn.size) == ("PNG", "RGB", (40, 30))
    assert drawn.tobytes() == read(data).convert("RGB").tobytes()
    assert redraw(redraw(data)) == redraw(data)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_where_and_with_what_it_was_made_does_not_come_out(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker-48.8566"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 24.0), 29: PLACE})
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", PLACE)
    text.add_itxt("Title", PLACE, zip=False)
    more = {"pnginfo": text} if kind == "PNG" else {"xmp": PLACE.encode()}
    data = written(a_picture(), kind, exif=exif, icc_profile=PLACE.encode(), **more)
    assert PLACE.encode() in data
    drawn = redraw(data)
    assert PLACE.encode() not in drawn
    assert not read(drawn).info
    assert {bytes(drawn[at : at + 4]) for at in _chunks(drawn)} == {b"IHDR", b"IDAT", b"IEND"}


def _chunks(png: bytes) -> list[int]:
    """Return where the names of a PNG's chunks lie."""
    found, at = [], 8
    while at < len(png):
        found.append(at + 4)
        at += 12 + int.from_bytes(png[at : at + 4])
    return found


def test_a_file_that_is_two_kinds_at_once_comes_out_as_a_picture_alone() -> None:
    archive = BytesIO()
    with ZipFile(archive, "w") as opened:
        opened.writestr("secret.html", "<script>alert(1)</script>")
    for kind in ("PNG", "JPEG"):
        drawn = redraw(written(a_picture(), kind) + archive.getvalue() + b"<script>x</script>")
        assert b"script" not in drawn
        assert b"PK" not in drawn[-30:]
        with pytest.raises(NotAPicture):
            redraw(archive.getvalue() + written(a_picture(), kind))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        b"%PDF-1.7",
        b"GIF89a",
        a_png(0, 0),
        a_png(40, 30, chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 80_000_000))),
        a_png(40, 30, chunk(b"iCCP", b"not a profile")),
    ],
    ids=["nothing", "head-only", "svg", "pdf", "gif-head", "empty", "text-bomb", "no-points"],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(NotAPicture):
        redraw(data)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM"])
def test_other_kinds_of_picture_are_refused_whatever_they_are_called(kind: str) -> None:
    with pytest.raises(NotAPicture):
        redraw(written(a_picture(), kind))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_half_a_picture_is_refused(kind: str) -> None:
    data = written(a_picture(), kind)
    with pytest.raises(NotAPicture):
        redraw(data[: len(data) * 2 // 3])


@pytest.mark.parametrize(
    "make",
    [
        lambda: a_png(60_000, 60_000),
        lambda: a_png(2**31 - 1, 2**31 - 1),
        lambda: a_png(12_000, 8_000),
        lambda: a_png(5_001, 5_000),
        lambda: b"\x89PNG\r\n\x1a\n".ljust(MOST_BYTES + 1, b"\0"),
    ],
)
def test_what_would_fill_the_memory_is_refused_before_it_is_unpacked(
    make: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked: list[Image.Image] = []
    monkeypatch.setattr(redrawing, "_as_png", unpacked.append)
    with pytest.raises((TooLarge, NotAPicture)):
        redraw(make())
    assert not unpacked


def test_a_picture_that_would_not_fit_into_a_document_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = written(a_picture())
    monkeypatch.setattr(redrawing, "MOST_KEPT", len(redraw(data)) - 1)
    with pytest.raises(TooLarge):
        redraw(data)


def test_colours_that_lie_hidden_under_transparency_do_not_come_to_light() -> None:
    hidden = a_picture("RGBA")
    hidden.putalpha(0)
    seen = hidden.copy()
    seen.paste((10, 20, 30, 255), (0, 0, 20, 30))
    drawn = read(redraw(written(seen)))
    assert set(drawn.crop((20, 0, 40, 30)).get_flattened_data()) == {(255, 255, 255)}
    assert set(drawn.crop((0, 0, 20, 30)).get_flattened_data()) == {(10, 20, 30)}


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_only_the_first_of_several_frames_comes_out(kind: str) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("black", "red", "blue")]
    moving = {"save_all": True, "append_images": frames[1:], "duration": 100}
    drawn = read(redraw(written(frames[0], kind, **moving)))
    assert getattr(drawn, "n_frames", 1) == 1
    assert set(drawn.get_flattened_data()) == {(0, 0, 0)}
