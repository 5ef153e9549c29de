"""`atelier models`: what is here, and what could be."""

from __future__ import annotations

import typer

from atelier.cli.database import settings_here
from atelier.cli.printing import Json, console, show

app = typer.Typer(help="Models: what is here, and what could be.", no_args_is_help=True)


@app.callback()
def _models() -> None:
    pass


@app.command("list")
def list_(as_json: Json = False) -> None:
    """The models of the catalog, and which of them are here."""
    from atelier.models.catalog import catalog, models_folder

    folder = models_folder(settings_here())
    rows = [
        {
            "model": entry.id,
            "services": ", ".join(entry.services),
            "here": "yes" if entry.here(folder) else f"no (its folder: {entry.place(folder)})",
            "licence": f"{entry.licence.name} (commercial use: {entry.licence.commercial})",
            "note": entry.note or "",
        }
        for entry in catalog()
    ]
    if as_json or not console.is_terminal:
        show(rows, as_json, empty="")
        return
    for row in rows:
        console.print(f"[bold]{row['model']}[/]", highlight=False)
        for name in ("services", "here", "licence", "note"):
            if row[name]:
                console.print(f"  {name:<10}{row[name]}", highlight=False, markup=False, soft_wrap=True)
