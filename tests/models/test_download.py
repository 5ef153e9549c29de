"""`atelier models download` against a hub that speaks the real protocol, and fails in the ways that hubs fail."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from atelier.errors import TooLarge
from atelier.models.catalog import catalog, plans
from atelier.models.hub import patience
from atelier.models.hub.download import Downloads, download
from atelier.models.hub.progress import Lines
from atelier.settings import Settings
from command import Cli, CliHere
from hub_server import Cut, Flip, Hub, Ignore, Instead, Refuse, Stall
from published_models import SMALL, SMALL_SOURCE, WEIGHTS, fetching, lies_there, some_bytes, whisper_files
from servers import until

WANTED = {name: data for name, data in whisper_files().items() if name != ".gitattributes"}


def test_a_model_comes_whole_with_what_the_catalog_names_and_no_more(cli: CliHere, hub: Hub, models: Path) -> None:
    said = cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)
    assert "12.0 MB to fetch" in said
    assert f"{SMALL}: model.bin is here. 12.0 MB of 12.0 MB (100 %)" in said
    locked = json.loads((models / "models.lock.json").read_text())["models"][SMALL]
    assert locked["commits"] == {SMALL_SOURCE: hub.repositories[SMALL_SOURCE].newest}
    assert locked["files"] == {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in WANTED.items()
    }
    [source] = [one.source for one in plans(Settings(home=models.parent, model_name=SMALL), ["speech-to-text"])]
    assert (source.folder, source.revision) == (models / SMALL, hub.repositories[SMALL_SOURCE].newest)


def test_a_model_of_two_repositories_comes_together(cli: CliHere, hub: Hub, models: Path) -> None:
    base = {
        "model_index.json": b"{}",
        "sd_xl_base_1.0.safetensors": some_bytes(100),
        "scheduler/scheduler_config.json": b"{}",
        "vae/diffusion_pytorch_model.fp16.safetensors": some_bytes(100, 1),
    }
    for part in ("text_encoder", "text_encoder_2"):
        base |= {f"{part}/config.json": b"{}", f"{part}/model.fp16.safetensors": some_bytes(3000, 2)}
        base |= {f"{part}/model.safetensors": some_bytes(6000, 3)}
    for part in ("tokenizer", "tokenizer_2"):
        base |= {f"{part}/vocab.json": b'{"a": 1}', f"{part}/merges.txt": b"a b"}
    base |= {"unet/config.json": b"{}", "unet/diffusion_pytorch_model.fp16.safetensors": some_bytes(500_000, 4)}
    vae = {"config.json": b"{}", "diffusion_pytorch_model.safetensors": some_bytes(900, 5), "README.md": b"vae"}
    hub.add("stabilityai/stable-diffusion-xl-base-1.0", base)
    hub.add("madebyollin/sdxl-vae-fp16-fix", vae)
    cli.said("models", "download", "--service", "text-to-image")
    unwanted = ("sd_xl_base", "vae/", "text_encoder/model.s", "text_encoder_2/model.s")
    wanted = {name: data for name, data in base.items() if not name.startswith(unwanted)}
    wanted |= {f"vae/{name}": data for name, data in vae.items() if name != "README.md"}
    assert lies_there(models / "stabilityai/stable-diffusion-xl-base-1.0", wanted)


def test_what_is_here_is_checked_and_not_fetched_again(cli: CliHere, hub: Hub, models: Path) -> None:
    cli.said("models", "download", SMALL)
    hub.seen.clear()
    assert "here, and every file is as recorded" in cli.said("models", "download", SMALL)
    assert hub.seen == []
    damaged = bytearray(WANTED["model.bin"])
    damaged[77] ^= 1
    (models / SMALL / "model.bin").write_bytes(damaged)
    (models / SMALL / "config.json").unlink()
    cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)
    assert [hub.sent(name) for name in ("model.bin", "tokenizer.json")] == [WEIGHTS, 0]


def test_files_that_somebody_put_there_are_taken_if_they_are_right(cli: CliHere, hub: Hub, models: Path) -> None:
    (models / SMALL).mkdir(parents=True)
    (models / SMALL / "model.bin").write_bytes(WANTED["model.bin"])
    cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)
    assert hub.sent("model.bin") == 0


def test_a_cut_connection_goes_on_where_it_broke(cli: CliHere, hub: Hub, models: Path) -> None:
    hub.faults["model.bin"] = [Cut(0.3), Cut(0.5)]
    cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)
    asked = [seen.headers.get("range") for seen in hub.seen if seen.place == "content"]
    assert [asked[0], len(asked)] == [None, 3]
    assert hub.sent("model.bin") <= WEIGHTS * 1.05


def test_a_killed_process_goes_on_where_it_was(process: Cli, hub: Hub, models: Path) -> None:
    stall = Stall(0.6)
    hub.faults["model.bin"] = [stall]
    killed = _started(process, "models", "download", SMALL)
    assert stall.reached.wait(120)
    part = models / ".incoming"
    until(lambda: any(file.stat().st_size >= WEIGHTS * 0.59 for file in part.rglob("*.part")))
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    stall.let_go.set()
    assert not (models / SMALL).exists()
    sent = int(WEIGHTS * 0.6)  # what the rest of that answer was written into is a closed connection
    hub.seen.clear()
    process.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)
    assert sent + hub.sent("model.bin") <= WEIGHTS * 1.05
    assert not any(part.iterdir())


def test_a_stopped_download_is_held_to_the_commit_that_it_began_with(cli: CliHere, hub: Hub, models: Path) -> None:
    first = hub.repositories[SMALL_SOURCE].newest
    hub.faults["tokenizer.json"] = [Refuse(403)]
    assert cli("models", "download", SMALL).returncode == 1
    hub.repositories[SMALL_SOURCE].commit(whisper_files(1))
    cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)
    assert json.loads((models / "models.lock.json").read_text())["models"][SMALL]["commits"][SMALL_SOURCE] == first


def test_interrupted_by_hand_it_stops_at_once_and_says_how_to_go_on(process: Cli, hub: Hub, models: Path) -> None:
    stall = Stall(0.6, slowly=0.1)  # the rest must not be there before the signal is
    hub.faults["model.bin"] = [stall]
    running = _started(process, "models", "download", SMALL)
    assert stall.reached.wait(120)
    running.send_signal(signal.SIGINT)
    stall.let_go.set()
    _, complaint = running.communicate(timeout=60)
    assert "stopped. Type the same again" in complaint
    assert "Traceback" not in complaint


def test_a_flipped_bit_is_refused_and_fetched_again(cli: CliHere, hub: Hub, models: Path) -> None:
    hub.faults["model.bin"] = [Flip(5_000_000)]
    hub.faults["config.json"] = [Flip(3)]
    said = cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)
    assert "model.bin did not arrive as it was published; fetching it again" in said
    assert "config.json did not arrive as it was published" in said


def test_bytes_that_stay_wrong_never_become_a_model(cli: CliHere, hub: Hub, models: Path) -> None:
    hub.faults["model.bin"] = [Flip(5)] * 3
    done = cli("models", "download", SMALL)
    assert done.returncode == 1
    assert "model.bin arrived 3 times with other bytes than were published" in done.stderr
    assert not (models / SMALL).exists()


def test_a_server_without_ranges_is_asked_for_the_whole(cli: CliHere, hub: Hub, models: Path) -> None:
    hub.faults["model.bin"] = [Cut(0.5), Ignore()]
    assert "fetching it again" not in cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)


def test_a_mirror_with_a_file_of_another_length_is_named(cli: CliHere, hub: Hub, models: Path) -> None:
    hub.faults["model.bin"] = [Cut(0.5), Instead(WANTED["model.bin"][:-5])]
    done = cli("models", "download", SMALL)
    assert "model.bin has 11999995 bytes at the hub and was published with 12000000" in done.stderr
    cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)


def test_the_space_is_checked_before(hub: Hub, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    small = [entry for entry in catalog() if entry.id == SMALL]
    with pytest.raises(TooLarge, match=r"whisper-small: 12.0 MB are to come, and the disk has 0.5 GB free"):
        download(small, Downloads(models, Lines(), free=lambda folder: 500_000_000))
    assert hub.sent("model.bin") == 0


def test_a_disk_that_becomes_full_is_named_and_loses_nothing(cli: CliHere, hub: Hub, models: Path) -> None:
    hub.faults["model.bin"] = [Refuse(404)]
    assert cli("models", "download", SMALL).returncode == 1
    digest = hashlib.sha256(WANTED["model.bin"]).hexdigest()[:16]
    part = models / ".incoming" / SMALL.replace("/", "--") / f"model.bin.{digest}.part"
    part.symlink_to("/dev/full")
    done = cli("models", "download", SMALL)
    assert done.returncode == 1
    assert "The disk is full, in the middle of model.bin. What was fetched is kept" in done.stderr
    assert "Traceback" not in done.stderr
    part.unlink()
    cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)


def test_a_gated_model_says_where_to_ask(hub: Hub, tmp_path: Path, models: Path) -> None:
    hub.repositories[SMALL_SOURCE].gated = True
    hub.token = "hf_right"
    done = fetching(hub, tmp_path)("models", "download", SMALL)
    assert done.returncode == 1
    assert f"{SMALL_SOURCE} is gated" in done.stderr
    assert f"Ask for access at https://huggingface.co/{SMALL_SOURCE}" in done.stderr
    assert done.stderr.count("is gated") == 1
    done = fetching(hub, tmp_path, HF_TOKEN="hf_other")("models", "download", SMALL)
    assert "this token has no access" in done.stderr
    fetching(hub, tmp_path, HF_TOKEN="hf_right").said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)


def test_a_token_goes_to_the_hub_and_never_to_its_content_network(hub: Hub, tmp_path: Path) -> None:
    fetching(hub, tmp_path, HF_TOKEN="hf_mine").said("models", "download", SMALL)
    shown = {(seen.place, seen.headers.get("authorization")) for seen in hub.seen}
    assert shown == {("hub", "Bearer hf_mine"), ("content", None)}


def test_a_proxy_is_the_way_to_the_hub(hub: Hub, tmp_path: Path, models: Path) -> None:
    """The hub's name means nothing here; the proxy (the same server) knows it."""
    proxied = fetching(hub, tmp_path, HF_ENDPOINT="http://hub.example", HTTP_PROXY=hub.url, NO_PROXY="127.0.0.1")
    proxied.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)
    assert {seen.headers["host"] for seen in hub.seen if seen.place == "hub"} == {"hub.example"}


def test_files_come_side_by_side(process: Cli, hub: Hub, models: Path) -> None:
    stall = Stall(0.1)
    hub.faults["model.bin"] = [stall]
    running = _started(process, "models", "download", SMALL)
    assert stall.reached.wait(120)
    until(lambda: {file.name for file in models.rglob("whole/*")} == set(WANTED) - {"model.bin"})
    stall.let_go.set()
    running.communicate(timeout=60)
    assert lies_there(models / SMALL, WANTED)


def test_a_catalog_that_wants_more_fetches_what_is_new(cli: CliHere, hub: Hub, models: Path) -> None:
    cli.said("models", "download", SMALL)
    lock = models / "models.lock.json"
    recorded = json.loads(lock.read_text())
    del recorded["models"][SMALL]["files"]["tokenizer.json"]  # as if an older catalog had not known of it
    lock.write_text(json.dumps(recorded))
    (models / SMALL / "tokenizer.json").unlink()
    cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)


def test_a_repository_that_is_not_there_is_named_and_keeps_no_other_from_coming(cli: CliHere, models: Path) -> None:
    done = cli("models", "download", "openai/whisper-large-v3-turbo", SMALL)
    assert done.returncode == 1
    assert "mobiuslabsgmbh/faster-whisper-large-v3-turbo" in done.stderr
    assert "no such repository" in done.stderr
    assert lies_there(models / SMALL, WANTED)


def test_a_file_that_the_repository_lost_is_named(cli: CliHere, hub: Hub) -> None:
    hub.repositories[SMALL_SOURCE].commit({name: data for name, data in WANTED.items() if name != "tokenizer.json"})
    done = cli("models", "download", SMALL)
    assert "has no tokenizer.json, which the catalog names" in done.stderr


def test_a_busy_hub_is_asked_again_when_it_says(cli: CliHere, hub: Hub, models: Path) -> None:
    hub.faults["api"] = [Refuse(429, {"Retry-After": "1"}), Refuse(503)]
    hub.faults["model.bin"] = [Refuse(429, {"RateLimit": '"resolvers";r=0;t=1'}), Refuse(500)]
    cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)
    for place, name in (("hub", SMALL_SOURCE), ("content", "model.bin")):
        first, second, *_ = [seen.at for seen in hub.seen if seen.place == place and seen.path.endswith(name)]
        assert second - first >= 1


def test_a_hub_that_asks_for_an_hour_is_taken_at_its_word(cli: CliHere, hub: Hub) -> None:
    hub.faults["api"] = [Refuse(429, {"Retry-After": "3600"})]
    assert "asks to come back in 60 min" in cli("models", "download", SMALL).stderr


def test_two_processes_at_once_fetch_everything_once(process: Cli, hub: Hub, models: Path) -> None:
    stall = Stall(0.5)
    hub.faults["model.bin"] = [stall]
    first = _started(process, "models", "download", SMALL)
    assert stall.reached.wait(120)
    second = _started(process, "models", "download", SMALL)
    assert second.stdout is not None
    assert "Another process changes the models" in second.stdout.readline()
    stall.let_go.set()
    for one in (first, second):
        one.communicate(timeout=60)
        assert one.returncode == 0
    assert lies_there(models / SMALL, WANTED)
    assert hub.sent("model.bin") == WEIGHTS


def test_offline_nothing_is_asked_of_the_hub(hub: Hub, tmp_path: Path) -> None:
    offline = fetching(hub, tmp_path, HF_HUB_OFFLINE="1")
    done = offline("models", "download", SMALL)
    assert "HF_HUB_OFFLINE is set: unset it, or bring the files with `atelier models import FOLDER`" in done.stderr
    assert hub.seen == []
    fetching(hub, tmp_path).said("models", "download", SMALL)
    assert "every file is as recorded" in offline.said("models", "download", SMALL)


def test_a_hub_out_of_reach_is_asked_some_times_and_named(cli: CliHere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.001)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    done = cli("models", "download", SMALL)
    assert "http://127.0.0.1:9 cannot be reached (ConnectError). Check the network, HTTPS_PROXY" in done.stderr


def test_later_downloads_are_held_to_what_was_recorded(cli: CliHere, hub: Hub, models: Path) -> None:
    cli.said("models", "download", SMALL)
    repository = hub.repositories[SMALL_SOURCE]
    first = repository.newest
    repository.commit(whisper_files(1))
    shutil.rmtree(models / SMALL)
    cli.said("models", "download", SMALL)
    assert lies_there(models / SMALL, WANTED)
    repository.commits[first] = whisper_files(2)  # the same commit, with other bytes: a mirror that lies
    shutil.rmtree(models / SMALL)
    done = cli("models", "download", SMALL)
    assert done.returncode == 1
    assert "model.bin is not the file that models.lock.json holds it to" in done.stderr
    repository.commits[first] = {**whisper_files(0), "config.json": b"{}"}
    assert "config.json is not the file that models.lock.json" in cli("models", "download", SMALL).stderr
    del repository.commits[first]
    assert "no longer has that commit" in cli("models", "download", SMALL).stderr
    cli.said("models", "download", SMALL, "--newest")
    assert (models / SMALL / "config.json").read_bytes() == whisper_files(1)["config.json"]


def _started(cli: CliHere, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "atelier", *words],
        env=cli.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
