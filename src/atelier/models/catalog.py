"""The model catalog: what could serve, what is here, and what serves now."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from pydantic_core import from_json

from atelier.catalog import SERVICES
from atelier.contracts.engine import ModelSource
from atelier.contracts.sampling import Sampling
from atelier.machine import gpus
from atelier.models.entry import HERE, ModelEntry
from atelier.models.fit import gigabytes
from atelier.models.lockfile import read_lock
from atelier.models.unchanged import Unchanged
from atelier.settings import Settings, SettingsProblem
from atelier.worker.residency import ModelPlan

CHECKSUMS = HERE / "checksums.toml"
"""Model id → path in its folder → SHA-256; `scripts/checksums.py` writes it."""

_UNET = ("unet/*.safetensors",)
"""What a model that is laid over another does not read of that one."""

_WEIGHTS = ("*.safetensors", "*/*.safetensors")
"""What a checkpoint in one file does not read of the model whose configurations it takes."""


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
    # In the catalog's order: a model that is best at one task may do another's too, and must not become its default.
    best = sorted((_best(settings, task) for task in missing), key=catalog().index)
    return found + [_plan(settings, entry) for entry in (*best, *beside)]


def _best(settings: Settings, task: str) -> ModelEntry:
    folder = models_folder(settings)
    return next(entry for entry in catalog() if task in entry.tasks and entry.here(folder))


def _named(settings: Settings, service: str, name: str) -> ModelPlan:
    entry = next((entry for entry in catalog() if entry.id == name), None)
    if entry is not None and service in entry.services:
        return _plan(settings, entry)
    folder = Path(name)
    if folder.suffix == ".safetensors" and folder.is_file():
        return _single_file(settings, service, folder)
    if not folder.is_dir():
        known = ", ".join(entry.id for entry in catalog() if service in entry.services)
        raise SettingsProblem(f"MODEL_NAME: {name} is neither a folder nor a model of {service}; there are {known}")
    like = _architecture(folder, service)
    source = _source(settings, like, model=folder.name, folder=folder)
    if not like.base:
        source = replace(source, parts={})  # it has its own, which may have been tuned with the rest
    check = _unchanged(settings, [], with_bases([like])[:-1])
    return ModelPlan(
        source, like.engine, like.extra, services=like.services, tasks=like.tasks, check=check, clones=like.clones
    )


def _single_file(settings: Settings, service: str, file: Path) -> ModelPlan:
    """A checkpoint of SDXL in one file, over the catalog's first, which has its configurations and tokenizers."""
    like = next((e for e in catalog() if "DiffusionEngine" in e.engine and e.folder and service in e.services), None)
    if like is None:
        raise SettingsProblem(f"MODEL_NAME: {file.name} is a checkpoint of a picture model, and {service} loads none")
    base = like.place(models_folder(settings))
    source = replace(_source(settings, like, model=file.stem, folder=file), base=base, parts={})
    check = _unchanged(settings, [], [like], _WEIGHTS)
    return ModelPlan(source, like.engine, like.extra, services=like.services, tasks=like.tasks, check=check)


def _architecture(folder: Path, service: str) -> ModelEntry:
    """The catalog's entry whose engine reads this folder. Raises SettingsProblem for a layout that none does."""
    engine, pipeline, is_laid_over = _engine_of(folder), _pipeline_of(folder), _is_laid_over(folder)
    entries = [entry for entry in catalog() if engine and engine in entry.engine and service in entry.services]
    alike = [entry for entry in entries if (pipeline in entry.pipelines if pipeline else not entry.pipelines)]
    entry = next((entry for entry in alike if bool(entry.base) == is_laid_over), None)
    if entry is None:
        raise SettingsProblem(
            f"MODEL_NAME: {folder.name} is not laid out as a model that {service} can load "
            "(a diffusers folder has model_index.json, transformers' config.json, CTranslate2's Whisper model.bin, "
            "Kokoro's ONNX folder voices, Piper's .onnx.json, XTTS speakers_xtts.pth, Chatterbox t3_cfg.safetensors, "
            "onnx-asr's Parakeet encoder-model.onnx, Tesseract's .traineddata files)"
        )
    return entry


def _is_laid_over(folder: Path) -> bool:
    """Whether it holds a UNet of SDXL-Lightning, and the rest is its base's."""
    return any(folder.glob("sdxl_lightning_*step_unet*.safetensors"))


def _pipeline_of(folder: Path) -> str | None:
    """The class of diffusers that it is laid out for, where a model of the catalog is of that one."""
    index = folder / "model_index.json"
    named = from_json(index.read_bytes()).get("_class_name") if index.is_file() else None
    return named if any(named in entry.pipelines for entry in catalog()) else None


def _engine_of(folder: Path) -> str | None:
    """The first whose layout it has."""
    layouts = {
        "PipelineEngine": _pipeline_of(folder) is not None,
        "DiffusionEngine": (folder / "model_index.json").is_file() or _is_laid_over(folder),
        "WhisperEngine": (folder / "model.bin").is_file(),
        "XttsEngine": (folder / "speakers_xtts.pth").is_file(),
        "ChatterboxEngine": (folder / "t3_cfg.safetensors").is_file(),
        "PiperEngine": any(folder.rglob("*.onnx.json")),
        "KokoroEngine": (folder / "voices").is_dir() or any(folder.glob("voices*.bin")),
        "ParakeetEngine": (folder / "vocab.txt").is_file() and any(folder.glob("encoder-model*.onnx")),
        "TesseractEngine": any(folder.glob("*.traineddata")),
    }
    return next((engine for engine, fits in layouts.items() if fits), None) or _transformers_engine(folder)


def _transformers_engine(folder: Path) -> str | None:
    config = folder / "config.json"
    described = from_json(config.read_bytes()) if config.is_file() else {}
    general = "VisionLanguageEngine" if {"vision_config", "text_config"} <= set(described) else None
    return {"blip-2": "Blip2Engine", "florence2": "Florence2Engine"}.get(described.get("model_type", ""), general)


def _plan(settings: Settings, entry: ModelEntry) -> ModelPlan:
    locked = read_lock(models_folder(settings)).models.get(entry.id)
    source = _source(settings, entry, model=entry.id, folder=entry.place(models_folder(settings)))
    return ModelPlan(
        replace(source, revision=locked.revision if locked else None, note=entry.note, one_size=entry.one_size),
        entry.engine,
        entry.extra,
        services=entry.services,
        tasks=entry.tasks,
        words=entry.words,
        clones=entry.clones,
        files=entry.files,
        remedy="reinstall Atelier" if entry.packaged else f"type: atelier models download {entry.id}",
        licence=entry.licence.model_dump(),
        memory=_memory(settings, entry),
        check=_unchanged(settings, [entry], with_bases([entry])[:-1]),
    )


def _unchanged(
    settings: Settings, own: Sequence[ModelEntry], bases: Sequence[ModelEntry], not_read: Sequence[str] = _UNET
) -> Unchanged | None:
    """Of what may have been downloaded; None where nothing of it lies below the models folder. not_read: of `bases`."""
    fetched = [entry for entry in (*bases, *own) if entry.folder]
    if not fetched:
        return None
    notes, bytes_too = settings.home / "run" / "verified", settings.verify_models == "bytes"
    left_out = {base.id: not_read for base in bases}
    return Unchanged(models_folder(settings), fetched, notes=notes, bytes_too=bytes_too, not_read=left_out)


def _memory(settings: Settings, entry: ModelEntry) -> int | None:
    """Bytes that it takes as it is loaded, as far as the catalog tells; else its files do."""
    on_gpu = settings.device != "cpu" and bool(gpus())
    told = gigabytes(entry, precision=settings.precision, quantization=settings.quantization, on_gpu=on_gpu)
    return int(told * 1e9) if told else None


def _source(settings: Settings, like: ModelEntry, *, model: str, folder: Path | None) -> ModelSource:
    """Weights that are loaded and sampled as those of `like` are."""
    here = models_folder(settings)
    return ModelSource(
        model=model,
        folder=folder,
        device=settings.device,
        precision=settings.precision,
        quantization=settings.quantization,
        base=here / like.base if like.base else None,
        parts={part: here / place for part, place in like.parts.items() if (here / place).is_dir()},
        loras=here / "loras",
        sampling=_sampling(like),
    )


def _sampling(entry: ModelEntry) -> Sampling:
    usual, own = Sampling(), entry.defaults
    return Sampling(
        steps=usual.steps if own.steps is None else own.steps,
        guidance_scale=usual.guidance_scale if own.guidance is None else own.guidance,
    )
