"""The archive: a tar file of parts, and at its end a manifest with the SHA-256 of each.

    artifacts/<object>     the files of tenants, as they are called in the store
    data/…                 small files of the data folder: the secret, models.lock.json, accepted licences
    settings.toml          the settings file
    database.sqlite.gz     all rows, in a SQLite file, whatever kind of database they came from
    manifest.json          what made it, when, and each part's size and SHA-256

The tar itself is not compressed: nearly all of it is pictures and sound, which are.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from atelier import __version__
from atelier.gateway.artifacts.names import parse_name
from atelier.settings import SettingsProblem
from atelier.state.tables import now
from atelier.state.upgrade import HEAD

MANIFEST = "manifest.json"
DATABASE = "database.sqlite.gz"
SETTINGS = "settings.toml"
ARTIFACTS = "artifacts/"
KEPT = ("data/jwt_secret", "data/models/models.lock.json", "data/models/accepted-licences.json")
"""Small files of the data folder that are worth keeping; not all of them are always there."""

CHUNK_BYTES = 1024 * 1024


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: int
    sha256: str


class Manifest(BaseModel):
    """migration: of the rows. artifacts: where their files are: `here`, or the store that still has them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    atelier: str = __version__
    migration: str = HEAD
    made: AwareDatetime
    artifacts: str
    parts: dict[str, Part]


class ArchiveWriter:
    """Parts are written one after another; `finish` ends it with the manifest."""

    def __init__(self, out: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115  closed by finish
        self._parts: dict[str, Part] = {}
        self._made = now()

    def add(self, name: str, data: bytes) -> None:
        self._write(name, len(data), io.BytesIO(data))
        self._parts[name] = Part(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())

    def add_file(self, name: str, file: Path) -> None:
        with file.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
            size = opened.tell()
            opened.seek(0)
            self._write(name, size, opened)
        self._parts[name] = Part(bytes=size, sha256=sha256)

    def finish(self, *, artifacts: str) -> Manifest:
        manifest = Manifest(made=self._made, artifacts=artifacts, parts=self._parts)
        data = manifest.model_dump_json(indent=1).encode()
        self._write(MANIFEST, len(data), io.BytesIO(data))
        self._tar.close()
        return manifest

    def _write(self, name: str, size: int, data: IO[bytes]) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, self._made.timestamp()
        self._tar.addfile(member, data)


def unpack(archive: IO[bytes], folder: Path) -> Manifest:
    """Every part into `folder`, compared with the manifest.

    Raises SettingsProblem where it is damaged, cut off, or not of ours: then nothing in the folder is to be used.
    """
    found: dict[str, Part] = {}
    with _telling_damage(), tarfile.open(fileobj=archive, mode="r|") as tar:
        for member in tar:
            if not member.isreg() or not _is_ours(member.name) or member.name in found:
                raise SettingsProblem(f"This is no archive of Atelier's: it holds {member.name[:100]!r}")
            opened = tar.extractfile(member)
            assert opened is not None
            found[member.name] = _write_part(opened, folder / member.name)
    return _compared(folder, found)


def _compared(folder: Path, found: dict[str, Part]) -> Manifest:
    if found.pop(MANIFEST, None) is None:
        raise _damaged("it ends before its manifest")
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except ValidationError:
        raise _damaged("its manifest cannot be read; a newer Atelier may have made it") from None
    for name in sorted(manifest.parts.keys() | found.keys()):
        if manifest.parts.get(name) != found.get(name):
            raise _damaged(f"{name} is not what its manifest says")
    if DATABASE not in found:
        raise _damaged("it has no database")
    return manifest


def _is_ours(name: str) -> bool:
    """Nothing else is written to the disk, whatever the archive says."""
    if name.startswith(ARTIFACTS):
        return parse_name(name.removeprefix(ARTIFACTS)) is not None
    return name in {MANIFEST, DATABASE, SETTINGS, *KEPT}


def _write_part(opened: IO[bytes], file: Path) -> Part:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size = hashlib.sha256(), 0
    with file.open("wb") as out:
        while piece := opened.read(CHUNK_BYTES):
            digest.update(piece)
            out.write(piece)
            size += len(piece)
    return Part(bytes=size, sha256=digest.hexdigest())


@contextmanager
def _telling_damage() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as problem:
        raise _damaged(str(problem)) from None


def _damaged(why: str) -> SettingsProblem:
    return SettingsProblem(f"The archive is damaged: {why}. Nothing was changed.")
