"""Lists that stand in more than one place are the same in each."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

from atelier.catalog import SERVICES
from atelier.doctor import _LIBRARIES
from atelier.gateway.faces.native import NATIVE_ROUTES
from atelier.models.catalog import catalog
from atelier.wire.routes import ROUTES

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
        for name in filter(None, (entry.engine, entry.build)):
            module, _, attribute = name.partition(":")
            assert hasattr(import_module(module), attribute)


def test_doctor_looks_for_libraries_that_the_extras_bring() -> None:
    assert set(_LIBRARIES) == set(PROJECT["optional-dependencies"]) - {"all", "postgres", "test"}
    for libraries in _LIBRARIES.values():
        assert all(importlib.util.find_spec(library) for library in libraries)


def test_the_readme_names_every_service_and_port() -> None:
    readme = (ROOT / "README.md").read_text()
    for service in SERVICES.values():
        assert service.name in readme
        assert str(service.port) in readme


def test_the_settings_page_is_printed_from_the_settings() -> None:
    command = [sys.executable, ROOT / "scripts" / "settings_page.py"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "docs" / "settings.md").read_text() == printed, "type: make docs"
