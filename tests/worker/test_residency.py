"""A model that cannot be loaded is said in words, and the worker lives on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from atelier.contracts.engine import ModelSource
from atelier.errors import ModelMissing
from atelier.worker.app import create_app
from atelier.worker.host import Host
from atelier.worker.residency import Resident
from servers import running, until
from stepping import paint_plan, speak_plan


def test_a_missing_library_names_the_extra_to_install() -> None:
    resident = Resident(replace(paint_plan(), engine="no_such_library.engine:Engine", extra="diffusion"))
    resident.load()
    assert resident.state == "failed"
    assert resident.problem == "paint needs a library: pip install 'atelier[diffusion]'"
    with pytest.raises(ModelMissing, match="atelier\\[diffusion\\]"):
        _ = resident.engine


@pytest.mark.parametrize(
    "engine",
    [
        "atelier.engines.diffusion:DiffusionEngine",
        "atelier.engines.vision_language:Blip2Engine",
        "atelier.engines.whisper:WhisperEngine",
    ],
)
def test_weights_that_are_missing_or_broken_are_said(tmp_path: Path, engine: str) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("model_index.json", "config.json", "model.bin"):
        (broken / name).write_text("{}")
    for folder in (tmp_path / "absent", broken):
        plan = replace(paint_plan(), source=ModelSource("some-model", folder), engine=engine)
        resident = Resident(plan)
        resident.load()
        assert resident.state == "failed"
        assert resident.problem
        assert "some-model" in resident.problem
        assert str(tmp_path) not in resident.problem


def test_a_worker_serves_what_it_can(tmp_path: Path) -> None:
    absent = replace(speak_plan(), engine="no_such_library:Engine")
    with running(
        create_app(Host([paint_plan(), absent]), ["text-to-image", "text-to-speech"], most_body_bytes=1000)
    ) as url:
        until(lambda: httpx2.get(f"{url}/health").json()["status"] == "degraded")
        assert httpx2.post(f"{url}/v1/images/generations", json={"prompt": "x"}).status_code == 200
        refused = httpx2.post(f"{url}/v1/audio/speech", json={"input": "x"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_missing")
        assert "pip install" in refused.json()["error"]["message"]
