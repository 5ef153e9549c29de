"""All commands in one table, and how a problem ends: in a sentence, with exit status 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from atelier import __version__
from atelier.cli import audit, db, keys, limits, look, models, plans, run, tenants, tokens, usage
from atelier.errors import AtelierError
from atelier.settings import SettingsProblem

COMMANDS = (
    ("Run", run.serve),
    ("Run", run.gateway),
    ("Run", run.worker),
    ("Look", look.demo),
    ("Look", look.doctor),
    ("Look", look.probe),
    ("Administer", tokens.token),
)
GROUPS = (
    ("Look", "models", models.app),
    ("Look", "usage", usage.app),
    ("Administer", "tenants", tenants.app),
    ("Administer", "keys", keys.app),
    ("Administer", "plans", plans.app),
    ("Administer", "limits", limits.app),
    ("Administer", "audit", audit.app),
    ("Administer", "db", db.app),
)

app = typer.Typer(
    name="atelier",
    help="Self-hosted AI media: one gateway, five services, many tenants.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for panel, command in COMMANDS:
    app.command(rich_help_panel=panel)(command)
for panel, name, group in GROUPS:
    app.add_typer(group, name=name, rich_help_panel=panel)


def main(words: Sequence[str] | None = None) -> None:
    """Run the command (`words`, or the process's own); a problem is a sentence on stderr and exit status 1."""
    os.umask(0o077)  # what it writes (usage, keys' hashes, tenants' files, logs) is for this user alone
    try:
        app(words)
    except SettingsProblem as problem:
        sys.exit(f"atelier: {problem}")
    except AtelierError as problem:
        sys.exit(f"atelier: {problem.message}")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
