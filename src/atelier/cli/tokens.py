"""`atelier token`: a token of the product's own, signed with the secret that is here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from atelier.cli.database import for_tenant, settings_here
from atelier.cli.options import Admin, CreateTenant, Services, Tenant, names
from atelier.settings import Settings, SettingsProblem


def token(
    *,
    tenant: Tenant,
    hours: Annotated[float, typer.Option(min=0.001, max=876_000, help="How long it is good.")] = 24.0,
    user: Annotated[str | None, typer.Option(help="The user within the tenant.")] = None,
    services: Services = None,
    admin: Admin = False,
    create_tenant: CreateTenant = False,
) -> None:
    """Print a token for a tenant, and nothing else. Where a database is here, it must know the tenant."""
    from atelier.gateway.secret import known_secret

    settings = settings_here()
    roles = ["admin"] if admin else []
    secret = known_secret(settings)
    only = _checked(services)
    _look_up(settings, tenant, create=create_tenant)
    typer.echo(signed(settings, secret, tenant, hours=hours, user=user, roles=roles, services=only))


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


def _look_up(settings: Settings, tenant: str, *, create: bool) -> None:
    """The first request of a token makes its tenant: a misspelt one is refused here. Signing needs no database, so
    where none is here, or it is away, nothing is looked up."""
    from atelier.errors import Unavailable
    from atelier.state.tenants import read_tenant

    if not create and settings.database_url is None and not (settings.home / "atelier.db").exists():
        return
    try:
        for_tenant(tenant, lambda connection: read_tenant(connection, tenant), create=create)
    except (SettingsProblem, Unavailable) as problem:
        if create:
            raise
        typer.echo(f"Whether there is a tenant {tenant!r} is not known: {problem}", err=True)


def _checked(services: str | None) -> list[str] | None:
    """Raises InvalidRequest for a service that there is not."""
    from atelier.state.records import NewKey
    from atelier.wire.body import validated

    return validated(NewKey, {"tenant": "-", "services": names(services)}).services
