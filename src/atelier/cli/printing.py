"""What the command prints: tables on a terminal, tab-separated lines elsewhere, JSON where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]

console = Console()


def print_json(value: object) -> None:
    from pydantic_core import to_json

    typer.echo(to_json(value, indent=2).decode())


def show(rows: Sequence[Mapping[str, Any]], as_json: bool, *, empty: str) -> None:
    """A table for people; tab-separated where the output is no terminal; JSON on request."""
    if as_json:
        print_json(rows)
    elif not rows:
        typer.echo(empty)
    elif not console.is_terminal:
        typer.echo("\t".join(rows[0]))
        for row in rows:
            typer.echo("\t".join(str(value) for value in row.values()))
    else:
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        console.print(table)
