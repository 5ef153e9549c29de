"""Before models are loaded that were downloaded: whether each file is still what models.lock.json holds it to."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import structlog
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from atelier.errors import ModelMissing
from atelier.models.entry import ModelEntry, matches
from atelier.models.lockfile import LockedFile, LockedModel, read_lock, write_whole
from atelier.worker.checksums import sha256

SIDE_BY_SIDE = 4
"""Files read at the same time."""

log = structlog.get_logger()


class _Read(BaseModel):
    """A file that was read from end to end, as it was then: the same state has the same bytes."""

    model_config = ConfigDict(frozen=True)

    size: int
    modified: int  # nanoseconds of the system's clock
    inode: int
    sha256: str


_Known = TypeAdapter(dict[str, _Read])


class Unchanged:
    """Compares the recorded files of `entries`: call it before each load. Models that were not recorded are taken as
    they are.

    notes: the folder that remembers which files were read, so that each is read once and not at every start; where it
    cannot be written, this object remembers. bytes_too: compare SHA-256, not the sizes alone. not_read: model →
    patterns of files that are not loaded, and need not be there.
    """

    def __init__(
        self,
        models_folder: Path,
        entries: Sequence[ModelEntry],
        *,
        notes: Path,
        bytes_too: bool,
        not_read: Mapping[str, Sequence[str]],
    ) -> None:
        self._models_folder = models_folder
        self._entries = entries
        self._not_read = not_read
        self._notes = notes
        self._bytes_too = bytes_too
        self._known: dict[str, dict[str, _Read]] = {}

    def __call__(self) -> None:
        """Raises ModelMissing naming the first file that is not as it was recorded."""
        recorded = read_lock(self._models_folder).models  # anew each time: a download may have brought a newer model
        for entry in self._entries:
            place, held = entry.place(self._models_folder), recorded.get(entry.id)
            wrong = self._wrong(entry.id, place, self._loaded(entry.id, held)) if place and held else None
            if wrong:
                raise ModelMissing(
                    f"{entry.id} is damaged: {wrong}; type: atelier models download {entry.id}, and start its worker "
                    "again"
                )

    def _loaded(self, model: str, held: LockedModel) -> dict[str, LockedFile]:
        patterns = self._not_read.get(model, ())
        return {path: file for path, file in held.files.items() if not any(matches(path, one) for one in patterns)}

    def _wrong(self, model: str, place: Path, files: Mapping[str, LockedFile]) -> str | None:
        try:
            return _sizes(place, files) or (self._bytes(model, place, files) if self._bytes_too else None)
        except OSError as problem:
            return f"{Path(problem.filename or place).name} cannot be read ({problem.strerror})"

    def _bytes(self, model: str, place: Path, files: Mapping[str, LockedFile]) -> str | None:
        """What is wrong with the bytes of a file. Reads those whose present state was not read before."""
        note = self._notes / f"{model.replace('/', '--')}.json"
        known = self._known.setdefault(model, _noted_of(files, note))
        unread = [path for path in files if not _is_as_read(place / path, known.get(path))]
        if unread:
            started = time.monotonic()
            known.update(zip(unread, _read_all([place / path for path in unread]), strict=True))
            log.info("model's files read", model=model, files=len(unread), seconds=round(time.monotonic() - started, 1))
            _write_down(note, known)
        changed = (path for path, file in sorted(files.items()) if known[path].sha256 != file.sha256)
        return next((f"{path} has other bytes than were recorded" for path in changed), None)


def _sizes(place: Path, files: Mapping[str, LockedFile]) -> str | None:
    for path, file in sorted(files.items()):
        if not (place / path).is_file():
            return f"{path} is missing"
        size = (place / path).stat().st_size
        if size != file.size:
            return f"{path} has {size} bytes, and {file.size} were recorded"
    return None


def _is_as_read(file: Path, read: _Read | None) -> bool:
    now = file.stat()
    return read is not None and (now.st_size, now.st_mtime_ns, now.st_ino) == (read.size, read.modified, read.inode)


def _read_all(files: Sequence[Path]) -> list[_Read]:
    """In threads that end with the process, unlike a pool's: who stops a worker does not wait for many gigabytes."""
    waiting: SimpleQueue[Path] = SimpleQueue()
    for file in files:
        waiting.put(file)
    found: dict[Path, _Read | Exception] = {}

    def work() -> None:
        with suppress(Empty):
            while True:
                file = waiting.get_nowait()
                try:
                    found[file] = _read(file)
                except Exception as problem:
                    found[file] = problem

    threads = [Thread(target=work, daemon=True) for _ in range(SIDE_BY_SIDE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [_or_raised(found[file]) for file in files]


def _or_raised(found: _Read | Exception) -> _Read:
    if isinstance(found, Exception):
        raise found
    return found


def _read(file: Path) -> _Read:
    before = file.stat()  # one that changes meanwhile is read again the next time
    return _Read(size=before.st_size, modified=before.st_mtime_ns, inode=before.st_ino, sha256=sha256(file))


def _noted_of(files: Mapping[str, LockedFile], note: Path) -> dict[str, _Read]:
    """What another start read and found good: a disk or a memory that once gave other bytes is asked again."""
    noted = _noted(note).items()
    return {path: read for path, read in noted if path not in files or read.sha256 == files[path].sha256}


def _noted(note: Path) -> dict[str, _Read]:
    try:
        return _Known.validate_json(note.read_bytes())
    except (OSError, ValidationError):
        return {}


def _write_down(note: Path, known: Mapping[str, _Read]) -> None:
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        write_whole(note, _Known.dump_json(dict(known)).decode())
    except OSError as problem:
        log.info("what was read is not remembered: the next start reads it again", problem=problem.strerror)
