"""Whose word counts on who somebody is: the built-in issuer's, or an identity provider's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from desk import Desk
from desk.facts import Person
from runtime.keys import KeyUnusable
from services.consent.domain.signing_in import Entrance, SignIns
from services.consent.gateway.code_flow import CodeFlow
from services.consent.gateway.oidc import Provider, ProviderTokens
from services.consent.gateway.tokens import BuiltInLinks, BuiltInTokens, read_public_key
from services.consent.settings import OidcSettings, Settings
from services.consent.web.authentication import Authenticator, Officers

_SECRET: Final = "oidc-client-secret"  # noqa: S105  a file's name
P = TypeVar("P", bound=Person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Whom the desk lists, and the way in for browsers at an entrance, if there is one."""

    authenticator: Authenticator
    officers: Officers
    links: Callable[[SignIns, Entrance], BuiltInLinks | None]
    flow: Callable[[Entrance], CodeFlow | None]


def identities(settings: Settings, desk: Desk, *, now: Callable[[], datetime]) -> Identities:
    """Return whom this deployment believes; raises ``KeyUnusable``."""
    if settings.oidc is not None:
        provider = Provider(settings.oidc)
        tokens = ProviderTokens(provider, settings.oidc)
        return Identities(
            authenticator=Authenticator(
                tokens=tokens, subjects=_by_subject(desk.assistants), desk=desk, now=now
            ),
            officers=Officers(subjects=_by_subject(desk.officers), desk=desk, now=now),
            links=lambda _, __: None,
            flow=_flows(settings, settings.oidc, provider),
        )
    key = read_public_key(settings.keys_dir, "tokens-public.pem")
    return Identities(
        authenticator=Authenticator(
            tokens=BuiltInTokens(key), subjects=desk.assistants, desk=desk, now=now
        ),
        officers=Officers(subjects=desk.officers, desk=desk, now=now),
        links=lambda sign_ins, entrance: BuiltInLinks(key, sign_ins, entrance),
        flow=lambda _: None,
    )


def _by_subject(people: Mapping[str, P]) -> dict[str, P]:
    return {one.subject or one.id: one for one in people.values()}


def _flows(
    settings: Settings, oidc: OidcSettings, provider: Provider
) -> Callable[[Entrance], CodeFlow | None]:
    client_id, secret = oidc.client_id, _secret(settings)
    if client_id is None:
        return lambda _: None

    def flow(entrance: Entrance) -> CodeFlow:
        return CodeFlow(
            provider,
            oidc,
            client_id=client_id,
            secret=secret,
            redirect_uri=f"{settings.public_url}{entrance.login}/callback",
        )

    return flow


def _secret(settings: Settings) -> str:
    """Return the client's secret, empty for a client that has none; raises ``KeyUnusable``."""
    file = settings.keys_dir / _SECRET
    try:
        return file.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"{file}: {type(error).__name__}") from None
