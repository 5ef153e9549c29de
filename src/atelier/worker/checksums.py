"""Whether a model's folder holds the files that were published: all of them, no other, each to the byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from atelier.errors import ModelMissing


def checksums(folder: Path) -> dict[str, str]:
    """Of every file below `folder`: its path from there (`unet/config.json`) → its SHA-256 in hex, sorted."""
    files = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    return {name: sha256(files[name]) for name in sorted(files)}


def check_files(model: str, folder: Path, published: Mapping[str, str], remedy: str) -> None:
    """Raises ModelMissing naming the first file that is not as `published`, and the `remedy`."""
    found = checksums(folder)
    for name in sorted(found.keys() | published.keys()):
        if found.get(name) != published.get(name):
            raise ModelMissing(f"{model} is damaged: {name} {_wrong(name, found, published)}; {remedy}")


def _wrong(name: str, found: Mapping[str, str], published: Mapping[str, str]) -> str:
    if name not in found:
        return "is missing"
    if name not in published:
        return "does not belong to it"
    return "is not the file that was published"


def sha256(file: Path) -> str:
    """In hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
