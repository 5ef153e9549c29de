"""The doctor advises what fits together, and its configuration is one that Atelier reads."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from atelier.catalog import SERVICES
from atelier.doctor import _engine
from atelier.doctor_models import advice, configuration, downloads, in_words
from atelier.models.catalog import catalog
from atelier.models.fit import Machine
from atelier.settings import Settings

BY_ID = {entry.id: entry for entry in catalog()}


@pytest.mark.parametrize(
    "machine", [Machine(4), Machine(16), Machine(32, 8), Machine(64, 24), Machine(256, 140)], ids=str
)
def test_what_is_advised_fits_together(tmp_path: Path, machine: Machine) -> None:
    advised = advice(Settings(home=tmp_path), machine)
    assert [(one.service, one.task) for one in advised] == [
        (service.name, task) for service in SERVICES.values() for task in service.tasks
    ]
    taken = {one.entry.id: one.fit for one in advised if one.entry and one.fit and one.fit.gigabytes}
    for device, memory in (("GPU", machine.gpu_memory), ("processor", machine.memory)):
        assert sum(fit.gigabytes or 0 for fit in taken.values() if fit.device == device) <= memory


def test_a_large_gpu_gets_the_best_known_models(tmp_path: Path) -> None:
    advised = {one.task: one for one in advice(Settings(home=tmp_path), Machine(256, 140))}
    painter = advised["text-to-image"]
    assert painter.entry is not None
    assert painter.entry.id == "stabilityai/stable-diffusion-xl-base-1.0"
    assert in_words(painter) == "stabilityai/stable-diffusion-xl-base-1.0, float16 on the GPU, 9.0 GB"
    assert advised["image-to-image"].entry is painter.entry
    assert "not for commercial use" in in_words(advised["caption"])


def test_the_configuration_names_models_that_are_served(tmp_path: Path) -> None:
    advised = advice(Settings(home=tmp_path), Machine(64, 24))
    models = tomllib.loads(configuration(advised))["models"]
    settings = Settings(home=tmp_path, models=models)
    for service, names in settings.models.items():
        assert all(service in BY_ID[name.strip()].services for name in names.split(","))
    assert set(downloads(advised)) == {one.entry.id for one in advised if one.entry and one.entry.folder}


def test_how_an_engine_comes_that_pip_alone_does_not_bring() -> None:
    told = _engine("chatterbox", ("a_library_that_is_not_here",)).found
    assert "docs/speech.md" in told
    assert "pip install" not in told
