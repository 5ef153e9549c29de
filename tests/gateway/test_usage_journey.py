"""Each settled record becomes exactly one row, whatever is killed on its way: real servers, real kills."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
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
from atelier.rules import Price
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


@dataclass
class Metering:
    """A database, a Redis, and ledgers between them."""

    postgres: Postgres
    redis: Redis
    location: str
    database: Database
    folder: Path
    prefix: str
    _running: list[Ledger] = field(default_factory=list)

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

    async def all_acknowledged(self) -> bool:
        return self.streamed() == 0 and all(ledger.waiting()["journal_bytes"] == 0 for ledger in self._running)

    def streamed(self) -> int:
        return int(self.client.xlen(f"{self.prefix}:usage"))  # type: ignore[arg-type]


@pytest.fixture
async def metering(postgres: Postgres, redis: Redis, migrated: str, tmp_path: Path) -> AsyncIterator[Metering]:
    location = postgres.new_database(like=migrated)
    database = await open_database(location)
    made = Metering(postgres, redis, location, database, tmp_path / "usage", redis.new_prefix())
    yield made
    await made.stop()
    await database.dispose()


@pytest.fixture
async def mortal(tmp_path: Path) -> AsyncIterator[Metering]:
    """With servers of its own, to be killed."""
    with running_postgres() as postgres, running_redis() as redis:
        location = postgres.new_database()
        database = await open_database(location)
        made = Metering(postgres, redis, location, database, tmp_path / "usage", "mortal")
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
from atelier.rules import Price
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


class _Dies(UsageStream):
    """As a gateway that is killed between writing and acknowledging."""

    async def acknowledge(self, batches: Any) -> None:
        await asyncio.Event().wait()


async def test_what_a_consumer_had_when_it_was_killed_is_claimed(metering: Metering) -> None:
    dying = Ledger(metering.database, folder=metering.folder, stream=_Dies(metering.stream()._client, metering.prefix))
    await dying.start()
    ids = await settle(dying, 300)
    await written(metering.database, ids)
    await dying.stop()
    assert metering.streamed() > 0, "nothing is acknowledged"
    # Had it been killed before it wrote, there would be no rows.
    metering.postgres.ask(metering.location, 'DELETE FROM "AIUsage"')
    ledger = await metering.ledger()
    ids2 = await settle(ledger, 10)
    await written(metering.database, ids | ids2)
    await eventually(metering.all_acknowledged)


async def test_a_journal_that_is_shipped_twice_makes_each_row_once(metering: Metering) -> None:
    metering.folder.mkdir()
    records = [record() for _ in range(100)]
    for name in ("first", "second"):
        (metering.folder / name).mkdir()
        (metering.folder / name / "000000000.ndjson").write_bytes(b"".join(made.line() for made in records))
    await metering.ledger()
    await written(metering.database, {made.id for made in records})
    await eventually(metering.all_acknowledged)
    await written(metering.database, {made.id for made in records})


@pytest.mark.parametrize("streaming", [True, False])
async def test_a_record_that_no_database_takes_is_kept_apart_and_the_others_go_on(
    metering: Metering, streaming: bool
) -> None:
    ledger = await metering.ledger(redis=streaming)
    good = [record() for _ in range(20)]
    poisons = [record(request_type="x" * 41), record(delivered=Usage.model_construct(units="\0"))]
    for made in (*good[:7], poisons[0], *good[7:], poisons[1]):
        await ledger.settle(made)
    await written(metering.database, {made.id for made in good})

    async def buried() -> bool:
        return ledger.waiting()["dead_records"] == 2 and (not streaming or metering.streamed() == 0)

    await eventually(buried)
    if streaming:
        entries: Any = metering.client.xrange(f"{metering.prefix}:usage:dead")
        kept = [fields[b"line"] for _, fields in entries]
        assert all(fields[b"reason"] for _, fields in entries)
    else:
        kept = (metering.folder / "dead.ndjson").read_bytes().splitlines()
    assert [json.loads(line)["id"] for line in kept] == [made.id for made in poisons]


async def test_a_torn_line_at_the_end_of_a_journal_harms_no_other(metering: Metering) -> None:
    made = record()
    (metering.folder / "killed").mkdir(parents=True)
    (metering.folder / "killed" / "000000000.ndjson").write_bytes(made.line() + record().line()[:50])
    await metering.ledger()
    await written(metering.database, {made.id})


async def test_a_stream_that_was_deleted_is_made_anew(metering: Metering) -> None:
    ledger = await metering.ledger()
    ids = await settle(ledger, 10)
    await written(metering.database, ids)
    metering.client.delete(f"{metering.prefix}:usage")
    ids |= await settle(ledger, 10)
    await written(metering.database, ids)


async def test_memory_stays_while_both_are_away(mortal: Metering) -> None:
    ledger = await mortal.ledger()
    ids = await settle(ledger, 1000)
    await written(mortal.database, ids)
    mortal.redis.stop()
    mortal.postgres.stop()
    gc.collect()
    tracemalloc.start()
    for number in range(50):
        ids |= await settle(ledger, 1000)
        await asyncio.sleep(0.01 if number % 10 else 0.3)  # the background has its turns too
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - sum(map(sys.getsizeof, ids))
    tracemalloc.stop()
    assert grown < 5_000_000, grown
    assert ledger.lag_seconds() > 1
    waiting = ledger.waiting()["journal_bytes"]
    assert waiting is not None
    assert waiting > 50_000 * 100, "the records are elsewhere"
    mortal.postgres.start()
    mortal.redis.start()
    await written(mortal.database, ids)


async def test_the_lag_is_the_age_of_the_oldest_record_wherever_it_waits(mortal: Metering) -> None:
    ledger = await mortal.ledger()
    mortal.postgres.stop()
    await ledger.settle(record())

    async def streamed() -> bool:
        return mortal.streamed() > 0 and ledger.waiting()["journal_bytes"] == 0 and ledger.lag_seconds() > 1

    await eventually(streamed)
    mortal.redis.stop()
    old = record()
    old.created -= timedelta(seconds=100)
    await ledger.settle(old)

    async def back_in_the_journal() -> bool:
        return (ledger.waiting()["journal_bytes"] or 0) > 0 and 100 < ledger.lag_seconds() < 160

    await eventually(back_in_the_journal)
    mortal.postgres.start()
    mortal.redis.start()

    async def caught_up() -> bool:
        return ledger.lag_seconds() == 0

    await eventually(caught_up)


@pytest.mark.parametrize("location", ["sqlite", "postgresql"], indirect=True)
async def test_embedded_a_record_is_in_the_database_once_it_is_settled(database: Database, tmp_path: Path) -> None:
    ledger = Ledger(database, folder=tmp_path / "usage")
    await ledger.start()
    ids = await settle(ledger, 20)
    assert set(await rows(database)) == ids
    assert ledger.waiting() == {"journal_bytes": 0, "stream_batches": 0, "dead_records": 0}
    await ledger.stop()


async def test_embedded_records_wait_on_the_disk_while_the_database_is_away(mortal: Metering) -> None:
    ledger = await mortal.ledger(redis=False)
    ids = await settle(ledger, 5)
    mortal.postgres.stop()
    ids |= await settle(ledger, 50)
    await mortal.stop()  # and through a restart
    ledger = await mortal.ledger(redis=False)
    ids |= await settle(ledger, 50)
    mortal.postgres.start()
    await written(mortal.database, ids)


async def test_a_full_disk_leaves_the_database(metering: Metering, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    ledger = await metering.ledger()
    with monkeypatch.context() as patched:
        patched.setattr("atelier.gateway.usage.journal.Journal.append", full)
        ids = await settle(ledger, 3)
    assert set(await rows(metering.database)) == ids


async def test_settled_records_are_safe_when_the_ledger_stops_at_once(metering: Metering) -> None:
    ledger = await metering.ledger()
    ids = await settle(ledger, 2000)
    await metering.stop()
    await metering.ledger()
    await written(metering.database, ids)


async def test_what_is_counted_and_what_it_costs(database: Database) -> None:
    ledger, price = Ledger(database), Price(request=1, unit=10, compute_second=1000)
    used = Usage(units=2, compute_ms=500)
    for status, more in (("succeeded", {}), ("failed", {}), ("succeeded", {"cached": True, "fallback": True})):
        await ledger.settle(record(status=status, delivered=used, price=price, **more))
    [found] = (await ledger.month("acme", None))["services"].values()
    assert (found["requests"], found["failed"], found["cached"], found["fallback"]) == (3, 1, 1, 1)
    assert (found["units"], found["compute_ms"], found["cost"]) == (4, 500, 521 + 21)
