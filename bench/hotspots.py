"""Where a process's time goes, by a sampling profiler that looks from outside."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from programs import set_up_py_spy

_FRAME = re.compile(r"(?P<function>.+) \((?P<file>[^()]*?)(:\d+)?\)$")
_KERNEL = {
    "write",
    "writev",
    "read",
    "readv",
    "recv",
    "send",
    "sendto",
    "sendmsg",
    "epoll_pwait",
    "epoll_ctl",
    "syscall",
}
_COLLECTING = "garbage collection"
_SHOWN = 40

Stack = tuple[list[str], int]
"""Frames, the outermost first, and in how many samples they were met."""


class Sampling:
    """Samples the process for so many seconds from now on; `report` waits for the end."""

    def __init__(self, pid: int, *, seconds: int) -> None:
        program = set_up_py_spy()
        self._folder = tempfile.TemporaryDirectory(prefix="atelier-hotspots-")
        self._file = Path(self._folder.name) / "stacks"
        what = ["--pid", str(pid), "--native", "--function", "--rate", "100", "--duration", str(seconds)]
        self._process = subprocess.Popen(
            [str(program.path), "record", *what, "--format", "raw", "--output", str(self._file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def report(self) -> Iterator[str]:
        """Shares of the samples of the event loop's thread. Raises RuntimeError with what the profiler said."""
        said, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(said.decode(errors="replace"))
        stacks = [_parse(line) for line in self._file.read_text().splitlines()]
        self._folder.cleanup()
        stacks = [stack for stack in stacks if not any(frame.startswith("Thread.run ") for frame in stack[0])]
        total = sum(count for _, count in stacks)
        yield f"{total} samples, in per cent"
        yield from _table("by library, what it calls not counted", _own(stacks, _part), total)
        yield from _table("by function, what it calls not counted", _own(stacks, _innermost), total)
        yield from _table("by function, with all that it calls", _with_calls(stacks), total)


def _parse(line: str) -> Stack:
    frames, _, count = line.rpartition(" ")
    return frames.split(";"), int(count)


def _own(stacks: list[Stack], name: Callable[[list[str]], str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for frames, count in stacks:
        found[name(frames)] += count
    return found


def _with_calls(stacks: list[Stack]) -> Counter[str]:
    """Without what merely starts the program and runs the loop."""
    found: Counter[str] = Counter()
    total = sum(count for _, count in stacks)
    for frames, count in stacks:
        for frame in {frame for frame in frames if _library(frame)}:
            found[frame] += count
    return Counter({frame: count for frame, count in found.items() if count < 0.9 * total})


def _part(frames: list[str]) -> str:
    if any(frame.startswith("gc_collect_main ") for frame in frames):
        return _COLLECTING
    if frames[-1].partition(" ")[0] in _KERNEL:
        return "the kernel, for sockets and files"
    return next(filter(None, map(_library, reversed(frames))), "the interpreter")


def _innermost(frames: list[str]) -> str:
    """The function of Python or of the event loop that the sample belongs to; kernel calls stand for themselves."""
    if any(frame.startswith("gc_collect_main ") for frame in frames):
        return _COLLECTING
    caller = next((frame for frame in reversed(frames) if _library(frame)), frames[-1])
    called = frames[-1].partition(" ")[0]
    return f"{called}() of {caller}" if called in _KERNEL else caller


def _library(frame: str) -> str:
    """`aiohttp` of `write (aiohttp/http_writer.py:9)`; empty for the C code of the interpreter and of extensions."""
    match = _FRAME.match(frame)
    if match is None or match["file"].startswith("<"):
        return ""
    library, slash, _ = match["file"].partition("/")
    if library == "loop.c":
        return "uvloop"
    if not match["file"].endswith(".py"):
        return ""
    return library if slash else "python"


def _table(title: str, counts: Counter[str], total: int) -> Iterator[str]:
    yield f"\n{title}"
    for name, count in counts.most_common(_SHOWN):
        if count * 200 >= total:  # half a per cent
            yield f"  {100 * count / total:5.1f}  {name}"
