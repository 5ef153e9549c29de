"""What this machine has: its memory and its GPUs, read without any model library."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SHARE_FOR_MODELS = 0.9
"""Of a device's memory; the rest is for the work itself and for others."""

_CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux says what a container may take (control groups, version 2 and 1)."""


@dataclass(frozen=True)
class Gpu:
    name: str
    memory_bytes: int


def main_memory_bytes() -> int:
    """The machine's, or what the container may take of it."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([whole, *(limit for limit in map(_number_in, _CONTAINER_LIMITS) if limit)])


@cache
def gpus() -> tuple[Gpu, ...]:
    """NVIDIA's, in the driver's order; none where there is no driver. Asked once: the driver takes its time."""
    if shutil.which("nvidia-smi") is None:
        return ()
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        asked = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    except (subprocess.TimeoutExpired, OSError):
        return ()
    lines = asked.stdout.strip().splitlines() if asked.returncode == 0 else []
    return tuple(_gpu(*line.rsplit(",", 1)) for line in lines if "," in line)


def memory_bytes(device: str) -> int:
    """What models can have on a device: `cpu`, `cuda`, `cuda:1`, or `auto` (the first GPU where there is one)."""
    found = () if device == "cpu" else gpus()
    if not found:
        return main_memory_bytes()
    number = device.partition(":")[2]
    index = int(number) if number.isdigit() else 0
    # A GPU that shares the machine's memory tells none of its own.
    return found[index if index < len(found) else 0].memory_bytes or main_memory_bytes()


def _gpu(name: str, mebibytes: str) -> Gpu:
    return Gpu(name.strip(), int(mebibytes) * 1024 * 1024 if mebibytes.strip().isdigit() else 0)


def _number_in(file: Path) -> int | None:
    """None where there is no such file, or no limit in it."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
