"""What is logged while a request is served carries its id, and what is logged for all requests carries none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from structlog.testing import capture_logs

from atelier.errors import Unavailable
from atelier.gateway.answers import create_idempotency
from atelier.gateway.auth import make_token
from atelier.gateway.auth.key_set import KeySet
from atelier.gateway.tenants import TenantFacts, Tenants
from atelier.settings import Settings
from atelier.telemetry import request_id, with_request_id
from gateway_process import GatewayProcess
from misbehaving import PATH, SERVICE, Server, becomes, breaks_off, servers
from redis_server import running_redis
from running_gateway import NOWHERE, SECRET
from servers import until

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def logged() -> Iterator[Lines]:
    """What is logged in the test itself, which is a request by its context."""
    with capture_logs([with_request_id]) as lines:
        before = request_id.set("the-request")
        yield lines
        request_id.reset(before)


async def test_what_upstreams_come_to_is_logged_with_the_request(tmp_path: Path) -> None:
    async with servers(Server(breaks_off)) as [server]:
        upstreams = json.dumps({SERVICE: [server.url]})
        process = GatewayProcess(tmp_path, {"JWT_SECRET": SECRET, "ATELIER_UPSTREAMS": upstreams})
        try:
            process.start()
            asked = {"authorization": f"Bearer {make_token(SECRET, 'acme', seconds=600)}"}
            async with httpx2.AsyncClient(base_url=process.url, headers=asked) as client:
                await asyncio.to_thread(until, lambda: process.says(b'"text-to-image":{"status":"healthy"'), 60)
                answers = await asyncio.gather(*(client.post(PATH, json={"prompt": "a"}) for _ in range(5)))
            log = tmp_path / "log"
            await becomes(lambda: log.read_text().count(f'"path":"{PATH}"') == 5)
        finally:
            process.stop()
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    served = {line["request_id"] for line in lines if line.get("path") == PATH}
    assert served == {answer.headers["x-request-id"] for answer in answers}
    [opened] = [line for line in lines if line["event"].startswith("upstream left alone")]
    assert opened["request_id"] in served


async def test_a_request_names_its_own_lines(logged: Lines) -> None:
    structlog.get_logger().warning("something")
    structlog.get_logger().warning("something", request_id="another")
    assert [line["request_id"] for line in logged] == ["the-request", "another"]


async def test_a_tenants_facts_are_read_for_whoever_asks(logged: Lines) -> None:
    async def read(_: str) -> TenantFacts:
        structlog.get_logger().warning("read")
        raise Unavailable("away")

    async def suspended() -> dict[str, TenantFacts]:
        return {}

    await Tenants(read, suspended).facts("acme")
    assert [(line["event"], line.get("request_id")) for line in logged] == [("read", None)]


async def test_a_providers_keys_are_read_for_whoever_asks(logged: Lines) -> None:
    keys = KeySet(f"{NOWHERE}/jwks", fresh_seconds=1, stale_seconds=1, again_seconds=1)
    keys.freshen()
    await becomes(lambda: bool(logged))
    await keys.close()
    assert [(line["event"], line.get("request_id")) for line in logged] == [("keys not read", None)]


async def test_the_turns_of_all_requests_are_renewed_for_nobody(logged: Lines) -> None:
    with running_redis() as server:
        store = create_idempotency(Settings(redis_url=server.url), lease_seconds=0.3)
        await store.begin("acme", "key", b"f" * 32)
        assert logged == []
        server.stop()
        await becomes(lambda: bool(logged))
        await store.close()
    assert {(line["event"], line.get("request_id")) for line in logged} == {("stored answers cannot be reached", None)}
