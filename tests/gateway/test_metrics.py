"""What /metrics of a gateway tells: every call and every refusal, and how things stand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from atelier.gateway.app import create_app
from atelier.gateway.tenants import plan_class
from atelier.rules import Plan
from atelier.settings import Settings, SettingsProblem, load_settings
from atelier.state.tenants import ensure_tenant
from atelier.worker.app import create_app as create_worker
from atelier.worker.host import Host
from metrics_text import Numbers, gateway_numbers, numbers
from running_gateway import NOWHERE, SECRET, Running, opened
from servers import running, until
from stepping import PaintEngine, SpeakEngine, paint_plan

SPEECH, PICTURE = "/v1/audio/speech", "/v1/images/generations"
OF_SPEECH, OF_PICTURES = {"service": "text-to-speech"}, {"service": "text-to-image"}
TOKEN = "prometheus-reads-with-this-and-nothing-else"


def told(gateway: Running) -> Numbers:
    return gateway_numbers(gateway.url, SECRET)


def test_metrics_are_for_administrators(gateway: Running) -> None:
    assert httpx2.get(f"{gateway.url}/metrics").status_code == 401
    assert gateway.get("/metrics").status_code == 403


def test_the_metrics_token_opens_the_metrics_and_nothing_else(tmp_path: Path) -> None:
    bearer = {"authorization": f"Bearer {TOKEN}"}
    with opened(tmp_path, metrics_token=TOKEN) as gateway:
        assert numbers(gateway.url, TOKEN).has("atelier_processes")
        for wrong in ({}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": TOKEN}):
            assert httpx2.get(f"{gateway.url}/metrics", headers=wrong).status_code == 401
        for path in ("/api/usage", "/v1/models", "/admin/tenants"):
            assert httpx2.get(gateway.url + path, headers=bearer).status_code == 401
        assert told(gateway).has("atelier_processes")


def test_a_short_metrics_token_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_METRICS_TOKEN", "short")
    with pytest.raises(SettingsProblem, match="ATELIER_METRICS_TOKEN"):
        load_settings()


def test_every_call_is_counted_and_timed(gateway: Running) -> None:
    gateway.post("/api/text-to-speech", json={"text": "hello"})
    gateway.post("/api/text-to-speech", json={"text": ""})
    found = told(gateway)
    for name in ("requests_total", "request_seconds_count", "first_byte_seconds_count"):
        assert found.sum(f"atelier_{name}", status="200", upstream="tier-0", **OF_SPEECH) == 1
        assert found.sum(f"atelier_{name}", status="422", upstream="none", **OF_SPEECH) == 1


def test_the_first_byte_of_a_stream_comes_before_its_end(gateway: Running) -> None:
    SpeakEngine.newest.gate.hold(after=SpeakEngine.newest.steps + 1)
    body = {"input": "one two", "response_format": "pcm", "stream_format": "audio"}
    with httpx2.stream("POST", gateway.url + SPEECH, headers=gateway.headers(), json=body) as answer:
        pieces = answer.iter_raw()
        next(pieces)
        assert told(gateway).sum("atelier_requests_total", **OF_SPEECH) == 0
        SpeakEngine.newest.gate.release()
        list(pieces)
    until(lambda: told(gateway).sum("atelier_requests_total", **OF_SPEECH) == 1)
    found = told(gateway)
    assert found.sum("atelier_first_byte_seconds_sum", **OF_SPEECH) < found.sum(
        "atelier_request_seconds_sum", **OF_SPEECH
    )


def test_who_is_not_let_in_is_counted_by_service(gateway: Running) -> None:
    for authorization in ({}, {"authorization": "Bearer nobody"}):
        assert httpx2.post(gateway.url + SPEECH, json={"input": "one"}, headers=authorization).status_code == 401
    assert told(gateway).sum("atelier_requests_total", status="401", **OF_SPEECH) == 2


def test_a_limits_refusals_are_counted_by_what_it_counts(gateway: Running) -> None:
    for _ in range(7):
        last = gateway.post(SPEECH, "small", json={"input": "one", "response_format": "pcm"})
    assert last.status_code == 429
    found = told(gateway)
    assert found.sum("atelier_limit_refusals_total", measure="requests", **OF_SPEECH) == 2
    assert found.sum("atelier_requests_total", status="429", upstream="none", **OF_SPEECH) == 2


def test_a_full_gateway_shows_who_is_inside_and_whom_it_refused(tmp_path: Path) -> None:
    with opened(tmp_path, most_in_flight=1) as gateway, ThreadPoolExecutor(1) as pool:
        PaintEngine.newest.gate.hold()
        held = pool.submit(gateway.post, PICTURE, json={"prompt": "a"})
        until(lambda: bool(gateway.host.scheduler.queue()["running"]))
        assert gateway.post(SPEECH, json={"input": "one"}).status_code == 503
        found = told(gateway)
        assert found.sum("atelier_requests_total", status="503", **OF_SPEECH) == 1
        assert found.sum("atelier_requests_in_flight") == 1
        assert found.sum("atelier_upstream_in_flight", upstream="tier-0", **OF_PICTURES) == 1
        PaintEngine.newest.gate.release()
        assert held.result().status_code == 200
        until(lambda: told(gateway).sum("atelier_requests_in_flight") == 0)


async def test_what_runs_is_told_by_the_class_of_tenant_and_by_no_tenant(tmp_path: Path) -> None:
    plans = {"pro": Plan()}
    with opened(tmp_path, plans=plans) as gateway, ThreadPoolExecutor(3) as pool:
        for tenant, plan in (("rich-tenant", "pro"), ("lost-tenant", "abandoned"), ("plain-tenant", None)):
            await _tenant(gateway, tenant, plan)
        PaintEngine.newest.gate.hold()
        held = [
            pool.submit(gateway.post, PICTURE, tenant, json={"prompt": "a"})
            for tenant in ("rich-tenant", "lost-tenant", "plain-tenant")
        ]
        until(lambda: told(gateway).sum("atelier_requests_running", **OF_PICTURES) == 3)
        found = told(gateway)
        assert found.values("atelier_requests_running", "plan") == {"pro", "other", "none"}
        assert "-tenant" not in found.text
        PaintEngine.newest.gate.release()
        assert [answer.result().status_code for answer in held] == [200] * 3
        until(lambda: told(gateway).sum("atelier_requests_running") == 0)


async def test_looks_for_kept_answers_are_counted(tmp_path: Path) -> None:
    with opened(tmp_path, plans={"pro": Plan(cache=True)}) as gateway:
        await _tenant(gateway, "acme", "pro")
        for found in ("miss", "hit", "hit"):
            answer = gateway.post(PICTURE, json={"prompt": "a", "seed": 7})
            assert answer.headers["x-cache"] == found
        gateway.post(PICTURE, json={"prompt": "may differ each time"})
        told_now = told(gateway)
    assert told_now.sum("atelier_cache_lookups_total", result="miss", **OF_PICTURES) == 1
    assert told_now.sum("atelier_cache_lookups_total", result="hit", **OF_PICTURES) == 2
    assert told_now.sum("atelier_requests_total", status="200", upstream="none", **OF_PICTURES) == 2


async def _tenant(gateway: Running, tenant: str, plan: str | None) -> None:
    from atelier.state.database import open_database
    from atelier.state.tables import tenants

    database = await open_database(gateway.location)
    async with database.begin() as connection:
        await ensure_tenant(connection, tenant)
        await connection.execute(tenants.update().where(tenants.c.id == tenant).values(plan=plan))
    await database.dispose()


def test_a_plan_whose_name_is_no_label_is_another() -> None:
    assert plan_class("größer", {"größer"}) == "other"
    assert plan_class("x" * 61, {"x" * 61}) == "other"


def test_an_upstream_is_told_by_its_name_or_tier_and_never_by_its_address(tmp_path: Path) -> None:
    rules = [{"url": NOWHERE, "name": "rented"}, {"url": NOWHERE, "tier": 1, "key": "a-provider-key"}]
    settings = Settings.model_validate({"home": tmp_path, "upstreams": {"text-to-image": rules}})
    with running(create_app(settings, SECRET)) as url:
        until(lambda: gateway_numbers(url, SECRET).sum("atelier_upstreams", status="unhealthy", **OF_PICTURES) == 2)
        found = gateway_numbers(url, SECRET)
    assert found.values("atelier_upstream_in_flight", "upstream") == {"rented", "tier-0", "tier-1"}
    for tier in ("0", "1"):
        for state, count in (("closed", 1), ("open", 0), ("half-open", 0)):
            assert found.sum("atelier_upstream_circuits", tier=tier, state=state, **OF_PICTURES) == count
    assert found.sum("atelier_service_up", **OF_PICTURES) == 0
    assert "127.0.0.1" not in found.text
    assert "a-provider-key" not in found.text


def test_an_upstream_that_recovers_leaves_no_trace_of_its_old_state(gateway: Running) -> None:
    until(lambda: told(gateway).sum("atelier_upstreams", upstream="tier-0", status="healthy", **OF_PICTURES) == 1)
    assert told(gateway).sum("atelier_upstreams", **OF_PICTURES) == 1
    assert told(gateway).sum("atelier_service_up", **OF_PICTURES) == 1


def test_attempts_after_one_that_failed_are_counted(tmp_path: Path) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(status_code=200 if scope["path"] == "/health" else 502)(scope, receive, send)

    host = Host([paint_plan()])
    with running(broken) as first, running(create_worker(host, ["text-to-image"], most_body_bytes=9_000)) as second:
        rules = {"text-to-image": [{"url": first}, {"url": second, "tier": 1, "name": "spare"}]}
        with opened(tmp_path, upstreams=rules) as gateway:
            until(lambda: told(gateway).sum("atelier_upstreams", upstream="spare", status="healthy") == 1)
            assert gateway.post(PICTURE, json={"prompt": "a"}).status_code == 200
            found = told(gateway)
    assert found.sum("atelier_upstream_retries_total", **OF_PICTURES) == 1
    assert found.sum("atelier_requests_total", status="200", upstream="spare", **OF_PICTURES) == 1


def test_usage_on_its_way_is_told(gateway: Running) -> None:
    found = told(gateway)
    for name in ("lag_seconds", "journal_bytes", "stream_batches", "dead_records"):
        assert found.has(f"atelier_usage_{name}")
        assert found.sum(f"atelier_usage_{name}") == 0


def test_the_machine_and_the_state_are_told(gateway: Running) -> None:
    found = told(gateway)
    assert found.sum("atelier_database_up") == found.sum("atelier_redis_up") == found.sum("atelier_processes") == 1
    assert 0 < found.sum("atelier_disk_free_bytes") <= found.sum("atelier_disk_bytes")
    assert found.sum("atelier_process_memory_bytes") > 10_000_000
    assert found.sum("atelier_process_cpu_seconds_total") > 0
    assert found.sum("atelier_build_info", process="gateway") == 1


def test_a_store_of_artifacts_that_fails_is_counted(gateway: Running) -> None:
    folder = gateway.home / "artifacts"
    folder.rename(folder.with_name("moved"))
    folder.write_text("no folder any more")
    assert gateway.post("/api/text-to-image", json={"prompt": "a", "num_inference_steps": 1}).status_code == 503
    assert told(gateway).sum("atelier_artifact_failures_total", action="write") >= 1
