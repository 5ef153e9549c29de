"""`atelier keys`: make API keys, list and revoke them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from atelier.cli.database import actor, for_tenant, in_transaction
from atelier.cli.options import Admin, CreateTenant, Services, SomeTenant, Tenant, given, names
from atelier.cli.printing import Json, print_json, show

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from atelier.state.records import Key

app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)


@app.command()
def create(
    *,
    tenant: Tenant,
    name: Annotated[str | None, typer.Option(help="What the key is for.")] = None,
    services: Services = None,
    expires_in_days: Annotated[float | None, typer.Option(help="For how long it is good; none: until revoked.")] = None,
    admin: Admin = False,
    create_tenant: CreateTenant = False,
    as_json: Json = False,
) -> None:
    """Make an API key for a tenant that is there. It is shown this once and stored as a hash."""
    from atelier.state.keys import issue_key, read_key
    from atelier.state.records import NewKey
    from atelier.wire.body import validated

    fields = given(name=name or None, services=names(services), expires_in_days=expires_in_days)
    wanted = validated(NewKey, {"tenant": tenant, "admin": admin, **fields})

    async def make(connection: AsyncConnection) -> tuple[str, Key]:
        key = await issue_key(connection, wanted, by=actor())
        return key, await read_key(connection, key)

    key, row = for_tenant(tenant, make, create=create_tenant)
    if as_json:
        print_json({"key": key, **dict(row)})
        return
    typer.echo(key)
    typer.echo("Keep it now: it is not shown again.", err=True)


@app.command("list")
def list_(tenant: SomeTenant = None, as_json: Json = False) -> None:
    """List the keys, without their secrets."""
    from atelier.state.keys import list_keys

    rows = in_transaction(lambda connection: list_keys(connection, tenant))
    rows.sort(key=lambda row: row.created_at)
    show([dict(row) for row in rows], as_json, empty="No keys yet.")


@app.command()
def revoke(key: Annotated[str, typer.Argument(help="The key's id, or the key.")]) -> None:
    """Make a key useless: gateways that remember it notice within seconds."""
    from atelier.state.keys import revoke_key

    in_transaction(lambda connection: revoke_key(connection, key, by=actor()))
    typer.echo("Revoked.")
