"""Models that lie in the models folder: checked against what was recorded, or removed."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from atelier.errors import InvalidRequest, NotFound
from atelier.models.entry import ModelEntry
from atelier.models.gathering import incoming
from atelier.models.lockfile import read_lock
from atelier.worker.checksums import checksums

State = Literal["good", "damaged", "not recorded", "not here"]


@dataclass(frozen=True)
class Verdict:
    """damaged: path → what is wrong with it."""

    model: str
    state: State
    damaged: Mapping[str, str] = field(default_factory=dict)


def verify(entry: ModelEntry, models_folder: Path) -> Verdict:
    """Reads every byte of the model, and compares it with what was recorded when it came, or with this package."""
    place = entry.place(models_folder)
    if place is None or not place.is_dir():
        return Verdict(entry.id, "not here")
    recorded = entry.files or _recorded(models_folder, entry.id)
    if not recorded:
        return Verdict(entry.id, "not recorded")
    found = checksums(place)
    damaged = {path: _wrong(found.get(path)) for path, sha256 in recorded.items() if found.get(path) != sha256}
    return Verdict(entry.id, "damaged" if damaged else "good", damaged)


def remove(entry: ModelEntry, models_folder: Path) -> int:
    """The bytes that it took, with what was left of downloads. Its record stays: a later download is held to it.

    Raises NotFound where there is nothing to remove, InvalidRequest for a model that a library or this package brings.
    """
    if entry.folder is None:
        raise InvalidRequest(f"{entry.id} comes with Atelier or a library of its engine, and is not removed by itself")
    place = models_folder / entry.folder
    places = [found for found in (place, incoming(models_folder, entry.id)) if found.is_dir()]
    if not places:
        raise NotFound(f"{entry.id} is not here")
    freed = sum(_size(found) for found in places)
    for found in places:
        shutil.rmtree(found)
    for parent in place.parents:
        if parent == models_folder or not parent.is_dir() or any(parent.iterdir()):
            break
        parent.rmdir()
    return freed


def _recorded(models_folder: Path, model: str) -> dict[str, str]:
    locked = read_lock(models_folder).models.get(model)
    return {path: file.sha256 for path, file in locked.files.items()} if locked else {}


def _wrong(found: str | None) -> str:
    return "is missing" if found is None else "has other bytes than were recorded"


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
