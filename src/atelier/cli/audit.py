"""`atelier audit`: what administrators did."""

from __future__ import annotations

from typing import Annotated

import typer

from atelier.cli.database import in_transaction
from atelier.cli.options import From, SomeTenant, To, given
from atelier.cli.printing import Json, show

app = typer.Typer(help="The audit log: what administrators did.", no_args_is_help=True)


@app.callback()
def _audit() -> None:
    pass


@app.command("list")
def list_(
    *,
    tenant: SomeTenant = None,
    actor: Annotated[str | None, typer.Option(help="Who acted: tenant/user, or cli:name.")] = None,
    action: Annotated[str | None, typer.Option(help="Such as tenant.suspend.")] = None,
    target: Annotated[str | None, typer.Option(help="The id of a tenant or a key.")] = None,
    first: From = None,
    before: To = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """List administrative acts, the newest first."""
    from atelier.state.audit import list_audit
    from atelier.state.queries import AuditQuery
    from atelier.wire.body import validated

    fields = given(tenant=tenant, actor=actor, action=action, target=target, to=before, limit=limit)
    query = validated(AuditQuery, {**fields, **({"from": first} if first else {})})
    rows = in_transaction(lambda connection: list_audit(connection, query.wanted(), limit=query.limit))
    show([dict(row) for row in rows], as_json, empty="No entries.")
