"""The command `atelier`: serve, look, and administer. Rich on a terminal, plain or JSON elsewhere."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from atelier import __version__
from atelier.catalog import SERVICES
from atelier.errors import AtelierError
from atelier.settings import Settings, SettingsProblem, load_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from atelier.state.audit import Actor

T = TypeVar("T")

DEVELOPMENT_TENANT = "demo"
DEVELOPMENT_HOURS = 24 * 30

app = typer.Typer(
    name="atelier",
    help="Self-hosted AI media: one gateway, five services, many tenants.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
keys_app = typer.Typer(help="API keys: make, list, revoke.", no_args_is_help=True)
tenants_app = typer.Typer(help="Tenants: make and list.", no_args_is_help=True)
models_app = typer.Typer(help="Models: what is here, and what could be.", no_args_is_help=True)
app.add_typer(keys_app, name="keys", rich_help_panel="Administer")
app.add_typer(tenants_app, name="tenants", rich_help_panel="Administer")
db_app = typer.Typer(help="The database: its version, and bringing it up to date.", no_args_is_help=True)
app.add_typer(db_app, name="db", rich_help_panel="Administer")
app.add_typer(models_app, name="models", rich_help_panel="Look")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def _tenant_name(tenant: str) -> str:
    from atelier.state.records import is_tenant_name

    if not is_tenant_name(tenant):
        raise typer.BadParameter("must be 1 to 128 printable characters")
    return tenant


Tenant = Annotated[str, typer.Option("--tenant", help="The tenant's id.", callback=_tenant_name)]

console = Console()


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


@app.command(rich_help_panel="Run")
def serve() -> None:
    """Run the gateway and every worker on this machine, until Ctrl-C."""
    from atelier.gateway.secret import kept_secret
    from atelier.home import prepare_home
    from atelier.serve import say
    from atelier.serve import serve as run

    settings = _settings()
    prepare_home(settings.home)
    secret, made = kept_secret(settings)
    if made:
        say(f"Made a secret for signing tokens; only you can read it: {settings.home / 'jwt_secret'}")
    say("Starting the gateway and the workers …")
    token = _signed(settings, secret, DEVELOPMENT_TENANT, hours=DEVELOPMENT_HOURS)
    run(settings, secret, lambda seconds, problems: _announce(settings, token, seconds, problems))
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


@app.command(rich_help_panel="Run")
def gateway(
    processes: Annotated[Path | None, typer.Option(hidden=True, help="Where the supervisor writes its states.")] = None,
) -> None:
    """Run the gateway alone. It needs JWT_SECRET."""
    from atelier.gateway.secret import required_secret
    from atelier.run import run_gateway

    settings = _settings()
    run_gateway(settings, required_secret(settings), processes=processes)


@app.command(rich_help_panel="Run")
def worker(services: Annotated[list[str], typer.Argument(help=f"Any of: {', '.join(SERVICES)}.")]) -> None:
    """Run one worker process that serves SERVICES, each on its own port."""
    from atelier.run import run_worker

    unknown = [name for name in services if name not in SERVICES]
    if unknown:
        raise SettingsProblem(f"There is no service {unknown[0]}; there are {', '.join(SERVICES)}.")
    run_worker(_settings(), services)


@app.command(rich_help_panel="Look")
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

    settings = _settings()
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
    return _signed(settings, known_secret(settings), DEVELOPMENT_TENANT, hours=1)


def _signed(
    settings: Settings, secret: str, tenant: str, *, hours: float, user: str | None = None, roles: Sequence[str] = ()
) -> str:
    """A token that says whom it is from and for, as the gateway of these settings will ask."""
    from atelier.gateway.auth import make_token

    return make_token(
        secret,
        tenant,
        seconds=hours * 3600,
        user=user,
        roles=roles,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
    )


@app.command(rich_help_panel="Administer")
def token(
    tenant: Tenant,
    hours: Annotated[float, typer.Option(min=0.001, max=876_000, help="How long it is good.")] = 24.0,
    user: Annotated[str | None, typer.Option(help="The user within the tenant.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Give it the role admin.")] = False,
) -> None:
    """Print a token for a tenant, and nothing else."""
    from atelier.gateway.secret import known_secret

    settings = _settings()
    roles = ["admin"] if admin else []
    typer.echo(_signed(settings, known_secret(settings), tenant, hours=hours, user=user, roles=roles))


@keys_app.command("create")
def keys_create(
    tenant: Tenant,
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    admin: Annotated[bool, typer.Option("--admin", help="Give it the role admin.")] = False,
    as_json: Json = False,
) -> None:
    """Make an API key. It is shown this once and stored as a hash."""
    from atelier.state.keys import create_key

    key = _in_database(lambda connection: create_key(connection, tenant, name=name, admin=admin, by=_actor()))
    if as_json:
        _print_json({"key": key, "tenant": tenant})
        return
    typer.echo(key)
    typer.echo("Keep it now: it is not shown again.", err=True)


@keys_app.command("list")
def keys_list(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None, as_json: Json = False
) -> None:
    """List the keys, without their secrets."""
    from atelier.state.keys import list_keys

    rows = _in_database(lambda connection: list_keys(connection, tenant))
    _show([row.model_dump() for row in rows], as_json, empty="No keys yet.")


@keys_app.command("revoke")
def keys_revoke(key: Annotated[str, typer.Argument(help="The key's id, or the key.")]) -> None:
    """Make a key useless, at once."""
    from atelier.state.keys import revoke_key

    _in_database(lambda connection: revoke_key(connection, key, by=_actor()))
    typer.echo("Revoked.")


@tenants_app.command("create")
def tenants_create(
    tenant: Annotated[str, typer.Argument(help="The tenant's id.", callback=_tenant_name)],
    name: Annotated[str | None, typer.Option(help="Its name for people.")] = None,
) -> None:
    """Make a tenant. (One that a token names is made on its first request.)"""
    from atelier.state.tenants import ensure_tenant

    made = _in_database(lambda connection: ensure_tenant(connection, tenant, name))
    typer.echo("Made." if made else "It is there already.")


@tenants_app.command("list")
def tenants_list(as_json: Json = False) -> None:
    """List the tenants."""
    from atelier.state.tenants import list_tenants

    _show([row.model_dump() for row in _in_database(list_tenants)], as_json, empty="No tenants yet.")


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the tables up to date. The gateway does so too when it starts."""
    from atelier.state.database import upgrade_database
    from atelier.state.upgrade import HEAD

    asyncio.run(upgrade_database(_database()))
    typer.echo(f"The database is at version {HEAD}.")


@db_app.command("current")
def db_current() -> None:
    """Print the version of the tables; status 1 where they are not up to date."""
    from atelier.state.database import database_version
    from atelier.state.upgrade import HEAD

    found = asyncio.run(database_version(_database()))
    typer.echo(found or "none")
    if found != HEAD:
        raise typer.Exit(1)


@app.command(rich_help_panel="Look")
def usage(
    tenant: Tenant,
    month: Annotated[str | None, typer.Option(help="YYYY-MM; the present month if left out.")] = None,
    as_json: Json = False,
) -> None:
    """What a tenant used in a month, by service."""
    from atelier.gateway.usage import Ledger
    from atelier.state.database import open_database

    async def read() -> dict[str, Any]:
        database = await open_database(_database())
        try:
            return await Ledger(database).month(tenant, month)
        finally:
            await database.dispose()

    found = asyncio.run(read())
    if as_json:
        _print_json(found)
        return
    columns = ("requests", "succeeded", "failed", "cancelled", "units", "unit", "tokens")
    rows = [{"service": name, **{c: row[c] for c in columns}} for name, row in found["services"].items()]
    _show(rows, as_json=False, empty=f"No usage in {found['month']}.")


@models_app.command("list")
def models_list(as_json: Json = False) -> None:
    """The models of the catalog, and which of them are here."""
    from atelier.models.catalog import catalog, models_folder

    folder = models_folder(_settings())
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
        _show(rows, as_json, empty="")
        return
    for row in rows:
        console.print(f"[bold]{row['model']}[/]", highlight=False)
        for name in ("services", "here", "licence", "note"):
            if row[name]:
                console.print(f"  {name:<10}{row[name]}", highlight=False, markup=False, soft_wrap=True)


@app.command(rich_help_panel="Look")
def doctor(as_json: Json = False) -> None:
    """What this machine can run, what is missing, and what to type."""
    from atelier.doctor import examine

    findings = examine(_settings())
    if as_json:
        _print_json([finding.__dict__ for finding in findings])
    else:
        for finding in findings:
            mark = "[green]ok[/]  " if finding.good else "[red]no[/]  "
            console.print(f"{mark} [bold]{finding.what}[/]: {finding.found}", highlight=False)
            if finding.remedy:
                console.print(f"      → {finding.remedy}", highlight=False, markup=False)
    if not all(finding.good for finding in findings):
        raise typer.Exit(1)


def _settings() -> Settings:
    settings = load_settings()
    return settings.model_copy(update={"home": settings.home.absolute()})


def _database() -> str:
    from atelier.home import prepare_home

    settings = _settings()
    prepare_home(settings.home)
    return settings.database_location()


def _in_database(work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
    from atelier.state.database import open_database

    async def run() -> T:
        database = await open_database(_database())
        try:
            async with database.begin() as connection:
                return await work(connection)
        finally:
            await database.dispose()

    return asyncio.run(run())


def _actor() -> Actor:
    """Who types: the operating system's user."""
    from atelier.state.audit import Actor

    return Actor(f"cli:{getuser()}")


def _print_json(value: object) -> None:
    from pydantic_core import to_json

    typer.echo(to_json(value, indent=2).decode())


def _show(rows: Sequence[Mapping[str, Any]], as_json: bool, *, empty: str) -> None:
    """A table for people; tab-separated where the output is no terminal; JSON on request."""
    if as_json:
        _print_json(rows)
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
