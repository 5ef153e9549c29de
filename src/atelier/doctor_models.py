"""`atelier doctor`: which models suit this machine, and the configuration that serves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from atelier.catalog import SERVICES
from atelier.models.catalog import catalog, models_folder
from atelier.models.entry import ModelEntry
from atelier.models.fit import Fit, Machine, fit
from atelier.settings import Settings

MOST_ON_PROCESSOR = 4.0
"""GB of a model that a processor can still serve while somebody waits: a picture of SDXL takes it minutes."""


@dataclass(frozen=True)
class Advice:
    """The best model of a task that fits beside those before it; None where none does. here: it is downloaded."""

    service: str
    task: str
    entry: ModelEntry | None
    fit: Fit | None
    here: bool


def advice(settings: Settings, machine: Machine) -> list[Advice]:
    """For each task of each service, in their order; what is advised for one leaves so much less for the next."""
    folder = models_folder(settings)
    advised: dict[str, Fit] = {}
    found = []
    wanted = [(service.name, task) for service in SERVICES.values() for task in service.tasks]
    for service, task in wanted:
        able = [entry for entry in catalog() if task in entry.tasks and not entry.packaged]
        best = next(((entry, fits) for entry in able if (fits := _fit(entry, machine, advised)) is not None), None)
        if best is None:
            found.append(Advice(service, task, None, None, here=False))
            continue
        if best[0].id not in advised:
            advised[best[0].id] = best[1]
            machine = _without(machine, best[1])
        found.append(Advice(service, task, *best, here=best[0].here(folder)))
    return found


def _fit(entry: ModelEntry, machine: Machine, advised: Mapping[str, Fit]) -> Fit | None:
    """None where it does not fit, or would be too slow. One that is advised already serves from the same memory."""
    found = advised.get(entry.id) or fit(entry, machine)
    if found is None or (found.device == "processor" and (found.gigabytes or 0) > MOST_ON_PROCESSOR):
        return None
    return found


def _without(machine: Machine, taken: Fit) -> Machine:
    if taken.device == "GPU":
        return replace(machine, gpu_memory=machine.gpu_memory - (taken.gigabytes or 0))
    return replace(machine, memory=machine.memory - (taken.gigabytes or 0))


def in_words(one: Advice) -> str:
    """`Qwen/Qwen3-VL-4B-Instruct, bfloat16 on the GPU, 10.0 GB`."""
    if one.entry is None or one.fit is None:
        return "no full model suits it; the miniature serves"
    how = f", {one.fit.precision} on the {one.fit.device}, {one.fit.gigabytes:.1f} GB" if one.fit.precision else ""
    licence = "; not for commercial use" if one.entry.licence.commercial == "no" else ""
    return f"{one.entry.id}{how}{licence}"


def configuration(advised: Sequence[Advice]) -> str:
    """The lines of atelier.toml that serve them."""
    return "\n".join(["[models]", *(f'{service} = "{", ".join(ids)}"' for service, ids in _by_service(advised))])


def downloads(advised: Iterable[Advice]) -> list[str]:
    """The models that are not here yet."""
    return list(dict.fromkeys(one.entry.id for one in advised if one.entry is not None and not one.here))


def _by_service(advised: Iterable[Advice]) -> list[tuple[str, list[str]]]:
    models: dict[str, list[str]] = {}
    for one in advised:
        if one.entry is not None and one.entry.id not in models.setdefault(one.service, []):
            models[one.service].append(one.entry.id)
    return [(service, ids) for service, ids in models.items() if ids]
