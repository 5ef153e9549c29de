"""`atelier token`: a token of the product's own, signed with the secret that is here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from atelier.cli.database import settings_here
from atelier.cli.options import Admin, Services, Tenant, names
from atelier.settings import Settings


def token(
    tenant: Tenant,
    hours: Annotated[float, typer.Option(min=0.001, max=876_000, help="How long it is good.")] = 24.0,
    user: Annotated[str | None, typer.Option(help="The user within the tenant.")] = None,
    services: Services = None,
    admin: Admin = False,
) -> None:
    """Print a token for a tenant, and nothing else."""
    from atelier.gateway.secret import known_secret

    settings = settings_here()
    roles = ["admin"] if admin else []
    secret = known_secret(settings)
    typer.echo(signed(settings, secret, tenant, hours=hours, user=user, roles=roles, services=_checked(services)))


def signed(
    settings: Settings,
    secret: str,
    tenant: str,
    *,
    hours: float,
    user: str | None = None,
    roles: Sequence[str] = (),
    services: Sequence[str] | None = None,
) -> str:
    """A token that says whom it is from and for, as the gateway of these settings will ask."""
    from atelier.gateway.auth import make_token

    return make_token(
        secret,
        tenant,
        seconds=hours * 3600,
        user=user,
        roles=roles,
        services=services,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


def _checked(services: str | None) -> list[str] | None:
    """Raises InvalidRequest for a service that there is not."""
    from atelier.state.records import NewKey
    from atelier.wire.body import validated

    return validated(NewKey, {"tenant": "-", "services": names(services)}).services
