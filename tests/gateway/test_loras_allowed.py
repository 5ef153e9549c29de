"""Which tenant may use which LoRA, by its own list, its plan's, or the settings: others never reach a worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from atelier.gateway.app import open_gateway
from atelier.gateway.auth import Caller, make_token
from atelier.gateway.metrics import Metrics
from atelier.gateway.tenants import TenantFacts
from atelier.rules import Plan
from atelier.settings import Settings
from postgres_server import on_both, running_postgres
from running_gateway import SECRET, Running, opened
from servers import until
from stepping import PaintEngine

ALLOWED = {"house-style": ["*"], "brand": ["acme", "acme-eu"]}
PLANS = {"pro": Plan(loras=["ink", "brand"]), "all": Plan(loras=["*"]), "plain": Plan(loras=[]), "quiet": Plan()}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with opened(tmp_path_factory.mktemp("home"), loras=ALLOWED) as serving:
        yield serving


def paint(gateway: Running, tenant: str, *loras: str, path: str = "/api/text-to-image") -> tuple[int, object]:
    answer = gateway.post(path, tenant, json={"prompt": "x", "num_inference_steps": 1, "loras": loras})
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("tenant", "loras"), [("acme", ["brand:0.5", "house-style"]), ("acme-eu", ["brand"]), ("other", ["house-style:-1"])]
)
def test_what_a_tenant_may_use_reaches_the_engine(gateway: Running, tenant: str, loras: list[str]) -> None:
    assert paint(gateway, tenant, *loras)[0] == 200
    assert PaintEngine.newest.asked[-1].loras == loras


@pytest.mark.parametrize("name", ["brand", "there-is-none-of-this-name"])
def test_another_tenants_is_refused_as_one_that_is_not_there(gateway: Running, name: str) -> None:
    served = len(PaintEngine.newest.asked)
    status, said = paint(gateway, "other", "house-style", f"{name}:0.4")
    assert status == 403
    assert isinstance(said, dict)
    assert said["error"] == (
        f"loras: {name} is not among those that you may use, which GET /v1/models lists; leave it out, or ask your "
        "operator"
    )
    assert said["field"] == "loras"
    assert paint(gateway, "other", name, path="/v1/images/generations")[0] == 403
    assert len(PaintEngine.newest.asked) == served


def test_in_a_form_they_are_a_list(gateway: Running) -> None:
    picture = ("x.png", b"\x89PNG\r\n\x1a\n", "image/png")
    fields = {"prompt": "x", "num_inference_steps": "1", "loras[]": ["brand:0.5", "house-style"]}
    assert gateway.post("/api/image-to-image", files={"file": picture}, data=fields).status_code == 200
    assert PaintEngine.newest.asked[-1].loras == ["brand:0.5", "house-style"]
    assert gateway.post("/api/image-to-image", "other", files={"file": picture}, data=fields).status_code == 403


def test_a_star_is_every_other_name(tmp_path: Path) -> None:
    with opened(tmp_path, loras={"*": ["*"], "brand": ["acme"]}) as gateway:
        assert paint(gateway, "other", "anything")[0] == 200
        assert paint(gateway, "other", "brand")[0] == 403
        assert paint(gateway, "acme", "brand", "anything")[0] == 200


def test_without_a_setting_there_is_none(tmp_path: Path) -> None:
    with opened(tmp_path) as gateway:
        assert paint(gateway, "acme", "house-style")[0] == 403
        assert paint(gateway, "acme")[0] == 200


@pytest.fixture
def planned(tmp_path: Path, location: str) -> Iterator[Running]:
    with opened(tmp_path, database_url=location, loras=ALLOWED, plans=PLANS) as serving:
        yield serving


def administer(gateway: Running, method: str, path: str, **body: Any) -> httpx2.Response:
    token = make_token(SECRET, "operator", seconds=600, user="ann", roles=["admin"])
    headers = {"authorization": f"Bearer {token}"}
    return httpx2.request(method, f"{gateway.url}/admin{path}", headers=headers, json=body)


def may_use(gateway: Running, tenant: str) -> list[str]:
    names = ["brand", "house-style", "ink", "other"]
    return [name for name in names if paint(gateway, tenant, f"{name}:0.5")[0] == 200]


@on_both
def test_a_tenants_own_list_counts_before_its_plans_and_that_before_the_settings(planned: Running) -> None:
    assert may_use(planned, "acme") == ["brand", "house-style"], "by the settings"
    for plan, allowed in {
        "pro": ["brand", "ink"],
        "all": ["brand", "house-style", "ink", "other"],
        "plain": [],
        "quiet": ["brand", "house-style"],
    }.items():
        assert administer(planned, "PATCH", "/tenants/acme", plan=plan).status_code == 200
        assert may_use(planned, "acme") == allowed, plan
    own = administer(planned, "PATCH", "/tenants/acme", loras=["other", "ink", "ink"]).json()
    assert own["loras"] == ["ink", "other"]
    assert may_use(planned, "acme") == ["ink", "other"]
    assert administer(planned, "PATCH", "/tenants/acme", loras=[]).json()["loras"] == []
    assert may_use(planned, "acme") == []
    assert administer(planned, "GET", "/tenants/acme").json()["loras"] == []
    assert administer(planned, "PATCH", "/tenants/acme", loras=None, plan="pro").json()["loras"] is None
    assert may_use(planned, "acme") == ["brand", "ink"]
    entries = administer(planned, "GET", "/audit").json()["entries"]
    assert [(entry["action"], entry["details"]) for entry in entries][:3] == [
        ("tenant.change", {"loras": {"from": [], "to": None}, "plan": {"from": "quiet", "to": "pro"}}),
        ("tenant.change", {"loras": {"from": ["ink", "other"], "to": []}}),
        ("tenant.change", {"loras": {"from": None, "to": ["ink", "other"]}}),
    ]


def test_a_list_is_given_when_a_tenant_is_made_and_plans_show_theirs(planned: Running) -> None:
    made = administer(planned, "POST", "/tenants", id="shop", plan="all", loras=["ink"])
    assert (made.status_code, made.json()["loras"]) == (201, ["ink"])
    assert may_use(planned, "shop") == ["ink"]
    shown = administer(planned, "GET", "/plans").json()["plans"]
    assert [shown[name]["loras"] for name in PLANS] == [["brand", "ink"], ["*"], [], None]


@pytest.mark.parametrize("loras", [["a,b"], ["ink:0.5"], [""], ["**"], "ink", ["x"] * 101, [7]])
def test_what_is_no_list_of_names_is_refused(planned: Running, loras: object) -> None:
    refused = administer(planned, "POST", "/tenants", id="shop", loras=loras)
    assert refused.status_code == 422, refused.text
    assert "loras" in refused.json()["error"]


def test_models_show_those_that_the_caller_may_use_and_health_none(planned: Running) -> None:
    painter = planned.host.residents[0]
    until(lambda: painter.info is not None)
    assert painter.info is not None
    painter.info = replace(painter.info, loras=("brand", "house-style", "ink"))

    def shown(tenant: str) -> object:
        return {model["id"]: model.get("loras") for model in planned.get("/v1/models", tenant).json()["data"]}["paint"]

    until(lambda: shown("acme") == ["brand", "house-style"])  # the gateway has asked the worker
    assert planned.get("/v1/models/paint").json()["loras"] == ["brand", "house-style"]
    assert shown("other") == ["house-style"]
    assert administer(planned, "POST", "/tenants", id="none", plan="plain").status_code == 201
    assert shown("none") is None
    health = httpx2.get(f"{planned.url}/health").text
    assert "paint" in health
    assert "brand" not in health


def test_no_outage_opens_what_a_list_closes(tmp_path: Path) -> None:
    """Which list counts for a tenant that was not read yet is not known; what needs none goes on."""
    with (
        running_postgres() as server,
        opened(tmp_path, database_url=server.new_database(), loras=ALLOWED, plans=PLANS) as gateway,
    ):
        assert administer(gateway, "POST", "/tenants", id="shut", loras=[]).status_code == 201
        assert administer(gateway, "POST", "/tenants", id="shop", plan="plain").status_code == 201
        server.stop()
        for tenant in ("shut", "shop"):
            status, said = paint(gateway, tenant, "house-style", path="/v1/images/generations")
            assert (status, "loras" in str(said)) == (503, True), said
            assert paint(gateway, tenant, path="/v1/images/generations")[0] == 200
        server.start()
        until(lambda: paint(gateway, "shut", "house-style", path="/v1/images/generations")[0] == 403)


async def test_the_list_of_a_plan_counts_when_the_plan_no_longer_does(tmp_path: Path) -> None:
    """An hour into an outage."""
    settings = Settings(home=tmp_path, loras=ALLOWED, plans=PLANS)
    async with open_gateway(settings, SECRET, Metrics(), None) as gateway:
        for plan, allowed in {"plain": [], "pro": ["brand", "ink"], "quiet": ["brand", "house-style"]}.items():
            rules = gateway.lora_rules(Caller("acme"), TenantFacts(lora_plan=plan))
            assert [name for name in ("brand", "house-style", "ink") if rules.allow(name)] == allowed, plan
