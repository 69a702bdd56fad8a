"""Cookies and form tokens: which browser is the one where the entry code was given."""

from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from litestar import Request
from litestar.datastructures import Cookie

from services.consent.domain.derived import Secrets

KEPT_S: Final = 7 * 24 * 3600
_PREFIX: Final = "__Host-"
_CROSS: Final = frozenset({"cross-site", "same-site"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsers:
    """
    Names and checks cookies.

    ``is_https`` is false only for development on this very machine: there a browser would not send
    a ``__Host-`` cookie back.
    """

    secrets: Secrets
    is_https: bool

    def bound(self, request: Request[Any, Any, Any], session: UUID) -> str:
        """Return the cookie that binds this browser, or the empty string."""
        return request.cookies.get(self._name("session", session), "")

    def visit(self, request: Request[Any, Any, Any], session: UUID) -> str:
        """Return the cookie of a browser that is not bound, or the empty string."""
        return request.cookies.get(self._name("visit", session), "")

    def bind(self, session: UUID, number: int) -> Cookie:
        """Return the cookie for the browser in which the ``number``-th code was given."""
        return self._cookie("session", session, self.secrets.cookie(session, number))

    def greet(self, session: UUID, value: str) -> Cookie:
        """Return the cookie that ties the forms of a page to a browser that is not bound."""
        return self._cookie("visit", session, value)

    def is_forged(
        self, request: Request[Any, Any, Any], session: UUID, browser: str, token: str
    ) -> bool:
        """Return whether a form does not come from a page of ours in this browser."""
        if request.headers.get("sec-fetch-site") in _CROSS:
            return True
        return not browser or not self.secrets.is_form_token(session, browser, token)

    def _name(self, kind: Literal["session", "visit"], session: UUID) -> str:
        prefix = _PREFIX if self.is_https else ""
        return f"{prefix}{kind}-{session.hex[:12]}"

    def _cookie(self, kind: Literal["session", "visit"], session: UUID, value: str) -> Cookie:
        return Cookie(
            key=self._name(kind, session),
            value=value,
            path="/",
            max_age=KEPT_S,
            secure=self.is_https,
            httponly=True,
            samesite="lax",
        )
