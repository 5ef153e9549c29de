"""The workers on a Ray cluster of two nodes, behind a real gateway: run by test_ray.py, in a network of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from atelier.gateway.auth import make_token
from gateway_process import GatewayProcess
from ray_cluster import HEAD, NODE, SERVICE, add_node, cluster, deploy, remove, replicas

SECRET = "gateway-secret-of-forty-characters-long!"
STEP_SECONDS = 0.05
PATH = "/v1/audio/speech"


def spoken(text: str) -> dict[str, str]:
    return {"input": text, "model": "tts-1", "voice": "alloy", "response_format": "pcm"}


TEN = " word" * 10
FOUR_WORDS, TEN_WORDS = spoken(" word" * 4), spoken(TEN)

QUICK = {"target_ongoing_requests": 2, "upscale_delay_s": 0.5, "downscale_delay_s": 1, "look_back_period_s": 1}
ONE_TO_TWO = QUICK | {"min_replicas": 1, "max_replicas": 2, "metrics_interval_s": 0.2}


@pytest.fixture(scope="module")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    with cluster(home, SLOW_SECONDS=str(STEP_SECONDS), ATELIER_MOST_WAITING="10") as made:
        yield made


@pytest.fixture(scope="module")
def node(ray: Any) -> Any:
    return add_node(ray)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    env = {
        "JWT_SECRET": SECRET,
        "ATELIER_UPSTREAMS": json.dumps({SERVICE: [HEAD, NODE]}),
        "ATELIER_LIMITS": json.dumps([{"requests": 1_000_000, "per": "hour"}]),
    }
    made = GatewayProcess(tmp_path / "gateway", env)
    made.start()
    try:
        yield made
    finally:
        made.stop(signal.SIGTERM)


def test_an_application_serves_one_service_below_its_path(node: Any) -> None:
    deploy(
        gpus=0.25,
        max_replicas_per_node=1,
        max_ongoing_requests=50,
        max_queued_requests=50,
        autoscaling_config=ONE_TO_TWO,
    )
    report = httpx2.get(f"{HEAD}/health").json()
    assert report["services"] == [SERVICE]
    assert report["status"] == "healthy"
    [model] = httpx2.get(f"{HEAD}/v1/models").json()["data"]
    assert (model["id"], model["memory_gb"]) == ("slow", 0.25)  # a quarter of a GPU was all that there was for it


async def test_a_stream_comes_word_by_word_and_ends_with_its_client(node: Any) -> None:
    async with httpx2.AsyncClient() as client:
        began = time.monotonic()
        async with client.stream("POST", HEAD + PATH, json=spoken(" word" * 400)) as answer:
            await anext(answer.aiter_raw())
            assert time.monotonic() - began < 200 * STEP_SECONDS  # half of what all of it takes
        await freed(client)


async def test_a_client_that_leaves_before_the_answer_frees_its_replica(node: Any) -> None:
    async with httpx2.AsyncClient() as client:
        asking = asyncio.create_task(client.post(HEAD + PATH, json=spoken("hush" + " word" * 399)))
        await becomes(lambda: running() == 1)
        asking.cancel()
        await freed(client)


async def test_what_a_replica_refuses_is_passed_on(node: Any) -> None:
    """Four run and ten wait: the replica itself says no to the others, and when to come again."""
    async with httpx2.AsyncClient(timeout=30) as client:
        asked = await asyncio.gather(*(client.post(HEAD + PATH, json=FOUR_WORDS) for _ in range(24)))
    refused = [answer for answer in asked if answer.status_code != 200]
    assert 0 < len(refused) < 24
    for answer in refused:
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "overloaded"
        assert int(answer.headers["retry-after"]) >= 1


async def test_load_brings_a_second_replica_and_rest_takes_it_away(gateway: GatewayProcess, node: Any) -> None:
    await becomes(lambda: replicas() == {"RUNNING": 1})
    async with load(gateway, 8) as seen:
        await becomes(lambda: replicas() == {"RUNNING": 2})
    assert seen.statuses.keys() == {200}
    await becomes(lambda: replicas() == {"RUNNING": 1})


async def test_a_rolling_update_drops_nothing(gateway: GatewayProcess, node: Any) -> None:
    async with load(gateway, 8) as seen:
        await asyncio.to_thread(deploy, "second", num_replicas=2, autoscaling_config=None, max_queued_requests=10)
        await becomes(lambda: versions() == {"second"} and replicas() == {"RUNNING": 2})
        await seen.more(20)
    assert seen.statuses.keys() == {200}, seen.refusals


async def test_a_full_cluster_says_so_and_when_to_come_again(node: Any) -> None:
    """Two replicas have ten requests each, and in the proxy wait ten: the others are refused at once."""
    async with httpx2.AsyncClient(timeout=30) as client:
        asked = await asyncio.gather(*(client.post(HEAD + PATH, json=FOUR_WORDS) for _ in range(60)))
    refused = [answer for answer in asked if answer.status_code != 200]
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in refused} == {(503, "1")}


async def test_a_node_that_dies_takes_only_what_it_had_begun_to_answer(
    gateway: GatewayProcess, node: Any, ray: Any
) -> None:
    """What had not begun to be answered is asked again, of the node that is left."""
    await asyncio.to_thread(remove)
    await asyncio.to_thread(deploy, "third", num_replicas=2, autoscaling_config=None, max_replicas_per_node=1)
    await becomes(lambda: versions() == {"third"} and httpx2.get(f"{NODE}/health").status_code == 200)
    async with load(gateway, 4, spoken("hush" + TEN)) as whole, load(gateway, 4, spoken(TEN)) as streamed:
        await whole.more(12)
        node.kill_all_processes(check_alive=False, allow_graceful=False)
        await whole.more(24)
    assert whole.statuses.total() - whole.statuses[200] <= 1, whole.refusals  # its repeat may meet the dead node, too
    assert streamed.statuses.total() - streamed.statuses[200] <= 4


@dataclass
class Seen:
    statuses: Counter[int | str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)

    async def more(self, answers: int) -> None:
        wanted = self.statuses.total() + answers
        async with asyncio.timeout(60):
            while self.statuses.total() < wanted:  # noqa: ASYNC110  any condition
                await asyncio.sleep(0.05)


@asynccontextmanager
async def load(gateway: GatewayProcess, callers: int, body: Mapping[str, str] = TEN_WORDS) -> AsyncIterator[Seen]:
    """So many callers that ask again as soon as they are answered; what has begun at the end is answered too."""
    await becomes(lambda: gateway.says(b'"slow"'))
    headers = {"authorization": f"Bearer {make_token(SECRET, 'acme', seconds=600)}"}
    seen, over = Seen(), asyncio.Event()
    async with httpx2.AsyncClient(base_url=gateway.url, headers=headers, timeout=30) as client:

        async def ask() -> None:
            while not over.is_set():
                try:
                    answer = await client.post(PATH, json=body)
                except httpx2.HTTPError as problem:
                    seen.statuses[repr(problem)] += 1
                    continue
                seen.statuses[answer.status_code] += 1
                if answer.status_code != 200:
                    seen.refusals.append(f"{answer.status_code} {answer.headers} {answer.text[:300]}")

        async with asyncio.TaskGroup() as tasks:
            for _ in range(callers):
                tasks.create_task(ask())
            try:
                yield seen
            finally:
                over.set()


def running() -> int:
    return int(httpx2.get(f"{HEAD}/health").json()["queue"]["running"])


def versions() -> set[str]:
    """What several replicas that answer are."""
    return {httpx2.get(f"{HEAD}/health").json()["models"][0]["note"] for _ in range(8)}


async def freed(client: httpx2.AsyncClient) -> None:
    """The replica has nothing to do, long before the words are spoken, and took a few steps more at most."""
    before = (await client.get(f"{HEAD}/health")).json()["steps"]
    await becomes(lambda: running() == 0, seconds=10)
    assert (await client.get(f"{HEAD}/health")).json()["steps"] <= before + 50


async def becomes(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Asked aside: the callers share the test's event loop."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110  any condition
            await asyncio.sleep(0.05)
