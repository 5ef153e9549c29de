"""What a model lacks: its files at the commit that it is held to, against what lies in the models folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from huggingface_hub import HfApi

from atelier.models.entry import ModelEntry, matches
from atelier.models.gathering import check_held, incoming, whole
from atelier.models.hub.patience import Patience
from atelier.models.hub.repository import Published, list_files
from atelier.models.hub.transfer import Transfer, is_published
from atelier.models.lockfile import LockedFile, LockedModel
from atelier.worker.checksums import sha256


@dataclass(frozen=True)
class Plan:
    """One model. place: its folder. incoming: where its files are gathered. files: path in its folder → file."""

    entry: ModelEntry
    place: Path
    incoming: Path
    locked: LockedModel
    files: Mapping[str, Published]

    @property
    def commits(self) -> dict[str, str]:
        return {file.repository: file.commit for file in self.files.values()}

    def gathered(self, path: str) -> Path:
        """Where a file waits, whole and right, for the others."""
        return whole(self.incoming) / path

    @cached_property
    def transfers(self) -> Mapping[str, Transfer]:
        """What has to be fetched. It reads every file that is here already."""
        return {
            path: Transfer(file, self._part(path, file))
            for path, file in self.files.items()
            if not is_published(self.place / path, file) and not is_published(self.gathered(path), file)
        }

    @property
    def bytes_missing(self) -> int:
        return sum(transfer.file.size - transfer.done for transfer in self.transfers.values())

    def _part(self, path: str, file: Published) -> Path:
        """Named after its content too: bytes of one commit are never taken for the beginning of another's."""
        return self.incoming / f"{path.replace('/', '--')}.{file.digest[:16]}.part"


def make_plan(
    api: HfApi, entry: ModelEntry, models_folder: Path, locked: LockedModel | None, patience: Callable[[], Patience]
) -> Plan:
    """Asks the hub. Raises what `list_files` does, and Conflict where it tells of other bytes than are `locked`."""
    held = locked or LockedModel()
    files: dict[str, Published] = {}
    for source in entry.source:
        files |= list_files(api, source, held.commits.get(source.repository), patience())
    for path, file in files.items():
        if file.is_large:
            check_held(entry.id, path, held.files.get(path), LockedFile(size=file.size, sha256=file.digest))
    assert entry.folder is not None, entry.id
    return Plan(entry, models_folder / entry.folder, incoming(models_folder, entry.id), held, files)


def is_whole(entry: ModelEntry, models_folder: Path, locked: LockedModel | None) -> bool:
    """Whether every file that was recorded is here, to the byte, and none lacks. It reads all of them."""
    place = entry.place(models_folder)
    if place is None or locked is None:
        return False
    wanted = [pattern for source in entry.source for pattern in source.wanted]
    if not all(any(matches(path, pattern) for path in locked.files) for pattern in wanted):
        return False  # the catalog of a newer Atelier wants more
    return all(is_locked(place / path, file) for path, file in locked.files.items())


def is_locked(place: Path, file: LockedFile) -> bool:
    return place.is_file() and place.stat().st_size == file.size and sha256(place) == file.sha256
