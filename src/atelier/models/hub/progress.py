"""What a person sees of a download: bars with the time left on a terminal, lines elsewhere."""

from __future__ import annotations

import threading
import time
from typing import Self

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column

from atelier.models.gathering import gigabytes
from atelier.models.hub.download import Watch

LINE_SECONDS = 10.0
SURE_SECONDS = 3.0
"""Sooner nobody knows how long it will take."""


class Bars(Watch):
    """A bar for each file on its way, and one for all of them."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, min_width=20)),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self._total: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        self._progress.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def expect(self, size: int, done: int) -> None:
        self._total = self._progress.add_task("all", total=size, completed=done)

    def begin(self, label: str, size: int, done: int) -> None:
        path = label.partition(": ")[2]
        self._tasks[label] = self._progress.add_task(path, total=size, completed=done)

    def advance(self, label: str, count: int) -> None:
        self._progress.advance(self._tasks[label], count)
        if self._total is not None:
            self._progress.advance(self._total, count)

    def end(self, label: str) -> None:
        self._progress.remove_task(self._tasks.pop(label))


class Lines(Watch):
    """A line for each file that is whole, and one now and then in between."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = self._done = self._fetched = 0
        self._began = self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def say(self, text: str) -> None:
        with self._lock:
            typer.echo(text)

    def expect(self, size: int, done: int) -> None:
        self._size, self._done = size, done
        self._began = self._last = time.monotonic()
        self.say(f"{gigabytes(size - done)} to fetch" + (f", {gigabytes(done)} are here already" if done else ""))

    def begin(self, label: str, size: int, done: int) -> None:
        pass

    def advance(self, label: str, count: int) -> None:
        with self._lock:
            self._done += count
            self._fetched += count
            if time.monotonic() - self._last < LINE_SECONDS:
                return
            self._last = time.monotonic()
        self.say(self._state())

    def end(self, label: str) -> None:
        self.say(f"{label} is here. {self._state()}")

    def _state(self) -> str:
        share = 100 * self._done / self._size if self._size else 100
        state = f"{gigabytes(self._done)} of {gigabytes(self._size)} ({share:.0f} %)"
        seconds, left = time.monotonic() - self._began, self._size - self._done
        if seconds < SURE_SECONDS or not left or not self._fetched:
            return state
        return f"{state}, {duration(left * seconds / self._fetched)} left"


def watching(console: Console) -> Bars | Lines:
    return Bars(console) if console.is_terminal else Lines()


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 5 min`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{max(0, seconds):.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
