"""`atelier demo`, `probe` and `doctor`: see that it works, and why it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from atelier.cli.database import settings_here
from atelier.cli.printing import Json, console, print_json
from atelier.cli.probe import SECONDS
from atelier.cli.run import DEVELOPMENT_TENANT
from atelier.cli.tokens import signed
from atelier.settings import Settings, SettingsProblem


def demo(
    sentence: Annotated[str | None, typer.Argument(help="What is said; none: one that the miniatures know.")] = None,
    url: Annotated[str | None, typer.Option(help="The gateway; none: this machine's.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="ATELIER_TOKEN", help="A token or API key; none: one for this machine's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the picture; none: by chance.")] = None,
    output: Annotated[Path, typer.Option(help="The folder for the files.")] = Path("atelier-demo"),
) -> None:
    """Say a sentence, write it down, draw it and describe the picture; status 0 if the caption is the sentence."""
    from atelier.demo import SENTENCE, round_trip

    settings = settings_here()
    url = url or settings.gateway_url()
    work = round_trip(
        url,
        token or _own_token(settings, url),
        sentence or SENTENCE,
        seed=seed,
        folder=output,
        console=console,
    )
    try:
        same = asyncio.run(work)
    except OSError as problem:
        raise SettingsProblem(f"--output: {output} cannot be written ({problem.strerror})") from None
    if not same:
        raise typer.Exit(1)


def _own_token(settings: Settings, url: str) -> str:
    """For a gateway on this machine, which signs with the secret that is here; another's is not known."""
    from yarl import URL

    from atelier.gateway.secret import known_secret

    try:
        host = URL(url).host
    except ValueError:
        raise SettingsProblem(f"--url: {url} is not a web address") from None
    if host not in {"127.0.0.1", "localhost", "::1", URL(settings.gateway_url()).host}:
        raise SettingsProblem(f"--token: {url} is not on this machine; name a token of it (or set ATELIER_TOKEN)")
    return signed(settings, known_secret(settings), DEVELOPMENT_TENANT, hours=1)


def probe(
    url: Annotated[str, typer.Argument(help="Such as http://text-to-image:7860/health.")],
    timeout: Annotated[float, typer.Option(min=0.1, max=600, help="Seconds in all.")] = SECONDS,
) -> None:
    """Ask a server how it is; status 0 if it is well."""
    from atelier.cli.probe import probe as run

    run(url, timeout)


def doctor(as_json: Json = False) -> None:
    """What this machine can run, what is missing, and what to type."""
    from atelier.doctor import examine

    findings = examine(settings_here())
    if as_json:
        print_json([finding.__dict__ for finding in findings])
    else:
        for finding in findings:
            mark = "[green]ok[/]  " if finding.good else "[red]no[/]  "
            console.print(f"{mark} [bold]{escape(finding.what)}[/]: {escape(finding.found)}", highlight=False)
            if finding.remedy:
                console.print(f"      → {finding.remedy}", highlight=False, markup=False)
        _print_advice()
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def _print_advice() -> None:
    """What to paste, and to fetch, so that the best that this machine can hold serves."""
    from atelier.doctor_models import advice, configuration, downloads
    from atelier.models.fit import this_machine

    machine = this_machine()
    if machine is None:
        return
    advised = advice(settings_here(), machine)
    console.print("\nFor these models, put into atelier.toml:\n", markup=False)
    console.print(configuration(advised), highlight=False, markup=False, soft_wrap=True)
    missing = downloads(advised)
    if missing:
        console.print(
            f"\nand type: atelier models download {' '.join(missing)}", highlight=False, markup=False, soft_wrap=True
        )
