"""Programs under measurement: started, waited for, stopped, and asked what they cost."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


class DidNotStart(Exception):
    """With the end of what the program wrote."""


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    ready: Callable[[], bool],
    log: Path,
    env: Mapping[str, str] | None = None,
    seconds: float = 60,
) -> Iterator[int]:
    """The process's id, once it is ready. Raises DidNotStart."""
    with log.open("ab") as sink:
        process = subprocess.Popen([str(word) for word in command], stdout=sink, stderr=sink, env=env, cwd=log.parent)
    try:
        _wait(process, ready, log, seconds)
        yield process.pid
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise DidNotStart(f"did not start: {process.args!r}\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def answers(url: str, wanted: bytes = b"") -> bool:
    """Whether a GET is answered well, with `wanted` in it."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return wanted in answer.read()
    except (urllib.error.URLError, OSError):
        return False


def tree(pid: int) -> list[int]:
    """The process and its descendants."""
    found = [pid]
    for parent in found:
        try:
            lists = [file.read_text() for file in Path(f"/proc/{parent}/task").glob("*/children")]
            found += [int(child) for children in lists for child in children.split()]
        except OSError:  # it has ended meanwhile
            continue
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time that these processes and all their descendants have used."""
    return sum(_cpu(each) for pid in pids for each in tree(pid))


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:13]) / _TICKS


def machine_busy_seconds() -> float:
    """Processor time that everything on this machine has used, all cores together."""
    user, nice, system, _, _, interrupts, soft, steal = (
        int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    return (user + nice + system + interrupts + soft + steal) / _TICKS


def peak_megabytes(pids: Iterable[int]) -> float:
    """The most memory that each was resident with, added up."""
    return sum(_peak(each) for pid in pids for each in tree(pid))


def _peak(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)
