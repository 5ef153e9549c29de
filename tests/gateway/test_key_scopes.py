"""Keys and tokens that are for some services, that end, and that say when they were last used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import httpx2
import jwt
import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.errors import Forbidden, Unauthenticated
from atelier.gateway.auth import Auth, Caller, make_token
from atelier.gateway.auth.last_used import LastUsed
from atelier.gateway.tenants import FRESH_SECONDS, PLAIN, SERVED_SECONDS, TenantFacts, permit
from atelier.state.audit import Actor
from atelier.state.database import Database, open_database
from atelier.state.keys import KeyOwner, create_key, find_owner, key_id, list_keys
from atelier.state.records import Key
from atelier.state.tables import api_keys, artifacts, now, tenants, usage
from atelier.state.tenants import ensure_tenant
from postgres_server import on_both, running_postgres
from running_gateway import SECRET, Running
from servers import until

OPERATOR = Actor("cli:ann")


@pytest.fixture
async def auth(database: Database) -> AsyncIterator[Auth]:
    auth = Auth(SECRET, database, key_seconds=60)
    auth.start()
    yield auth
    await auth.stop()


async def made(database: Database, **more: object) -> str:
    async with database.begin() as connection:
        return await create_key(connection, "acme", by=OPERATOR, **more)  # type: ignore[arg-type]


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@on_both
async def test_a_key_is_for_the_services_that_it_names(auth: Auth, database: Database) -> None:
    caller = await auth.caller(bearer(await made(database, services=["text-to-speech", "image-to-text"])))
    assert (caller.may("text-to-speech"), caller.may("image-to-text"), caller.may("text-to-image")) == (1, 1, 0)
    assert not caller.is_admin
    every = await auth.caller(bearer(await made(database, admin=True)))
    assert (every.services, every.may("text-to-image"), every.is_admin) == (None, True, True)


async def test_a_token_is_for_the_services_that_it_names(auth: Auth) -> None:
    caller = await auth.caller(bearer(make_token(SECRET, "acme", seconds=60, services=["text-to-speech"])))
    assert (caller.may("text-to-speech"), caller.may("text-to-image")) == (True, False)
    none = await auth.caller(bearer(make_token(SECRET, "acme", seconds=60, services=[])))
    assert not none.may("text-to-speech")
    assert (await auth.caller(bearer(make_token(SECRET, "acme", seconds=60, roles=["admin"])))).is_admin


@pytest.mark.parametrize("services", ["text-to-speech", {"text-to-speech": True}, [1], True])
async def test_services_that_cannot_be_read_do_not_open_every_one(auth: Auth, services: object) -> None:
    claims = {"tenantId": "acme", "exp": time.time() + 60, "services": services}
    with pytest.raises(Unauthenticated, match="services is not a list"):
        await auth.caller(bearer(jwt.encode(claims, SECRET, algorithm="HS256")))


@on_both
async def test_a_key_whose_time_is_over_is_refused_and_told_why(auth: Auth, database: Database) -> None:
    with pytest.raises(Unauthenticated, match="has expired"):
        await auth.caller(bearer(await made(database, expires_at=now() - timedelta(seconds=1))))
    assert (await auth.caller(bearer(await made(database, expires_at=now() + timedelta(days=1))))).tenant == "acme"


async def test_a_key_is_not_remembered_past_its_end(auth: Auth, database: Database) -> None:
    key = await made(database, expires_at=now() + timedelta(seconds=2))
    await auth.caller(bearer(key))
    end = time.monotonic() + 60

    async def ask_until_refused() -> None:
        while time.monotonic() < end:
            await asyncio.sleep(0.01)
            await auth.caller(bearer(key))

    with pytest.raises(Unauthenticated, match="has expired"):
        await ask_until_refused()


async def test_who_has_only_the_public_part_learns_nothing_of_a_key(auth: Auth, database: Database) -> None:
    key = await made(database, expires_at=now() - timedelta(days=1))
    with pytest.raises(Unauthenticated, match="is not valid"):
        await auth.caller(bearer(f"atl_{key_id(key)}_{'x' * 43}"))


class Counted:
    """A database, and how often it was asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked = 0

    def connect(self) -> AbstractAsyncContextManager[AsyncConnection]:
        self.asked += 1
        return self._database.connect()


async def test_a_wrong_key_is_looked_up_once_in_a_while(database: Database) -> None:
    counted, key = Counted(database), await made(database)
    auth = Auth(SECRET, counted, key_seconds=2)  # type: ignore[arg-type]
    wrong = f"{key[:-1]}{'a' if key[-1] != 'a' else 'b'}"
    for _ in range(5):
        with pytest.raises(Unauthenticated, match="The API key is not valid"):
            await auth.caller(bearer(wrong))
    assert counted.asked == 1
    assert (await auth.caller(bearer(key))).tenant == "acme", "one of the same id is not harmed"
    end = time.monotonic() + 60
    while counted.asked == 2 and time.monotonic() < end:
        await asyncio.sleep(0.02)
        with pytest.raises(Unauthenticated):
            await auth.caller(bearer(wrong))
    assert counted.asked == 3


async def test_wrong_keys_drive_no_good_one_out(database: Database) -> None:
    counted = Counted(database)
    auth = Auth(SECRET, counted, key_seconds=60)  # type: ignore[arg-type]
    first, *_ = keys = [await made(database) for _ in range(2)]
    await auth.caller(bearer(first))
    for number in range(50):
        with pytest.raises(Unauthenticated):
            await auth.caller(bearer(f"atl_{number:016x}_{'x' * 43}"))
    asked = counted.asked
    await auth.caller(bearer(first))
    assert counted.asked == asked
    assert (await auth.caller(bearer(keys[1]))).tenant == "acme", "and a new one opens at once"


async def test_a_key_whose_end_was_moved_opens_at_once(auth: Auth, database: Database) -> None:
    key = await made(database, expires_at=now() - timedelta(seconds=1))
    with pytest.raises(Unauthenticated, match="has expired"):
        await auth.caller(bearer(key))
    async with database.begin() as connection:
        await connection.execute(update(api_keys).values(expiresAt=now() + timedelta(days=1)))
    assert (await auth.caller(bearer(key))).tenant == "acme"


@on_both
async def test_when_a_key_was_last_used_is_written_beside_the_requests(database: Database) -> None:
    keys = [await made(database) for _ in range(3)]
    auth = Auth(SECRET, database)
    before = now()
    auth.start()
    for key in keys[:2]:
        await auth.caller(bearer(key))
    assert [key.last_used_at for key in await shown(database)] == [None] * 3, "no request waits for this"
    await auth.stop()
    used = {key.id: key.last_used_at for key in await shown(database)}
    assert used[key_id(keys[2])] is None
    assert all((used[key_id(key)] or before) > before for key in keys[:2])


async def shown(database: Database) -> list[Key]:
    async with database.connect() as connection:
        return await list_keys(connection, "acme")


@on_both
async def test_a_later_use_at_another_gateway_stays(database: Database) -> None:
    key = key_id(await made(database))
    later = now() + timedelta(minutes=1)
    async with database.begin() as connection:
        await connection.execute(update(api_keys).values(lastUsedAt=later))
    last_used = LastUsed(database)
    last_used.note(key)
    await last_used.write()
    assert [key.last_used_at for key in await shown(database)] == [later]


async def test_uses_are_written_again_and_again_while_it_runs(database: Database) -> None:
    key = key_id(await made(database))
    last_used = LastUsed(database, seconds=0.01)
    last_used.start()
    last_used.note(key)
    async with asyncio.timeout(60):
        while (await shown(database))[0].last_used_at is None:
            pass
    await last_used.stop()


async def test_what_cannot_be_written_is_lost_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    with running_postgres() as server:
        database = await open_database(server.new_database())
        key = await made(database)
        auth = Auth(SECRET, database)
        auth.start()
        await auth.caller(bearer(key))
        server.stop()
        await auth.stop()
        await database.dispose()
    logged = capfd.readouterr()
    assert "Traceback" not in logged.err + logged.out


@on_both
async def test_a_row_of_another_program_opens_nothing_by_mistake(database: Database) -> None:
    key = await made(database)
    async with database.begin() as connection:
        await connection.execute(update(api_keys).values(services=""))
        owner = await find_owner(connection, key)
    assert isinstance(owner, KeyOwner)
    assert owner.services == frozenset({""})


def test_permit_says_what_is_not_allowed() -> None:
    permit(Caller("acme"), PLAIN, "text-to-image")
    with pytest.raises(Forbidden, match="not for text-to-image"):
        permit(Caller("acme", services=frozenset({"text-to-speech"})), PLAIN, "text-to-image")
    with pytest.raises(Forbidden, match="suspended; ask its operator"):
        permit(Caller("acme", roles=("admin",)), TenantFacts(suspended=True), "text-to-image")


@on_both
def test_the_gateway_asks_for_the_scope_on_both_faces(gateway: Running) -> None:
    token = make_token(SECRET, "acme", seconds=60, services=["text-to-speech"])
    for path in ("/api/text-to-image", "/v1/images/generations"):
        refused = httpx2.post(gateway.url + path, headers=bearer(token), json={"prompt": "x"})
        assert refused.status_code == 403
        assert "text-to-image" in refused.text
    heard = httpx2.post(f"{gateway.url}/api/text-to-speech", headers=bearer(token), json={"text": "one"})
    assert heard.status_code == 200, heard.text
    assert [row["service"] for row in gateway.records()] == ["text-to-speech"], "a refused request is not metered"


OWN = ("/api/usage", "/api/limits", "/v1/models", "/v1/models/paint", "/api/artifacts", "/metrics")


@on_both
def test_a_suspended_tenant_is_refused_within_seconds_and_let_in_again(gateway: Running) -> None:
    """Asked by a GET, which takes no place in a limit however often it is asked."""
    assert gateway.get("/api/limits").status_code == 200
    gateway.ask(insert(tenants).values(id="acme", name="Acme", suspendedAt=now()))
    until(lambda: gateway.get("/api/limits").status_code == 403)
    assert {gateway.get(path).status_code for path in OWN} == {403}
    assert httpx2.delete(f"{gateway.url}/api/artifacts?all=true", headers=gateway.headers()).status_code == 403
    assert gateway.post("/api/text-to-speech", json={"text": "one"}).status_code == 403
    assert "suspended" in gateway.post("/v1/audio/speech", json={"input": "one"}).json()["error"]["message"]
    gateway.ask(update(tenants).where(tenants.c.id == "acme").values(suspendedAt=None))
    until(lambda: gateway.get("/api/limits").status_code == 200)
    assert gateway.post("/api/text-to-speech", json={"text": "one"}).status_code == 200


def test_a_suspension_is_noticed_in_time_though_nothing_was_asked_for_a_while() -> None:
    """What is older than two looks is read again before it serves, not after."""
    assert SERVED_SECONDS <= 2 * FRESH_SECONDS


def test_credentials_for_one_service_open_nothing_that_others_made(gateway: Running) -> None:
    made = gateway.post("/api/text-to-image", json={"prompt": "x", "num_inference_steps": 1, "size": "64x64"}).json()
    name = made["image_url"].partition("?")[0].rpartition("/")[2]
    token = bearer(make_token(SECRET, "acme", seconds=60, services=["text-to-speech"]))
    for path in ("/api/usage", "/api/artifacts?service=text-to-image", f"/api/artifacts/{name}", f"/artifacts/{name}"):
        assert httpx2.get(gateway.url + path, headers=token).status_code == 403, path
    assert httpx2.get(f"{gateway.url}/api/artifacts", headers=token).json()["artifacts"] == []
    assert httpx2.delete(f"{gateway.url}/api/artifacts/{name}", headers=token).status_code == 403
    assert httpx2.get(made["image_url"]).status_code == 200
    assert httpx2.get(f"{gateway.url}/api/limits", headers=token).status_code == 200


@on_both
def test_credentials_for_one_service_read_what_it_made_and_delete_nothing(gateway: Running) -> None:
    picture = {"prompt": "x", "num_inference_steps": 1, "size": "64x64"}
    gateway.post("/api/text-to-image", json=picture)
    token = bearer(make_token(SECRET, "acme", seconds=60, services=["text-to-speech"]))
    made = httpx2.post(f"{gateway.url}/api/text-to-speech", headers=token, json={"text": "one"}).json()
    name = made["audio_url"].partition("?")[0].rpartition("/")[2]
    gateway.settled(2)
    for path in ("/api/artifacts", "/api/artifacts?service=text-to-speech"):
        listed = httpx2.get(gateway.url + path, headers=token).json()["artifacts"]
        assert [(entry["id"], entry["service"]) for entry in listed] == [(name, "text-to-speech")], path
    assert httpx2.get(f"{gateway.url}/api/artifacts/{name}", headers=token).json()["id"] == name
    assert httpx2.get(f"{gateway.url}/artifacts/{name}", headers=token).content == httpx2.get(made["audio_url"]).content
    for path in (f"/api/artifacts/{name}", "/api/artifacts?all=true"):
        assert httpx2.delete(gateway.url + path, headers=token).status_code == 403
    stranger = bearer(make_token(SECRET, "other", seconds=60, services=["text-to-speech"]))
    assert httpx2.get(f"{gateway.url}/artifacts/{name}", headers=stranger).status_code == 404


@on_both
def test_while_it_is_not_written_what_service_made_it_credentials_for_one_are_told_to_come_back(
    gateway: Running,
) -> None:
    made = gateway.post("/api/text-to-speech", json={"text": "one"}).json()
    name = made["audio_url"].partition("?")[0].rpartition("/")[2]
    gateway.settled(1)
    gateway.ask(delete(usage))
    token = bearer(make_token(SECRET, "acme", seconds=60, services=["text-to-speech"]))
    early = httpx2.get(f"{gateway.url}/artifacts/{name}", headers=token)
    assert (early.status_code, early.headers["retry-after"]) == (503, "1")
    gateway.ask(update(artifacts).values(createdAt=now() - timedelta(hours=1)))
    assert httpx2.get(f"{gateway.url}/artifacts/{name}", headers=token).status_code == 403
    assert gateway.get(f"/artifacts/{name}").status_code == 200


async def test_ensuring_a_tenant_changes_nothing_of_it(database: Database) -> None:
    async with database.begin() as connection:
        assert await ensure_tenant(connection, "acme", "Acme")
        assert not await ensure_tenant(connection, "acme", "Other")
