"""A hub with the published layout of a model, and the command that fetches from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from command import Cli, CliHere
from hub_server import Hub, running_hub
from published_models import SMALL_SOURCE, fetching, whisper_files


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as running:
        running.add(SMALL_SOURCE, whisper_files())
        yield running


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The models folder."""
    return tmp_path / "home" / "models"


@pytest.fixture
def cli(hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CliHere:
    environment = {"ATELIER_HOME": str(models.parent), "HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_test"}
    return CliHere(monkeypatch, capsys, environment)


@pytest.fixture
def process(hub: Hub, tmp_path: Path) -> Cli:
    """The same, each time in a process of its own."""
    return fetching(hub, tmp_path)
