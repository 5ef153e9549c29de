"""The journal: usage records on the local disk until they are safe elsewhere; one folder per gateway process.

A record is one `write` of one line, without a flush to the disk: it outlives the process, killed or not, and a crash
of the machine may take what the last seconds wrote.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from atelier.gateway.usage.record import settled_at

SEGMENT_BYTES = 8_000_000
SEGMENT_SECONDS = 5.0
KEEP_SECONDS = 10.0
CHUNK_BYTES = 128_000

_LOCK = "lock"

log = structlog.get_logger()


@dataclass(slots=True, eq=False)
class Segment:
    """One file of lines. size, shipped: bytes, in all and handed on. since, at: when begun, and last handed on."""

    path: Path
    size: int
    since: float
    shipped: int = 0
    at: float = 0.0


@dataclass(frozen=True)
class Chunk:
    """Whole lines of one segment, and where the next chunk begins."""

    segment: Segment
    start: int
    end: int
    lines: bytes


class Journal:
    """Lines are appended, read in order, marked as shipped, and dropped with their segment a while later.

    A while later, because a Redis that is killed may have forgotten its last seconds: `rewind` ships them again.
    """

    def __init__(self, folder: Path, lock: int, *, keep_seconds: float = KEEP_SECONDS) -> None:
        self.folder = folder
        self._lock = lock
        self._keep_seconds = keep_seconds
        now = time.monotonic()
        self._segments = [Segment(path, path.stat().st_size, now) for path in sorted(folder.glob("*.ndjson"))]
        self._number = len(self._segments)
        self._current: Segment | None = None
        self._file = -1

    def append(self, line: bytes) -> None:
        """Raises OSError, where the disk is full for instance; then nothing of the line is in the journal."""
        segment = self._current
        if segment is None or segment.size >= SEGMENT_BYTES:
            segment = self._begin()
        written = os.write(self._file, line)
        if written != len(line):
            os.ftruncate(self._file, segment.size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        segment.size += written

    @property
    def waiting(self) -> int:
        """Bytes that are not shipped."""
        return sum(segment.size - segment.shipped for segment in self._segments)

    def oldest(self) -> float | None:
        """When the oldest record that is not shipped was settled, in seconds since 1970; None where all are shipped."""
        waiting = next((segment for segment in self._segments if segment.shipped < segment.size), None)
        if waiting is None:
            return None
        try:
            with waiting.path.open("rb") as file:
                file.seek(waiting.shipped)
                return settled_at(file.readline())
        except (OSError, ValueError):
            return None

    def read(self) -> Chunk | None:
        """The oldest lines that are not shipped, about 128 kB; None where there are none."""
        for segment in self._segments:
            while segment.shipped < segment.size:
                chunk = _read(segment)
                if chunk.lines:
                    return chunk
                log.error("a torn usage record is passed over", file=segment.path.name, bytes=chunk.end - chunk.start)
                segment.shipped = chunk.end
        return None

    def mark_shipped(self, chunk: Chunk) -> None:
        if chunk.segment.shipped == chunk.start:  # else it was rewound meanwhile
            chunk.segment.shipped, chunk.segment.at = chunk.end, time.monotonic()

    def rewind(self) -> None:
        """What was shipped in the last seconds counts as not shipped."""
        for segment in self._segments:
            segment.shipped = 0

    def tidy(self) -> None:
        """Drop the segments that were shipped long enough ago."""
        now = time.monotonic()
        current = self._current
        if current and current.shipped == current.size and now - current.since > SEGMENT_SECONDS:
            self._end()
        for segment in [s for s in self._segments if s is not self._current and s.shipped == s.size]:
            if now - segment.at > self._keep_seconds:
                segment.path.unlink(missing_ok=True)
                self._segments.remove(segment)

    @property
    def empty(self) -> bool:
        return not self._segments

    def close(self) -> None:
        """Leave it to be taken over; where nothing waits in it, remove it."""
        self._end()
        if not self.waiting:
            for file in self.folder.iterdir():
                file.unlink()
            with suppress(OSError):  # another gateway is just looking into it, and removes it
                self.folder.rmdir()
        os.close(self._lock)

    def _begin(self) -> Segment:
        self._end()
        path = self.folder / f"{self._number:09}.ndjson"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self._number += 1
        self._current = Segment(path, 0, time.monotonic())
        self._segments.append(self._current)
        return self._current

    def _end(self) -> None:
        if self._current is not None:
            self._current = None
            os.close(self._file)


def _read(segment: Segment) -> Chunk:
    """Lines from where it is shipped up to; without lines where there is no whole one."""
    with segment.path.open("rb") as file:
        file.seek(segment.shipped)
        found = file.read(min(CHUNK_BYTES, segment.size - segment.shipped))
    whole = found[: found.rfind(b"\n") + 1]
    end = segment.shipped + (len(whole) or len(found)) if found else segment.size
    return Chunk(segment, segment.shipped, end, whole)


def open_journal(root: Path, name: str) -> Journal:
    """A new one below `root`, locked as long as this process lives. Raises OSError."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = root / name
    folder.mkdir(mode=0o700)
    lock = _lock(folder)
    if lock is None:  # another gateway looked into it in the instant before it was locked, and removes it
        return open_journal(root, f"{name}-again")
    return Journal(folder, lock)


def abandoned_journals(root: Path) -> list[Journal]:
    """Those below `root` whose process is gone, locked by this one now."""
    found = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        lock = _lock(folder)
        if lock is not None:
            found.append(Journal(folder, lock))
    return found


def _lock(folder: Path) -> int | None:
    """The open lock file; None where another process has it, or has just removed the folder."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_nlink:
            return lock
    except BlockingIOError:
        pass
    os.close(lock)
    return None
