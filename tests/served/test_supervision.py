"""`atelier serve` keeps its children running, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from ports import PORTS, is_free
from servers import until
from serving import Served, start, stop


def children(served: Served) -> list[int]:
    """The process ids of the supervisor's children."""
    listed = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]


def gone(pid: int) -> bool:
    """Ended. An orphan that has ended stays listed as a zombie until the system's first process looks after it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """An `atelier serve` of this test's own, on the way up."""
    running = start(tmp_path / "home")
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def test_a_crashed_worker_is_started_again_and_health_says_so(served: Served) -> None:
    service = served.health()["services"]["text-to-speech"]
    restarts = service["process"]["restarts"]
    assert "pid" not in service["process"], "process ids are nobody's business"
    os.kill(served.pid("text-to-speech"), signal.SIGKILL)

    def seen() -> bool:
        process = served.health()["services"]["text-to-speech"]["process"]
        return bool(process["restarts"] == restarts + 1)

    until(seen)
    until(lambda: served.health()["status"] == "healthy", seconds=60)
    assert served.post("/api/text-to-speech", json={"text": "back again"}).status_code == 200
    assert "text-to-speech ended" in served.printed()


def test_it_prints_what_is_up_and_how_to_begin(served: Served) -> None:
    until(lambda: "Atelier is up" in served.printed())
    printed = served.printed()
    token = printed.partition("/#token=")[2].split()[0]
    answer = httpx2.get(f"{served.url}/api/limits", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200, "the printed token does not work"
    assert "curl -s" in printed
    assert f"{served.url}/docs" in printed


def test_its_secret_is_the_owners_alone(served: Served) -> None:
    assert stat.S_IMODE((served.home / "jwt_secret").stat().st_mode) == 0o600


def test_the_two_image_services_share_one_process(served: Served) -> None:
    assert served.pid("text-to-image") == served.pid("image-to-image")
    for service in ("text-to-image", "image-to-image"):
        port = {"text-to-image": 7860, "image-to-image": 7863}[service] + served.offset
        assert httpx2.get(f"http://127.0.0.1:{port}/health").json()["status"] == "healthy"


def test_stopping_leaves_no_process_and_no_port(own: Served) -> None:
    until(lambda: bool(own.health()), seconds=60)
    pids = children(own)
    assert len(pids) == 5
    stop(own)
    assert own.process.returncode == 0
    assert all(gone(pid) for pid in pids)
    assert all(is_free(port + own.offset) for port in PORTS)


def test_a_model_that_cannot_be_loaded_is_said_and_the_rest_is_up(tmp_path: Path) -> None:
    broken = tmp_path / "my-whisper"
    broken.mkdir()
    (broken / "model.bin").write_bytes(b"not a model")
    running = start(tmp_path / "home", ATELIER_MODELS=json.dumps({"speech-to-text": str(broken)}))
    try:
        until(lambda: "Atelier is up" in running.printed(), seconds=180)
        assert "but for this:\n  speech-to-text: my-whisper" in running.printed()
        assert running.post("/api/text-to-speech", json={"text": "still here"}).status_code == 200
        refused = running.post("/api/speech-to-text", files={"file": b"RIFF"})
        assert refused.status_code == 503
    finally:
        stop(running)


def test_a_killed_supervisor_leaves_no_orphan(own: Served) -> None:
    until(lambda: bool(own.health()), seconds=60)
    pids = children(own)
    own.process.kill()
    own.process.wait()
    until(lambda: all(gone(pid) for pid in pids), seconds=40)


def test_a_port_in_use_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {**os.environ, "ATELIER_HOME": str(tmp_path), "ATELIER_PORT": str(port)}
        environment.pop("ATELIER_PORT_OFFSET", None)
        command = [sys.executable, "-m", "atelier", "serve"]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert f"Port {port} (gateway) is in use" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_unwritable_folder_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    environment = {**os.environ, "ATELIER_HOME": str(tmp_path / "file" / "home")}
    command = [sys.executable, "-m", "atelier", "serve"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert "ATELIER_HOME" in ended.stderr
    assert "Traceback" not in ended.stderr
