"""Artifacts by their own methods, on both stores and databases: stored once, raced for, kept for so long, swept."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from artifact_stores import Kept
from atelier.errors import NotFound, Unavailable
from atelier.gateway.artifacts import Artifacts, create_artifacts, rows
from atelier.gateway.artifacts.links import Links
from atelier.gateway.artifacts.names import folder_of
from atelier.gateway.artifacts.store import Store, open_folder, open_store
from atelier.gateway.artifacts.sweeper import MARK, Sweeper, delete_objects
from atelier.settings import Settings, SettingsProblem, load_settings
from atelier.state.database import Database
from atelier.state.tables import artifacts as table
from atelier.state.tenants import ensure_tenant
from postgres_server import on_both
from s3_server import NOWHERE, s3_settings
from servers import until

SECRET = "s" * 40
REQUEST = "01a20792-2dc1-7360-9a8e-21e6f70a2335"
SECOND = 1 / 86_400


async def whole(artifacts: Artifacts, artifact: str, tenant: str = "acme") -> bytes:
    found = await artifacts.of_tenant(artifact, tenant)
    return b"".join([piece async for piece in await artifacts.read(found)])


async def put(artifacts: Artifacts, data: bytes, tenant: str = "acme", keep_days: float | None = None) -> str:
    return await artifacts.put(tenant, REQUEST, data, "image/png", keep_days)


async def count(database: Database) -> int:
    async with database.connect() as connection:
        return len((await connection.execute(select(table.c.id))).all())


async def test_the_same_bytes_of_a_tenant_are_stored_once(kept: Kept, tmp_path: Path, database: Database) -> None:
    artifacts = kept.open(tmp_path, database)
    first, second, other = [await put(artifacts, b"same", tenant) for tenant in ("acme", "acme", "other")]
    assert len({first, second, other}) == 3
    mine, theirs = folder_of("acme"), folder_of("other")
    sha256 = hashlib.sha256(b"same").hexdigest()
    assert {name.partition("-")[0] for name in kept.names()} == {f"{mine}/{sha256}", f"{theirs}/{sha256}"}
    assert len(kept.names()) == 2, "bytes were stored twice, or shared between tenants"

    await artifacts.delete(first, "acme")
    assert await whole(artifacts, second) == b"same", "deleting one of two took the other's bytes"
    await artifacts.delete(second, "acme")
    assert [name.partition("/")[0] for name in kept.names()] == [theirs]
    assert await whole(artifacts, other, "other") == b"same"


@on_both
async def test_the_same_bytes_put_at_the_same_moment_are_stored_once(tmp_path: Path, database: Database) -> None:
    artifacts = create_artifacts(Settings(home=tmp_path), database, SECRET)
    await asyncio.gather(*(put(artifacts, bytes([number])) for number in range(8)))  # all connections are open now
    await artifacts.delete_all("acme")
    ids = await asyncio.gather(*(put(artifacts, b"at once") for _ in range(8)))
    assert len(set(ids)) == 8
    assert len(list((tmp_path / "artifacts").glob("*/*"))) == 1
    assert [await whole(artifacts, one) for one in ids] == [b"at once"] * 8


class Lingering(Store):
    """Waits before it deletes."""

    def __init__(self, store: Store) -> None:
        self.__dict__.update(store.__dict__)
        self.asked, self.free = asyncio.Event(), asyncio.Event()

    async def delete(self, names: Sequence[str]) -> None:
        self.asked.set()
        await self.free.wait()
        await super().delete(names)


@on_both
async def test_bytes_put_again_while_their_object_is_being_deleted_are_kept(
    kept: Kept, tmp_path: Path, database: Database
) -> None:
    store = Lingering(open_store(Settings(home=tmp_path, **kept.settings)))
    artifacts = Artifacts(store, database, Links(SECRET, seconds=60), sweeper=Sweeper(store, database))
    deleted = asyncio.create_task(artifacts.delete(await put(artifacts, b"again"), "acme"))
    await store.asked.wait()
    again = await put(artifacts, b"again")
    store.free.set()
    await deleted
    assert await whole(artifacts, again) == b"again"
    assert len(kept.names()) == 1


@on_both
async def test_bytes_put_again_before_a_deletion_is_committed_are_kept(tmp_path: Path, database: Database) -> None:
    store = open_folder(tmp_path)
    artifacts = Artifacts(store, database, Links(SECRET, seconds=60), sweeper=Sweeper(store, database))
    first = await put(artifacts, b"again")
    async with database.begin() as connection:
        gone = await rows.remove(connection, table.c.id == first, most=1)
        again = asyncio.create_task(put(artifacts, b"again"))
        done, _ = await asyncio.wait({again}, timeout=0.5)
        assert not done, "a row was added to an object whose last row was being deleted"
    second = await again
    await delete_objects(store, database, gone)
    assert await whole(artifacts, second) == b"again"


@on_both
async def test_no_artifact_loses_its_object_in_a_throng(tmp_path: Path, database: Database) -> None:
    artifacts = create_artifacts(Settings(home=tmp_path), database, SECRET)
    dice = random.Random(7)
    held: list[str] = []

    async def put_and_delete() -> None:
        for _ in range(15):
            held.append(await put(artifacts, bytes([dice.randrange(2)])))
            await artifacts.delete(held.pop(dice.randrange(len(held))), "acme")

    held.extend([await put(artifacts, bytes([value])) for value in (0, 1)])
    await asyncio.gather(*(put_and_delete() for _ in range(6)))
    assert len(held) == await count(database) == 2
    for artifact in held:
        assert len(await whole(artifacts, artifact)) == 1


async def test_an_object_that_somebody_deleted_is_put_there_again(tmp_path: Path, database: Database) -> None:
    artifacts = create_artifacts(Settings(home=tmp_path), database, SECRET)
    before = await put(artifacts, b"bytes")
    for file in (tmp_path / "artifacts").glob("*/*"):
        file.unlink()
    with pytest.raises(NotFound, match="gone from the store"):
        await whole(artifacts, before)
    after = await put(artifacts, b"bytes")
    assert await whole(artifacts, before) == await whole(artifacts, after) == b"bytes"


async def test_a_file_that_was_cut_off_is_not_given_out(tmp_path: Path, database: Database) -> None:
    artifacts = create_artifacts(Settings(home=tmp_path), database, SECRET)
    artifact = await put(artifacts, b"some bytes")
    next((tmp_path / "artifacts").glob("*/*")).write_bytes(b"some")
    with pytest.raises(NotFound):
        await whole(artifacts, artifact)


@on_both
async def test_what_has_expired_is_gone_at_once_and_swept_later(kept: Kept, tmp_path: Path, database: Database) -> None:
    store = open_store(Settings(home=tmp_path, **kept.settings))
    sweeper = Sweeper(store, database)
    artifacts = Artifacts(store, database, Links(SECRET, seconds=60), sweeper=sweeper, retention_days=30)
    fleeting = [await put(artifacts, data, keep_days=1e-12) for data in (b"fleeting", b"shared")]
    lasting = [await put(artifacts, data) for data in (b"lasting", b"shared")]
    for artifact in fleeting:
        with pytest.raises(NotFound):
            await artifacts.of_tenant(artifact, "acme")
    found, _ = await artifacts.list_page("acme")
    assert sorted(one.id for one in found) == sorted(lasting)
    assert all(one.expires_at and one.expires_at - one.created_at == timedelta(days=30) for one in found)

    assert [await sweeper.sweep_expired(), await sweeper.sweep_expired()] == [2, 0]
    assert await count(database) == 2
    assert len(kept.names()) == 2, "an expired object stayed, or one that is shared went"
    assert [await whole(artifacts, one) for one in lasting] == [b"lasting", b"shared"]


@on_both
async def test_two_sweepers_at_once_delete_each_row_once(tmp_path: Path, database: Database) -> None:
    artifacts = create_artifacts(Settings(home=tmp_path), database, SECRET)
    for number in range(12):
        await put(artifacts, bytes([number]), keep_days=1e-12)
    store = open_folder(tmp_path / "artifacts")
    swept = await asyncio.gather(*(Sweeper(store, database).sweep_expired() for _ in range(3)))
    assert sum(swept) == 12
    assert (await count(database), list((tmp_path / "artifacts").glob("*/*"))) == (0, [])


@on_both
async def test_objects_without_a_row_are_swept_after_a_day_and_no_others(
    kept: Kept, tmp_path: Path, database: Database
) -> None:
    store = open_store(Settings(home=tmp_path, **kept.settings))
    artifacts = kept.open(tmp_path, database)
    with_row = await put(artifacts, b"with a row")
    mine, foreign = folder_of("acme"), folder_of("somebody of another Atelier")
    orphans = [f"{mine}/{'a' * 64}-{REQUEST}", f"{mine}/{REQUEST}"]
    others = [f"{mine}/notes.txt", f"{foreign}/{'a' * 64}-{REQUEST}"]
    for name in orphans + others:
        await store.put(name, b"x")
    old_row = await put(artifacts, b"of 0.1.0")
    async with database.begin() as connection:
        await connection.execute(update(table).where(table.c.id == old_row).values(object=None))
    await store.put(f"{mine}/{old_row}", b"of 0.1.0")

    assert await Sweeper(store, database).sweep_orphans() == 0, "a put in progress lost its object"
    again = Sweeper(store, database, orphan_age=timedelta(0))
    assert await again.sweep_orphans() == 3, "those two, and the object that the old row was taken from"
    left = kept.names()
    assert set(others) < set(left)
    assert not set(orphans) & set(left)
    assert [await whole(artifacts, one) for one in (with_row, old_row)] == [b"with a row", b"of 0.1.0"]


async def test_all_objects_are_looked_at_once_a_day(tmp_path: Path, database: Database) -> None:
    artifacts, store = create_artifacts(Settings(home=tmp_path), database, SECRET), open_folder(tmp_path / "artifacts")
    await put(artifacts, b"makes the tenant")
    yesterday = (time.time() - 90_000,) * 2

    async def orphan() -> None:
        name = f"{folder_of('acme')}/{'a' * 64}-{REQUEST}"
        await store.put(name, b"x")
        os.utime(tmp_path / "artifacts" / name, yesterday)

    async def sweep() -> int:
        return await Sweeper(store, database).sweep_orphans()

    await orphan()
    assert await sweep() == 1
    await orphan()
    assert await sweep() == 0
    os.utime(tmp_path / "artifacts" / MARK, yesterday)
    assert await sweep() == 1


async def test_what_a_killed_process_left_half_written_is_swept(tmp_path: Path, database: Database) -> None:
    store = open_folder(tmp_path / "artifacts")
    folder = tmp_path / "artifacts" / folder_of("acme")
    folder.mkdir()
    half, fresh = folder / f"{'a' * 64}-{REQUEST}#1", folder / f"{'b' * 64}-{REQUEST}#1"
    for file in (half, fresh):
        file.write_bytes(b"ha")
    os.utime(half, (time.time() - 90_000,) * 2)
    await Sweeper(store, database).sweep_orphans()
    assert [file.name for file in folder.iterdir()] == [fresh.name]


async def test_the_sweeper_sweeps_from_start_to_stop(tmp_path: Path, database: Database) -> None:
    store = open_folder(tmp_path)
    sweeper = Sweeper(store, database, seconds=0.02)
    artifacts = Artifacts(store, database, Links(SECRET, seconds=60), sweeper=sweeper)
    await artifacts.start()
    try:
        await put(artifacts, b"x", keep_days=SECOND / 10)
        await asyncio.to_thread(until, lambda: not list(tmp_path.glob("*/*")))
        assert await count(database) == 0
    finally:
        await artifacts.stop()
    await put(artifacts, b"x", keep_days=1e-12)
    assert await count(database) == 1


async def test_files_of_the_first_version_are_read_and_deleted(tmp_path: Path, database: Database) -> None:
    artifacts = create_artifacts(Settings(home=tmp_path), database, SECRET)
    file = tmp_path / "artifacts" / hashlib.sha256(b"acme").hexdigest()[:32] / REQUEST
    file.parent.mkdir(parents=True)
    file.write_bytes(b"of 0.1.0")
    sha256 = hashlib.sha256(b"of 0.1.0").hexdigest()
    row = {"id": REQUEST, "tenantId": "acme", "requestId": "x", "mediaType": "image/png", "bytes": 8, "sha256": sha256}
    async with database.begin() as connection:
        await ensure_tenant(connection, "acme")
        await connection.execute(table.insert().values(row))
    assert await whole(artifacts, REQUEST) == b"of 0.1.0"
    again = await put(artifacts, b"of 0.1.0")
    await artifacts.delete(REQUEST, "acme")
    assert not file.exists()
    assert await whole(artifacts, again) == b"of 0.1.0"


async def test_a_store_that_is_away_is_told_without_its_address(tmp_path: Path, database: Database) -> None:
    artifacts = create_artifacts(Settings(home=tmp_path, **s3_settings(NOWHERE)), database, SECRET)
    with pytest.raises(Unavailable) as refused:
        await put(artifacts, b"x")
    assert refused.value.retry_after
    assert "127.0.0.1" not in refused.value.message
    assert await count(database) == 0


async def test_a_deletion_succeeds_while_the_store_is_away(tmp_path: Path, database: Database) -> None:
    artifact = await put(create_artifacts(Settings(home=tmp_path), database, SECRET), b"x")
    away = create_artifacts(Settings(home=tmp_path, **s3_settings(NOWHERE)), database, SECRET)
    await away.delete(artifact, "acme")
    with pytest.raises(NotFound):
        await away.of_tenant(artifact, "acme")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARTIFACTS_URL", "/var/lib/artifacts"),
        ("ARTIFACTS_URL", "s3://user:password@bucket"),
        ("ARTIFACTS_URL", "s3://bucket/../other"),
        ("S3_ENDPOINT", "minio:9000"),
        ("S3_ENDPOINT", "http://s3.example.com"),
        ("S3_PUBLIC_ENDPOINT", "https://key:secret@files.example.com"),
        ("S3_SECRET_ACCESS_KEY", "alone"),
    ],
)
def test_settings_that_cannot_be_right_are_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ATELIER_{name}", value)
    with pytest.raises(SettingsProblem, match=name):
        load_settings()


def test_an_access_key_without_its_secret_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_S3_ACCESS_KEY_ID", "id")
    with pytest.raises(SettingsProblem, match="S3_SECRET_ACCESS_KEY"):
        load_settings()
