"""`atelier doctor` and the servers of the settings: reachable, the right ones, and well; never a password."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from pydantic import SecretStr
from redis import Redis as Client

from atelier.doctor_servers import Finding, database, redis, upstreams
from atelier.rules import UpstreamRule
from atelier.settings import Settings
from atelier.state.upgrade import HEAD
from command import Cli
from postgres_server import Postgres
from redis_server import Redis, running_redis

NOWHERE = "127.0.0.1:9"
MODEL = {"id": "small", "services": ["text-to-image"], "state": "ready"}


def at(url: str) -> Settings:
    return Settings(database_url=SecretStr(url))


def test_a_postgresql_tells_its_version_and_whether_its_tables_are_up_to_date(postgres: Postgres, cli: Cli) -> None:
    url = postgres.new_database()
    empty = database(at(url))
    assert (empty.good, "without tables as yet" in empty.found) == (False, True)
    assert empty.remedy is not None
    assert empty.remedy.startswith("Type: atelier db upgrade")
    cli.said("db", "upgrade")
    upgraded = cli.environment["DATABASE_URL"]
    found = database(at(upgraded))
    assert found.good
    assert found.found.startswith("PostgreSQL 18")
    assert found.found.endswith(f"its tables at version {HEAD}, up to date")
    postgres.ask(upgraded, "UPDATE alembic_version SET version_num = '0001'")
    assert database(at(upgraded)).good is False
    postgres.ask(upgraded, "UPDATE alembic_version SET version_num = '9999'")
    assert "which this Atelier" in database(at(upgraded)).found


@pytest.fixture
def cli(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Cli:
    return Cli(tmp_path_factory.mktemp("home"), DATABASE_URL=postgres.new_database())


def test_a_redis_tells_its_version_and_what_it_would_forget() -> None:
    with running_redis() as server:
        found = redis(Settings(redis_url=SecretStr(server.url)))
        assert (found.good, found.found.startswith("version ")) == (True, True)
        configure(server, maxmemory="100mb", maxmemory_policy="allkeys-lru")
        forgetful = redis(Settings(redis_url=SecretStr(server.url)))
        assert (forgetful.good, "may evict keys (allkeys-lru)" in forgetful.found) == (False, True)
        configure(server, requirepass="s3cret")
        locked = redis(Settings(redis_url=SecretStr(server.url)))
        assert (locked.good, "put user and password right" in locked.found) == (False, True)


def configure(server: Redis, **settings: str) -> None:
    with Client.from_url(server.url) as client:
        for name, value in settings.items():
            client.config_set(name.replace("_", "-"), value)


@contextmanager
def answering(path_to_answer: dict[str, tuple[int, object]]) -> Iterator[str]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, said = path_to_answer.get(self.path, (404, {}))
            if self.headers.get("authorization") == "Bearer right":
                status = 200
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def upstream(url: str, **more: object) -> Finding:
    rule = UpstreamRule.model_validate({"url": url, **more})
    [found] = upstreams(Settings(upstreams={"text-to-image": [rule]}))
    return found


@pytest.mark.parametrize(
    ("report", "good", "said"),
    [
        ({"status": "healthy", "models": [MODEL]}, True, "healthy: small"),
        (
            {"status": "degraded", "models": [{**MODEL, "problem": "its folder lacks a file"}]},
            False,
            "degraded; small: its folder lacks a file",
        ),
        ({"status": "healthy", "services": ["speech-to-text"], "models": []}, False, "is a worker of other services"),
    ],
)
def test_a_worker_tells_how_it_is(report: dict[str, object], good: bool, said: str) -> None:
    with answering({"/health": (200, report)}) as url:
        found = upstream(url)
    assert (found.good, found.found) == (good, said)


def test_another_kind_of_server_must_take_its_key() -> None:
    with answering({"/v1/models": (401, {})}) as url:
        assert upstream(url, key="right").good
        wrong = upstream(url, key="s3cret-key")
        assert (wrong.good, wrong.found) == (False, "another kind of server, which refuses its key")
        unset = upstream(url, key_variable="NO_SUCH_KEY")
        assert unset.found == "takes its key from NO_SUCH_KEY, which is not set"
    gone = upstream(url)
    assert (gone.good, gone.found) == (False, "cannot be reached: Connection refused")


def test_what_is_wrong_ends_it_with_status_1_and_shows_no_password(cli: Cli) -> None:
    told = cli(
        "doctor",
        DATABASE_URL=f"postgresql://ann:s3cret@{NOWHERE}/atelier",
        REDIS_URL=f"redis://:s3cret@{NOWHERE}/0",
        ATELIER_UPSTREAMS=json.dumps({"text-to-image": [{"url": f"http://{NOWHERE}", "key": "s3cret"}]}),
    )
    said = " ".join(told.stdout.split())
    assert told.returncode == 1
    assert f"Database: DATABASE_URL: PostgreSQL at {NOWHERE}/atelier cannot be used: Connection refused" in said
    assert f"Redis: REDIS_URL: Redis at {NOWHERE}/0 cannot be reached: Connection refused" in said
    assert f"Upstream http://{NOWHERE} (text-to-image): cannot be reached: Connection refused" in said
    assert "s3cret" not in told.stdout + told.stderr
