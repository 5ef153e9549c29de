"""A tenant that is commercial gets no model whose licence forbids that: the reason, or another model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from atelier.gateway.auth import make_token
from atelier.rules import Plan
from atelier.worker.app import create_app as create_worker
from atelier.worker.host import Host
from atelier.worker.residency import ModelPlan
from postgres_server import on_both
from running_gateway import SECRET, SERVED, Running, opened
from servers import running, until
from stepping import paint_plan

RESEARCH = {"name": "Research Only", "link": "https://example.com", "commercial": "no"}
FREE = {"name": "MIT", "link": "https://example.com", "commercial": "yes"}
WANTED = {"prompt": "a square", "num_inference_steps": 2, "seed": 1, "response_format": "b64_json"}


@pytest.fixture
def gateway(tmp_path: Path, location: str) -> Iterator[Running]:
    """The painter is for research alone."""
    with opened(tmp_path, database_url=location, plans={"kept": Plan(cache=True)}) as serving:
        painter = serving.host.residents[0]
        painter.plan = replace(painter.plan, licence=RESEARCH)
        yield serving


def administer(gateway: Running, method: str, path: str, **body: Any) -> Any:
    token = make_token(SECRET, "operator", seconds=600, user="ann", roles=["admin"])
    headers = {"authorization": f"Bearer {token}"}
    return httpx2.request(method, f"{gateway.url}/admin{path}", headers=headers, json=body).raise_for_status().json()


@on_both
def test_who_is_marked_is_refused_with_the_reason_and_others_are_served(gateway: Running) -> None:
    assert administer(gateway, "POST", "/tenants", id="shop", commercial=True)["commercial"] is True
    native = gateway.post("/api/text-to-image", "shop", json=WANTED)
    assert (native.status_code, native.json()["code"], native.json()["field"]) == (403, "licence_forbids", "model")
    assert "may not be used commercially (Research Only), and this account is commercial" in native.json()["error"]
    openai = gateway.post("/v1/images/generations", "shop", json={**WANTED, "stream": True})
    assert (openai.status_code, openai.json()["error"]["code"]) == (403, "licence_forbids")
    assert gateway.post("/api/text-to-image", json=WANTED).status_code == 200
    assert gateway.post("/api/text-to-speech", "shop", json={"text": "one"}).status_code == 200
    refused = [row for row in gateway.settled(4) if row["tenantId"] == "shop" and row["status"] == "failed"]
    assert [(row["error"], row["units"]) for row in refused] == [("licence_forbids", 0)] * 2


def test_refusals_are_no_trouble_of_the_worker(gateway: Running) -> None:
    administer(gateway, "POST", "/tenants", id="shop", commercial=True)
    asked = {gateway.post("/v1/images/generations", "shop", json=WANTED).status_code for _ in range(30)}
    assert asked == {403}
    assert gateway.post("/v1/images/generations", json=WANTED).status_code == 200


@on_both
def test_the_mark_is_changed_and_counts_at_once_also_for_answers_that_are_kept(gateway: Running) -> None:
    administer(gateway, "POST", "/tenants", id="shop", plan="kept")
    assert gateway.post("/api/text-to-image", "shop", json=WANTED).status_code == 200
    assert gateway.post("/api/text-to-image", "shop", json=WANTED).headers["x-cache"] == "hit"
    assert administer(gateway, "PATCH", "/tenants/shop", commercial=True)["commercial"] is True
    assert gateway.post("/api/text-to-image", "shop", json=WANTED).status_code == 403
    assert administer(gateway, "PATCH", "/tenants/shop", commercial=False)["commercial"] is False
    assert gateway.post("/api/text-to-image", "shop", json=WANTED).status_code == 200


def test_a_model_that_may_be_used_is_the_default_for_them() -> None:
    """Asked of a worker, as the gateway asks."""
    plans = [replace(paint_plan(), licence=RESEARCH), named(replace(paint_plan(), licence=FREE), "free-painter")]
    with running(create_worker(Host(plans), SERVED, most_body_bytes=100_000)) as url:
        until(lambda: httpx2.get(f"{url}/health").json()["status"] == "healthy")

        def status_of(**more: Any) -> tuple[int, str | None]:
            """And the model that made it."""
            headers = {"x-atelier-tenant": "shop", **more.pop("headers", {})}
            answer = httpx2.post(f"{url}/v1/images/generations", json={**WANTED, **more}, headers=headers, timeout=30)
            return answer.status_code, answer.headers.get("x-atelier-metered")

        mark = {"x-atelier-commercial": "yes"}
        assert "free-painter" not in str(status_of())
        status, metered = status_of(headers=mark)
        assert (status, "free-painter" in str(metered)) == (200, True)
        assert status_of(headers=mark, model="paint")[0] == 403
        assert status_of(headers=mark, model="free-painter")[0] == 200


def named(plan: ModelPlan, model: str) -> ModelPlan:
    return replace(plan, source=replace(plan.source, model=model))
