"""Models from another folder, for machines without a network: copied, checked and recorded."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from atelier.errors import InvalidRequest, UpstreamFailed
from atelier.models.entry import ModelEntry, matches
from atelier.models.gathering import check_held, check_space, incoming, put_in_place, whole
from atelier.models.lockfile import NAME, LockedFile, LockedModel, read_lock, record
from atelier.worker.checksums import sha256


def found_in(folder: Path, entries: Sequence[ModelEntry], model: str | None) -> list[tuple[ModelEntry, Path]]:
    """Which models lie in `folder`, and where: a models folder, or one model's, which `model` or its path names.

    Raises InvalidRequest where it cannot be told.
    """
    laid = [entry for entry in entries if entry.folder]
    if model is not None:
        return [(entry, folder) for entry in laid if entry.id == model]
    if (folder / NAME).is_file():
        found = [(entry, folder / str(entry.folder)) for entry in laid]
        return [(entry, place) for entry, place in found if place.is_dir()]
    named = [(entry, folder) for entry in laid if folder.as_posix().endswith(f"/{entry.folder}")]
    if not named:
        raise InvalidRequest(f"{folder}: which model is that? Add: --as MODEL (see: atelier models list)")
    return named


def bring(entry: ModelEntry, folder: Path, models_folder: Path, free: Callable[[Path], int]) -> None:
    """Copy a model's files from `folder`, and record them once all are right. The caller is the only one that writes.

    They are held to the record here, if any, else to the one beside the folder that they come from. Raises
    InvalidRequest for a folder that lacks some, Conflict for a file that is not the recorded one, UpstreamFailed for
    one that changed on its way, TooLarge where the disk is too small.
    """
    assert entry.folder is not None, entry.id
    theirs = _record_beside(entry, folder)
    ours = read_lock(models_folder).models.get(entry.id)
    held = ours if ours and ours.files else theirs
    paths = sorted(held.files) if held.files else _paths(entry, folder)
    _check_there(entry, folder, paths)
    check_space([entry.id], sum((folder / path).stat().st_size for path in paths), free(models_folder))
    gathered = incoming(models_folder, entry.id)
    files = {path: _copied(entry.id, folder / path, whole(gathered) / path) for path in paths}
    for path, file in files.items():
        check_held(entry.id, path, held.files.get(path), file)
    put_in_place(gathered, models_folder / entry.folder, paths)
    record(models_folder, entry.id, LockedModel(commits=held.commits, files=files))


def _record_beside(entry: ModelEntry, folder: Path) -> LockedModel:
    """What the models folder that `folder` belongs to says of it; empty where it belongs to none."""
    above = folder
    for _ in str(entry.folder).split("/"):
        above = above.parent
    return (
        read_lock(above).models.get(entry.id, LockedModel()) if above / str(entry.folder) == folder else LockedModel()
    )


def _paths(entry: ModelEntry, folder: Path) -> list[str]:
    """The files that the catalog wants, or all of them where it does not say. Raises InvalidRequest where some lack."""
    there = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    if not entry.source:
        return there
    for pattern in (pattern for source in entry.source for pattern in source.wanted):
        if not any(matches(path, pattern) for path in there):
            raise InvalidRequest(f"{folder} lacks {pattern}, which {entry.id} needs")
    return [path for path in there if any(source.takes(path) for source in entry.source)]


def _check_there(entry: ModelEntry, folder: Path, paths: Sequence[str]) -> None:
    missing = next((path for path in paths if not (folder / path).is_file()), None)
    if missing is not None or not paths:
        raise InvalidRequest(f"{folder} lacks {missing or 'every file'}, which {entry.id} needs")


def _copied(model: str, source: Path, target: Path) -> LockedFile:
    """What arrived, which is read back from the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    sent, arrived = sha256(source), sha256(target)
    if sent != arrived:
        target.unlink()
        raise UpstreamFailed(f"{model}: {source.name} changed while it was copied; check both disks, and try again")
    return LockedFile(size=target.stat().st_size, sha256=arrived)
