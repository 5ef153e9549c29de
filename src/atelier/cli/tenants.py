"""`atelier tenants`: make tenants, look at them, put them on plans, say what they may use, suspend, delete them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atelier.cli.database import actor, for_tenant, in_transaction, settings_here, with_database
from atelier.cli.options import TenantArgument, given
from atelier.cli.printing import Json, print_json, show

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from atelier.state.database import Database
    from atelier.state.records import Tenant

app = typer.Typer(help="Tenants: make, look at, suspend, delete.", no_args_is_help=True)


@app.command()
def create(
    tenant: TenantArgument,
    name: Annotated[str | None, typer.Option(help="Its name for people.")] = None,
    plan: Annotated[str | None, typer.Option(help="A plan of the settings.")] = None,
    commercial: Annotated[
        bool, typer.Option("--commercial", help="No model whose licence forbids commercial use serves it.")
    ] = False,
) -> None:
    """Make a tenant. (One that a token names is made on its first request.)"""
    from atelier.errors import Conflict
    from atelier.state.records import NewTenant
    from atelier.state.tenants import create_tenant
    from atelier.wire.body import validated

    wanted = validated(NewTenant, given(id=tenant, name=name, plan=plan, commercial=commercial))
    plans = settings_here().plans
    try:
        in_transaction(lambda connection: create_tenant(connection, wanted, plans, by=actor()))
    except Conflict:
        typer.echo("It is there already.")
        return
    typer.echo("Made.")


@app.command("list")
def list_(
    search: Annotated[str | None, typer.Option(help="Part of an id or a name.")] = None, as_json: Json = False
) -> None:
    """List the tenants."""
    from atelier.state.queries import TenantsQuery
    from atelier.state.tenants import list_tenants
    from atelier.wire.body import validated

    search = validated(TenantsQuery, given(search=search)).search
    rows = in_transaction(lambda connection: list_tenants(connection, search=search))
    show([dict(row) for row in rows], as_json, empty="No tenants yet." if search is None else "None is called that.")


@app.command("show")
def show_(tenant: TenantArgument, as_json: Json = False) -> None:
    """One tenant, with its own limits, its keys and what it used this month."""
    from atelier.state.limits import read_limits, shown
    from atelier.state.tenants import count_keys, read_tenant
    from atelier.state.usage_export import UsageFilter, sum_usage, this_month

    async def read(connection: AsyncConnection) -> dict[str, Any]:
        return {
            **dict(await read_tenant(connection, tenant)),
            "limits": [shown(rule) for rule in await read_limits(connection, tenant)],
            "keys": await count_keys(connection, tenant),
            "usage": await sum_usage(connection, UsageFilter(tenant=tenant, first=this_month())),
        }

    found = for_tenant(tenant, read)
    if as_json:
        print_json(found)
        return
    limits, used = found.pop("limits"), found.pop("usage")
    for name, value in found.items():
        typer.echo(f"{name}\t{value}")
    for rule in limits:
        typer.echo(f"limit\t{', '.join(f'{name} {value}' for name, value in rule.items() if value is not None)}")
    for row in used:
        typer.echo(f"usage\t{row.service}: {row.requests} requests, {row.units:g} {row.unit}, cost {row.cost:g}")


@app.command()
def suspend(tenant: TenantArgument) -> None:
    """Refuse a tenant's requests from now on; nothing of it is lost."""
    _change(tenant, suspended=True)
    typer.echo("Suspended.")


@app.command()
def resume(tenant: TenantArgument) -> None:
    """Let a suspended tenant in again."""
    _change(tenant, suspended=False)
    typer.echo("Resumed.")


@app.command()
def plan(
    tenant: TenantArgument,
    plan: Annotated[str | None, typer.Argument(help="A plan of the settings; none takes it off its plan.")] = None,
) -> None:
    """Put a tenant on a plan."""
    _change(tenant, plan=plan)
    typer.echo("Changed.")


@app.command()
def commercial(
    tenant: TenantArgument,
    no: Annotated[bool, typer.Option("--no", help="It is not, any more.")] = False,
) -> None:
    """Mark a tenant as commercial: no model whose licence forbids commercial use serves it."""
    _change(tenant, commercial=not no)
    typer.echo("Changed.")


@app.command()
def loras(
    tenant: TenantArgument,
    names: Annotated[
        list[str] | None, typer.Argument(help="All that it may use from now on; '*', in quotes, is every one.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="It may use none.")] = False,
    unset: Annotated[bool, typer.Option("--unset", help="It has no list of its own: its plan's counts again.")] = False,
) -> None:
    """Say which LoRAs a tenant may use, instead of those of its plan and of the settings."""
    if bool(names) + none + unset != 1:
        raise typer.BadParameter("name the LoRAs that it may use, or say --none or --unset")
    _change(tenant, loras=None if unset else names or [])
    typer.echo("Changed.")


@app.command()
def delete(
    tenant: TenantArgument,
    purge: Annotated[bool, typer.Option("--purge", help="Delete its usage records, artifacts and voices too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a tenant with its keys and limits."""
    from atelier.gateway.artifacts import create_artifacts
    from atelier.gateway.removal import remove_tenant
    from atelier.gateway.voices import create_voices

    if purge and not yes and sys.stdin.isatty():
        typer.confirm(f"Delete {tenant} with all its usage records, artifacts and voices?", abort=True)
    settings = settings_here()

    async def remove(database: Database) -> None:
        artifacts = create_artifacts(settings, database, "")  # it signs no links here
        voices = create_voices(settings, database, artifacts.store)
        await remove_tenant(database, artifacts, voices, tenant, purge=purge, by=actor())

    with_database(remove)
    typer.echo("Deleted.")


def _change(tenant: str, **fields: object) -> Tenant:
    from atelier.state.records import TenantChange
    from atelier.state.tenants import change_tenant
    from atelier.wire.body import validated

    change = validated(TenantChange, fields)
    plans = settings_here().plans
    return for_tenant(tenant, lambda connection: change_tenant(connection, tenant, change, plans, by=actor()))
