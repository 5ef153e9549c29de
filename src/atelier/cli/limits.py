"""`atelier limits`: the limits of a tenant's own, which count instead of those of its plan."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from atelier.cli.database import actor, for_tenant
from atelier.cli.options import CreateTenant, Tenant, given
from atelier.cli.printing import Json, show

app = typer.Typer(help="Limits of a tenant's own: list, set, unset.", no_args_is_help=True)

Service = Annotated[str, typer.Option(help="The service; * is every one.")]
Window = Annotated[
    str | None, typer.Option("--per", help="second, minute, hour, day or month; the measure's own where left out.")
]


@app.command("list")
def list_(tenant: Tenant, as_json: Json = False) -> None:
    """List a tenant's own limits."""
    from atelier.state.limits import read_limits

    rules = for_tenant(tenant, lambda connection: read_limits(connection, tenant))
    rows: list[dict[str, Any]] = [
        {"service": rule.service, "measure": rule.measure, "allowed": rule.allowed, "per": rule.window or ""}
        for rule in rules
    ]
    show(rows, as_json, empty="It has none of its own: those of its plan count.")


@app.command("set")
def set_(
    *,
    tenant: Tenant,
    requests: Annotated[int | None, typer.Option(help="So many requests.")] = None,
    units: Annotated[float | None, typer.Option(help="So many of the service's units.")] = None,
    cost: Annotated[float | None, typer.Option(help="So much money.")] = None,
    concurrent: Annotated[int | None, typer.Option(help="So many requests at the same time.")] = None,
    per: Window = None,
    service: Service = "*",
    create_tenant: CreateTenant = False,
) -> None:
    """Set one limit (--requests, --units, --cost or --concurrent); the others stay."""
    from atelier.rules import LimitRule
    from atelier.state.limits import set_limit
    from atelier.wire.body import validated

    fields = given(requests=requests, units=units, cost=cost, concurrent=concurrent, per=per, service=service)
    rule = validated(LimitRule, fields)
    for_tenant(tenant, lambda connection: set_limit(connection, tenant, rule, by=actor()), create=create_tenant)
    typer.echo("Set.")


@app.command()
def unset(
    tenant: Tenant,
    measure: Annotated[
        str | None, typer.Option(help="requests, units, cost or concurrent; left out: every limit of the tenant's.")
    ] = None,
    per: Window = None,
    service: Service = "*",
) -> None:
    """Take one limit away, or all of them: those of its plan count again."""
    from atelier.rules import WINDOWS, LimitRule
    from atelier.state.limits import clear_limits, unset_limit
    from atelier.wire.body import validated

    if measure is None:
        if per is not None or service != "*":
            raise typer.BadParameter("say which --measure, or leave out --per and --service to unset all")
        for_tenant(tenant, lambda connection: clear_limits(connection, tenant, by=actor()))
    elif measure not in WINDOWS:
        raise typer.BadParameter(f"--measure: must be one of {', '.join(WINDOWS)}")
    else:
        rule = validated(LimitRule, {measure: 0, **given(per=per, service=service)})
        for_tenant(tenant, lambda connection: unset_limit(connection, tenant, rule, by=actor()))
    typer.echo("Unset.")
