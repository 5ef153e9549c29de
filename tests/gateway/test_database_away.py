"""PostgreSQL goes away under a running gateway: what needs no look into it goes on, and is metered when it is back."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from postgres_server import running_postgres
from running_gateway import opened
from servers import until
from stepping import PaintEngine


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


def test_a_client_that_leaves_meanwhile_is_metered(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with running_postgres() as server, opened(tmp_path, database_url=server.new_database()) as gateway:
        PaintEngine.newest.gate.hold()
        with pytest.raises(httpx2.TimeoutException):
            httpx2.post(
                f"{gateway.url}/api/text-to-image",
                headers=gateway.headers(),
                json={"prompt": "x", "num_inference_steps": 100},
                timeout=httpx2.Timeout(30, read=1),
            )
        server.stop()
        PaintEngine.newest.gate.release()
        until(lambda: gateway.host.scheduler.queue()["running"] == 0)
        server.start()
        assert gateway.post("/api/text-to-image", json={"prompt": "after"}).status_code == 200
        assert sorted(row["status"] for row in gateway.settled(2)) == ["cancelled", "succeeded"]
    logged = capfd.readouterr()
    assert "Traceback" not in logged.err + logged.out
