"""The ledger: takes each usage record once, keeps it safe until the database has it, and sums the months up."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from pathlib import Path
from typing import Any

import structlog

from atelier.errors import Unavailable
from atelier.gateway.usage.background import end, repeat
from atelier.gateway.usage.consuming import Consuming
from atelier.gateway.usage.dead import DeadRecords
from atelier.gateway.usage.journal import Journal, open_journal
from atelier.gateway.usage.months import month_of
from atelier.gateway.usage.record import UsageRecord
from atelier.gateway.usage.shipping import Shipping
from atelier.gateway.usage.stream import UsageStream
from atelier.gateway.usage.writing import write_lines
from atelier.settings import Settings
from atelier.state.database import Database
from atelier.state.redis import connect_redis

DRAIN_SECONDS = 2.0
"""What a stop gives the journal to be shipped."""

log = structlog.get_logger()


class Ledger:
    """Without a folder it writes to the database alone, and refuses while that is away.

    With a folder, `start` before the first record and `stop` at the end: a record that cannot be written yet waits in
    the journal. With a stream too, every record goes to the journal, and on its way from there.
    """

    def __init__(self, database: Database, *, folder: Path | None = None, stream: UsageStream | None = None) -> None:
        self._database = database
        self._folder = folder
        self._stream = stream
        self._dead = DeadRecords(folder, stream)
        self._journal: Journal | None = None
        self._shipping: Shipping | None = None
        self._consuming: Consuming | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Raises OSError where the folder cannot be written."""
        assert self._folder is not None
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._journal = open_journal(self._folder, name)
        self._shipping = Shipping(self._folder, self._journal, self._database, self._stream, self._dead)
        turns = [self._shipping.turn]
        if self._stream:
            self._consuming = Consuming(name, self._stream, self._database, self._dead, away=self._shipping.lose_stream)
            turns.append(self._consuming.turn)
        self._tasks = [asyncio.create_task(repeat(turn)) for turn in turns]

    async def stop(self) -> None:
        """Ship what waits, for a moment; the journal keeps the rest for the next start, or for another gateway."""
        await end(self._tasks)
        if self._shipping:
            await end([asyncio.create_task(self._shipping.ship())], after=DRAIN_SECONDS)
            self._shipping.close()
            self._journal = self._shipping = None
        if self._stream:
            await self._stream.close()

    async def settle(self, record: UsageRecord) -> None:
        """Take the record: from here on it is safe. A second call, of this process or another, changes nothing.

        Raises Unavailable where neither the journal nor the database can be written.
        """
        if record.settled:
            return
        line = record.line()
        if (self._stream or self._behind()) and self._journalled(line):
            record.settled = True
        else:
            await self._write_whatever_happens(record, line)

    async def month(self, tenant: str, month: str | None) -> dict[str, Any]:
        """The tenant's sums of one month, `YYYY-MM` in UTC; none: the present one.

        Raises InvalidRequest, Unavailable.
        """
        return await month_of(self._database, tenant, month)

    def waiting(self) -> dict[str, int | None]:
        """What is not in the database yet, as last seen: bytes in the journal, batches in the stream, dead records.

        None where Redis cannot tell.
        """
        lengths = self._consuming.lengths if self._consuming else (0, 0)
        return {
            "journal_bytes": self._shipping.waiting if self._shipping else 0,
            "stream_batches": lengths[0] if lengths else None,
            "dead_records": self._dead.in_file + lengths[1] if lengths else None,
        }

    def lag_seconds(self) -> float:
        """Age of the oldest record that is not in the database, as last seen; 0 where all are."""
        oldest = self._shipping.oldest() if self._shipping else None
        in_journal = 0.0 if oldest is None else max(0.0, time.time() - oldest)
        return max(in_journal, self._consuming.oldest_seconds if self._consuming else 0.0)

    @property
    def stream_away(self) -> bool:
        """Whether Redis, where usage travels through one, was away when it was last needed."""
        return self._shipping is not None and self._shipping.stream_away

    def _behind(self) -> bool:
        """Records wait for the database: another would only wait with its request, and in vain."""
        return self._shipping is not None and self._shipping.waiting > 0

    def _journalled(self, line: bytes) -> bool:
        if self._journal is None or self._shipping is None:
            return False
        try:
            self._journal.append(line)
        except OSError as problem:
            log.error("the usage journal cannot be written", reason=problem.strerror)
            return False
        self._shipping.appended.set()
        return True

    async def _write_whatever_happens(self, record: UsageRecord, line: bytes) -> None:
        """A caller that is cancelled meanwhile waits for the end all the same, to know whether the row is there."""
        writing = asyncio.ensure_future(self._write(line))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            record.settled = writing.exception() is None
            raise
        record.settled = True

    async def _write(self, line: bytes) -> None:
        try:
            for refused in await write_lines(self._database, line):
                await self._dead.bury(refused)
        except Unavailable:
            if not self._journalled(line):
                raise


def create_ledger(settings: Settings, database: Database) -> Ledger:
    """Raises SettingsProblem where REDIS_URL cannot be used."""
    address = settings.redis_url
    stream = UsageStream(connect_redis(address.get_secret_value()), settings.redis_prefix) if address else None
    return Ledger(database, folder=settings.home / "usage", stream=stream)
