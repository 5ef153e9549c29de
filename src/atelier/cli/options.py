"""Options and arguments of more than one command."""

from __future__ import annotations

from typing import Annotated

import typer


def tenant_name(tenant: str | None) -> str | None:
    from atelier.state.records import is_tenant_name

    if tenant is not None and not is_tenant_name(tenant):
        raise typer.BadParameter("must be 1 to 128 printable characters")
    return tenant


Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's id.", callback=tenant_name)]
SomeTenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant's.", callback=tenant_name)]
CreateTenant = Annotated[bool, typer.Option("--create-tenant", help="Make the tenant where it is not there yet.")]
TenantArgument = Annotated[str, typer.Argument(help="The tenant's id.", callback=tenant_name)]
Services = Annotated[
    str | None, typer.Option("--services", help="What it is for, names with commas between; none: every service.")
]
Admin = Annotated[bool, typer.Option("--admin", help="Give it the role admin.")]
From = Annotated[str | None, typer.Option("--from", help="From this moment on (2026-01-31, or with T12:00:00Z).")]
To = Annotated[str | None, typer.Option("--to", help="Before this moment; without a zone it is in UTC.")]


def names(services: str | None) -> list[str] | None:
    """The names between the commas."""
    return None if services is None else [name.strip() for name in services.split(",")]


def given(**fields: object) -> dict[str, object]:
    """Those that were typed."""
    return {name: value for name, value in fields.items() if value is not None}
