"""Turns templates into pages: everything escaped, nothing loaded from elsewhere, no script."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response

from desk import Desk, describe_hours

_FOLDER: Final = Path(__file__).parent
STYLE: Final = (_FOLDER / "assistance.css").read_bytes()

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}

Page = Response[str]


class Pages:
    """Renders the templates with the desk's facts."""

    def __init__(self, desk: Desk, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._desk = desk
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["tel"] = _tel
        self._environment.globals |= {"desk": desk, "hours": describe_hours(desk.calendar)}

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> Page:
        """Return a page of the template, with headers that let nothing foreign in."""
        html = self._environment.get_template(f"{template}.html.jinja").render(**variables)
        return Response(
            html,
            status_code=status,
            media_type="text/html; charset=utf-8",
            headers={**HEADERS, **(headers or {})},
        )

    def front(self) -> Page:
        """Return the Assistance page as of now."""
        return self.page("accueil", state=self._desk.calendar.state(self._now()))


def _tel(number: str) -> str:
    """Return a number as in a ``tel:`` address (RFC 3966), without blanks and points."""
    return "".join(character for character in number if character in "+0123456789")
