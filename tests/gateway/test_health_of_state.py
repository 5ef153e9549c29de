"""/health says how database and Redis are, so that a load balancer sends nobody to a gateway that refuses everybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from atelier.gateway.health import health
from atelier.gateway.upstreams import Times, Upstream, Upstreams
from redis_server import running_redis
from running_gateway import NOWHERE, Running, opened
from servers import until


def asked(gateway: Running) -> tuple[int, dict[str, Any]]:
    answer = httpx2.get(f"{gateway.url}/health")
    return answer.status_code, answer.json()


def test_without_redis_all_is_well(gateway: Running) -> None:
    status, found = asked(gateway)
    assert (status, found["state"]["database"], found["state"]["limits"]) == (200, "healthy", "healthy")
    assert found["state"]["usage"] == {"journal_bytes": 0, "stream_batches": 0, "dead_records": 0}


@pytest.mark.parametrize(("away", "status", "limits"), [("closed", 503, "away"), ("local", 200, "local")])
def test_a_redis_that_is_away_shows(tmp_path: Path, away: str, status: int, limits: str) -> None:
    with (
        running_redis() as server,
        opened(tmp_path, redis_url=server.url, redis_away=away, gateways=2) as gateway,
    ):
        assert asked(gateway)[1]["state"]["limits"] == "healthy"
        server.stop()
        until(lambda: asked(gateway)[1]["state"]["limits"] == limits)
        assert asked(gateway)[0] == status
        spoken = gateway.post("/v1/audio/speech", json={"input": "one", "response_format": "pcm"})
        assert spoken.status_code == status
        server.start()
        until(lambda: asked(gateway)[1]["state"]["limits"] == "healthy")
        until(lambda: asked(gateway)[0] == 200)


def test_process_ids_are_not_told() -> None:
    upstreams = Upstreams({"text-to-image": [Upstream("text-to-image", NOWHERE)]}, Times())
    processes = {"text-to-image": {"state": "restarting", "restarts": 2, "pid": 77}}
    found = health(upstreams, processes, {"database": "healthy", "limits": "healthy"})
    assert found["services"]["text-to-image"]["process"] == {"state": "restarting", "restarts": 2}


@pytest.mark.parametrize(
    ("upstreams", "service", "whole"),
    [
        (("unhealthy", "degraded"), "degraded", "degraded"),
        (("starting", "degraded"), "degraded", "degraded"),
        (("degraded", "healthy"), "healthy", "healthy"),
        (("unhealthy", "starting"), "starting", "unhealthy"),
    ],
)
def test_what_can_be_asked_is_not_called_unhealthy(upstreams: tuple[str, ...], service: str, whole: str) -> None:
    pool = [Upstream("text-to-image", NOWHERE) for _ in upstreams]
    for upstream, status in zip(pool, upstreams, strict=True):
        upstream.status = status
    found = health(Upstreams({"text-to-image": pool}, Times()), {}, {"database": "healthy", "limits": "healthy"})
    assert (found["services"]["text-to-image"]["status"], found["status"]) == (service, whole)
