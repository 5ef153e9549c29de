"""`models.lock.json`: the commit and the bytes that each model first came with, and which later ones must have."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from atelier.settings import SettingsProblem

NAME = "models.lock.json"


class LockedFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class LockedModel(BaseModel):
    """commits: repository → commit; empty for one that was imported. files: path in its folder → what is there.

    Without files it was begun, and never whole.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    commits: Mapping[str, str] = {}
    files: Mapping[str, LockedFile] = {}
    recorded: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    @property
    def revision(self) -> str | None:
        """The commit of its first repository."""
        return next(iter(self.commits.values()), None)


class Lock(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    models: dict[str, LockedModel] = {}


def read_lock(models_folder: Path) -> Lock:
    """Empty where nothing was recorded. Raises SettingsProblem for a file that cannot be understood."""
    try:
        text = (models_folder / NAME).read_bytes()
    except FileNotFoundError:
        return Lock()
    try:
        return Lock.model_validate_json(text)
    except ValidationError as problem:
        where = ".".join(str(part) for part in problem.errors()[0]["loc"])
        raise SettingsProblem(
            f"{models_folder / NAME} cannot be read ({where or 'it is not JSON'}): put back a copy of it, or delete it "
            "and type: atelier models download"
        ) from None


def record(models_folder: Path, model: str, locked: LockedModel | None) -> None:
    """Write it down, whole or not at all; None forgets the model. The caller is the only one that writes here."""
    lock = read_lock(models_folder)
    lock.models.pop(model, None)
    if locked is not None:
        lock.models[model] = locked
    lock.models = dict(sorted(lock.models.items()))
    write_whole(models_folder / NAME, lock.model_dump_json(indent=2) + "\n")


def write_whole(file: Path, text: str) -> None:
    """A reader sees the old file or the new one, also after a crash."""
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    with new.open("w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file)
