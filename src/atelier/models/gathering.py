"""Where the files of a model wait for each other, and how a whole model comes into its place."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from atelier.errors import Conflict, TooLarge
from atelier.models.lockfile import LockedFile

INCOMING = ".incoming"
"""Below the models folder: what is not whole yet."""

SPARE_BYTES = 500_000_000
"""What a model that comes leaves free on the disk."""


def incoming(models_folder: Path, model: str) -> Path:
    """Where the files of a model are gathered until all are there."""
    return models_folder / INCOMING / model.replace("/", "--")


def whole(incoming_folder: Path) -> Path:
    """Below it: files that are whole and right, by their paths in the model's folder."""
    return incoming_folder / "whole"


def put_in_place(incoming_folder: Path, place: Path, paths: Iterable[str]) -> None:
    """A model that was not here appears at once; of one that was, each file is replaced in one step."""
    gathered = whole(incoming_folder)
    if gathered.is_dir() and not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        gathered.replace(place)
    for path in paths:
        if (gathered / path).is_file():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (gathered / path).replace(place / path)
    shutil.rmtree(incoming_folder, ignore_errors=True)


def check_held(model: str, path: str, held: LockedFile | None, found: LockedFile) -> None:
    """Raises Conflict where a file is not the one that models.lock.json `held` it to, if any."""
    if held is not None and held != found:
        raise Conflict(
            f"{model}: {path} is not the file that models.lock.json holds it to (SHA-256 {held.sha256[:12]}…, now "
            f"{found.sha256[:12]}…). Find out why it changed; to take what is there now, type: "
            f"atelier models download {model} --newest"
        )


def check_space(models: Iterable[str], needed: int, free: int) -> None:
    """`needed` and `free` are bytes on the disk of the models folder. Raises TooLarge."""
    if needed and needed + SPARE_BYTES > free:
        raise TooLarge(
            f"{', '.join(models)}: {gigabytes(needed)} are to come, and the disk has {gigabytes(free)} free, of which "
            f"{gigabytes(SPARE_BYTES)} stay free. Make room, name fewer models, or set ATELIER_HOME to a larger disk"
        )


def gigabytes(count: float) -> str:
    """For people: `7.1 GB`, `12.0 MB`."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
