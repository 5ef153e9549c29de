"""`atelier models` list, verify, remove, import, and the licences that have to be accepted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from atelier.models.catalog import catalog
from command import Cli, CliHere
from hub_server import Hub
from published_models import SMALL, fetching, lies_there, some_bytes, whisper_files

BLIP2 = "Salesforce/blip2-opt-2.7b"
WANTED = {name: data for name, data in whisper_files().items() if name != ".gitattributes"}


def test_the_list_says_what_each_model_takes(cli: CliHere) -> None:
    cli.said("models", "download", SMALL)
    rows = {row["model"]: row for row in json.loads(cli.said("models", "list", "--json"))}
    assert set(rows) == {entry.id for entry in catalog()}
    assert (rows[SMALL]["here"], rows[SMALL]["size"], rows[SMALL]["tiers"]) == ("yes", "0.5 GB", "small")
    assert rows[SMALL]["fits"].startswith(("yes: ", "no: it takes "))
    assert rows[BLIP2]["here"] == f"no (atelier models download {BLIP2})"
    assert rows["espeak-ng"]["fits"] == "yes"


def test_verify_reads_every_byte(cli: CliHere, models: Path) -> None:
    cli.said("models", "download", SMALL)
    assert f"{SMALL}\tgood" in cli.said("models", "verify")
    damaged = bytearray(WANTED["model.bin"])
    damaged[-1] ^= 1
    (models / SMALL / "model.bin").write_bytes(damaged)
    (models / SMALL / "tokenizer.json").unlink()
    done = cli("models", "verify")
    assert done.returncode == 1
    assert "model.bin has other bytes than were recorded; tokenizer.json is missing" in done.stdout
    assert f"Type: atelier models download {SMALL}" in done.stderr


def test_verify_knows_the_packages_own_models_and_says_what_nobody_recorded(cli: CliHere, models: Path) -> None:
    (models / SMALL).mkdir(parents=True)
    rows = {row["model"]: row["state"] for row in json.loads(cli.said("models", "verify", "--json"))}
    assert rows == {
        "atelier-mini-sdxl": "good",
        "atelier-mini-whisper": "good",
        "atelier-mini-blip2": "good",
        SMALL: "not recorded",
    }
    assert cli("models", "verify", BLIP2).returncode == 1


def test_a_model_that_is_removed_leaves_nothing_but_its_record(cli: CliHere, models: Path) -> None:
    cli.said("models", "download", SMALL)
    assert cli.said("models", "remove", SMALL) == f"{SMALL}: removed, 12.0 MB are free again"
    assert not (models / "openai").exists()
    assert SMALL in (models / "models.lock.json").read_text()
    assert f"{SMALL} is not here" in cli("models", "remove", SMALL).stderr
    assert "is not removed by itself" in cli("models", "remove", "espeak-ng").stderr


def test_names_and_tiers_that_mean_nothing_are_refused(cli: CliHere) -> None:
    assert "there is no such model; there are" in cli("models", "download", "gpt-9").stderr
    assert "--tier small (or full)" in cli("models", "download").stderr
    assert "there is no large" in cli("models", "download", "--tier", "large").stderr
    assert "there is no video" in cli("models", "download", "--service", "video").stderr
    assert "comes with Atelier: there is nothing to fetch" in cli("models", "download", "rapidocr").stderr


def test_a_tier_is_fetched_together(cli: CliHere, models: Path) -> None:
    cli.said("models", "download", "--tier", "small", "--service", "speech-to-text")
    assert lies_there(models / SMALL, WANTED)


def test_a_models_folder_is_brought_with_its_record(hub: Hub, tmp_path: Path, cli: CliHere, models: Path) -> None:
    there = fetching(hub, tmp_path / "online")
    there.said("models", "download", SMALL)
    stick = tmp_path / "online/home/models"
    offline = ("models", "import", str(stick))
    assert cli.said(*offline) == f"{SMALL}: here"
    assert lies_there(models / SMALL, WANTED)
    assert (models / "models.lock.json").read_text().count(hub.repositories["Systran/faster-whisper-small"].newest) == 1
    shutil.rmtree(models)
    (stick / SMALL / "model.bin").write_bytes(some_bytes(12_000_000, 9))
    done = cli(*offline)
    assert "model.bin is not the file that models.lock.json holds it to" in done.stderr
    assert not (models / SMALL).exists()


def test_a_folder_of_one_model_is_brought_by_name(tmp_path: Path, cli: CliHere, models: Path) -> None:
    folder = tmp_path / "converted"
    for name, data in whisper_files().items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    assert "which model is that? Add: --as MODEL" in cli("models", "import", str(folder)).stderr
    cli.said("models", "import", str(folder), "--as", SMALL)
    assert lies_there(models / SMALL, WANTED)
    assert f"{SMALL}\tgood" in cli.said("models", "verify")
    (folder / "tokenizer.json").unlink()
    assert "lacks tokenizer.json, which" in cli("models", "import", str(folder), "--as", SMALL).stderr


def published_blip2() -> dict[str, bytes]:
    shards = {f"model-0000{n}-of-00002.safetensors": some_bytes(2000, n) for n in (1, 2)}
    return {"config.json": b"{}", "merges.txt": b"", "pytorch_model-00001-of-00002.bin": some_bytes(10), **shards}


def test_a_licence_without_commercial_use_has_to_be_accepted_once(cli: CliHere, hub: Hub, models: Path) -> None:
    hub.add(BLIP2, published_blip2())
    done = cli("models", "download", BLIP2)
    assert done.returncode == 1
    assert f"Licences that forbid commercial use: {BLIP2} (MIT; its language model" in done.stderr
    assert f"--accept-licence {BLIP2}" in done.stderr
    assert not models.exists()
    cli.said("models", "download", BLIP2, "--accept-licence", BLIP2)
    [kept] = json.loads((models / "accepted-licences.json").read_text())
    assert (kept["model"], kept["licence"]) == (BLIP2, "MIT; its language model under Meta's OPT-175B licence")
    assert kept["by"].startswith("cli:")
    shutil.rmtree(models / "Salesforce")
    cli.said("models", "download", BLIP2)
    assert sorted(file.name for file in (models / BLIP2).iterdir()) == [
        "config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    ]


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("y", 0)])
def test_on_a_terminal_it_is_asked(process: Cli, hub: Hub, models: Path, answer: str, status: int) -> None:
    hub.add(BLIP2, published_blip2())
    command = (
        f"import pty, sys; sys.exit(pty.spawn([sys.executable, '-m', 'atelier', 'models', 'download', '{BLIP2}']) >> 8)"
    )
    done = subprocess.run(
        [sys.executable, "-c", command],
        env=process.environment,
        input=f"{answer}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Do you accept it? [y/N]" in done.stdout
    assert done.returncode == status, done.stdout
    assert (models / BLIP2).is_dir() == (status == 0)
