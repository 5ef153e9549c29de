"""The administration's face: nobody but administrators, then every route, over both databases."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select

from atelier.catalog import SERVICES
from atelier.gateway.auth import make_token
from atelier.gateway.faces.admin import ADMIN_ROUTES, AdminRoute
from atelier.rules import LimitRule, Plan
from atelier.state.tables import api_keys, artifacts, audit, tenants, usage
from postgres_server import on_both
from running_gateway import SECRET, Running, opened
from servers import until

PLANS = {"free": Plan(limits=(LimitRule(requests=3, per="day"),)), "pro": Plan(cache=True, retention_days=30)}


@pytest.fixture
def gateway(tmp_path: Any, location: str) -> Any:
    with opened(tmp_path, database_url=location, plans=PLANS) as serving:
        yield serving


class Admin:
    """Asks as an administrator of the operator's own tenant."""

    def __init__(self, gateway: Running, token: str | None = None) -> None:
        token = token or make_token(SECRET, "operator", seconds=600, user="ann", roles=["admin"])
        headers = {"authorization": f"Bearer {token}"}
        self._client = httpx2.Client(base_url=f"{gateway.url}/admin", headers=headers, timeout=30)

    def __call__(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = self._client.request(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer.text

    def get(self, path: str, **query: Any) -> Any:
        return self("GET", path, params=query)


@pytest.fixture
def admin(gateway: Running) -> Admin:
    return Admin(gateway)


def address(row: AdminRoute) -> str:
    return row.path.replace("{tenant:path}", "acme").replace("{key:path}", "0123")


def test_nobody_comes_in_without_credentials(gateway: Running) -> None:
    for row in ADMIN_ROUTES:
        answer = httpx2.request(row.method, gateway.url + address(row), content=b"{")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), row


def test_who_is_no_administrator_is_refused_whatever_they_send(gateway: Running) -> None:
    for row, roles in product(ADMIN_ROUTES, ([], ["Admin"], ["administrator"], ["admin "])):
        token = make_token(SECRET, "acme", seconds=60, roles=roles)
        answer = httpx2.request(row.method, gateway.url + address(row), headers=bearer(token), content=b"{")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), row
    assert gateway.ask(select(tenants)) == []


def test_every_route_is_in_the_reference_with_its_refusals(gateway: Running) -> None:
    document = httpx2.get(f"{gateway.url}/openapi.json").json()
    for row in ADMIN_ROUTES:
        shown = document["paths"][row.path.replace(":path", "")][row.method.lower()]
        assert {"401", "403", "422", str(row.status)} <= set(shown["responses"])
        assert shown["security"] == [{"bearer": []}]
        assert ("requestBody" in shown) == bool(row.body.model_fields)
        queried = {p["name"] for p in shown["parameters"] if p["in"] == "query"}
        assert queried == {field.alias or name for name, field in row.query.model_fields.items()}


def test_an_administrator_cannot_lock_the_own_door(admin: Admin) -> None:
    admin("POST", "/tenants", 201, json={"id": "operator"})
    refused = admin("PATCH", "/tenants/operator", 409, json={"suspended": True})
    assert "another administrator" in refused["error"]
    assert admin("PATCH", "/tenants/operator", json={"name": "Us"})["suspended"] is False


def test_an_administrators_key_that_is_suspended_or_revoked_opens_nothing(gateway: Running, admin: Admin) -> None:
    made = admin("POST", "/keys", 201, json={"tenant": "staff", "admin": True})
    own = Admin(gateway, made["key"])
    assert own.get("/tenants")["tenants"][0]["id"] == "staff"
    admin("PATCH", "/tenants/staff", json={"suspended": True})
    own("GET", "/tenants", 403)
    admin("PATCH", "/tenants/staff", json={"suspended": False})
    own("GET", "/tenants")
    admin("DELETE", f"/keys/{made['id']}", 204)
    until(lambda: httpx2.get(f"{gateway.url}/admin/plans", headers=bearer(made["key"])).status_code == 401)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@on_both
def test_a_tenant_is_made_shown_changed_and_deleted(gateway: Running, admin: Admin) -> None:
    made = admin("POST", "/tenants", 201, json={"id": "a/b c", "name": " Acme ", "plan": "free"})
    assert (made["id"], made["name"], made["plan"], made["suspended"]) == ("a/b c", "Acme", "free", False)
    assert admin("POST", "/tenants", 409, json={"id": "a/b c"})["code"] == "conflict"
    assert admin("PATCH", "/tenants/a%2Fb%20c", json={"plan": None, "name": "B"})["plan"] is None
    changed = admin("PATCH", "/tenants/a%2Fb%20c", json={"suspended": True})
    assert (changed["name"], changed["suspended"], changed["suspended_at"] is not None) == ("B", True, True)
    shown = admin.get("/tenants/a%2Fb%20c")
    assert (shown["limits"], shown["keys"], shown["usage"]) == ([], 0, [])
    admin("DELETE", "/tenants/a%2Fb%20c", 204)
    admin("GET", "/tenants/a%2Fb%20c", 404)
    admin("DELETE", "/tenants/a%2Fb%20c", 404)
    assert [row["action"] for row in gateway.ask(select(audit).order_by(audit.c.id))] == [
        "tenant.create", "tenant.change", "tenant.suspend", "tenant.delete",
    ]  # fmt: skip


@on_both
def test_one_tenant_is_shown_with_what_it_may_and_what_it_used(gateway: Running, admin: Admin) -> None:
    gateway.post("/api/text-to-image", json={"prompt": "x", "n": 2})
    gateway.post("/api/text-to-speech", json={"text": "one two"})
    gateway.settled(2)
    admin("POST", "/keys", 201, json={"tenant": "acme"})
    expired = admin("POST", "/keys", 201, json={"tenant": "acme", "expires_in_days": 1})
    admin("DELETE", f"/keys/{expired['id']}", 204)
    admin("PUT", "/limits/acme", json={"limits": [{"requests": 9, "per": "minute"}]})
    shown = admin.get("/tenants/acme")
    assert shown["keys"] == 1
    assert shown["limits"] == [{"requests": 9, "per": "minute", "service": "*", "tenant": "acme"}]
    sums = {row["service"]: (row["requests"], row["succeeded"], row["units"], row["unit"]) for row in shown["usage"]}
    assert sums == {"text-to-image": (1, 1, 2, "images"), "text-to-speech": (1, 1, 7, "characters")}
    assert admin.get("/usage/summary", tenant="acme")["sums"] == shown["usage"]
    assert admin.get("/usage/summary", tenant="acme", service="text-to-speech")["sums"] == shown["usage"][1:]


@on_both
def test_a_tenant_with_usage_is_deleted_only_when_that_is_said(gateway: Running, admin: Admin) -> None:
    assert gateway.post("/api/text-to-image", json={"prompt": "x"}).status_code == 200
    gateway.settled(1)
    refused = admin("DELETE", "/tenants/acme", 409)
    assert "1 usage records, 1 artifacts and 0 voices" in refused["error"]
    assert len(gateway.records()) == 1
    assert pictures(gateway)
    admin("DELETE", "/tenants/acme", 204, params={"purge": "true"})
    assert pictures(gateway) == []
    for table in (tenants, usage, artifacts, api_keys):
        assert gateway.ask(select(func.count().label("left")).select_from(table)) == [{"left": 0}]
    [entry] = gateway.ask(select(audit))
    assert json.loads(entry["details"]) == {"name": "acme", "purged": True, "usage": 1, "artifacts": 1, "voices": 0}
    assert (entry["actor"], entry["action"], entry["target"]) == ("operator/ann", "tenant.delete", "acme")


def pictures(gateway: Running) -> list[Path]:
    return [file for file in (gateway.home / "artifacts").rglob("*") if file.is_file() and file.stat().st_size]


@on_both
def test_tenants_are_listed_by_pages_and_found_by_parts_of_their_names(gateway: Running, admin: Admin) -> None:
    for number in range(7):
        admin("POST", "/tenants", 201, json={"id": f"t{number}", "name": f"Company 100%_{number}"})
    first = admin.get("/tenants", limit=5)
    rest = admin.get("/tenants", limit=5, after=first["next"])
    assert [row["id"] for row in first["tenants"] + rest["tenants"]] == [f"t{number}" for number in range(7)]
    assert rest["next"] is None
    assert [row["id"] for row in admin.get("/tenants", search="cOMPANY 100%_3")["tenants"]] == ["t3"]
    assert admin.get("/tenants", search="Company%3")["tenants"] == [], "% is a letter like any other"
    assert len(admin.get("/tenants", limit=7)["tenants"]) == 7
    assert admin.get("/tenants", limit=7)["next"] is None


@on_both
def test_a_key_is_shown_once_and_opens_what_it_is_for(gateway: Running, admin: Admin) -> None:
    wanted = {"tenant": "acme", "name": "web", "services": ["text-to-speech"], "expires_at": "2999-01-01T00:00:00Z"}
    made = admin("POST", "/keys", 201, json=wanted)
    assert (made["services"], made["expires_at"]) == (["text-to-speech"], "2999-01-01T00:00:00Z")
    [listed] = admin.get("/keys", tenant="acme")["keys"]
    assert listed == {name: value for name, value in made.items() if name not in {"key", "note"}}
    heard = {"headers": bearer(made["key"]), "json": {"text": "one"}}
    assert httpx2.post(f"{gateway.url}/api/text-to-speech", **heard).status_code == 200
    drawn = {"headers": bearer(made["key"]), "json": {"prompt": "x"}}
    assert httpx2.post(f"{gateway.url}/api/text-to-image", **drawn).status_code == 403
    changed = admin("PATCH", f"/keys/{made['id']}", json={"services": None, "name": "all"})
    assert (changed["services"], changed["name"], changed["expires_at"]) == (None, "all", "2999-01-01T00:00:00Z")
    until(lambda: httpx2.post(f"{gateway.url}/api/text-to-image", **drawn).status_code == 200)
    admin("DELETE", f"/keys/{made['id']}", 204)
    until(lambda: httpx2.post(f"{gateway.url}/api/text-to-speech", **heard).status_code == 401)
    admin("DELETE", f"/keys/{made['id']}", 404)
    admin("PATCH", f"/keys/{made['id']}", 404, json={"name": "x"})
    entries = gateway.ask(select(audit).order_by(audit.c.id))
    assert [(row["action"], row["target"], row["tenantId"]) for row in entries] == [
        (f"key.{act}", made["id"], "acme") for act in ("create", "change", "revoke")
    ]
    assert made["key"].split("_", 2)[2] not in str(entries)


def test_an_administrators_key_acts_for_its_own_tenant_alone(gateway: Running, admin: Admin) -> None:
    gateway.post("/api/text-to-image", json={"prompt": "x"})
    made = admin("POST", "/keys", 201, json={"tenant": "staff", "admin": True})
    own = httpx2.get(f"{gateway.url}/api/usage", headers=bearer(made["key"]), params={"tenant": "acme"}).json()
    assert own["total"] == 0
    assert Admin(gateway, made["key"]).get("/audit")["entries"][0]["actor"] == "operator/ann"
    Admin(gateway, made["key"])("POST", "/tenants", 201, json={"id": "new"})
    assert admin.get("/audit")["entries"][0]["actor"] == f"staff/key:{made['id']}"


@on_both
def test_limits_are_replaced_shown_and_taken_away(gateway: Running, admin: Admin) -> None:
    admin("PUT", "/limits/acme", 404, json={"limits": []})
    admin("POST", "/tenants", 201, json={"id": "acme"})
    rules = [
        {"requests": 5, "per": "hour"},
        {"cost": 1.5, "per": "month"},
        {"concurrent": 2, "service": "text-to-image"},
    ]
    admin("PUT", "/limits/acme", json={"limits": rules})
    shown = admin.get("/limits/acme")
    own = {(row["service"], row.get("requests"), row.get("cost"), row.get("concurrent")) for row in shown["limits"]}
    assert own == {("*", 5, None, None), ("*", None, 1.5, None), ("text-to-image", None, None, 2)}
    assert admin("PUT", "/limits/acme", json={"limits": shown["limits"]}) == shown, "what is shown can be sent back"
    assert len(admin("PUT", "/limits/acme", json={"limits": rules[:1]})["limits"]) == 1
    admin("DELETE", "/limits/acme", 204)
    assert admin.get("/limits/acme") == {"tenant": "acme", "limits": []}
    assert [row["action"] for row in gateway.ask(select(audit).order_by(audit.c.id))] == [
        "tenant.create", "limits.set", "limits.set", "limits.set", "limits.unset",
    ]  # fmt: skip


def test_plans_are_those_of_the_settings_and_are_only_read(gateway: Running, admin: Admin) -> None:
    shown = admin.get("/plans")
    assert shown["plans"]["free"]["limits"] == [{"requests": 3, "per": "day", "service": "*", "tenant": "*"}]
    assert (shown["plans"]["pro"]["cache"], shown["plans"]["pro"]["retention_days"]) == (True, 30)
    assert shown["read_only"] is True
    assert "atelier.toml" in shown["note"]
    admin("POST", "/plans", 405, json={})


@on_both
def test_the_log_is_filtered_and_paged(gateway: Running, admin: Admin) -> None:
    for number in range(5):
        admin("POST", "/tenants", 201, json={"id": f"t{number}"})
    admin("PATCH", "/tenants/t3", json={"name": "Three"})
    everything = admin.get("/audit")["entries"]
    assert [entry["target"] for entry in everything] == ["t3", "t4", "t3", "t2", "t1", "t0"]
    assert everything[0]["details"] == {"name": {"from": "t3", "to": "Three"}}
    first = admin.get("/audit", limit=4)
    assert first["entries"] + admin.get("/audit", limit=4, after=first["next"])["entries"] == everything
    assert [entry["action"] for entry in admin.get("/audit", tenant="t3")["entries"]] == [
        "tenant.change",
        "tenant.create",
    ]
    assert len(admin.get("/audit", action="tenant.create")["entries"]) == 5
    assert len(admin.get("/audit", actor="operator/ann", target="t3")["entries"]) == 2
    middle = everything[2]["created_at"]
    assert admin.get("/audit", **{"from": middle})["entries"] == everything[:3]
    assert admin.get("/audit", to=middle)["entries"] == everything[3:]
    request = httpx2.post(
        f"{gateway.url}/admin/tenants",
        json={"id": "t9"},
        headers=bearer(make_token(SECRET, "o", seconds=60, roles=["admin"])),
    )
    newest = admin.get("/audit", limit=1)["entries"][0]
    assert (newest["actor"], newest["request_id"]) == ("o", request.headers["x-request-id"])


MALFORMED: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("POST", "/tenants", {"json": {}}, 422, "id: is required"),
    ("POST", "/tenants", {"json": {"id": ""}}, 422, "id: must be 1 to 128"),
    ("POST", "/tenants", {"json": {"id": "a\0b"}}, 422, "id: must be 1 to 128"),
    ("POST", "/tenants", {"json": {"id": "a", "name": "a\nb"}}, 422, "name: must be printable"),
    ("POST", "/tenants", {"json": {"id": "a", "nmae": "b"}}, 422, "nmae: unknown field; did you mean name?"),
    ("POST", "/tenants", {"json": {"id": "a", "plan": "gold"}}, 422, "no plan 'gold'; there are free, pro"),
    ("POST", "/tenants", {"json": []}, 422, "body: must be a JSON object"),
    ("POST", "/tenants", {"content": b"{"}, 422, "body: not valid JSON"),
    ("POST", "/tenants", {"content": b'{"id": "\\ud800"}'}, 422, "body: not valid JSON"),
    ("POST", "/tenants", {"data": {"id": "a"}}, 415, "send application/json"),
    ("PATCH", "/tenants/acme", {"json": {"name": None}}, 422, "name: "),
    ("PATCH", "/tenants/acme", {"json": {"name": "  "}}, 422, "name: must not be empty"),
    ("PATCH", "/tenants/acme", {"json": {"plan": "gold"}}, 422, "no plan 'gold'"),
    ("PATCH", "/tenants/nobody", {"json": {"name": "x"}}, 404, "There is no tenant 'nobody'"),
    ("PATCH", "/tenants/a%00b", {"json": {"name": "x"}}, 404, "There is no tenant"),
    ("GET", "/tenants?limit=0", {}, 422, "limit: "),
    ("GET", "/tenants?limit=1000000", {}, 422, "limit: "),
    ("GET", "/tenants?search=%00", {}, 422, "search: must be printable"),
    ("GET", "/tenants?search=a&search=b", {}, 422, "given twice"),
    ("GET", "/tenants?serach=a", {}, 422, "did you mean search?"),
    ("DELETE", "/tenants/acme?purge=perhaps", {}, 422, "purge: "),
    ("POST", "/keys", {"json": {"tenant": "acme", "services": ["text-to-smell"]}}, 422, "no service 'text-to-smell'"),
    ("POST", "/keys", {"json": {"tenant": "acme", "services": []}}, 422, "services: must not be empty"),
    ("POST", "/keys", {"json": {"tenant": "acme", "expires_at": "2020-01-01T00:00:00Z"}}, 422, "is in the past"),
    ("POST", "/keys", {"json": {"tenant": "acme", "expires_at": "2999-01-01T00:00:00"}}, 422, "expires_at: "),
    ("POST", "/keys", {"json": {"tenant": "acme", "expires_at": "9999-12-31T23:59:59-14:00"}}, 422, "before 9000"),
    ("POST", "/keys", {"json": {"tenant": "acme", "expires_in_days": 1e9}}, 422, "expires_in_days: "),
    (
        "POST", "/keys",
        {"json": {"tenant": "acme", "expires_in_days": 1, "expires_at": "2999-01-01T00:00:00Z"}}, 422, "not both",
    ),
    ("PATCH", "/keys/0123", {"json": {"name": "x"}}, 404, "no such key"),
    ("DELETE", "/keys/atl_%00", {}, 404, "There is no key"),
    ("PUT", "/limits/acme", {"json": {}}, 422, "limits: is required"),
    ("PUT", "/limits/acme", {"json": {"limits": [{}]}}, 422, "exactly one of requests"),
    ("PUT", "/limits/acme", {"json": {"limits": [{"requests": 1, "per": "month"}]}}, 422, "can be limited per second"),
    ("PUT", "/limits/acme", {"json": {"limits": [{"requests": 10**18}]}}, 422, "limits.0.requests"),
    ("PUT", "/limits/acme", {"json": {"limits": [{"units": 1e10}]}}, 422, "limits.0.units"),
    ("PUT", "/limits/acme", {"json": {"limits": [{"units": -1}]}}, 422, "limits.0.units"),
    ("PUT", "/limits/acme", {"json": {"limits": [{"units": 1}, {"units": 2}]}}, 422, "two are of the same"),
    ("PUT", "/limits/acme", {"json": {"limits": [{"units": 1, "tenant": "other"}]}}, 422, "leave it out"),
    ("GET", "/usage?from=yesterday", {}, 422, "from: must look like 2026-01-31"),
    ("GET", "/usage?from=17", {}, 422, "from: must look like 2026-01-31"),
    ("GET", "/usage?from=2026-02-01&to=2026-01-01", {}, 422, "from: must be before to"),
    ("GET", "/usage?format=xml", {}, 422, "format: "),
    ("GET", "/usage?service=text-to-smell", {}, 422, "service: no service"),
    ("GET", "/audit?action=tenant.eat", {}, 422, "action: "),
]  # fmt: skip


@on_both
def test_what_cannot_be_is_refused_naming_the_field(gateway: Running, admin: Admin) -> None:
    admin("POST", "/tenants", 201, json={"id": "acme"})
    for method, path, more, status, said in MALFORMED:
        answer = admin(method, path, status, **more)
        assert said in answer["error"], (method, path, more, answer)
    assert len(gateway.ask(select(audit))) == 1
    assert [row["id"] for row in gateway.ask(select(tenants))] == ["acme"]
    for edge in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01", "2026-01-01T00:00:00"):
        admin.get("/usage/summary", **{"from": edge})


def test_the_answers_name_every_service_that_there_is(gateway: Running, admin: Admin) -> None:
    for service in SERVICES:
        assert admin("POST", "/keys", 201, json={"tenant": "acme", "services": [service]})["services"] == [service]
