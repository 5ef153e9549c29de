"""Putting artifacts, finding them for those who may, and deleting them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from uuid_utils import uuid7

from atelier.errors import NotFound, Unavailable
from atelier.gateway.artifacts import rows
from atelier.gateway.artifacts.links import Links, parse_link
from atelier.gateway.artifacts.names import is_id, new_name
from atelier.gateway.artifacts.rows import Artifact
from atelier.gateway.artifacts.store import Store, open_store
from atelier.gateway.artifacts.sweeper import BATCH, Sweeper, delete_objects
from atelier.settings import Settings
from atelier.state.database import Database
from atelier.state.tables import artifacts, now

LONGEST_DAYS = 36_500
"""A date must hold it."""

log = structlog.get_logger()


class Artifacts:
    """A store of objects and a table that says whose they are.

    retention_days: for so long artifacts are kept that nothing else is said of; none: until they are deleted.
    Every method that waits raises Unavailable while the database or the store cannot be reached.
    """

    def __init__(
        self, store: Store, database: Database, links: Links, *, sweeper: Sweeper, retention_days: float | None = None
    ) -> None:
        self._store = store
        self._database = database
        self._links = links
        self._sweeper = sweeper
        self._retention_days = retention_days

    @property
    def store(self) -> Store:
        """For what else lies there."""
        return self._store

    def store_failures(self) -> Mapping[str, int]:
        """How often the store could not be asked, so far, by what was wanted: `write`, `read`, `delete`."""
        return {action: self._store.failures[action] for action in ("write", "read", "delete")}

    async def start(self) -> None:
        """Begin to sweep. A store that is away is no reason not to: it is asked again."""
        self._sweeper.start()

    async def stop(self) -> None:
        await self._sweeper.stop()

    async def put(
        self, tenant: str, request_id: str, data: bytes, media_type: str, keep_days: float | None = None
    ) -> str:
        """Store a file of `tenant`; returns its id. keep_days: then it expires; none: as the setting says.

        The same bytes of one tenant are stored once. First the object, then the row: what fails in between is an
        object without a row, which the sweeper deletes.
        """
        row = await self._row(tenant, request_id, data, media_type, keep_days)
        artifact: str = row["id"]
        if await self._put_beside(row, data):
            return artifact
        own = new_name(tenant, row["sha256"], artifact)
        await self._store.put(own, data, row["mediaType"])
        async with self._database.begin() as connection:
            used = await rows.add(connection, row, own)
        if used != own:
            await self._delete_at_leisure(own)
        return artifact

    async def of_tenant(self, artifact: str, tenant: str) -> Artifact:
        """Raises NotFound for an unknown id, for one that has expired and for another tenant's alike."""
        found = await self._find(artifact)
        if found is None or found.tenant != tenant:
            raise _not_found()
        return found

    async def of_link(self, artifact: str, expires: str, signature: str) -> Artifact:
        """Raises NotFound for a link that is false or has expired, so that ids cannot be probed."""
        if not self._links.seconds_left(artifact, expires, signature):
            raise _not_found()
        found = await self._find(artifact)
        if found is None:
            raise _not_found()
        return found

    def link(self, artifact: str, base_url: str) -> str:
        """A URL that anyone may read until it expires."""
        return self._links.link(artifact, base_url)

    async def read_link(self, url: str, base_url: str, tenant: str) -> bytes | None:
        """The bytes of a link of our own, for its owner; None where the URL is not ours."""
        parsed = parse_link(url, base_url)
        if parsed is None:
            return None
        artifact, expires, signature = parsed
        found = await self.of_tenant(artifact, tenant)
        if signature is not None:
            await self.of_link(artifact, expires, signature)
        return b"".join([piece async for piece in await self.read(found)])

    async def read(self, artifact: Artifact, first: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `first` to before `end`, in pieces. Raises NotFound where the store has them no more."""
        last = artifact.bytes if end is None else end
        pieces = await self._store.read(artifact.object, first, last, artifact.bytes)
        if pieces is None:
            log.error("artifact without its object", artifact=artifact.id)
            raise NotFound("The file of this artifact is gone from the store")
        return pieces

    async def link_to_store(self, artifact: Artifact, expires: str, signature: str) -> str | None:
        """For the holder of a link: one that leads to the store itself and ends with it; None where none may."""
        seconds = self._links.seconds_left(artifact.id, expires, signature)
        if artifact.expires_at is not None:
            seconds = min(seconds, (artifact.expires_at - now()).total_seconds())
        return await self._store.sign(artifact.object, seconds)

    async def list_page(
        self,
        tenant: str,
        *,
        after: tuple[datetime, str] | None = None,
        limit: int = 50,
        request_id: str | None = None,
        services: Collection[str] | None = None,
    ) -> tuple[list[Artifact], bool]:
        """The tenant's artifacts, newest first, and whether there are more. after: (created, id) of the last seen.
        services: what made them; none: any."""
        async with self._database.connect() as connection:
            found = await rows.list_page(
                connection, tenant, after=after, limit=limit + 1, request_id=request_id, services=services
            )
        return found[:limit], len(found) > limit

    async def delete(self, artifact: str, tenant: str) -> None:
        """Raises NotFound as `of_tenant` does."""
        found = await self.of_tenant(artifact, tenant)
        async with self._database.begin() as connection:
            gone = await rows.remove(connection, artifacts.c.id == found.id, most=1)
        await self._delete_objects(gone)

    async def delete_all(self, tenant: str, *, before: datetime | None = None) -> int:
        """All of a tenant's, or those that were made before a moment; returns how many."""
        which = artifacts.c.tenantId == tenant
        if before is not None:
            which &= artifacts.c.createdAt < before
        count = 0
        while True:
            async with self._database.begin() as connection:
                gone = await rows.remove(connection, which, most=BATCH)
            await self._delete_objects(gone)
            count += len(gone)
            if len(gone) < BATCH:
                return count

    async def _put_beside(self, row: dict[str, Any], data: bytes) -> bool:
        """Whether the tenant's same bytes were there already, and have this row too now."""
        async with self._database.connect() as connection:
            known = await rows.find_object(connection, row["tenantId"], row["sha256"])
        if known is None:
            return False
        if await self._store.find(known) is None:  # somebody deleted it by hand: its artifacts are whole again
            await self._store.put(known, data, row["mediaType"])
        async with self._database.begin() as connection:
            return await rows.add_beside(connection, row) is not None

    async def _row(
        self, tenant: str, request_id: str, data: bytes, media_type: str, keep_days: float | None
    ) -> dict[str, Any]:
        created, days = now(), self._retention_days if keep_days is None else keep_days
        expires = None if days is None else created + timedelta(days=min(days, LONGEST_DAYS))
        return {
            "id": str(uuid7()),
            "tenantId": tenant,
            "requestId": request_id,
            "mediaType": media_type[:100],
            "bytes": len(data),
            "sha256": await asyncio.to_thread(_sha256, data),
            "createdAt": created,
            "expiresAt": expires,
        }

    async def _find(self, artifact: str) -> Artifact | None:
        if not is_id(artifact):
            return None
        async with self._database.connect() as connection:
            return await rows.find(connection, artifact)

    async def _delete_objects(self, removed: list[Artifact]) -> None:
        """The rows are gone, and with them the artifacts: a store that is away is no reason to fail."""
        try:
            await delete_objects(self._store, self._database, removed)
        except Unavailable:
            log.warning("objects left to the sweeper", most=len(removed))

    async def _delete_at_leisure(self, name: str) -> None:
        try:
            await self._store.delete([name])
        except Unavailable:
            log.warning("objects left to the sweeper", most=1)


def create_artifacts(settings: Settings, database: Database, secret: str) -> Artifacts:
    """As the settings say: where they are, for how long they are kept and how long links are good."""
    store = open_store(settings)
    links = Links(secret, seconds=settings.link_seconds, previous=settings.previous_secret())
    sweeper = Sweeper(store, database)
    return Artifacts(store, database, links, sweeper=sweeper, retention_days=settings.retention_days)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _not_found() -> NotFound:
    return NotFound("There is no such artifact, or the link to it has expired")
