"""`atelier usage`: what a tenant used in a month, and every record of a time as a file."""

from __future__ import annotations

import sys
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from atelier.cli.database import with_database
from atelier.cli.options import From, SomeTenant, To, given, tenant_name
from atelier.cli.printing import Json, print_json, show
from atelier.settings import SettingsProblem

if TYPE_CHECKING:
    from atelier.state.database import Database
    from atelier.state.usage_export import Format, UsageFilter

app = typer.Typer(invoke_without_command=True)


@app.callback()
def usage(
    context: typer.Context,
    tenant: Annotated[str | None, typer.Option(help="The tenant's id.", callback=tenant_name)] = None,
    month: Annotated[str | None, typer.Option(help="YYYY-MM; the present month if left out.")] = None,
    as_json: Json = False,
) -> None:
    """What a tenant used in a month, by service; or every record (export)."""
    if context.invoked_subcommand is not None:
        return
    if tenant is None:
        raise typer.BadParameter("name a tenant with --tenant, or write every record with: usage export")
    found = with_database(lambda database: _month(database, tenant, month))
    if as_json:
        print_json(found)
        return
    columns = ("requests", "succeeded", "failed", "cancelled", "units", "unit", "tokens")
    rows = [{"service": name, **{c: row[c] for c in columns}} for name, row in found["services"].items()]
    show(rows, as_json=False, empty=f"No usage in {found['month']}.")


async def _month(database: Database, tenant: str, month: str | None) -> dict[str, Any]:
    from atelier.gateway.usage import Ledger

    return await Ledger(database).month(tenant, month)


@app.command()
def export(
    *,
    tenant: SomeTenant = None,
    service: Annotated[str | None, typer.Option(help="Only this service's.")] = None,
    first: From = None,
    before: To = None,
    kind: Annotated[str, typer.Option("--format", help="csv, or ndjson: one JSON object a line.")] = "csv",
    output: Annotated[Path | None, typer.Option(help="The file; none: the standard output.")] = None,
) -> None:
    """Write every usage record of a time, the oldest first."""
    from atelier.state.queries import ExportQuery
    from atelier.wire.body import validated

    fields = {**given(tenant=tenant, service=service, to=before, format=kind), **({"from": first} if first else {})}
    query = validated(ExportQuery, fields)
    if output is None:
        with_database(lambda database: _write(database, query.wanted(), query.format, sys.stdout.buffer))
        return
    part = output.with_name(output.name + ".part")
    try:
        with part.open("wb") as file:
            with_database(lambda database: _write(database, query.wanted(), query.format, file))
        part.replace(output)  # a file of that name is whole
    except OSError as problem:
        raise SettingsProblem(f"--output: {output} cannot be written ({problem.strerror})") from None
    finally:
        with suppress(OSError):  # it took its place, or was never there
            part.unlink()


async def _write(database: Database, wanted: UsageFilter, kind: Format, file: BinaryIO) -> None:
    from atelier.state.usage_export import export_usage

    async with aclosing(export_usage(database, wanted, kind)) as pieces:
        async for piece in pieces:
            file.write(piece)
    file.flush()
