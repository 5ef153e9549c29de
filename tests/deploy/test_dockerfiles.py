"""The images: six Dockerfiles that are one below their first lines, and first lines that say what the catalogs say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from atelier.catalog import GATEWAY_PORT, SERVICES
from atelier.models.catalog import catalog

ROOT = Path(__file__).parents[2]
FOLDERS = ("ai-gateway", *SERVICES)
LINE = re.compile(r"^# -{20,}$", re.MULTILINE)
BY_CHOICE = {"xtts", "chatterbox"}
"""Weights that may not be used commercially, and libraries that pip must be made to take: only where somebody asks."""


def parts(folder: str) -> tuple[dict[str, str], str]:
    """The arguments above the line, and what stands below it."""
    head, rest = LINE.split((ROOT / "services" / folder / "Dockerfile").read_text(), maxsplit=1)
    return {name: value.strip('"') for name, value in re.findall(r"^ARG (\w+)=(.*)$", head, re.MULTILINE)}, rest


def extras(folder: str) -> set[str]:
    return set(parts(folder)[0]["EXTRAS"].split(","))


def requirements(extra: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: list[str] = project["optional-dependencies"][extra]
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_below_the_line_all_are_the_same(folder: str) -> None:
    arguments, rest = parts(folder)
    first, same = parts(FOLDERS[0])
    assert rest == same
    assert (list(arguments), arguments["BASE"]) == (list(first), first["BASE"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_first_lines_name_the_service_and_its_port(folder: str) -> None:
    arguments, _ = parts(folder)
    port = SERVICES[folder].port if folder in SERVICES else GATEWAY_PORT
    assert (arguments["SERVICE"], arguments["PORT"]) == (folder, str(port))


@pytest.mark.parametrize("service", SERVICES)
def test_every_model_that_could_serve_finds_its_libraries(service: str) -> None:
    wanted = {entry.extra for entry in catalog() if service in entry.services and entry.extra}
    assert wanted - BY_CHOICE <= extras(service)
    assert not extras(service) & BY_CHOICE


@pytest.mark.parametrize("service", SERVICES)
def test_the_miniature_of_the_service_is_in_its_image_and_no_other(service: str) -> None:
    packaged = {entry.packaged for entry in catalog() if service in entry.services and entry.packaged}
    assert packaged == {f"mini/{name}" for name in [parts(service)[0]["MINIATURE"]] if name}


@pytest.mark.parametrize("folder", FOLDERS)
def test_pytorch_comes_by_itself_where_an_engine_needs_it(folder: str) -> None:
    needs = any(line.startswith("torch==") for extra in extras(folder) for line in requirements(extra))
    assert bool(parts(folder)[0]["TORCH"]) == needs


def test_the_gateway_holds_no_model_and_no_engine() -> None:
    arguments, _ = parts("ai-gateway")
    assert extras("ai-gateway") == {"postgres", "redis"}
    assert (arguments["MINIATURE"], arguments["TORCH"], arguments["CUDA_PACKAGES"]) == ("", "", "")


@pytest.mark.parametrize("file", ["services/ai-gateway/Dockerfile", "web/Dockerfile"])
def test_an_image_runs_as_an_ordinary_user_and_asks_itself_how_it_is(file: str) -> None:
    last = (ROOT / file).read_text().rpartition("\nFROM ")[2]
    user = re.findall(r"^USER (\d+):\d+$", last, re.MULTILINE)
    assert user
    assert int(user[-1]) >= 1000
    assert re.search(r"^HEALTHCHECK .*\n? *CMD ", last, re.MULTILINE)
    assert "curl" not in last
    assert "# syntax=" not in last
