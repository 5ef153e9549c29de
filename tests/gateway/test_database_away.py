"""PostgreSQL goes away under a running gateway: callers are told to come back, and nothing is given out unmetered."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from postgres_server import running_postgres
from running_gateway import opened
from servers import until
from stepping import PaintEngine


def test_requests_are_refused_while_it_is_away_and_served_when_it_is_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running_postgres() as server, opened(tmp_path, database_url=server.new_database()) as gateway:
        assert gateway.post("/api/text-to-image", json={"prompt": "before"}).status_code == 200
        server.stop()
        for path, body in (("/api/text-to-image", {"prompt": "x"}), ("/v1/images/generations", {"prompt": "x"})):
            answer = gateway.post(path, json=body)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), answer.text
            assert "The database cannot be reached at the moment" in answer.text
            assert "127.0.0.1" not in answer.text
        with pytest.raises(httpx2.RemoteProtocolError):  # the sound has begun: it breaks off before its end
            gateway.post("/v1/audio/speech", json={"input": "one two", "response_format": "pcm"})
        assert gateway.get("/api/usage").status_code == 503
        key = httpx2.get(f"{gateway.url}/api/limits", headers={"authorization": "Bearer atl_0123_x"})
        assert key.status_code == 503, "a key that cannot be looked up is neither good nor bad"
        assert gateway.get("/api/limits").json()["limits"][0]["left"] == 99, "a refused request kept its place"
        assert httpx2.get(f"{gateway.url}/health").status_code == 200
        server.start()
        assert gateway.post("/api/text-to-image", json={"prompt": "after"}).status_code == 200
        assert [row["status"] for row in gateway.records()] == ["succeeded", "succeeded"]
    logged = capfd.readouterr()
    assert "Traceback" not in logged.err + logged.out
    assert (logged.err + logged.out).count("usage record not written") == 3


def test_a_client_that_leaves_meanwhile_harms_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
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
    logged = capfd.readouterr()
    assert "Traceback" not in logged.err + logged.out
