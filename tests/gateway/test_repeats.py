"""Repeated and equal requests at the gateway's door: run once, charged once, and said so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert

from atelier.gateway.auth import make_token
from atelier.rules import LimitRule, Plan
from atelier.state.tables import tenants
from redis_server import Redis
from running_gateway import NOWHERE, SECRET, Running, opened
from servers import until
from stepping import SpeakEngine

SPEECH = {"input": "one two three", "response_format": "wav"}
PICTURE = {"prompt": "a fox", "num_inference_steps": 2, "size": "64x64"}


def post(
    gateway: Running, path: str, body: dict[str, Any], key: str | None = None, tenant: str = "acme"
) -> httpx2.Response:
    headers = gateway.headers(tenant) | ({"idempotency-key": key} if key else {})
    return httpx2.post(gateway.url + path, headers=headers, json=body, timeout=30)


def test_a_repeat_gets_the_first_ones_answer_and_is_charged_once(gateway: Running) -> None:
    first = post(gateway, "/api/text-to-image", PICTURE, "order-1", tenant="small")
    again = post(gateway, "/api/text-to-image", PICTURE, "order-1", tenant="small")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(gateway.records()) == 1
    assert first.headers["x-ratelimit-remaining-requests"] == "4"
    other = post(gateway, "/api/text-to-image", PICTURE, "order-2", tenant="small")
    assert other.headers["x-ratelimit-remaining-requests"] == "3"


def test_another_body_under_the_same_key_is_a_conflict_in_each_faces_words(gateway: Running) -> None:
    post(gateway, "/v1/images/generations", PICTURE, "order-1")
    refused = post(gateway, "/v1/images/generations", PICTURE | {"prompt": "a hen"}, "order-1")
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "idempotency_conflict"
    assert "Idempotency-Key" in refused.json()["error"]["message"]
    assert post(gateway, "/v1/images/generations", PICTURE, "order-1", tenant="other").status_code == 200
    assert post(gateway, "/api/text-to-image", PICTURE | {"prompt": "a hen"}, "order-1").status_code == 200


def test_while_the_first_still_runs_a_repeat_waits_for_its_answer(gateway: Running) -> None:
    engine = SpeakEngine.newest
    engine.gate.hold()
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(post, gateway, "/v1/audio/speech", SPEECH, "order-1") for _ in range(2)]
        until(lambda: bool(gateway.host.scheduler.queue()["running"]))
        engine.gate.release()
        one, other = (answer.result() for answer in both)
    assert one.content == other.content
    assert sorted("idempotent-replayed" in answer.headers for answer in (one, other)) == [False, True]
    assert len(gateway.settled(1)) == 1


def test_a_streamed_answer_is_given_again_whole(gateway: Running) -> None:
    body = SPEECH | {"stream_format": "sse"}
    first, again = (post(gateway, "/v1/audio/speech", body, "order-1") for _ in range(2))
    assert first.content.count(b"speech.audio.delta") > 1
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotent-replayed"] == "true"
    assert len(gateway.settled(1)) == 1


def test_a_failure_is_not_kept(gateway: Running) -> None:
    bad = {"input": "one break", "response_format": "wav", "stream": False}
    assert post(gateway, "/v1/audio/speech", bad, "order-1").status_code >= 500
    assert post(gateway, "/v1/audio/speech", SPEECH, "order-1").status_code == 200


def test_a_malformed_key_names_the_header(gateway: Running) -> None:
    refused = post(gateway, "/api/text-to-image", PICTURE, "x" * 256)
    assert (refused.status_code, refused.json()["field"]) == (422, "Idempotency-Key")
    assert gateway.records() == []


@pytest.fixture(params=["memory", "redis"])
def shared(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "memory":
        return {}
    server: Redis = request.getfixturevalue("redis")
    return {"redis_url": server.url, "redis_prefix": server.new_prefix()}


def test_equal_requests_of_a_plan_with_a_cache_are_made_once(tmp_path: Path, shared: dict[str, Any]) -> None:
    plan = Plan(cache=True, limits=(LimitRule(requests=100, per="hour"),))
    with opened(tmp_path, plans={"pro": plan}, **shared) as gateway:
        gateway.ask(insert(tenants).values({"id": "acme", "name": "Acme", "plan": "pro"}))
        body = SPEECH | {"stream": False}
        first, again = (post(gateway, "/v1/audio/speech", body) for _ in range(2))
        assert (first.headers["x-cache"], again.headers["x-cache"]) == ("miss", "hit")
        assert again.content == first.content
        assert again.headers["x-audio-duration"] == first.headers["x-audio-duration"]
        assert first.headers["x-request-id"] != again.headers["x-request-id"]
        rows = gateway.settled(2)
        assert [(row["cached"], row["units"], row["status"]) for row in rows] == [
            (False, 13, "succeeded"),
            (True, 13, "succeeded"),
        ]
        assert rows[1]["computeMs"] == 0
        assert rows[1]["modelUsed"] == rows[0]["modelUsed"]
        # Another tenant's plan has none, an unseeded picture may differ, and links are not kept.
        assert "x-cache" not in post(gateway, "/v1/audio/speech", body, tenant="other").headers
        assert "x-cache" not in post(gateway, "/v1/images/generations", PICTURE).headers
        seeded = PICTURE | {"seed": 7}
        assert "x-cache" not in post(gateway, "/api/text-to-image", seeded).headers
        painted = [post(gateway, "/v1/images/generations", seeded) for _ in range(2)]
        assert [answer.headers["x-cache"] for answer in painted] == ["miss", "hit"]
        assert painted[0].json() == painted[1].json()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/audio/speech", SPEECH),  # as OpenAI's clients ask for it: streamed
        ("/v1/audio/speech", SPEECH | {"stream_format": "sse"}),
        ("/v1/images/generations", PICTURE | {"seed": 7, "stream": True, "partial_images": 1}),
    ],
    ids=["audio", "events", "pictures"],
)
def test_what_was_streamed_is_given_again_from_the_cache(
    tmp_path: Path, shared: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    with opened(tmp_path, plans={"pro": Plan(cache=True)}, **shared) as gateway:
        gateway.ask(insert(tenants).values({"id": "acme", "name": "Acme", "plan": "pro"}))
        first, again = post(gateway, path, body), post(gateway, path, body, "order-1")
        assert (first.headers["x-cache"], again.headers["x-cache"]) == ("miss", "hit")
        assert again.content == first.content
        assert again.headers["content-type"] == first.headers["content-type"]
        assert post(gateway, path, body | {"stream": False, "stream_format": "audio"}).headers.get("x-cache") != "hit"
        rows = gateway.settled(2)[:2]
        assert [(row["cached"], row["status"]) for row in rows] == [(False, "succeeded"), (True, "succeeded")]
        assert rows[0]["units"] == rows[1]["units"] > 0
        assert rows[0]["modelUsed"] == rows[1]["modelUsed"]
        replayed = post(gateway, path, body, "order-1")
        assert (replayed.content, replayed.headers["idempotent-replayed"]) == (first.content, "true")


def test_a_stream_that_failed_is_not_in_the_cache(tmp_path: Path) -> None:
    with opened(tmp_path, plans={"pro": Plan(cache=True)}) as gateway:
        gateway.ask(insert(tenants).values({"id": "acme", "name": "Acme", "plan": "pro"}))
        body = {"input": "one two break", "response_format": "wav", "stream_format": "sse"}
        told = [post(gateway, "/v1/audio/speech", body) for _ in range(2)]
        assert all(b"event: error" in answer.content for answer in told)
        assert {answer.headers["x-cache"] for answer in told} == {"miss"}


def test_an_answer_of_a_later_tier_says_so_and_is_recorded(tmp_path: Path, gateway: Running) -> None:
    token = make_token(SECRET, "first", seconds=600)  # the gateway of the fixture is the other one's second tier
    tiers = [{"url": NOWHERE, "tier": 0}, {"url": gateway.url, "tier": 1, "key": token}]
    (tmp_path / "second").mkdir()
    with opened(tmp_path / "second", upstreams={"text-to-speech": tiers}) as second:
        answer = post(second, "/v1/audio/speech", SPEECH | {"stream": False})
        assert answer.status_code == 200
        assert answer.headers["x-atelier-fallback"] == "true"
        [row] = second.settled(1)
        assert (row["fallback"], row["upstream"], row["characters"]) == (True, gateway.url, 13)
