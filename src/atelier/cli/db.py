"""`atelier db`: the version of the tables, and bringing them up to date."""

from __future__ import annotations

import asyncio

import typer

from atelier.cli.database import location

app = typer.Typer(help="The database: its version, and bringing it up to date.", no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the tables up to date. The gateway does so too when it starts."""
    from atelier.state.database import upgrade_database
    from atelier.state.upgrade import HEAD

    asyncio.run(upgrade_database(location()))
    typer.echo(f"The database is at version {HEAD}.")


@app.command()
def current() -> None:
    """Print the version of the tables; status 1 where they are not up to date."""
    from atelier.state.database import database_version
    from atelier.state.upgrade import HEAD

    found = asyncio.run(database_version(location()))
    typer.echo(found or "none")
    if found != HEAD:
        raise typer.Exit(1)
