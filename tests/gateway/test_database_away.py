"""PostgreSQL goes away under a running gateway: what needs no look into it goes on, and is metered when it is back."""

from __future__ import annotations

import asyncio
import time
from http.client import HTTPConnection
from pathlib import Path

import httpx2
import pytest

from atelier.gateway.auth.credentials import KEY_SECONDS
from atelier.state.audit import Actor
from atelier.state.database import open_database
from atelier.state.keys import create_key
from postgres_server import running_postgres
from running_gateway import opened
from servers import until
from stepping import PaintEngine, seen_to_leave


def test_requests_go_on_while_it_is_away_and_are_metered_when_it_is_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running_postgres() as server, opened(tmp_path, database_url=server.new_database()) as gateway:
        assert gateway.post("/api/text-to-speech", json={"text": "before"}).status_code == 200
        server.stop()
        assert gateway.post("/v1/images/generations", json={"prompt": "x"}).status_code == 200
        spoken = gateway.post("/v1/audio/speech", json={"input": "one two", "response_format": "pcm"})
        assert spoken.status_code == 200
        stored = gateway.post("/api/text-to-image", json={"prompt": "x"})  # its file would have no owner
        assert (stored.status_code, stored.headers["retry-after"]) == (503, "5"), stored.text
        assert "The database cannot be reached at the moment" in stored.text
        assert "127.0.0.1" not in stored.text
        assert gateway.get("/api/usage").status_code == 503
        key = httpx2.get(f"{gateway.url}/api/limits", headers={"authorization": "Bearer atl_0123_x"})
        assert key.status_code == 503, "a key that cannot be looked up is neither good nor bad"
        assert httpx2.get(f"{gateway.url}/health").status_code == 200
        server.start()
        assert gateway.post("/api/text-to-image", json={"prompt": "after"}).status_code == 200
        statuses = [row["status"] for row in gateway.settled(5)]
        assert statuses == ["succeeded", "succeeded", "succeeded", "failed", "succeeded"]
    logged = capfd.readouterr()
    assert "Traceback" not in logged.err + logged.out


def test_a_key_that_was_seen_serves_on(tmp_path: Path) -> None:
    async def made(where: str, tenant: str) -> str:
        database = await open_database(where)
        async with database.begin() as connection:
            key = await create_key(connection, tenant, by=Actor("test"))
        await database.dispose()
        return key

    with running_postgres() as server:
        where = server.new_database()
        seen, unseen = (asyncio.run(made(where, "acme")) for _ in range(2))
        with opened(tmp_path, database_url=where) as gateway:

            def ask(key: str) -> int:
                headers = {"authorization": f"Bearer {key}"}
                body = {"input": "one", "response_format": "pcm"}
                return httpx2.post(f"{gateway.url}/v1/audio/speech", headers=headers, json=body).status_code

            assert ask(seen) == 200
            server.stop()
            until(lambda: ask(unseen) == 503)
            time.sleep(KEY_SECONDS)  # longer than the key's owner is remembered without a look
            assert ask(seen) == 200
            server.start()


def test_a_client_that_leaves_meanwhile_is_metered(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running_postgres() as server, opened(tmp_path, database_url=server.new_database()) as gateway:
        PaintEngine.newest.gate.hold()
        client = HTTPConnection(gateway.url.removeprefix("http://"))
        headers = gateway.headers() | {"content-type": "application/json"}
        client.request("POST", "/api/text-to-image", '{"prompt": "x", "num_inference_steps": 100}', headers)
        until(lambda: gateway.host.scheduler.queue()["running"] == 1)
        server.stop()
        client.close()
        until(lambda: seen_to_leave(gateway.host))
        PaintEngine.newest.gate.release()
        until(lambda: gateway.host.scheduler.queue()["running"] == 0)
        server.start()
        assert gateway.post("/api/text-to-image", json={"prompt": "after"}).status_code == 200
        assert sorted(row["status"] for row in gateway.settled(2)) == ["cancelled", "succeeded"]
    logged = capfd.readouterr()
    assert "Traceback" not in logged.err + logged.out
