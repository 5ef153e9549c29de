"""How NVIDIA GPUs are just now, asked of the driver's own library: no model library is needed, and no process begun."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

_LIBRARY = "libnvidia-ml.so.1"
_CORE_TEMPERATURE = 0


@dataclass(frozen=True)
class GpuReading:
    """busy: share of the last moment in which it computed, 0 to 1. None: it does not tell."""

    index: int
    name: str
    memory_bytes: int
    used_bytes: int
    busy: float | None
    celsius: int | None


class _Memory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


class _Busy(ctypes.Structure):
    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


def read_gpus() -> list[GpuReading]:
    """In the driver's order; none where there is no driver. Takes a millisecond or so."""
    library = _driver()
    return [] if library is None else list(readings(library))


@cache
def _driver() -> Any:
    """The library, ready to be asked; None where there is none."""
    try:
        library = ctypes.CDLL(_LIBRARY)
    except OSError:
        return None
    return library if library.nvmlInit_v2() == 0 else None


def readings(library: Any) -> Iterator[GpuReading]:
    """library: as NVML is (nvml.h)."""
    count = ctypes.c_uint()
    if library.nvmlDeviceGetCount_v2(ctypes.byref(count)):
        return
    for index in range(count.value):
        device, memory = ctypes.c_void_p(), _Memory()
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)):
            continue
        if library.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory)):
            continue
        yield GpuReading(
            index, _name(library, device), memory.total, memory.used, _busy(library, device), _celsius(library, device)
        )


def _name(library: Any, device: ctypes.c_void_p) -> str:
    name = ctypes.create_string_buffer(96)
    return name.value.decode() if library.nvmlDeviceGetName(device, name, len(name)) == 0 else "unknown"


def _busy(library: Any, device: ctypes.c_void_p) -> float | None:
    busy = _Busy()
    failed = library.nvmlDeviceGetUtilizationRates(device, ctypes.byref(busy))  # as on a part of a GPU
    return None if failed else busy.gpu / 100


def _celsius(library: Any, device: ctypes.c_void_p) -> int | None:
    found = ctypes.c_uint()
    failed = library.nvmlDeviceGetTemperature(device, _CORE_TEMPERATURE, ctypes.byref(found))
    return None if failed else found.value
