"""Tokens of the product's own and API keys: two secrets at a time, whom they are for, how long they are remembered."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import jwt
import pytest
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine

from atelier.errors import NotFound, Unauthenticated
from atelier.gateway.artifacts import PATH, create_artifacts
from atelier.gateway.auth import Auth, make_token
from atelier.gateway.auth.claims import Terms, grant
from atelier.gateway.auth.memory import Memory
from atelier.settings import Settings
from atelier.state.audit import Actor
from atelier.state.database import open_database
from atelier.state.keys import create_key, revoke_key
from running_gateway import SECRET, Running, opened
from servers import until

CLIENT = httpx2.Client(timeout=30)
PREVIOUS = "the-secret-before-of-forty-characters-ok"

OPERATOR = Actor("cli:ann")


def status(gateway: Running, token: str) -> int:
    return CLIENT.get(f"{gateway.url}/api/limits", headers={"authorization": f"Bearer {token}"}).status_code


def test_two_secrets_are_good_while_one_replaces_the_other(tmp_path: Path) -> None:
    ours, before, other = (make_token(key, "acme", seconds=60) for key in (SECRET, PREVIOUS, "o" * 40))
    with opened(tmp_path) as gateway:
        assert [status(gateway, token) for token in (ours, before, other)] == [200, 401, 401]
    with opened(tmp_path, jwt_secret_previous=SecretStr(PREVIOUS)) as gateway:
        assert [status(gateway, token) for token in (ours, before, other)] == [200, 200, 401]


async def test_links_that_the_secret_before_signed_are_good_to_their_end(tmp_path: Path, database: AsyncEngine) -> None:
    before = create_artifacts(Settings(home=tmp_path), database, PREVIOUS)
    link = urlsplit(before.link(await before.put("acme", "a request", b"kept", "image/png"), ""))
    name, query = link.path.removeprefix(PATH), dict(parse_qsl(link.query))
    both = Settings(home=tmp_path, jwt_secret_previous=SecretStr(PREVIOUS))
    rotating = create_artifacts(both, database, SECRET)
    assert (await rotating.of_link(name, **query)).tenant == "acme"
    assert link.query != urlsplit(rotating.link(name, "")).query
    with pytest.raises(NotFound):
        await create_artifacts(Settings(home=tmp_path), database, SECRET).of_link(name, **query)


def test_issuer_and_audience_are_asked_where_they_are_set(tmp_path: Path) -> None:
    def token(**claims: Any) -> str:
        return jwt.encode({"tenantId": "acme", "exp": time.time() + 60, **claims}, SECRET, algorithm="HS256")

    with opened(tmp_path, jwt_issuer="shop", jwt_audience="atelier") as gateway:
        assert status(gateway, token(iss="shop", aud="atelier")) == 200
        assert status(gateway, make_token(SECRET, "acme", seconds=60, issuer="shop", audience="atelier")) == 200
        for claims in (
            {},
            {"iss": "shop"},
            {"aud": "atelier"},
            {"iss": "shop", "aud": "x"},
            {"iss": "x", "aud": "atelier"},
        ):
            assert status(gateway, token(**claims)) == 401


def test_a_remembered_token_ends_when_it_ends(tmp_path: Path) -> None:
    with opened(tmp_path, jwt_leeway_seconds=0) as gateway:
        end = time.time() + 3
        token = jwt.encode({"tenantId": "acme", "exp": end}, SECRET, algorithm="HS256")
        assert status(gateway, token) == 200
        until(lambda: status(gateway, token) == 401)
        assert time.time() >= end


def test_a_revoked_key_stops_within_seconds_at_a_running_gateway(tmp_path: Path) -> None:
    with opened(tmp_path) as gateway:
        key = _create_key(tmp_path)
        assert status(gateway, key) == 200
        with sqlite3.connect(tmp_path / "atelier.db") as database:  # as another process does it
            database.execute("""UPDATE "ApiKey" SET "revokedAt" = '2026-01-01 00:00:00.000000'""")
        until(lambda: status(gateway, key) == 401)


def _create_key(home: Path) -> str:
    async def create() -> str:
        database = await open_database(f"sqlite+aiosqlite:///{home / 'atelier.db'}")
        async with database.begin() as connection:
            key = await create_key(connection, "acme", by=OPERATOR)
        await database.dispose()
        return key

    return asyncio.run(create())


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = await open_database(f"sqlite+aiosqlite:///{tmp_path / 'atelier.db'}")
    yield engine
    await engine.dispose()


async def test_the_owner_of_a_key_is_remembered_where_that_is_said(database: AsyncEngine) -> None:
    auth = Auth(SECRET, database, key_seconds=60)
    async with database.begin() as connection:
        key = await create_key(connection, "acme", by=OPERATOR)
    headers = {"authorization": f"Bearer {key}"}
    owner = await auth.caller(headers)
    async with database.begin() as connection:
        await revoke_key(connection, key, by=OPERATOR)
    assert await auth.caller(headers) is owner
    with pytest.raises(Unauthenticated, match="API key is not valid"):
        await Auth(SECRET, database, key_seconds=60).caller(headers)


def test_memory_is_bounded_in_number_and_time() -> None:
    memory: Memory[str] = Memory(2)
    memory.put("a", "A", 60)
    memory.put("b", "B", 60)
    assert memory.get("a") == "A"  # used last, so "b" makes room
    memory.put("c", "C", 60)
    assert (memory.get("a"), memory.get("b"), memory.get("c"), len(memory)) == ("A", None, "C", 2)
    memory.put("d", "D", 0)
    memory.put("e", "E", -5)
    memory.put("a", "A", 0.001)
    until(lambda: memory.get("a") is None)
    assert (memory.get("d"), memory.get("e"), len(memory)) == (None, None, 1)


@pytest.mark.parametrize(
    ("terms", "claims", "tenant", "roles"),
    [
        (Terms(), {"tenantId": "a", "tenant_id": "b", "roles": ["admin", 7]}, "a", ("admin",)),
        (Terms(tenant=("https://x.example/tenant",)), {"https://x.example/tenant": "a"}, "a", ()),
        (Terms(tenant=("org.id",)), {"org": {"id": "a"}}, "a", ()),
        (Terms(tenant=("org.id",)), {"org.id": "a", "org": {"id": "b"}}, "a", ()),
        (Terms(roles="realm.roles"), {"tenantId": "a", "roles": ["admin"], "realm": {"roles": ["x"]}}, "a", ("x",)),
        (Terms(roles="realm.roles"), {"tenantId": "a", "roles": ["admin"], "realm": "admin"}, "a", ()),
        (Terms(), {"tenantId": "a", "roles": "admin"}, "a", ()),
    ],
)
def test_claims_are_found_by_name_or_by_path(
    terms: Terms, claims: dict[str, Any], tenant: str, roles: tuple[str, ...]
) -> None:
    caller = grant({"exp": 100, **claims}, terms, 0).caller
    assert (caller.tenant, caller.roles) == (tenant, roles)


def test_the_leeway_is_what_it_is_set_to() -> None:
    terms = Terms(leeway=5)
    assert grant({"exp": 100, "nbf": 109, "iat": 100, "tenantId": "a"}, terms, 104).until == 105
    for claims in ({"exp": 99}, {"exp": 200, "nbf": 110}, {"exp": 200, "iat": 110}):
        with pytest.raises(Unauthenticated):
            grant({"tenantId": "a", **claims}, terms, 104)
