"""Three gateway processes on one PostgreSQL and one Redis: limits are exact, slots come back, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from atelier.gateway.auth import make_token
from gateway_process import ROOT, GatewayProcess
from postgres_server import Postgres
from redis_server import Redis
from servers import running, until

SECRET = "three-gateways-share-this-one-secret!"
LEASE_SECONDS = 5.0
LIMITS = [{"requests": 50, "per": "hour"}, {"concurrent": 4, "tenant": "slots"}, {"requests": 1000, "tenant": "slots"}]


class Speaker:
    """A stand-in for a worker that speaks: at once, but for tenant `slots` never."""

    def __init__(self) -> None:
        self.inside = 0

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if scope["type"] != "http":
            return
        body = b"{}"
        if scope["path"] == "/health":
            model = {"id": "bench-speaker", "state": "ready", "services": ["text-to-speech"], "tasks": []}
            body = json.dumps({"status": "healthy", "services": ["text-to-speech"], "models": [model]}).encode()
        elif dict(scope["headers"]).get(b"x-atelier-tenant") == b"slots":
            self.inside += 1
            await asyncio.Event().wait()
        head = [(b"content-length", str(len(body)).encode()), (b"x-model", b"bench-speaker")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def speaker() -> Speaker:
    return Speaker()


@pytest.fixture
def gateways(
    tmp_path: Path, postgres: Postgres, redis: Redis, migrated: str, speaker: Speaker
) -> Iterator[list[GatewayProcess]]:
    with ExitStack() as stack:
        upstream = stack.enter_context(running(speaker))
        env = {
            "JWT_SECRET": SECRET,
            "DATABASE_URL": postgres.new_database(like=migrated),
            "REDIS_URL": redis.url,
            "ATELIER_REDIS_PREFIX": redis.new_prefix(),
            "ATELIER_LEASE_SECONDS": str(LEASE_SECONDS),
            "ATELIER_UPSTREAMS": json.dumps({"text-to-speech": [upstream]}),
            "ATELIER_LIMITS": json.dumps(LIMITS),
            "ATELIER_LOG_LEVEL": "warning",
        }
        found = [GatewayProcess(tmp_path / name, env) for name in ("one", "two", "three")]
        for gateway in found:
            stack.callback(gateway.stop)
            gateway.start()
        until(lambda: all(gateway.says(b"bench-speaker") for gateway in found), seconds=60)
        yield found


def headers(tenant: str) -> dict[str, str]:
    return {"authorization": f"Bearer {make_token(SECRET, tenant, seconds=600)}"}


async def statuses(gateways: list[GatewayProcess], tenant: str, count: int, seconds: float = 30) -> Counter[int]:
    """What so many requests at the same time, spread over the gateways, are answered; 0: nothing in that time."""
    sent = headers(tenant)
    async with httpx2.AsyncClient(headers=sent, timeout=seconds, limits=httpx2.Limits(max_connections=None)) as client:

        async def one(number: int) -> int:
            try:
                url = gateways[number % len(gateways)].url
                return (await client.post(f"{url}/v1/audio/speech", json={"input": "hello"})).status_code
            except httpx2.TimeoutException:
                return 0

        return Counter(await asyncio.gather(*(one(number) for number in range(count))))


async def test_of_200_at_once_exactly_50_pass_each_of_20_times(gateways: list[GatewayProcess]) -> None:
    for round_number in range(20):
        assert await statuses(gateways, f"tenant-{round_number}", 200) == {200: 50, 429: 150}


async def test_the_slots_of_a_killed_gateway_are_free_within_the_lease(
    gateways: list[GatewayProcess], speaker: Speaker
) -> None:
    one, two, _ = gateways
    held = asyncio.ensure_future(statuses([one], "slots", 4))
    await asyncio.to_thread(until, lambda: speaker.inside >= 4)
    assert await statuses([two], "slots", 3) == {429: 3}
    one.stop()  # killed: its four clients hear nothing more
    with pytest.raises(httpx2.TransportError):
        await held
    begun, inside = asyncio.get_running_loop().time(), speaker.inside
    while speaker.inside == inside:
        await statuses([two], "slots", 1, seconds=0.5)
        assert asyncio.get_running_loop().time() - begun < LEASE_SECONDS + 15


@pytest.mark.slow
def test_every_answered_request_has_one_row_whatever_is_killed() -> None:
    command = [sys.executable, ROOT / "bench" / "chaos.py", "--rate", "50", "--seconds", "4"]
    played = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert played.returncode == 0, played.stdout + played.stderr
