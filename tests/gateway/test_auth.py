"""Who may come in, and which forgeries may not."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from sqlalchemy import text

from atelier.errors import Unauthenticated
from atelier.gateway.auth import Auth, make_token
from atelier.state.audit import Actor
from atelier.state.database import Database
from atelier.state.keys import create_key, revoke_key
from postgres_server import on_both

SECRET = "s" * 40
OPERATOR = Actor("cli:ann")


@pytest.fixture
def auth(database: Database) -> Auth:
    return Auth(SECRET, database)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def signed(claims: dict[str, Any], secret: str = SECRET, **more: Any) -> str:
    return jwt.encode({"exp": time.time() + 60, **claims}, secret, **{"algorithm": "HS256", **more})


async def test_a_token_names_its_tenant_and_user(auth: Auth) -> None:
    caller = await auth.caller(bearer(make_token(SECRET, "acme", seconds=60, user="ann", roles=["admin"])))
    assert (caller.tenant, caller.user, caller.roles) == ("acme", "ann", ("admin",))


async def test_both_spellings_of_the_tenant_are_read(auth: Auth) -> None:
    assert (await auth.caller(bearer(signed({"tenant_id": "beta"})))).tenant == "beta"


def _unsigned(header: dict[str, Any]) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part(header)}.{part({'tenantId': 'acme', 'exp': time.time() + 60})}."


FORGERIES = {
    "nothing": "",
    "not a token": "abc",
    "another secret": signed({"tenantId": "acme"}, secret="t" * 40),
    "another algorithm": signed({"tenantId": "acme"}, algorithm="HS512"),
    "alg none": _unsigned({"alg": "none", "typ": "JWT"}),
    "alg None": _unsigned({"alg": "None", "typ": "JWT"}),
    "expired": signed({"tenantId": "acme", "exp": time.time() - 60}),
    "no expiry": jwt.encode({"tenantId": "acme"}, SECRET, algorithm="HS256"),
    "not yet valid": signed({"tenantId": "acme", "nbf": time.time() + 600}),
    "no tenant": signed({"sub": "ann"}),
    "empty tenant": signed({"tenantId": ""}),
    "tenant is no text": signed({"tenantId": 7}),
    "tenant with a line break": signed({"tenantId": "a\nb"}),
    "endless": "a" * 10_000,
    "key of nobody": "atl_0123456789abcdef_" + "x" * 43,
    "key without parts": "atl_",
}


@pytest.mark.parametrize("token", FORGERIES.values(), ids=FORGERIES)
async def test_forgeries_are_refused(auth: Auth, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await auth.caller(bearer(token))


async def test_an_edited_token_is_refused(auth: Auth) -> None:
    head, body, signature = make_token(SECRET, "acme", seconds=60).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["tenantId"] = "other"
    edited = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated):
        await auth.caller(bearer(f"{head}.{edited}.{signature}"))


async def test_other_schemes_are_refused(auth: Auth) -> None:
    token = make_token(SECRET, "acme", seconds=60)
    for headers in ({}, {"authorization": token}, {"authorization": f"Basic {token}"}):
        with pytest.raises(Unauthenticated, match="Authorization: Bearer"):
            await auth.caller(headers)


async def test_what_was_checked_a_moment_ago_is_remembered(auth: Auth) -> None:
    token = make_token(SECRET, "acme", seconds=60)
    sent = [(b"host", b"here"), (b"authorization", f"bearer  {token}".encode())]
    assert auth.remembered(sent) is None
    caller = await auth.caller(bearer(token))
    assert auth.remembered(sent) == caller
    for other in (
        [*sent, sent[1]],
        sent[:1],
        [(b"authorization", b"Basic " + token.encode())],
        [(b"authorization", b"")],
    ):
        assert auth.remembered(other) is None


@on_both
async def test_a_key_opens_for_its_tenant_until_it_is_revoked(auth: Auth, database: Database) -> None:
    async with database.begin() as connection:
        key = await create_key(connection, "acme", by=OPERATOR)
    assert (await auth.caller(bearer(key))).tenant == "acme"
    with pytest.raises(Unauthenticated):
        await auth.caller(bearer(key[:-1] + ("a" if key[-1] != "a" else "b")))
    async with database.begin() as connection:
        assert await revoke_key(connection, key, by=OPERATOR)
    with pytest.raises(Unauthenticated):
        await auth.caller(bearer(key))


@on_both
async def test_keys_are_stored_as_hashes(database: Database) -> None:
    async with database.begin() as connection:
        key = await create_key(connection, "acme", by=OPERATOR)
        stored = str((await connection.execute(text('SELECT * FROM "ApiKey"'))).all())
    assert key.split("_", 2)[2] not in stored
