"""`atelier doctor`: what this machine can run, what is missing, and what to type."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from atelier.catalog import SERVICES
from atelier.doctor_models import advice, in_words
from atelier.doctor_servers import Finding, database, redis, upstreams
from atelier.machine import gpus, main_memory_bytes
from atelier.models.catalog import plans
from atelier.models.fit import this_machine
from atelier.settings import Settings, SettingsProblem

_LIBRARIES = {
    "diffusion": ("torch", "diffusers", "transformers", "peft"),
    "blip2": ("torch", "transformers"),
    "florence2": ("torch", "transformers"),
    "vision-language": ("torch", "transformers", "num2words"),
    "ocr": ("rapidocr", "onnxruntime", "pypdfium2"),
    "tesseract": ("pypdfium2", "PIL"),
    "espeak": ("espeakng_loader", "av"),
    "kokoro": ("kokoro_onnx", "onnxruntime", "av"),
    "piper": ("piper", "onnxruntime", "av"),
    "pocketsphinx": ("pocketsphinx", "faster_whisper", "av"),
    "whisper": ("faster_whisper", "av"),
    "xtts": ("TTS", "torch", "transformers", "av"),
    "chatterbox": ("chatterbox", "s3tokenizer", "perth", "torch", "transformers", "diffusers", "av"),
    "parakeet": ("onnx_asr", "onnxruntime", "faster_whisper", "av"),
    "int8": ("torchao",),
}
"""What each extra of the package must have put in place."""

_PROGRAMS = {"tesseract": "apt-get install tesseract-ocr"}
"""Extra → how its program comes, which pip does not install."""

_EXPLAINED = {"chatterbox": "docs/speech.md"}
"""Extra → where it is told how its libraries come, where the extra alone does not bring them."""

_BY_CHOICE = frozenset({"xtts", "int8"})
"""Extras that `make setup` leaves out."""


def examine(settings: Settings) -> list[Finding]:
    """Looks, and changes nothing."""
    return [
        _python(),
        _machine(),
        _gpu(),
        _torch(),
        *(_engine(extra, libraries) for extra, libraries in _LIBRARIES.items()),
        _home(settings),
        database(settings),
        redis(settings),
        *upstreams(settings),
        _ports(settings),
        *(_service(settings, service) for service in SERVICES),
        *_models(settings),
    ]


def _models(settings: Settings) -> list[Finding]:
    """What suits this machine; none of it has to be here."""
    machine = this_machine()
    return [
        Finding(
            f"Best {one.task} here", f"{in_words(one)}{'' if one.here or one.entry is None else ' (not downloaded)'}"
        )
        for one in (advice(settings, machine) if machine else [])
    ]


def _python() -> Finding:
    good = sys.version_info[:2] >= (3, 11)
    return Finding("Python", platform.python_version(), good, None if good else "Install Python 3.11 or newer.")


def _machine() -> Finding:
    memory = main_memory_bytes() / 1e9
    return Finding("Machine", f"{os.cpu_count()} cores, {memory:.0f} GB of memory, {platform.system()}")


def _gpu() -> Finding:
    found = gpus()
    if found:
        return Finding("GPU", "; ".join(f"{gpu.name}, {gpu.memory_bytes / 1e9:.0f} GB" for gpu in found))
    return Finding("GPU", "none: models run on the processor, which suits the small ones")


def _torch() -> Finding:
    try:
        installed = version("torch")
    except PackageNotFoundError:
        return Finding("PyTorch", "not installed", False, "Type: make setup")
    built_for_gpu = not installed.endswith("+cpu")
    if gpus() and not built_for_gpu:
        remedy = "Type: .venv/bin/pip install --force-reinstall torch --index-url https://pypi.org/simple"
        return Finding("PyTorch", f"{installed}, which cannot use the GPU", False, remedy)
    return Finding("PyTorch", installed)


def _engine(extra: str, libraries: tuple[str, ...]) -> Finding:
    missing = [library for library in libraries if find_spec(library) is None]
    if not missing and extra in _PROGRAMS and shutil.which(extra) is None:
        return Finding(f"Engine {extra}", f"its program is not installed: {_PROGRAMS[extra]} adds it")
    if not missing:
        return Finding(f"Engine {extra}", "its libraries are installed")
    if extra in _EXPLAINED:
        return Finding(f"Engine {extra}", f"not installed: {_EXPLAINED[extra]} says how it is")
    if extra in _BY_CHOICE:
        return Finding(f"Engine {extra}", f"not installed: pip install 'atelier[{extra}]' adds it")
    return Finding(f"Engine {extra}", f"lacks {', '.join(missing)}", False, f"Type: pip install 'atelier[{extra}]'")


def _home(settings: Settings) -> Finding:
    folder = next(place for place in (settings.home, *settings.home.parents) if place.exists())
    free = shutil.disk_usage(folder).free / 1e9
    good = os.access(folder, os.W_OK)
    remedy = None if good else "Set ATELIER_HOME to a folder that this user may write."
    return Finding("Data folder", f"{settings.home}, {free:.0f} GB free", good, remedy)


def _ports(settings: Settings) -> Finding:
    from atelier.serve import check_ports

    try:
        check_ports(settings)
    except SettingsProblem as problem:
        taken = str(problem).partition(" in use")[0].partition(" is")[0]
        return Finding("Ports", f"{taken} is in use: by an Atelier that is running, or by another program")
    return Finding("Ports", "all free")


def _service(settings: Settings, service: str) -> Finding:
    try:
        serving = plans(settings, [service])
    except SettingsProblem as problem:
        return Finding(f"Service {service}", str(problem), False, "Name a model of `atelier models list`, or a folder.")
    models = [plan.source for plan in serving]
    named = (f"{model.model} ({model.note.rstrip('.')})" if model.note else model.model for model in models)
    return Finding(f"Service {service}", "; ".join(named))
