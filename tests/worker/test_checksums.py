"""A model whose files are not those that were published is refused before it is loaded."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from atelier.models.catalog import plans
from atelier.settings import Settings
from atelier.worker.app import create_app
from atelier.worker.checksums import checksums
from atelier.worker.host import Host
from atelier.worker.residency import ModelPlan
from servers import running, until

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def copied(tmp_path: Path) -> ModelPlan:
    """The plan of the packaged SDXL, in a copy of its folder."""
    [plan] = plans(Settings(home=tmp_path), ["text-to-image"])
    assert plan.source.folder is not None
    folder = Path(shutil.copytree(plan.source.folder, tmp_path / "sdxl"))
    return replace(plan, source=replace(plan.source, folder=folder))


def flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / WEIGHTS).write_bytes(data)


def lose_a_file(folder: Path) -> None:
    (folder / "tokenizer" / "tokenizer_config.json").unlink()


def add_a_file(folder: Path) -> None:
    (folder / "unet" / "notes.txt").write_text("mine")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip_a_bit, f"{WEIGHTS} is not the file that was published"),
        (lose_a_file, "tokenizer/tokenizer_config.json is missing"),
        (add_a_file, "unet/notes.txt does not belong to it"),
    ],
)
def test_a_worker_refuses_a_damaged_model_in_words(copied: ModelPlan, damage: object, said: str) -> None:
    assert callable(damage)
    damage(copied.source.folder)
    with running(create_app(Host([copied]), ["text-to-image"], most_body_bytes=1000)) as url:
        until(lambda: httpx2.get(f"{url}/health").json()["status"] == "unhealthy")
        [model] = httpx2.get(f"{url}/health").json()["models"]
        assert model["state"] == "failed"
        assert model["problem"] == f"atelier-mini-sdxl is damaged: {said}; reinstall Atelier"
        refused = httpx2.post(f"{url}/v1/images/generations", json={"prompt": "a circle"})
        assert (refused.status_code, refused.json()["error"]["message"]) == (503, model["problem"])


def test_a_worker_loads_a_model_that_is_whole(copied: ModelPlan) -> None:
    with running(create_app(Host([copied]), ["text-to-image"], most_body_bytes=1000)) as url:
        until(lambda: httpx2.get(f"{url}/health").json()["status"] == "healthy", seconds=60)
        [model] = httpx2.get(f"{url}/v1/models").json()["data"]
    assert copied.source.folder is not None
    assert model["card"] == (copied.source.folder / "README.md").read_text()


def test_a_download_that_is_damaged_is_to_be_downloaded_again(copied: ModelPlan) -> None:
    assert copied.source.folder is not None
    flip_a_bit(copied.source.folder)
    downloaded = replace(copied, remedy=ModelPlan.remedy)
    with running(create_app(Host([downloaded]), ["text-to-image"], most_body_bytes=1000)) as url:
        until(lambda: httpx2.get(f"{url}/health").json()["status"] == "unhealthy")
        assert httpx2.get(f"{url}/health").json()["models"][0]["problem"].endswith("published; download it again")


def test_checksums_are_of_every_file_below(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(b"abc")
    (tmp_path / ".hidden").write_bytes(b"")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of FIPS 180-2
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert checksums(tmp_path) == {".hidden": nothing, "deep/a": abc}
