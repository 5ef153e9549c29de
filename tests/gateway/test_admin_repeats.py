"""Administrative acts under an idempotency key: done once, and a secret is shown once however often it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis as redis_driver
from sqlalchemy import select

from atelier.gateway.auth import make_token
from atelier.gateway.faces.admin import ADMIN_ROUTES
from atelier.state.tables import api_keys, audit, tenants
from redis_server import Redis
from running_gateway import SECRET, Running, opened

NEW_KEY = {"tenant": "acme", "name": "web"}


@pytest.fixture
def shared(redis: Redis) -> dict[str, Any]:
    return {"redis_url": redis.url, "redis_prefix": redis.new_prefix()}


@pytest.fixture(params=["memory", "redis"])
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    where = request.getfixturevalue("shared") if request.param == "redis" else {}
    with opened(tmp_path, **where) as serving:
        yield serving


def post(gateway: Running, path: str, body: dict[str, Any], key: str, *, by: str = "operator") -> httpx2.Response:
    token = make_token(SECRET, by, seconds=60, roles=["admin"])
    headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
    return httpx2.post(f"{gateway.url}/admin{path}", headers=headers, json=body, timeout=30)


def test_a_repeat_makes_no_second_key_and_shows_no_secret(gateway: Running) -> None:
    first, again = (post(gateway, "/keys", NEW_KEY, "one") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["key"].startswith(f"atl_{first.json()['id']}_")
    assert "shown this once" in first.json()["note"]
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["cache-control"] == "no-store"
    assert again.json() == first.json() | {"key": None, "note": again.json()["note"]}
    assert "was shown in the first answer" in again.json()["note"]
    assert [row["id"] for row in gateway.ask(select(api_keys))] == [first.json()["id"]]
    assert len(gateway.ask(select(audit))) == 1


def test_of_many_at_once_one_is_made(gateway: Running) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: post(gateway, "/keys", NEW_KEY, "one"), range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert sum(answer.json()["key"] is not None for answer in answers) == 1
    assert len(gateway.ask(select(api_keys))) == 1


def test_a_tenant_is_made_once_and_both_hear_of_it(gateway: Running) -> None:
    first, again = (post(gateway, "/tenants", {"id": "new"}, "one") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert len(gateway.ask(select(audit))) == 1


def test_another_body_is_a_conflict_and_another_administrators_key_another(gateway: Running) -> None:
    post(gateway, "/tenants", {"id": "new"}, "one")
    refused = post(gateway, "/tenants", {"id": "newer"}, "one")
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_conflict")
    assert post(gateway, "/tenants", {"id": "newer"}, "one", by="other").status_code == 201
    assert post(gateway, "/keys", NEW_KEY, "one").status_code == 201


def test_a_refusal_leaves_the_key_free(gateway: Running) -> None:
    assert post(gateway, "/tenants", {"id": ""}, "one").status_code == 422
    assert post(gateway, "/tenants", {"id": "new"}, "one").status_code == 201
    assert post(gateway, "/tenants", {"id": "x"}, "x" * 256).json()["field"] == "Idempotency-Key"
    assert [row["id"] for row in gateway.ask(select(tenants))] == ["new"]


def test_nobody_but_an_administrator_gets_the_kept_answer(gateway: Running) -> None:
    post(gateway, "/tenants", {"id": "new"}, "one")
    headers = gateway.headers("operator") | {"idempotency-key": "one"}
    assert httpx2.post(f"{gateway.url}/admin/tenants", headers=headers, json={"id": "new"}).status_code == 403
    assert httpx2.post(f"{gateway.url}/admin/tenants", headers={"idempotency-key": "one"}).status_code == 401


def test_no_secret_lies_in_redis(tmp_path: Path, shared: dict[str, Any]) -> None:
    with opened(tmp_path, **shared) as gateway, redis_driver.Redis.from_url(shared["redis_url"]) as server:
        made = post(gateway, "/keys", NEW_KEY, "one").json()
        kept = [
            server.get(name) or b""
            for name in server.keys(f"{shared['redis_prefix']}:idem:*")
            if server.type(name) == b"string"
        ]
        assert any(made["id"].encode() in value for value in kept)
        assert not any(made["key"].split("_", 2)[2].encode() in value for value in kept)


def test_the_reference_has_the_header_on_every_post(gateway: Running) -> None:
    paths = httpx2.get(f"{gateway.url}/openapi.json").json()["paths"]
    posts = [shown["post"] for shown in paths.values() if "post" in shown]
    assert len(posts) > sum(row.method == "POST" for row in ADMIN_ROUTES) == 2
    for shown in posts:
        assert "Idempotency-Key" in {parameter["name"] for parameter in shown["parameters"]}
        assert {"409", "504"} <= set(shown["responses"])
