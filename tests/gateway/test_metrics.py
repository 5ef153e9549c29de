"""What /metrics tells: every call and every refusal by service, and how things stand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from atelier.gateway.app import create_app
from atelier.gateway.auth import make_token
from atelier.settings import Settings
from running_gateway import NOWHERE, SECRET, Running, opened
from servers import running, until
from stepping import PaintEngine

SPEECH, PICTURE = "/v1/audio/speech", "/v1/images/generations"


def told(gateway: Running) -> str:
    return told_at(gateway.url)


def told_at(url: str) -> str:
    token = make_token(SECRET, "acme", seconds=60, roles=["admin"])
    answer = httpx2.get(f"{url}/metrics", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return answer.text


def counted(gateway: Running, service: str, status: int) -> float:
    start = f'atelier_requests_total{{service="{service}",status="{status}"}} '
    lines = [line for line in told(gateway).splitlines() if line.startswith(start)]
    return float(lines[0].removeprefix(start)) if lines else 0.0


def test_metrics_are_for_administrators(gateway: Running) -> None:
    assert httpx2.get(f"{gateway.url}/metrics").status_code == 401
    assert gateway.get("/metrics").status_code == 403


def test_every_call_is_counted_and_timed(gateway: Running) -> None:
    gateway.post("/api/text-to-speech", json={"text": "hello"})
    gateway.post("/api/text-to-speech", json={"text": ""})
    assert counted(gateway, "text-to-speech", 200) == 1
    assert counted(gateway, "text-to-speech", 422) == 1
    assert 'atelier_request_seconds_count{service="text-to-speech"} 2.0' in told(gateway)


def test_who_is_not_let_in_is_counted_by_service(gateway: Running) -> None:
    for authorization in ({}, {"authorization": "Bearer nobody"}):
        assert httpx2.post(gateway.url + SPEECH, json={"input": "one"}, headers=authorization).status_code == 401
    assert counted(gateway, "text-to-speech", 401) == 2


def test_a_limits_refusals_are_counted_by_what_it_counts(gateway: Running) -> None:
    for _ in range(7):
        last = gateway.post(SPEECH, "small", json={"input": "one", "response_format": "pcm"})
    assert last.status_code == 429
    assert 'atelier_limit_refusals_total{measure="requests",service="text-to-speech"} 2.0' in told(gateway)
    assert counted(gateway, "text-to-speech", 429) == 2


def test_a_full_gateway_shows_who_is_inside_and_whom_it_refused(tmp_path: Path) -> None:
    with opened(tmp_path, most_in_flight=1) as gateway, ThreadPoolExecutor(1) as pool:
        PaintEngine.newest.gate.hold()
        held = pool.submit(gateway.post, PICTURE, json={"prompt": "a"})
        until(lambda: bool(gateway.host.scheduler.queue()["running"]))
        assert gateway.post(SPEECH, json={"input": "one"}).status_code == 503
        assert counted(gateway, "text-to-speech", 503) == 1
        assert "atelier_requests_in_flight 1.0" in told(gateway)
        PaintEngine.newest.gate.release()
        assert held.result().status_code == 200
        until(lambda: "atelier_requests_in_flight 0.0" in told(gateway))


def test_circuits_are_told_by_service_and_tier_and_without_addresses(tmp_path: Path) -> None:
    rules = [{"url": NOWHERE}, {"url": NOWHERE, "tier": 1, "key": "a-provider-key"}]
    settings = Settings.model_validate({"home": tmp_path, "upstreams": {"text-to-image": rules}})
    with running(create_app(settings, SECRET)) as url:
        text = told_at(url)
    for tier in (0, 1):
        for state, count in (("closed", 1.0), ("open", 0.0), ("half-open", 0.0)):
            labels = f'service="text-to-image",state="{state}",tier="{tier}"'
            assert f"atelier_upstream_circuits{{{labels}}} {count}" in text
    assert "127.0.0.1" not in text
    assert "a-provider-key" not in text


def test_usage_on_its_way_is_told(gateway: Running) -> None:
    text = told(gateway)
    for name in ("journal_bytes", "stream_batches", "dead_records"):
        assert f"atelier_usage_{name} 0.0" in text
