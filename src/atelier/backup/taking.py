"""Making an archive while the gateway serves: usage on its way, then the rows, then the files that the rows name.

A file is put into the store before its row, and deleted after it. So each row of the copy has its file, unless it was
deleted since: then the row leaves the copy too.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.backup import on_the_way
from atelier.backup.archive import ARTIFACTS, DATABASE, KEPT, SETTINGS, ArchiveWriter, Manifest
from atelier.backup.staging import staging
from atelier.gateway.artifacts import rows
from atelier.gateway.artifacts.rows import Artifact
from atelier.gateway.artifacts.store import Store, open_store
from atelier.gateway.voices import object_of
from atelier.settings import Settings, settings_file
from atelier.state.copying import copy_rows, count_rows, file_location
from atelier.state.database import alone
from atelier.state.tables import artifacts, voices
from atelier.state.voices import all_voices

HERE = "here"
"""The manifest's word for files of artifacts that are in the archive."""

BATCH = 500


@dataclass(frozen=True)
class Taken:
    """rows: by table. left_out: artifacts and voices whose files were gone. altered: ids of those whose bytes have
    changed."""

    manifest: Manifest
    rows: dict[str, int]
    left_out: int
    altered: list[str]


async def back_up(settings: Settings, out: IO[bytes], *, with_artifacts: bool) -> Taken:
    """Write an archive. Raises SettingsProblem, Unavailable; what was written by then is no archive."""
    with staging(settings.home) as folder:
        copy, gathered = folder / "copy.db", folder / "usage.ndjson"
        await on_the_way.gather(settings, gathered)
        await copy_rows(settings.database_location(), copy)
        await on_the_way.write_into(copy, gathered)
        writer = ArchiveWriter(out)
        files = _Files(open_store(settings), writer)
        if with_artifacts:
            await alone(file_location(copy), files.copy)
        _add_small(writer, settings)
        _add_database(writer, copy)
        counted = await count_rows(file_location(copy))
        manifest = writer.finish(artifacts=HERE if with_artifacts else settings.artifacts_url or "nowhere")
        return Taken(manifest, counted, files.left_out, files.altered)


class _Files:
    """Copies each object once, in the order of their names."""

    def __init__(self, store: Store, writer: ArchiveWriter) -> None:
        self._store = store
        self._writer = writer
        self._last: str | None = None
        self._is_there = False
        self.left_out = 0
        self.altered: list[str] = []

    async def copy(self, connection: AsyncConnection) -> None:
        gone = [artifact.id async for artifact in rows.all_of_them(connection) if not await self._copied(artifact)]
        for first in range(0, len(gone), BATCH):
            await rows.remove(connection, artifacts.c.id.in_(gone[first : first + BATCH]), most=BATCH)
        speechless = [
            voice.id
            async for voice in all_voices(connection)
            if not await self._add(voice.id, object_of(voice), voice.bytes, voice.sha256)
        ]
        for first in range(0, len(speechless), BATCH):
            await connection.execute(delete(voices).where(voices.c.id.in_(speechless[first : first + BATCH])))
        await connection.commit()
        self.left_out = len(gone) + len(speechless)

    async def _copied(self, artifact: Artifact) -> bool:
        if artifact.object != self._last:
            self._last = artifact.object
            self._is_there = await self._add(artifact.id, artifact.object, artifact.bytes, artifact.sha256)
        return self._is_there

    async def _add(self, owner: str, name: str, size: int, sha256: str) -> bool:
        """owner: the id of what it belongs to."""
        pieces = await self._store.read(name, 0, size, size)
        if pieces is None:
            return False
        data = b"".join([piece async for piece in pieces])
        if hashlib.sha256(data).hexdigest() != sha256:
            self.altered.append(owner)
        self._writer.add(ARTIFACTS + name, data)
        return True


def _add_small(writer: ArchiveWriter, settings: Settings) -> None:
    for name in KEPT:
        file = settings.home / name.removeprefix("data/")
        if file.is_file():
            writer.add(name, file.read_bytes())
    if settings_file().is_file():
        writer.add(SETTINGS, settings_file().read_bytes())


def _add_database(writer: ArchiveWriter, copy: Path) -> None:
    packed = copy.with_name("copy.gz")
    with copy.open("rb") as opened, gzip.open(packed, "wb", compresslevel=6) as out:
        shutil.copyfileobj(opened, out)
    writer.add_file(DATABASE, packed)
