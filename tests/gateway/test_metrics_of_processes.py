"""Several gateway processes on one port tell the same numbers: the sum of all, also of those that have ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from atelier.gateway.auth import make_token
from gateway_process import GatewayProcess
from metrics_text import Numbers, gateway_numbers
from redis_server import running_redis
from running_gateway import SECRET
from servers import until


def admin() -> dict[str, str]:
    """Made when it is used: between collecting the tests and running this one lie many minutes."""
    return {"authorization": f"Bearer {make_token(SECRET, 'acme', seconds=600, roles=['admin'])}"}


class TwoProcesses(GatewayProcess):
    @property
    def folder(self) -> Path:
        return self.home / "run" / f"metrics-{self.url.rpartition(':')[2]}"

    def pids(self, kind: str) -> set[int]:
        """The processes that have written such numbers."""
        return {int(file.stem.rpartition("_")[2]) for file in self.folder.glob(f"{kind}_*.db")}

    def speak(self, times: int) -> None:
        """By as many clients at the same time; nothing serves, so the answer is 503."""

        def ask(_: int) -> int:
            return httpx2.post(f"{self.url}/v1/audio/speech", headers=admin(), json={"input": "one"}).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(ask, range(times))) == {503}

    def metrics(self) -> Numbers:
        return gateway_numbers(self.url, SECRET)

    def counted(self) -> dict[str, float]:
        """What one of the processes says: answers by status."""
        found, name = self.metrics(), "atelier_requests_total"
        return {status: found.sum(name, status=status) for status in found.values(name, "status")}


@pytest.fixture
def two(tmp_path: Path) -> Iterator[TwoProcesses]:
    settings = {"ATELIER_GATEWAY_PROCESSES": "2", "JWT_SECRET": SECRET, "ATELIER_UPSTREAMS": "{}"}
    with running_redis() as redis:
        gateway = TwoProcesses(tmp_path, settings | {"REDIS_URL": redis.url})
        stale = gateway.folder / "counter_1.db"
        stale.parent.mkdir(parents=True)
        stale.write_bytes(b"left by an earlier start")
        try:
            gateway.start()
            until(lambda: gateway.says(b"services") and len(gateway.pids("gauge_livesum")) == 2, seconds=60)
            yield gateway
        finally:
            gateway.stop(signal.SIGTERM)


def test_each_process_tells_the_sum_of_all_also_of_those_that_ended(two: TwoProcesses) -> None:
    asked = 0

    def both_have_answered() -> bool:
        nonlocal asked
        two.speak(16)
        asked += 16
        return len(two.pids("counter")) == 2

    until(both_have_answered, seconds=60)
    until(lambda: two.counted() == {"503": asked}, seconds=60)  # one writes down what it counted a second later
    for _ in range(10):
        assert two.counted() == {"503": asked}
    for pid in two.pids("gauge_livesum"):
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid: pid not in two.pids("gauge_livesum"))  # type: ignore[misc]
        until(lambda: two.says(b"services") and len(two.pids("gauge_livesum")) == 2, seconds=60)
    assert two.counted() == {"503": asked}, "what the ended processes had counted is lost"
    until(lambda: two.metrics().sum("atelier_processes") == 2)
    until(lambda: two.metrics().sum("atelier_upstreams", service="text-to-speech", status="unhealthy") == 1)
    found = two.metrics()
    assert found.sum("atelier_requests_in_flight") == 0
    for name in ("request_seconds", "first_byte_seconds"):
        assert found.sum(f"atelier_{name}_count", service="text-to-speech") == asked
    assert found.sum("atelier_process_memory_bytes") > 50_000_000, "of both"
    assert found.sum("atelier_upstreams", service="text-to-speech") == 1, "told once, though both see it"
    assert found.sum("atelier_build_info") == 1
