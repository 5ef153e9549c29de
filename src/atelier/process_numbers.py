"""What a process takes of its machine: memory and processor time, for the metrics of gateway and worker."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path

from atelier import __version__

Sample = tuple[str, tuple[str, ...], float]
"""A metric's name without `atelier_`, the values of its labels, and its own."""

BUILD_LABELS = ("process", "version", "python")

_STATM = Path("/proc/self/statm")


def process_samples(process: str) -> Iterable[Sample]:
    """process: `gateway` or `worker`. Memory is told where the system does (Linux)."""
    yield "build_info", (process, __version__, platform.python_version()), 1
    yield "process_cpu_seconds", (), time.process_time()
    resident = resident_bytes()
    if resident is not None:
        yield "process_memory_bytes", (), resident


def resident_bytes() -> int | None:
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
