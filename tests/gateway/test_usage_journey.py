"""Each settled record becomes exactly one row, whatever is killed on its way: real servers, real kills."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as Client
from sqlalchemy import func, select
from uuid_utils import uuid7

from atelier.catalog import SERVICES
from atelier.contracts.base import Usage
from atelier.gateway.auth import Caller
from atelier.gateway.usage import Ledger, UsageRecord
from atelier.gateway.usage.stream import UsageStream
from atelier.state.database import Database, open_database
from atelier.state.redis import connect_redis
from atelier.state.tables import tenants, usage
from postgres_server import Postgres, running_postgres
from redis_server import Redis, running_redis


def record(tenant: str = "acme", **more: Any) -> UsageRecord:
    made = UsageRecord(str(uuid7()), Caller(tenant), next(iter(SERVICES.values())), "made", status="succeeded")
    made.delivered = Usage(units=1, tokens=2, compute_ms=0.5)
    for name, value in more.items():
        setattr(made, name, value)
    return made


async def settle(ledger: Ledger, count: int) -> set[str]:
    """The ids of so many new records."""
    records = [record(tenant=f"tenant{number % 3}") for number in range(count)]
    for made in records:
        await ledger.settle(made)
    return {made.id for made in records}


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < end, "did not come true"
        await asyncio.sleep(0.02)


async def rows(database: Database) -> list[str]:
    async with database.connect() as connection:
        return [str(row.id) for row in await connection.execute(select(usage.c.id))]


async def written(database: Database, ids: set[str]) -> None:
    """Wait until there are as many rows; each must be one of these, and none twice (the key sees to that)."""

    async def there() -> bool:
        async with database.connect() as connection:
            return (await connection.execute(select(func.count()).select_from(usage))).scalar_one() >= len(ids)

    await eventually(there)
    assert set(await rows(database)) == ids


class Metering:
    """A database, a Redis of this test's own, and ledgers between them."""

    def __init__(self, postgres: Postgres, redis: Redis, database: Database, folder: Path, prefix: str) -> None:
        self.postgres, self.redis, self.database = postgres, redis, database
        self.folder, self.prefix = folder, prefix
        self._running: list[Ledger] = []

    @property
    def client(self) -> Client:
        return Client.from_url(self.redis.url)

    def stream(self, **more: float) -> UsageStream:
        return UsageStream(connect_redis(self.redis.url), self.prefix, **more)

    async def ledger(self, *, redis: bool = True, claim_seconds: float = 0.5) -> Ledger:
        stream = self.stream(claim_seconds=claim_seconds) if redis else None
        started = Ledger(self.database, folder=self.folder, stream=stream)
        await started.start()
        self._running.append(started)
        return started

    async def stop(self) -> None:
        for ledger in self._running:
            await ledger.stop()
        self._running = []

    def streamed(self) -> int:
        return int(self.client.xlen(f"{self.prefix}:usage"))  # type: ignore[arg-type]


@pytest.fixture
async def metering(postgres: Postgres, redis: Redis, migrated: str, tmp_path: Path) -> AsyncIterator[Metering]:
    database = await open_database(postgres.new_database(like=migrated))
    made = Metering(postgres, redis, database, tmp_path / "usage", redis.new_prefix())
    yield made
    await made.stop()
    await database.dispose()


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[Metering]:
    """With servers of its own, to be killed."""
    with running_postgres() as postgres, running_redis() as redis:
        database = await open_database(postgres.new_database())
        made = Metering(postgres, redis, database, tmp_path / "usage", "mortal")
        yield made
        await made.stop()
        await database.dispose()


async def test_a_record_travels_whole_and_leaves_nothing_behind(metering: Metering) -> None:
    ledger = await metering.ledger()
    made = record(fallback=True, cached=True, model="m" * 300, upstream="http://one:7860")
    await ledger.settle(made)
    await ledger.settle(made)
    await written(metering.database, {made.id})
    async with metering.database.connect() as connection:
        [row] = (await connection.execute(select(usage))).mappings()
        [tenant] = (await connection.execute(select(tenants))).mappings()
    assert row["createdAt"] == made.created
    assert (row["tokens"], row["computeMs"], row["fallback"], row["cached"]) == (2, 0.0, True, True)
    assert row["modelUsed"] == "m" * 200
    assert (tenant["id"], tenant["name"]) == ("acme", "acme")

    async def empty() -> bool:
        return metering.streamed() == 0

    await eventually(empty)
    await metering.stop()
    assert list(metering.folder.iterdir()) == []


async def test_redis_is_killed_and_comes_back(mortal: Metering) -> None:
    ledger = await mortal.ledger()
    ids = await settle(ledger, 300)
    mortal.redis.stop()
    ids |= await settle(ledger, 300)
    await written(mortal.database, ids)  # past Redis, while it is away
    mortal.redis.start()
    ids |= await settle(ledger, 300)
    await written(mortal.database, ids)


async def test_what_redis_forgot_of_its_last_seconds_is_shipped_again(mortal: Metering) -> None:
    mortal.postgres.stop()
    ledger = await mortal.ledger()
    ids = await settle(ledger, 100)

    async def streamed() -> bool:
        return mortal.streamed() > 0

    await eventually(streamed)
    mortal.client.flushall()
    mortal.redis.stop()
    mortal.redis.start()
    mortal.postgres.start()
    await written(mortal.database, ids)


async def test_postgresql_is_killed_and_comes_back(mortal: Metering) -> None:
    ledgers = [await mortal.ledger(), await mortal.ledger()]
    ids = await settle(ledgers[0], 200)
    mortal.postgres.stop()
    for ledger in ledgers:
        ids |= await settle(ledger, 500)

    async def all_streamed() -> bool:
        return mortal.streamed() > 0 and all(ledger.waiting()["journal_bytes"] == 0 for ledger in ledgers)

    await eventually(all_streamed)
    mortal.postgres.start()
    await written(mortal.database, ids)


async def test_both_are_away_and_the_gateway_is_started_anew(mortal: Metering) -> None:
    ledger = await mortal.ledger()
    ids = await settle(ledger, 50)
    mortal.redis.stop()
    mortal.postgres.stop()
    ids |= await settle(ledger, 500)
    await mortal.stop()
    ledger = await mortal.ledger()
    ids |= await settle(ledger, 50)
    mortal.postgres.start()
    mortal.redis.start()
    await written(mortal.database, ids)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {here!r}]
from atelier.gateway.usage import Ledger
from atelier.state.database import open_database
from test_usage_journey import record, UsageStream, connect_redis

async def main():
    stream = UsageStream(connect_redis("redis://127.0.0.1:9/0"), "nowhere")
    ledger = Ledger(await open_database({location!r}), folder=Path({folder!r}), stream=stream)
    await ledger.start()
    for _ in range(400):
        made = record()
        await ledger.settle(made)
        print(made.id)
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_process_killed_right_after_it_settled_is_taken_over(metering: Metering) -> None:
    here = Path(__file__).parent
    location = f"sqlite+aiosqlite:///{metering.folder.parent / 'unused.db'}"
    program = KILLED.format(tests=str(here.parent), here=str(here), location=location, folder=str(metering.folder))
    killed = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    ids = set(killed.stdout.split())
    assert len(ids) == 400
    await metering.ledger()
    await written(metering.database, ids)
