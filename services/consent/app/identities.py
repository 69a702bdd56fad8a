"""Whose word counts on who an assistant is: the built-in issuer's, or an identity provider's."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from desk import Desk
from runtime.keys import KeyUnusable
from services.consent.domain.signing_in import SignIns
from services.consent.gateway.code_flow import CodeFlow
from services.consent.gateway.oidc import Provider, ProviderTokens
from services.consent.gateway.tokens import BuiltInLinks, BuiltInTokens, read_public_key
from services.consent.settings import OidcSettings, Settings
from services.consent.web.authentication import Authenticator

_SECRET: Final = "oidc-client-secret"  # noqa: S105  a file's name
_CALLBACK: Final = "/assistant/login/callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """The one way in for programs, and the one for browsers, if there is one."""

    authenticator: Authenticator
    links: Callable[[SignIns], BuiltInLinks] | None = None
    flow: CodeFlow | None = None


def identities(settings: Settings, desk: Desk, *, now: Callable[[], datetime]) -> Identities:
    """Return whom this deployment believes; raises ``KeyUnusable``."""
    if settings.oidc is not None:
        provider = Provider(settings.oidc)
        subjects = {one.subject or one.id: one for one in desk.assistants.values()}
        tokens = ProviderTokens(provider, settings.oidc)
        return Identities(
            authenticator=Authenticator(tokens=tokens, subjects=subjects, desk=desk, now=now),
            flow=_flow(settings, settings.oidc, provider),
        )
    key = read_public_key(settings.keys_dir, "tokens-public.pem")
    return Identities(
        authenticator=Authenticator(
            tokens=BuiltInTokens(key), subjects=desk.assistants, desk=desk, now=now
        ),
        links=lambda sign_ins: BuiltInLinks(key, sign_ins),
    )


def _flow(settings: Settings, oidc: OidcSettings, provider: Provider) -> CodeFlow | None:
    if oidc.client_id is None:
        return None
    return CodeFlow(
        provider,
        oidc,
        client_id=oidc.client_id,
        secret=_secret(settings),
        redirect_uri=settings.public_url + _CALLBACK,
    )


def _secret(settings: Settings) -> str:
    """Return the client's secret, empty for a client that has none; raises ``KeyUnusable``."""
    file = settings.keys_dir / _SECRET
    try:
        return file.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{file}: {type(error).__name__}") from None
