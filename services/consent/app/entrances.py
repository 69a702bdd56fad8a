"""Puts the ways in together: one entrance for assistants, one for the DPO."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from runtime.sealing import Sealer
from services.consent.app.identities import Identities
from services.consent.domain.derived import Secrets
from services.consent.domain.signing_in import Entrance, SignIns
from services.consent.handlers.strangers import Stranger
from services.consent.settings import Settings
from services.consent.web.rendering import Renderer
from services.consent.web.sign_in.cookies import SignInCookies
from services.consent.web.sign_in.routes import SigningIn

P = TypeVar("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrances:
    """What every entrance of this deployment has in common."""

    settings: Settings
    identities: Identities
    sign_ins: SignIns
    secrets: Secrets
    sealer: Sealer
    renderer: Renderer
    record_stranger: Callable[[Stranger], Awaitable[None]]
    now: Callable[[], datetime]

    def way_in(
        self,
        entrance: Entrance,
        find: Callable[[str], P],
        *,
        idle: timedelta | None = None,
    ) -> SigningIn[P]:
        """Return the way in at an entrance, for those whom ``find`` returns."""
        return SigningIn(
            entrance=entrance,
            find=find,
            sign_ins=self.sign_ins,
            cookies=SignInCookies(
                secrets=self.secrets,
                sealer=self.sealer,
                is_https=self.settings.is_https,
                now=self.now,
            ),
            renderer=self.renderer,
            record_stranger=self.record_stranger,
            now=self.now,
            draw=lambda: secrets.token_urlsafe(32),
            lasts=timedelta(hours=self.settings.signed_in_hours),
            idle=idle,
            links=self.identities.links(self.sign_ins, entrance),
            flow=self.identities.flow(entrance),
        )
