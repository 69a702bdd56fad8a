"""Cookies and form tokens of browsers at which people sign in."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from litestar import Request
from litestar.datastructures import Cookie

from runtime.sealing import Sealer, Unsealable
from services.consent.domain.derived import Secrets
from services.consent.domain.entry import THE_LOG

ATTEMPT_S: Final = 600
_PURPOSE: Final = "sign-in-attempt"
_CROSS: Final = frozenset({"cross-site", "same-site"})
Kind = Literal["signed-in", "sign-in-visit", "sign-in-attempt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInCookies:
    """
    Names, makes and checks them.

    ``is_https`` is false only for development on this very machine: there a browser would not send
    a ``__Host-`` cookie back.
    """

    secrets: Secrets
    sealer: Sealer
    is_https: bool
    now: Callable[[], datetime]

    def of(self, request: Request[Any, Any, Any], kind: Kind) -> str:
        """Return a cookie's value, or the empty string."""
        return request.cookies.get(self._name(kind), "")

    def make(self, kind: Kind, value: str, *, kept_s: int) -> Cookie:
        """Return a cookie that scripts and other sites cannot read."""
        return Cookie(
            key=self._name(kind),
            value=value,
            path="/",
            max_age=kept_s,
            secure=self.is_https,
            httponly=True,
            samesite="lax",
        )

    def drop(self, kind: Kind) -> Cookie:
        """Return the cookie that removes one."""
        return self.make(kind, "", kept_s=0)

    def attempt(self, attempt: Mapping[str, str]) -> Cookie:
        """Return the cookie that ties an attempt to sign in to the browser that began it."""
        until = self.now() + timedelta(seconds=ATTEMPT_S)
        content = json.dumps({**attempt, "until": until.isoformat()})
        value = self.sealer.seal_text(content.encode(), purpose=_PURPOSE)
        return self.make("sign-in-attempt", value, kept_s=ATTEMPT_S)

    def attempted(self, request: Request[Any, Any, Any]) -> Mapping[str, str] | None:
        """Return the attempt that this browser has begun, unless it is too long ago."""
        try:
            opened = self.sealer.open_text(self.of(request, "sign-in-attempt"), purpose=_PURPOSE)
        except Unsealable:
            return None
        attempt: dict[str, str] = json.loads(opened)
        return attempt if datetime.fromisoformat(attempt["until"]) > self.now() else None

    def form_token(self, cookie: str) -> str:
        """Return what a form must bring from a page that this browser was shown."""
        return self.secrets.form_token(THE_LOG, cookie)

    def is_forged(self, request: Request[Any, Any, Any], cookie: str, token: str) -> bool:
        """Return whether a form does not come from a page of ours in this browser."""
        if request.headers.get("sec-fetch-site") in _CROSS:
            return True
        return not cookie or not self.secrets.is_form_token(THE_LOG, cookie, token)

    def _name(self, kind: Kind) -> str:
        return f"{'__Host-' if self.is_https else ''}{kind}"
