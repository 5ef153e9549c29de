"""Lists that stand in more than one place are the same in each."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

from atelier.catalog import SERVICES
from atelier.contracts.styles import STYLES
from atelier.contracts.text_to_speech import OPENAI_VOICES
from atelier.demo import LISTENER, SENTENCE, TELLER
from atelier.doctor import _LIBRARIES
from atelier.gateway.faces.native import NATIVE_ROUTES
from atelier.models.catalog import HERE, catalog
from atelier.wire.routes import ROUTES
from world import scenes, sentence

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_every_service_has_both_faces_a_folder_and_a_model_for_each_task() -> None:
    assert {row.service for row in NATIVE_ROUTES} == set(SERVICES)
    assert {row.service for row in ROUTES} == set(SERVICES)
    for service in SERVICES.values():
        assert f'main(["worker", "{service.name}"])' in (ROOT / "services" / service.name / "server.py").read_text()
        for task in service.tasks:
            assert any(task in entry.tasks and service.name in entry.services for entry in catalog())


def test_every_model_names_an_engine_and_an_extra_that_exist() -> None:
    for entry in catalog():
        assert entry.extra in PROJECT["optional-dependencies"]
        assert entry.extra in _LIBRARIES
        module, _, attribute = entry.engine.partition(":")
        assert hasattr(import_module(module), attribute)


def test_every_engine_that_speaks_has_a_voice_for_each_of_openais_names() -> None:
    for engine in ("espeak", "kokoro", "xtts"):
        assert set(import_module(f"atelier.engines.{engine}.voices").OPENAI_VOICES) == OPENAI_VOICES


def test_doctor_looks_for_libraries_that_the_extras_bring() -> None:
    others = {"all", "deploy", "hub", "postgres", "ray", "redis", "telemetry", "test"}
    assert set(_LIBRARIES) == set(PROJECT["optional-dependencies"]) - others
    for libraries in _LIBRARIES.values():
        assert all(importlib.util.find_spec(library) for library in libraries)


def test_the_readme_names_every_service_and_port() -> None:
    readme = (ROOT / "README.md").read_text()
    for service in SERVICES.values():
        assert service.name in readme
        assert str(service.port) in readme


def test_the_styles_are_documented_word_for_word() -> None:
    page = (ROOT / "docs" / "image-models.md").read_text()
    told = page.partition("| style | what follows the prompt |")[2].partition("## ")[0]
    assert dict(re.findall(r"^\| `(\S+)` \| (.+) \|$", told, flags=re.MULTILINE)) == STYLES


def test_the_settings_page_is_printed_from_the_settings() -> None:
    command = [sys.executable, ROOT / "scripts" / "settings_page.py"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "settings.md").read_text() == printed, "type: make docs"


def test_the_checksums_are_those_of_the_models_in_the_package() -> None:
    command = [sys.executable, ROOT / "scripts" / "checksums.py", "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_models_in_the_package_are_small_and_have_cards() -> None:
    folders = [HERE / entry.packaged for entry in catalog() if entry.packaged]
    assert len(folders) == 3
    sizes = [file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert sum(sizes) < 60_000_000
    for folder in folders:
        assert (folder / "README.md").read_text().startswith("---\n")


def test_the_demo_speaks_of_the_small_world_to_models_that_there_are() -> None:
    assert {LISTENER, TELLER} <= {entry.id for entry in catalog()}
    assert SENTENCE in {sentence(scene) for scene in scenes()}
