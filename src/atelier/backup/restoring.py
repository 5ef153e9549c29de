"""Putting an archive back: read whole and compared first, then files are added, then all rows change at once."""

from __future__ import annotations

import gzip
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.backup.archive import ARTIFACTS, DATABASE, KEPT, SETTINGS, Manifest, unpack
from atelier.backup.staging import staging
from atelier.backup.taking import HERE
from atelier.gateway.artifacts.rows import all_of_them
from atelier.gateway.artifacts.store import Store, open_store
from atelier.gateway.usage.journal import is_written_to
from atelier.gateway.voices import object_of
from atelier.gateway.voices.voices import MEDIA_TYPE
from atelier.settings import Settings, SettingsProblem, settings_file
from atelier.state.audit import Actor, record
from atelier.state.copying import TABLES, count_rows, file_location, gateways_connected, replace_rows
from atelier.state.database import alone, database_version, upgrade_database
from atelier.state.upgrade import HEAD
from atelier.state.voices import all_voices

SECRET = KEPT[0]


@dataclass(frozen=True)
class Restored:
    """rows: by table. settings: where the archive's settings file is now; none: it had none, or the same."""

    manifest: Manifest
    rows: dict[str, int]
    settings: Path | None
    files_elsewhere: str | None


async def check(settings: Settings, archive: IO[bytes]) -> Manifest:
    """Read all of it and change nothing. Raises SettingsProblem where it could not be restored here."""
    with staging(settings.home) as folder:
        return _unpacked(archive, folder)


async def restore(settings: Settings, archive: IO[bytes], *, force: bool, by: Actor) -> Restored:
    """In place of what is here. force: also where something is.

    Until the rows change, which is one transaction, whatever breaks it leaves the old state: files are only added, and
    the sweeper removes those without rows. Raises SettingsProblem, Unavailable.
    """
    await _refuse_while_served(settings)
    with staging(settings.home) as folder:
        manifest = _unpacked(archive, folder)
        copy = _unzipped(folder)
        await upgrade_database(file_location(copy))
        await _bring_up_to_date(settings.database_location())
        if not force:
            await _refuse_what_is_here(settings, folder)
        await alone(file_location(copy), lambda connection: _write_down(connection, manifest, by))
        files = _Files(open_store(settings), folder / ARTIFACTS)
        await alone(file_location(copy), files.add)
        small = [_beside(folder / name, settings.home / name.removeprefix("data/")) for name in KEPT]
        await replace_rows(settings.database_location(), copy)
        for new, file in filter(None, small):
            new.replace(file)
        return Restored(
            manifest,
            await count_rows(file_location(copy)),
            _put_settings(folder / SETTINGS, settings.home),
            None if manifest.artifacts == HERE else manifest.artifacts,
        )


def _unpacked(archive: IO[bytes], folder: Path) -> Manifest:
    manifest = unpack(archive, folder)
    if manifest.migration > HEAD:
        raise SettingsProblem(
            f"The archive is of Atelier {manifest.atelier}, whose tables are at version {manifest.migration}; "
            f"this one knows them to {HEAD}. Restore it with that Atelier or a newer one."
        )
    return manifest


def _unzipped(folder: Path) -> Path:
    copy = folder / "copy.db"
    with gzip.open(folder / DATABASE) as opened, copy.open("wb") as out:
        shutil.copyfileobj(opened, out)
    return copy


async def _bring_up_to_date(location: str) -> None:
    if await database_version(location) != HEAD:
        await upgrade_database(location)


async def _refuse_while_served(settings: Settings) -> None:
    if is_written_to(settings.home / "usage"):
        raise SettingsProblem(f"A gateway is running on the data folder {settings.home}: stop it first")
    connected = await gateways_connected(settings.database_location())
    if connected:
        raise SettingsProblem(f"Atelier has {connected} connections to the database: stop every gateway first")


async def _refuse_what_is_here(settings: Settings, folder: Path) -> None:
    counted = await count_rows(settings.database_location())
    filled = next((table.name for table in TABLES if counted[table.name]), None)
    if filled:
        raise SettingsProblem(
            f"The database is not empty: {filled} has {counted[filled]} rows. "
            "Take a backup of it, then add --force to put the archive in its place."
        )
    ours, theirs = settings.home / "jwt_secret", folder / SECRET
    if ours.exists() and theirs.exists() and ours.read_bytes() != theirs.read_bytes():
        raise SettingsProblem(
            "The data folder has a secret of its own, and tokens signed with it would end. Add --force to replace it."
        )


async def _write_down(connection: AsyncConnection, manifest: Manifest, by: Actor) -> None:
    """The restore itself is in the audit log, by the same transaction."""
    details = {"made": manifest.made, "atelier": manifest.atelier, "migration": manifest.migration}
    await record(connection, by, "database.restore", "database", details=details)
    await connection.commit()


@dataclass(frozen=True)
class _Files:
    """Objects never change under their names: to put one that is there is to mend it."""

    store: Store
    folder: Path

    async def add(self, connection: AsyncConnection) -> None:
        async for artifact in all_of_them(connection):
            await self._put(artifact.object, artifact.media_type)
        async for voice in all_voices(connection):
            await self._put(object_of(voice), MEDIA_TYPE)

    async def _put(self, name: str, media_type: str) -> None:
        file = self.folder / name
        if file.exists():
            await self.store.put(name, file.read_bytes(), media_type)
            file.unlink()


def _beside(source: Path, target: Path) -> tuple[Path, Path] | None:
    """Written whole beside its place, so that taking it is one step."""
    if not source.exists():
        return None
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = target.with_name(f"{target.name}.{os.getpid()}.new")
    shutil.copyfile(source, new)
    new.chmod(0o600)
    return new, target


def _put_settings(source: Path, home: Path) -> Path | None:
    """Settings that are in use stay: this machine's addresses may be others. Theirs then lie in the data folder."""
    used = settings_file()
    if not source.exists() or (used.exists() and used.read_bytes() == source.read_bytes()):
        return None
    target = home / "atelier.toml.restored"
    if not used.exists() and os.access(used.absolute().parent, os.W_OK):
        target = used
    shutil.copyfile(source, target)
    return target
