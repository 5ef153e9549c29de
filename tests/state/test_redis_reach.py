"""How a gateway starts with a Redis that is away, wrong, or locked, and what it says."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from redis import Redis as Client

from atelier.settings import Settings, SettingsProblem
from atelier.state.redis import connect_redis
from atelier.state.redis_reach import prepare_redis
from command import SECRET, Cli
from gateway_process import GatewayProcess
from ports import free_offset
from redis_server import Redis, running_redis
from servers import until
from sqlite_file import lay_database

PASSWORD = "s3cret-pass"
LOCAL = {"ATELIER_REDIS_AWAY": "local", "ATELIER_GATEWAYS": "2"}
NOBODY = "redis://:s3cret-pass@127.0.0.1:9/0"

RedisAway = Literal["closed", "local"]


@pytest.fixture(scope="module")
def locked() -> Iterator[Redis]:
    """A Redis that wants a password."""
    with running_redis() as redis:
        with Client.from_url(redis.url) as client:
            client.config_set("requirepass", PASSWORD)
        yield redis


@pytest.mark.parametrize("command", ["gateway", "serve"])
def test_a_redis_that_is_away_ends_a_start_that_needs_it(tmp_path: Path, command: str) -> None:
    lay_database(tmp_path / "atelier.db")
    cli = Cli(tmp_path, ATELIER_PORT_OFFSET=str(free_offset()), ATELIER_REDIS_WAIT_SECONDS="0", REDIS_URL=NOBODY)
    done = cli(command)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert PASSWORD not in done.stderr + done.stdout
    assert done.stderr.strip().splitlines()[-1] == (
        "atelier: REDIS_URL: Redis at 127.0.0.1:9/0 cannot be reached: Connection refused. "
        "Start it, or put REDIS_URL right"
    )


def refusal(url: str, away: RedisAway = "closed") -> str:
    """What ends a start, as the test above sees it end one; nothing that it says holds the password."""
    told: list[str] = []
    with pytest.raises(SettingsProblem) as refused:
        prepare_redis(Settings(redis_url=url, redis_away=away, gateways=2, redis_wait_seconds=0), told.append)
    assert PASSWORD not in f"{refused.value} {told}"
    return str(refused.value)


@pytest.mark.parametrize("away", ["closed", "local"])
def test_an_address_that_cannot_be_one_always_ends_it(away: RedisAway) -> None:
    said = refusal("postgres://:s3cret-pass@127.0.0.1:6379/0", away)
    assert said.startswith("REDIS_URL: must look like redis://user:password@host:6379/0 (rediss:// with TLS")


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:6379",
        "redis://",
        "redis://127.0.0.1:many/0",
        "redis://127.0.0.1:6379/main",
        "redis://:s3cret-pass#1@127.0.0.1:6379/0",
        "redis://:1/s3cret-pass@127.0.0.1:6379/0",
    ],
)
def test_an_address_is_not_taken_for_another_one(url: str) -> None:
    with pytest.raises(SettingsProblem, match="REDIS_URL: must look like") as refused:
        connect_redis(url)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("away", ["closed", "local"])
@pytest.mark.parametrize("credentials", ["", "ann:s3cret-pass@"])
def test_a_wrong_password_always_ends_it(locked: Redis, credentials: str, away: RedisAway) -> None:
    said = refusal(f"redis://{credentials}127.0.0.1:{locked.port}/0", away)
    assert said.startswith(f"REDIS_URL: Redis at 127.0.0.1:{locked.port}/0 refuses (")
    assert said.endswith("put user and password right, redis://user:password@host:6379/0")


@contextmanager
def answering(words: bytes) -> Iterator[int]:
    """A port where everyone is answered with these words, whatever they say."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer, args=(server, words), daemon=True).start()
        yield server.getsockname()[1]


def _answer(server: socket.socket, words: bytes) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            client.recv(1000)
            client.sendall(words)


@pytest.mark.parametrize("away", ["closed", "local"])
def test_another_kind_of_server_always_ends_it(away: RedisAway) -> None:
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        said = refusal(f"redis://127.0.0.1:{port}/0", away)
        without_tls = refusal(f"rediss://127.0.0.1:{port}/0", away)
    assert said == f"REDIS_URL: what answers at 127.0.0.1:{port}/0 is no Redis: put the host and port right"
    assert f"no TLS connection to 127.0.0.1:{port}/0" in without_tls


def test_what_the_server_or_the_driver_does_not_know_ends_it(locked: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"redis://:{PASSWORD}@127.0.0.1:{locked.port}/0"
    assert "is no option of the driver" in refusal(f"{url}?pool=9")
    assert "refuses: DB index is out of range" in refusal(url.replace("/0", "/9999"))
    monkeypatch.setattr("atelier.state.redis.CONNECT_SECONDS", 1.0)
    assert "does not answer (rediss:// is for one with TLS)" in refusal(url.replace("redis:", "rediss:"))


def gateway(home: Path, redis: str, **environment: str) -> GatewayProcess:
    return GatewayProcess(home, {"JWT_SECRET": SECRET, "REDIS_URL": redis, **environment})


def test_a_start_waits_for_a_redis_that_restarts_too(tmp_path: Path) -> None:
    with running_redis() as redis:
        redis.stop()
        starting = gateway(tmp_path, redis.url)
        starting.start()
        try:
            until(lambda: b"Connection refused; trying for 30 s" in (tmp_path / "log").read_bytes())
            assert not starting.says(b"")
            redis.start()
            until(lambda: starting.says(b'"limits":"healthy"'))
        finally:
            starting.stop(signal.SIGTERM)
    assert (tmp_path / "log").read_bytes().count(b"REDIS_URL") == 1


def test_a_start_that_can_do_without_says_so_once(tmp_path: Path) -> None:
    starting = gateway(tmp_path, NOBODY, **LOCAL)
    starting.start()
    try:
        until(lambda: starting.says(b'"limits":"local"'))
    finally:
        starting.stop(signal.SIGTERM)
    log = (tmp_path / "log").read_text()
    assert log.count("Until it is there, each gateway holds its share of the limits") == 1
    assert PASSWORD not in log
