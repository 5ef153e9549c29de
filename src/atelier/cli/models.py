"""`atelier models`: what is here and what could be; fetch it, check it, remove it, bring it from a folder."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atelier.cli.database import actor, settings_here
from atelier.cli.printing import Json, console, show
from atelier.errors import Conflict, InvalidRequest

if TYPE_CHECKING:
    from atelier.models.entry import ModelEntry
    from atelier.models.fit import Machine

app = typer.Typer(help="Models: what is here and what could be; fetch, check, remove.", no_args_is_help=True)

Models = Annotated[list[str] | None, typer.Argument(help="Ids of `atelier models list`.", show_default=False)]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept-licence", help="Accept a licence that forbids commercial use: its name, or its model's id."),
]


@app.callback()
def _models() -> None:
    pass


@app.command("list")
def list_(as_json: Json = False) -> None:
    """The models of the catalog: which are here, their licences, their sizes, and whether this machine has room."""
    from atelier.models.catalog import catalog
    from atelier.models.fit import this_machine

    folder, machine = _folder(), this_machine()
    rows = [_row(entry, folder, machine) for entry in catalog()]
    if as_json or not console.is_terminal:
        show(rows, as_json, empty="")
        return
    for row in rows:
        console.print(f"[bold]{row['model']}[/]", highlight=False)
        for name, value in row.items():
            if value and name != "model":
                console.print(f"  {name:<10}{value}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def download(  # noqa: PLR0917  each is an option of the command
    models: Models = None,
    service: Annotated[str | None, typer.Option(help="The models of this service's tier `full`.")] = None,
    tier: Annotated[
        str | None, typer.Option(help="small: for a laptop. full: the services' best known models.")
    ] = None,
    accept_licence: Accept = None,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="Files at a time.")] = 4,
    newest: Annotated[bool, typer.Option("--newest", help="The newest commit, in place of the recorded one.")] = False,
) -> None:
    """Fetch models, or what they lack. What was stopped goes on where it was; what is here is checked.

    HF_TOKEN, HF_ENDPOINT (a mirror), HTTPS_PROXY and HF_HUB_OFFLINE are heeded.
    """
    from atelier.models.catalog import with_bases

    entries, folder = with_bases(_chosen(models, service, tier)), _folder()
    _require_acceptance(entries, folder, accept_licence)
    try:
        from atelier.models.hub.download import Downloads
        from atelier.models.hub.download import download as fetch
        from atelier.models.hub.progress import watching
    except ImportError as problem:
        raise InvalidRequest(f"Downloads need a library ({problem.name}): pip install 'atelier[hub]'") from None
    with _in_words(), watching(console) as watch:
        fetch(entries, Downloads(folder, watch, parallel=parallel, newest=newest))


@app.command()
def verify(models: Models = None, as_json: Json = False) -> None:
    """Read every file of the models that are here, and compare it with what was recorded when it came."""
    from atelier.models.catalog import catalog
    from atelier.models.installed import verify as verdict_on

    folder = _folder()
    verdicts = [verdict_on(entry, folder) for entry in (_named(models) if models else catalog())]
    rows = [
        {"model": one.model, "state": one.state, "files": "; ".join(f"{k} {v}" for k, v in one.damaged.items())}
        for one in verdicts
        if models or one.state != "not here"
    ]
    show(rows, as_json, empty="No models here.")
    damaged = [one.model for one in verdicts if one.state == "damaged" or (models and one.state == "not here")]
    if damaged:
        raise Conflict(
            f"not as they should be: {', '.join(damaged)}. Type: atelier models download {' '.join(damaged)}"
        )


@app.command()
def remove(models: Annotated[list[str], typer.Argument(help="Ids of `atelier models list`.")]) -> None:
    """Delete models' files. Their records stay: a later download is held to them."""
    from atelier.models.exclusive import only_one
    from atelier.models.gathering import gigabytes
    from atelier.models.installed import remove as remove_one

    folder = _folder()
    with _in_words(), only_one(folder, _waiting):
        for entry in _named(models):
            typer.echo(f"{entry.id}: removed, {gigabytes(remove_one(entry, folder))} are free again")


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="FOLDER", help="A models folder, or the folder of one model.")],
    model: Annotated[str | None, typer.Option("--as", metavar="MODEL", help="Which model it is.")] = None,
    accept_licence: Accept = None,
) -> None:
    """Copy models from a folder: for machines that reach no hub. Their files are checked as a download's are."""
    import shutil

    from atelier.models.bringing import bring, found_in
    from atelier.models.catalog import catalog
    from atelier.models.exclusive import only_one

    if model is not None:
        _named([model])
    if not source.is_dir():
        raise InvalidRequest(f"There is no folder {source}")
    found, folder = found_in(source.resolve(), catalog(), model), _folder()
    _require_acceptance([entry for entry, _ in found], folder, accept_licence)
    with _in_words(), only_one(folder, _waiting):
        for entry, place in found:
            bring(entry, place, folder, lambda where: shutil.disk_usage(where).free)
            typer.echo(f"{entry.id}: here")


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """What the person or the disk stops ends in a sentence, and not in a traceback."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit("atelier: stopped. Type the same again to go on where it was")
    except OSError as problem:
        sys.exit(f"atelier: {problem.strerror or problem}: {problem.filename or 'the models folder'}")


def _folder() -> Path:
    from atelier.models.catalog import models_folder

    return models_folder(settings_here())


def _waiting() -> None:
    typer.echo("Another process changes the models; waiting for it …")


def _row(entry: ModelEntry, folder: Path, machine: Machine | None) -> dict[str, Any]:
    from atelier.models.fit import in_words

    return {
        "model": entry.id,
        "services": ", ".join(entry.services),
        "here": _here(entry, folder),
        "size": f"{entry.size:.1f} GB" if entry.size else "",
        "fits": in_words(entry, machine) if machine else "",
        "tiers": ", ".join(entry.tiers),
        "languages": ", ".join(entry.languages),
        "licence": f"{entry.licence.name} (commercial use: {entry.licence.commercial})",
        "note": entry.note or "",
    }


def _here(entry: ModelEntry, folder: Path) -> str:
    if entry.here(folder):
        return "yes"
    if entry.source:
        return f"no (atelier models download {entry.id})"
    return f"no (its folder: {entry.place(folder)})"


def _named(models: Sequence[str]) -> list[ModelEntry]:
    """Raises InvalidRequest for a name that the catalog does not have."""
    from atelier.models.catalog import catalog

    known = {entry.id: entry for entry in catalog()}
    for model in models:
        if model not in known:
            raise InvalidRequest(f"{model}: there is no such model; there are {', '.join(known)}")
    return [known[model] for model in models]


def _chosen(models: Sequence[str] | None, service: str | None, tier: str | None) -> list[ModelEntry]:
    """Those that are named, or those of a tier, for one service or for all. Raises InvalidRequest."""
    from atelier.catalog import SERVICES
    from atelier.models.catalog import catalog

    if models:
        return _named_with_source(models)
    if service is None and tier is None:
        raise InvalidRequest("Say which: ids of models, --service NAME, or --tier small (or full)")
    if service is not None and service not in SERVICES:
        raise InvalidRequest(f"--service: there is no {service}; there are {', '.join(SERVICES)}")
    if tier not in {None, "small", "full"}:
        raise InvalidRequest(f"--tier: there is no {tier}; there are small and full")
    found = [
        entry
        for entry in catalog()
        if (tier or "full") in entry.tiers and (service is None or service in entry.services)
    ]
    if not found:
        raise InvalidRequest(f"No model is of tier {tier or 'full'} for {service or 'any service'}")
    return found


def _named_with_source(models: Sequence[str]) -> list[ModelEntry]:
    entries = _named(models)
    for entry in entries:
        if not entry.source:
            where = "comes with Atelier" if entry.folder is None else "is not downloaded by Atelier"
            raise InvalidRequest(f"{entry.id} {where}: there is nothing to fetch")
    return entries


def _require_acceptance(entries: Sequence[ModelEntry], folder: Path, given: Sequence[str] | None) -> None:
    from atelier.models.acceptance import require_acceptance

    ask = _ask if sys.stdin.isatty() and console.is_terminal else None
    require_acceptance(entries, folder, given or (), ask, by=actor().name)


def _ask(entry: ModelEntry) -> bool:
    typer.echo(
        f"{entry.id} is under {entry.licence.name}, which forbids commercial use.\nRead it: {entry.licence.link}"
    )
    return typer.confirm("Do you accept it?")
