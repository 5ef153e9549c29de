"""A downloaded model whose files changed on the disk is not loaded, and is named; what was read once is not again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest

from atelier.errors import ModelMissing
from atelier.models.catalog import plans
from atelier.models.lockfile import LockedFile, LockedModel, record
from atelier.settings import Settings
from atelier.worker.app import create_app
from atelier.worker.host import Host
from atelier.worker.memory import MemoryRules
from atelier.worker.residency import ModelPlan
from command import CliHere
from published_models import SMALL
from servers import running, until
from stepping import paint_plan

BASE = "stabilityai/stable-diffusion-xl-base-1.0"
LIGHTNING = "ByteDance/SDXL-Lightning"
OTHER_BYTES = "model.bin has other bytes than were recorded"
FILES = {"model.bin": b"weights" * 1000, "tokenizer/config.json": b"{}"}
REMEDY = f"type: atelier models download {SMALL}, and start its worker again"
ENDS_WHILE_READING = """
import sys, threading, time
from pathlib import Path
from atelier.models.catalog import plans
from atelier.settings import Settings
[plan] = plans(Settings(home=Path(sys.argv[1]), models={"speech-to-text": sys.argv[2]}), ["speech-to-text"])
threading.Thread(target=plan.check, daemon=True).start()  # as the engine's thread is
while threading.active_count() < 3:
    time.sleep(0.01)
"""
SPOKEN = {"model": SMALL, "prompt": "a square", "num_inference_steps": 1}
"""A picture, from a model of speech: a small engine stands in for Whisper's, and reads no weights."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder with one model that came by a download."""
    put(tmp_path, SMALL, FILES)
    return tmp_path


def put(home: Path, model: str, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (home / "models" / model / path).parent.mkdir(parents=True, exist_ok=True)
        (home / "models" / model / path).write_bytes(data)
    locked = {path: LockedFile(size=len(data), sha256=sha256(data).hexdigest()) for path, data in files.items()}
    record(home / "models", model, LockedModel(files=locked))


def planned(home: Path, **more: object) -> ModelPlan:
    """As a worker that has just started has it."""
    [plan] = plans(Settings(home=home, models={"speech-to-text": SMALL}, **more), ["speech-to-text"])
    return plan


def check(home: Path, **more: object) -> None:
    compare = planned(home, **more).check
    assert compare is not None
    compare()


def changed(home: Path, *, model: str = SMALL, same_time: bool = False) -> Path:
    """One bit of its weights."""
    file = home / "models" / model / "model.bin"
    before, data = file.stat(), bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    later = 0 if same_time else 10**9  # clocks of some disks are coarse
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + later))
    return file


def cut(home: Path) -> None:
    os.truncate(home / "models" / SMALL / "model.bin", 6999)


def lose(home: Path) -> None:
    (home / "models" / SMALL / "tokenizer" / "config.json").unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (changed, OTHER_BYTES),
        (cut, "model.bin has 6999 bytes, and 7000 were recorded"),
        (lose, "tokenizer/config.json is missing"),
    ],
)
def test_a_worker_names_what_changed_and_serves_its_other_models(
    home: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(home)
    services = ("text-to-image",)
    speaker = replace(planned(home), engine="stepping:PaintEngine", services=services, tasks=services)
    with running(create_app(Host([speaker, paint_plan()]), services, most_body_bytes=10_000)) as url:
        until(lambda: httpx2.get(f"{url}/health").json()["models"][1]["state"] == "ready")
        health = httpx2.get(f"{url}/health").json()
        assert [model["state"] for model in health["models"]] == ["failed", "ready"]
        assert health["models"][0]["problem"] == f"{SMALL} is damaged: {said}; {REMEDY}"
        refused = httpx2.post(f"{url}/v1/images/generations", json=SPOKEN)
        assert (refused.status_code, refused.json()["error"]["message"]) == (503, health["models"][0]["problem"])
        assert httpx2.post(f"{url}/v1/images/generations", json={**SPOKEN, "model": "paint"}).status_code == 200


def test_what_changes_while_a_model_is_out_of_memory_is_seen_when_it_comes_back(home: Path) -> None:
    services = ("text-to-image",)
    speaker = replace(planned(home), engine="stepping:PaintEngine", services=services, tasks=services)
    host = Host([speaker], memory=MemoryRules(preload=False, idle_seconds=0.01))
    with running(create_app(host, services, most_body_bytes=10_000)) as url:

        def asked() -> httpx2.Response:
            return httpx2.post(f"{url}/v1/images/generations", json=SPOKEN, timeout=30)

        assert asked().status_code == 200
        until(lambda: host.residents[0].state == "resting")
        changed(home)
        assert OTHER_BYTES in asked().json()["error"]["message"]
        assert OTHER_BYTES in httpx2.get(f"{url}/health").json()["models"][0]["problem"]


def test_what_was_read_once_is_read_again_only_where_its_file_changed(home: Path) -> None:
    check(home)
    file = changed(home, same_time=True)
    check(home)  # as far as the disk tells nothing changed
    os.utime(file)
    with pytest.raises(ModelMissing, match=OTHER_BYTES):
        check(home)
    shutil.rmtree(home / "run")
    with pytest.raises(ModelMissing, match=OTHER_BYTES):
        check(home)


@pytest.mark.parametrize(
    "written",
    [lambda told: told.replace(sha256(FILES["model.bin"]).hexdigest(), "0" * 64), lambda _: "{", lambda _: '{"x": 1}'],
)
def test_what_is_remembered_wrongly_keeps_no_model_away(home: Path, written: Callable[[str], str]) -> None:
    """A disk that gave other bytes once, or a note that is damaged itself: `models verify` finds the model good."""
    check(home)
    [note] = (home / "run" / "verified").iterdir()
    note.write_text(written(note.read_text()))
    check(home)


def test_where_nothing_can_be_written_one_worker_remembers(home: Path) -> None:
    (home / "run").write_text("no folder, and none can be made")
    compare = planned(home).check
    assert compare is not None
    compare()
    changed(home, same_time=True)
    compare()
    with pytest.raises(ModelMissing, match=OTHER_BYTES):
        check(home)


def test_a_process_that_ends_waits_for_no_file(home: Path) -> None:
    file = home / "models" / SMALL / "model.bin"
    os.truncate(file, size := 10**12)  # of nothing, which takes no room and minutes to read
    record(home / "models", SMALL, LockedModel(files={"model.bin": LockedFile(size=size, sha256="0" * 64)}))
    subprocess.run([sys.executable, "-c", ENDS_WHILE_READING, str(home), SMALL], check=True, timeout=60)


def test_sizes_alone_are_compared_where_the_setting_says_so(home: Path) -> None:
    changed(home)
    check(home, verify_models="sizes")
    assert not (home / "run").exists()
    cut(home)
    with pytest.raises(ModelMissing, match="has 6999 bytes"):
        check(home, verify_models="sizes")


def test_the_model_that_another_is_laid_over_is_compared_too(home: Path) -> None:
    put(home, BASE, FILES)
    put(home, LIGHTNING, FILES)
    settings = Settings(home=home, models={"text-to-image": LIGHTNING})
    [plan] = plans(settings, ["text-to-image"])
    assert plan.check is not None
    plan.check()
    changed(home, model=BASE)
    with pytest.raises(ModelMissing, match=rf"^{BASE} is damaged: {OTHER_BYTES}; type: atelier models download {BASE}"):
        plan.check()


def test_what_a_model_does_not_read_of_another_need_not_be_there(home: Path) -> None:
    """Of the base, Lightning reads no weights of the UNet, and a checkpoint in one file none at all."""
    unet, encoder = "unet/diffusion_pytorch_model.fp16.safetensors", "text_encoder/model.fp16.safetensors"
    put(home, BASE, {**FILES, "unet/config.json": b"{}", unet: b"five gigabytes", encoder: b"words"})
    put(home, LIGHTNING, FILES)
    (home / "own.safetensors").write_bytes(b"weights")
    (home / "models" / BASE / unet).unlink()
    compares = {}
    for name in (BASE, LIGHTNING, str(home / "own.safetensors")):
        [plan] = plans(Settings(home=home, models={"text-to-image": name}), ["text-to-image"])
        assert plan.check is not None
        compares[name] = plan.check
    of_base, of_lightning, of_one_file = compares.values()
    of_lightning()
    of_one_file()
    with pytest.raises(ModelMissing, match=f"{unet} is missing"):
        of_base()
    (home / "models" / BASE / encoder).unlink()
    of_one_file()
    with pytest.raises(ModelMissing, match=f"{encoder} is missing"):
        of_lightning()
    (home / "models" / BASE / "unet" / "config.json").unlink()
    with pytest.raises(ModelMissing, match=r"unet/config\.json is missing"):
        of_one_file()


def test_a_newer_model_counts_from_its_download_on(home: Path) -> None:
    compare = planned(home).check
    assert compare is not None
    compare()
    put(home, SMALL, {**FILES, "model.bin": b"newer"})
    compare()


def test_a_download_is_what_is_compared_and_a_folder_of_ones_own_is_not(cli: CliHere, models: Path) -> None:
    cli.said("models", "download", SMALL)
    check(models.parent)
    changed(models.parent)
    with pytest.raises(ModelMissing, match=OTHER_BYTES):
        check(models.parent)
    assert cli("models", "verify").returncode == 1
    cli.said("models", "download", SMALL)
    check(models.parent)
    (models / "models.lock.json").unlink()
    changed(models.parent)
    check(models.parent)
