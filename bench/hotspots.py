"""Where a process's time goes, by a sampling profiler that looks from outside."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from programs import set_up_py_spy

_FRAME = re.compile(r"(?P<function>.+) \((?P<file>[^()]*)\)$")
_SHOWN = 30


class Sampling:
    """Samples the process for so many seconds from now on; `report` waits for the end."""

    def __init__(self, pid: int, *, seconds: int) -> None:
        program = set_up_py_spy()
        self._folder = tempfile.TemporaryDirectory(prefix="atelier-hotspots-")
        self._file = Path(self._folder.name) / "stacks"
        options = [
            "--format",
            "raw",
            "--rate",
            "250",
            "--duration",
            str(seconds),
            "--function",
            "--output",
            str(self._file),
        ]
        self._process = subprocess.Popen(
            [str(program.path), "record", "--pid", str(pid), *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def report(self) -> Iterator[str]:
        """Shares of the samples in which the process ran. Raises RuntimeError with what the profiler said."""
        said, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(said.decode(errors="replace"))
        stacks = [_parse(line) for line in self._file.read_text().splitlines()]
        self._folder.cleanup()
        total = sum(count for _, count in stacks)
        yield f"{total} samples, in per cent"
        yield from _table("inside each library, what it calls not counted", _own(stacks, _library), total)
        yield from _table("inside each function, what it calls not counted", _own(stacks, str), total)
        yield from _table("in functions of the gateway and all that they call", _ours(stacks), total)


Stack = tuple[list[str], int]


def _parse(line: str) -> Stack:
    frames, _, count = line.rpartition(" ")
    return frames.split(";"), int(count)


def _own(stacks: list[Stack], name: Callable[[str], str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for frames, count in stacks:
        found[name(frames[-1])] += count
    return found


def _ours(stacks: list[Stack]) -> Counter[str]:
    found: Counter[str] = Counter()
    for frames, count in stacks:
        for frame in {frame for frame in frames if _library(frame) == "atelier"}:
            found[frame] += count
    return found


def _library(frame: str) -> str:
    """`aiohttp` of `write (aiohttp/http_writer.py:9)`; the standard library's own files are named without a folder."""
    match = _FRAME.match(frame)
    if match is None:
        return "the interpreter"
    library, slash, _ = match["file"].partition("/")
    return library if slash else "python"


def _table(title: str, counts: Counter[str], total: int) -> Iterator[str]:
    yield f"\n{title}"
    for name, count in counts.most_common(_SHOWN):
        if count * 400 >= total:  # a quarter of a per cent
            yield f"  {100 * count / total:5.1f}  {name}"
