"""`atelier serve`, `gateway` and `worker`: run the servers."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from atelier.catalog import SERVICES
from atelier.cli.database import settings_here
from atelier.cli.tokens import signed
from atelier.settings import Settings, SettingsProblem

DEVELOPMENT_TENANT = "demo"
DEVELOPMENT_HOURS = 24 * 30


def serve() -> None:
    """Run the gateway and every worker on this machine, until Ctrl-C."""
    from atelier.gateway.secret import kept_secret
    from atelier.home import prepare_home
    from atelier.serve import say
    from atelier.serve import serve as run

    settings = settings_here()
    prepare_home(settings.home)
    secret, made = kept_secret(settings)
    if made:
        say(f"Made a secret for signing tokens; only you can read it: {settings.home / 'jwt_secret'}")
    say("Starting the gateway and the workers …")
    token = signed(settings, secret, DEVELOPMENT_TENANT, hours=DEVELOPMENT_HOURS)
    run(
        settings,
        secret,
        lambda seconds, problems: _announce(settings, token, seconds, problems),
        tenant=DEVELOPMENT_TENANT,
    )
    say("Everything has stopped.")


def _announce(settings: Settings, token: str, seconds: float, problems: Sequence[str]) -> None:
    base = settings.gateway_url()
    lines = [
        "",
        f"Atelier is up after {seconds:.0f} s{', but for this:' if problems else '.'}",
        *(f"  {problem}" for problem in problems),
        "",
        f"  Gateway   {base}   (API reference: {base}/docs)",
        *(f"  Worker    http://127.0.0.1:{settings.worker_port(name)}   {name}" for name in SERVICES),
        "",
        f"Console (the link holds the development token of tenant {DEVELOPMENT_TENANT!r}):",
        f"  {base}/#token={token}",
        "",
        "Try it:",
        f"  curl -s {base}/api/text-to-speech -H 'Authorization: Bearer {token}' "
        "-H 'Content-Type: application/json' -d '{\"text\": \"Hello from Atelier\"}'",
        "",
        f"Another token: {_command()} token --tenant {DEVELOPMENT_TENANT}.   Stop: Ctrl-C.",
    ]
    typer.echo("\n".join(lines))
    sys.stdout.flush()


def _command() -> str:
    """How the person can type `atelier` here."""
    return "atelier" if shutil.which("atelier") else os.path.relpath(Path(sys.executable).parent / "atelier")


def gateway(
    processes: Annotated[Path | None, typer.Option(hidden=True, help="Where the supervisor writes its states.")] = None,
) -> None:
    """Run the gateway alone. It needs JWT_SECRET."""
    from atelier.gateway.secret import required_secret
    from atelier.run import run_gateway

    settings = settings_here()
    run_gateway(settings, required_secret(settings), processes=processes)


def worker(services: Annotated[list[str], typer.Argument(help=f"Any of: {', '.join(SERVICES)}.")]) -> None:
    """Run one worker process that serves SERVICES, each on its own port."""
    from atelier.run import run_worker

    unknown = [name for name in services if name not in SERVICES]
    if unknown:
        raise SettingsProblem(f"There is no service {unknown[0]}; there are {', '.join(SERVICES)}.")
    run_worker(settings_here(), services)
