"""What this machine's memory holds: at which precision a model fits, on the GPU or on the processor."""

from __future__ import annotations

import os
from dataclasses import dataclass

from atelier.machine import SHARE_FOR_MODELS, gpus, main_memory_bytes
from atelier.models.entry import ModelEntry, Precision

HALF: tuple[Precision, ...] = ("float16", "bfloat16")
ON_GPU: tuple[Precision, ...] = (*HALF, "int8")
ON_PROCESSOR: tuple[Precision, ...] = ("float32", "bfloat16", "int8")
"""Best first."""


@dataclass(frozen=True)
class Machine:
    """memory, gpu_memory: in GB; gpu_memory is the largest GPU's, 0 without one."""

    memory: float
    gpu_memory: float = 0


@dataclass(frozen=True)
class Fit:
    """Where a model fits and how, or None: too large. precision None: its library decides."""

    device: str
    precision: Precision | None = None
    gigabytes: float | None = None


def this_machine() -> Machine | None:
    """None where the system does not tell (Windows)."""
    if not hasattr(os, "sysconf"):
        return None
    return Machine(main_memory_bytes() / 1e9, max((gpu.memory_bytes / 1e9 for gpu in gpus()), default=0))


def gigabytes(entry: ModelEntry, *, precision: str, quantization: str, on_gpu: bool) -> float | None:
    """What it takes as it is loaded by those settings; None: the catalog does not tell.

    precision: `auto` is half on a GPU, in whichever kind the model was published, and full on a processor.
    """
    wanted: tuple[Precision, ...] = ("float32",)
    if quantization == "int8":
        wanted = ("int8",)
    elif precision in HALF or (precision == "auto" and on_gpu):
        wanted = HALF  # both take the same
    return next((entry.memory[name] for name in wanted if name in entry.memory), None)


def fit(entry: ModelEntry, machine: Machine) -> Fit | None:
    """The best that the machine can do with it; None where no precision fits."""
    if not entry.memory:
        return Fit("processor")
    for device, memory, precisions in (
        ("GPU", machine.gpu_memory, ON_GPU),
        ("processor", machine.memory, ON_PROCESSOR),
    ):
        for precision in precisions:
            needed = entry.memory.get(precision)
            if needed is not None and needed <= memory * SHARE_FOR_MODELS:
                return Fit(device, precision, needed)
    return None


def in_words(entry: ModelEntry, machine: Machine) -> str:
    """`yes: float16 on the GPU, 7.0 GB`, or what is too little."""
    found = fit(entry, machine)
    if found is None:
        least = min(entry.memory.values())
        most = max(machine.memory, machine.gpu_memory)
        return f"no: it takes {least:.1f} GB, and there are {most:.1f} GB"
    if found.precision is None:
        return "yes"
    return f"yes: {found.precision} on the {found.device}, {found.gigabytes:.1f} GB"
