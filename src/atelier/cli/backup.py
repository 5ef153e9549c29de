"""`atelier backup` and `atelier restore`: everything but the models in one file, and back."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from atelier.cli.database import actor, settings_here
from atelier.home import prepare_home
from atelier.settings import Settings, SettingsProblem

if TYPE_CHECKING:
    from atelier.backup.restoring import Restored
    from atelier.backup.taking import Taken

STREAM = "-"

T = TypeVar("T")


def backup(
    file: Annotated[str, typer.Argument(help="The archive to make, such as atelier.tar; - writes it to the output.")],
    artifacts: Annotated[
        bool | None,
        typer.Option(
            "--artifacts/--no-artifacts", help="With the files of artifacts; unset: where they are in the data folder."
        ),
    ] = None,
) -> None:
    """Write everything but the models into one archive, while the gateway serves. It holds secrets."""
    from atelier.backup import back_up

    settings = _settings()
    wanted = settings.artifacts_url is None if artifacts is None else artifacts
    with _written(file) as out:
        taken = _with_room(f"{file} or {settings.home}", back_up(settings, out, with_artifacts=wanted))
    _tell(_of_backup(taken, settings, file, wanted))


def restore(
    file: Annotated[str, typer.Argument(help="The archive; - reads it from the input.")],
    force: Annotated[bool, typer.Option("--force", help="In place of the rows that are there.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only read all of it, and change nothing.")] = False,
) -> None:
    """Put an archive's rows, files and secret where the settings say, while no gateway runs."""
    from atelier.backup import restore as put_back
    from atelier.backup.restoring import check as read

    settings = _settings()
    with _read(file) as archive:
        if check:
            made = _with_room(settings.home, read(settings, archive))
            _tell([f"The archive is whole: {len(made.parts)} parts, made {made.made:%Y-%m-%d %H:%M} UTC."])
        else:
            _tell(_of_restore(_with_room(settings.home, put_back(settings, archive, force=force, by=actor()))))


def _settings() -> Settings:
    settings = settings_here()
    prepare_home(settings.home)
    return settings


@contextmanager
def _written(file: str) -> Iterator[IO[bytes]]:
    """The file appears when it is whole; nothing is overwritten."""
    if file == STREAM:
        if sys.stdout.isatty():
            raise SettingsProblem("An archive is not for a terminal: name a file, or add > atelier.tar")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(file)
    if target.exists():
        raise SettingsProblem(f"{target} is there already; name another file")
    part = target.with_name(f"{target.name}.part")
    try:
        with part.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
    except OSError as problem:
        raise SettingsProblem(f"{target} cannot be written: {problem.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _read(file: str) -> Iterator[IO[bytes]]:
    if file == STREAM:
        yield sys.stdin.buffer
        return
    try:
        opened = Path(file).open("rb")  # noqa: SIM115  closed below
    except OSError as problem:
        raise SettingsProblem(f"{file} cannot be read: {problem.strerror}") from None
    with opened:
        yield opened


def _with_room(where: object, work: Coroutine[Any, Any, T]) -> T:
    """Raises SettingsProblem where a disk takes no more; what was put there is gone again."""
    import sqlite3

    from sqlalchemy.exc import OperationalError

    try:
        return asyncio.run(work)
    except (OSError, sqlite3.OperationalError, OperationalError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else getattr(problem, "orig", problem)
        raise SettingsProblem(f"{where} cannot be written ({why}); nothing was changed") from None


def _of_backup(taken: Taken, settings: Settings, file: str, with_artifacts: bool) -> list[str]:
    kept = settings.home / "jwt_secret"
    lines = [
        f"Backed up {_counted(taken.rows)}"
        + ("" if file == STREAM else f" to {file} ({Path(file).stat().st_size / 1e6:,.1f} MB)")
        + ".",
    ]
    if not with_artifacts:
        where = settings.artifacts_url or "the data folder"
        lines.append(f"The files of artifacts are not in it; they are in {where}.")
    if taken.left_out:
        lines.append(f"{taken.left_out} artifacts had no file any more, and were left out.")
    if taken.altered:
        lines.append(
            f"{len(taken.altered)} artifacts have other bytes than were stored: {', '.join(taken.altered[:5])}"
        )
    lines.append(
        "It holds the secret that signs tokens: keep it as safe as that."
        if kept.exists()
        else "JWT_SECRET is not in it: keep it where your other secrets are."
    )
    return lines


def _of_restore(restored: Restored) -> list[str]:
    lines = [f"Restored {_counted(restored.rows)}, as of {restored.manifest.made:%Y-%m-%d %H:%M:%S} UTC."]
    if restored.files_elsewhere:
        lines.append(
            f"The files of artifacts were not in the archive: they are expected in {restored.files_elsewhere}."
        )
    if restored.settings:
        lines.append(f"The settings file of the archive is now {restored.settings}.")
    return lines


def _counted(rows: dict[str, int]) -> str:
    named = (("Tenant", "tenants"), ("ApiKey", "keys"), ("AIUsage", "usage records"), ("Artifact", "artifacts"))
    return ", ".join(f"{rows[table]:,} {name}" for table, name in named)


def _tell(lines: list[str]) -> None:
    """Apart from an archive that goes to the output."""
    typer.echo("\n".join(lines), err=True)
