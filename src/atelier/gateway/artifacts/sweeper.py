"""The sweeper: deletes what has expired, and objects that no row refers to."""

from __future__ import annotations

import asyncio
import contextlib
import random
from datetime import UTC, datetime, timedelta

import structlog

from atelier.errors import Unavailable
from atelier.gateway.artifacts import rows
from atelier.gateway.artifacts.store import Store
from atelier.state.database import Database
from atelier.state.tables import artifacts, now

SWEEP_SECONDS = 300.0
"""Between two passes."""

BATCH = 200
"""Rows or objects in one transaction."""

MOST_BATCHES = 50
"""Of one pass: the rest waits for the next."""

ORPHAN_AGE = timedelta(days=1)
"""For so long an object may wait for its row; also how often all of them are looked at."""

MARK = ".swept"
"""An object of the sweeper's own: of several gateways one looks at all objects once a day, whatever is restarted."""

log = structlog.get_logger()


class Sweeper:
    """A task from `start` to `stop`. Several gateways may each have one."""

    def __init__(
        self,
        store: Store,
        database: Database,
        *,
        seconds: float = SWEEP_SECONDS,
        orphan_age: timedelta = ORPHAN_AGE,
    ) -> None:
        self._store = store
        self._database = database
        self._seconds = seconds
        self._orphan_age = orphan_age
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def sweep_expired(self) -> int:
        """One pass over what has expired; how many artifacts were deleted."""
        count = 0
        for _ in range(MOST_BATCHES):
            async with self._database.begin() as connection:
                gone = await rows.remove(connection, artifacts.c.expiresAt <= now(), most=BATCH, skip_locked=True)
            await delete_objects(self._store, self._database, gone)
            count += len(gone)
            if len(gone) < BATCH:
                break
        return count

    async def sweep_orphans(self) -> int:
        """One pass over all objects, if none was made for a day; how many were deleted.

        Folders that belong to no tenant of this database are left alone: they may be another's.
        """
        before = datetime.now(UTC) - self._orphan_age
        last = await self._store.find(MARK)
        if last is not None and last.put_at > before:
            return 0
        await self._store.put(MARK, b"")
        await self._store.remove_unfinished(self._orphan_age.total_seconds())
        async with self._database.connect() as connection:
            owners = await rows.tenants_by_folder(connection)
        count = 0
        async for listed in self._store.list_before(before, most=BATCH):
            async with self._database.connect() as connection:
                orphans = await rows.orphans(connection, [found.name for found in listed], owners)
            if orphans:
                await self._store.delete(orphans)
            count += len(orphans)
        return count

    async def _run(self) -> None:
        while True:
            await self._pass()
            await asyncio.sleep(self._seconds * random.uniform(0.9, 1.1))  # noqa: S311  so that gateways take turns

    async def _pass(self) -> None:
        try:
            expired, orphans = await self.sweep_expired(), await self.sweep_orphans()
        except Unavailable:  # the log has the reason; the next pass does what this one could not
            return
        except Exception:
            log.exception("artifacts not swept")
            return
        if expired or orphans:
            log.info("artifacts swept", expired=expired, orphans=orphans)


async def delete_objects(store: Store, database: Database, removed: list[rows.Artifact]) -> None:
    """The objects of rows that were removed, and whose removal is committed. What fails here is an orphan."""
    if not removed:
        return
    async with database.connect() as connection:
        names = await rows.unreferenced(connection, removed)
    if names:
        await store.delete(names)
