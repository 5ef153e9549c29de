"""The model catalog: what could serve, what is here, and what serves now."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic_core import from_json

from atelier.catalog import SERVICES
from atelier.contracts.engine import ModelSource
from atelier.models.entry import HERE, ModelEntry
from atelier.models.lockfile import read_lock
from atelier.settings import Settings, SettingsProblem
from atelier.worker.residency import ModelPlan

CHECKSUMS = HERE / "checksums.toml"
"""Model id → path in its folder → SHA-256; `scripts/checksums.py` writes it."""


@cache
def catalog() -> tuple[ModelEntry, ...]:
    """Every entry, preferred ones first."""
    entries = tomllib.loads((HERE / "catalog.toml").read_text())["model"]
    files = tomllib.loads(CHECKSUMS.read_text())
    return tuple(ModelEntry.model_validate(entry | {"files": files.get(entry["id"], {})}) for entry in entries)


def with_bases(entries: Sequence[ModelEntry]) -> list[ModelEntry]:
    """Each once, those that others are laid over first."""
    by_folder = {entry.folder: entry for entry in catalog() if entry.folder}
    found: dict[str, ModelEntry] = {}
    for entry in entries:
        if entry.base:
            found.setdefault(by_folder[entry.base].id, by_folder[entry.base])
        found.setdefault(entry.id, entry)
    return list(found.values())


def models_folder(settings: Settings) -> Path:
    return settings.home / "models"


def plans(settings: Settings, services: Sequence[str]) -> list[ModelPlan]:
    """The models that a worker of `services` holds: those that settings name, else the best that is here.

    Beside the best go those that the catalog wants to be served by their names. A model that serves several of the
    services is held once. Raises SettingsProblem for a name that is neither in the catalog nor a folder.
    """
    chosen: dict[str, ModelPlan] = {}
    for service in services:
        for plan in _of_service(settings, service, alone=len(services) == 1):
            chosen.setdefault(f"{plan.source.model} {plan.source.folder}", plan)
    return list(chosen.values())


def _of_service(settings: Settings, service: str, *, alone: bool) -> list[ModelPlan]:
    named = settings.models.get(service) or (settings.model_name if alone else None) or ""
    found = [_named(settings, service, name.strip()) for name in named.split(",") if name.strip()]
    done = {task for plan in found for task in plan.tasks}
    missing = [task for task in SERVICES[service].tasks if task not in done]
    beside = [] if found else [entry for entry in catalog() if entry.beside and service in entry.services]
    return found + [_plan(settings, entry) for entry in (*(_best(settings, task) for task in missing), *beside)]


def _best(settings: Settings, task: str) -> ModelEntry:
    folder = models_folder(settings)
    return next(entry for entry in catalog() if task in entry.tasks and entry.here(folder))


def _named(settings: Settings, service: str, name: str) -> ModelPlan:
    entry = next((entry for entry in catalog() if entry.id == name), None)
    if entry is not None and service in entry.services:
        return _plan(settings, entry)
    folder = Path(name)
    if not folder.is_dir():
        known = ", ".join(entry.id for entry in catalog() if service in entry.services)
        raise SettingsProblem(f"MODEL_NAME: {name} is neither a folder nor a model of {service}; there are {known}")
    like = _architecture(folder, service)
    source = ModelSource(model=folder.name, folder=folder, device=settings.device)
    return ModelPlan(source, like.engine, like.extra, services=like.services, tasks=like.tasks)


def _architecture(folder: Path, service: str) -> ModelEntry:
    """The catalog's entry whose engine reads this folder. Raises SettingsProblem for a layout that none does."""
    engine = _engine_of(folder)
    entry = next((e for e in catalog() if engine and engine in e.engine and service in e.services), None)
    if entry is None:
        raise SettingsProblem(
            f"MODEL_NAME: {folder.name} is not laid out as a model that {service} can load "
            "(a diffusers folder has model_index.json, BLIP-2 config.json, CTranslate2's Whisper model.bin)"
        )
    return entry


def _engine_of(folder: Path) -> str | None:
    if (folder / "model_index.json").is_file():
        return "DiffusionEngine"
    if (folder / "model.bin").is_file():
        return "WhisperEngine"
    config = folder / "config.json"
    kind = from_json(config.read_bytes()).get("model_type") if config.is_file() else None
    return "Blip2Engine" if kind == "blip-2" else None


def _plan(settings: Settings, entry: ModelEntry) -> ModelPlan:
    folder = models_folder(settings)
    locked = read_lock(folder).models.get(entry.id)
    source = ModelSource(
        model=entry.id,
        folder=entry.place(folder),
        revision=locked.revision if locked else None,
        device=settings.device,
        note=entry.note,
        one_size=entry.one_size,
    )
    return ModelPlan(
        source,
        entry.engine,
        entry.extra,
        services=entry.services,
        tasks=entry.tasks,
        words=entry.words,
        files=entry.files,
        remedy="reinstall Atelier" if entry.packaged else f"type: atelier models download {entry.id}",
        licence=entry.licence.model_dump(),
    )
