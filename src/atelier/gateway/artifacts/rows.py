"""The table of artifacts: whose they are, which object holds their bytes, and which objects no row has any more.

Several rows may refer to one object. A row is only ever added to an object while another row that refers to it is held
fast, and an object is only deleted once no row refers to it: so nobody can be given an object that is being deleted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, literal, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.gateway.artifacts.names import first_name, folder_of, new_name, parse_name
from atelier.state.tables import artifacts, now, tenants, usage, voices
from atelier.state.tenants import ensure_tenant


@dataclass(frozen=True)
class Artifact:
    """One row. bytes: how many. object: the name of the object that holds them. expires_at: none: kept on. service:
    what made it, where that was asked for and the usage record of its request is there."""

    id: str
    tenant: str
    request_id: str
    media_type: str
    bytes: int
    sha256: str
    object: str
    created_at: datetime
    expires_at: datetime | None
    service: str | None = None


_WITH_SERVICE = select(artifacts, usage.c.service).outerjoin(usage, usage.c.id == artifacts.c.requestId)


def live() -> ColumnElement[bool]:
    """What has not expired."""
    return or_(artifacts.c.expiresAt.is_(None), artifacts.c.expiresAt > now())


async def find(connection: AsyncConnection, artifact: str) -> Artifact | None:
    row = (await connection.execute(_WITH_SERVICE.where(artifacts.c.id == artifact, live()))).one_or_none()
    return None if row is None else _artifact(row)


async def find_object(connection: AsyncConnection, tenant: str, sha256: str) -> str | None:
    """The object that holds these bytes for the tenant already."""
    question = select(artifacts.c.object).where(_same_bytes(tenant, sha256)).limit(1)
    found: str | None = (await connection.execute(question)).scalar()
    return found


async def add_beside(connection: AsyncConnection, row: dict[str, Any]) -> str | None:
    """Add a row to the object of another with the same bytes; the object's name, or None where there is none."""
    other = artifacts.alias()
    same = (other.c.tenantId == row["tenantId"], other.c.sha256 == row["sha256"], other.c.object.is_not(None))
    values = [literal(value, artifacts.c[name].type) for name, value in row.items()]
    # Held fast: whoever is deleting that row is waited for (and the row then passed over), or waits for this one.
    held = select(*values, other.c.object).where(*same).limit(1).with_for_update(read=True, of=other)
    added = await connection.execute(
        artifacts.insert().from_select([*row, "object"], held).returning(artifacts.c.object)
    )
    name: str | None = added.scalar()
    return name


async def add(connection: AsyncConnection, row: dict[str, Any], own: str) -> str:
    """Add a row whose object `own` has just been put; the object that it got: another's, if that was quicker."""
    await ensure_tenant(connection, row["tenantId"])
    if connection.dialect.name == "postgresql":  # those who put the same bytes go one after another
        key = int.from_bytes(bytes.fromhex(row["sha256"])[:8], "big", signed=True)
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
    beside = await add_beside(connection, row)
    if beside is None:
        await connection.execute(artifacts.insert().values({**row, "object": own}))
    return beside or own


async def list_page(
    connection: AsyncConnection,
    tenant: str,
    *,
    after: tuple[datetime, str] | None,
    limit: int,
    request_id: str | None = None,
    services: Collection[str] | None = None,
) -> list[Artifact]:
    """The tenant's, newest first; after: (created, id) of the last one of the page before."""
    question = _WITH_SERVICE.where(artifacts.c.tenantId == tenant, live())
    if after is not None:
        question = question.where(tuple_(artifacts.c.createdAt, artifacts.c.id) < tuple_(*_typed(after)))
    if request_id is not None:
        question = question.where(artifacts.c.requestId == request_id)
    if services is not None:
        question = question.where(usage.c.service.in_(services))
    newest = question.order_by(artifacts.c.createdAt.desc(), artifacts.c.id.desc()).limit(limit)
    return [_artifact(row) for row in await connection.execute(newest)]


async def remove(
    connection: AsyncConnection, which: ColumnElement[bool], *, most: int, skip_locked: bool = False
) -> list[Artifact]:
    """Delete rows, at most so many; those that this call deleted. skip_locked: leave out what another deletes now."""
    question = select(artifacts.c.id).where(which).order_by(artifacts.c.id).limit(most)
    doomed = (await connection.execute(question.with_for_update(skip_locked=skip_locked))).scalars().all()
    if not doomed:
        return []
    gone = await connection.execute(delete(artifacts).where(artifacts.c.id.in_(doomed)).returning(artifacts))
    return [_artifact(row) for row in gone]


async def unreferenced(connection: AsyncConnection, removed: Collection[Artifact]) -> list[str]:
    """The objects of removed rows that no other row refers to. Ask once the removal is committed."""
    pairs = sorted({(artifact.tenant, artifact.sha256) for artifact in removed})
    rows = await connection.execute(
        select(artifacts).where(tuple_(artifacts.c.tenantId, artifacts.c.sha256).in_(pairs))
    )
    return sorted({artifact.object for artifact in removed} - {_artifact(row).object for row in rows})


async def all_of_them(connection: AsyncConnection) -> AsyncIterator[Artifact]:
    """Every row, those that have expired too; rows of one object one after another."""
    async for row in await connection.stream(select(artifacts).order_by(artifacts.c.object)):
        yield _artifact(row)


async def tenants_by_folder(connection: AsyncConnection) -> dict[str, str]:
    return {folder_of(tenant): tenant for tenant in (await connection.execute(select(tenants.c.id))).scalars()}


async def orphans(connection: AsyncConnection, names: Sequence[str], owners: dict[str, str]) -> list[str]:
    """Those objects of known tenants that no row refers to: no artifact's, and no voice's."""
    ours = [(name, parsed) for name in names if (parsed := parse_name(name)) and parsed.folder in owners]
    by_bytes = [(owners[parsed.folder], parsed.sha256) for _, parsed in ours if parsed.sha256]
    by_id = [parsed.id for _, parsed in ours if parsed.id]
    which = or_(tuple_(artifacts.c.tenantId, artifacts.c.sha256).in_(by_bytes), artifacts.c.id.in_(by_id))
    kept = {_artifact(row).object for row in await connection.execute(select(artifacts).where(which))}
    spoken = select(voices).where(tuple_(voices.c.tenantId, voices.c.sha256).in_(by_bytes))
    kept |= {new_name(row.tenantId, row.sha256, row.id) for row in await connection.execute(spoken)}
    return [name for name, _ in ours if name not in kept]


def _same_bytes(tenant: str, sha256: str) -> ColumnElement[bool]:
    return (artifacts.c.tenantId == tenant) & (artifacts.c.sha256 == sha256) & artifacts.c.object.is_not(None)


def _typed(after: tuple[datetime, str]) -> tuple[ColumnElement[datetime], ColumnElement[str]]:
    return literal(after[0], artifacts.c.createdAt.type), literal(after[1], artifacts.c.id.type)


def _artifact(row: Row[Any]) -> Artifact:
    return Artifact(
        id=row.id,
        tenant=row.tenantId,
        request_id=row.requestId,
        media_type=row.mediaType,
        bytes=row.bytes,
        sha256=row.sha256,
        object=row.object or first_name(row.tenantId, row.id),
        created_at=row.createdAt,
        expires_at=row.expiresAt,
        service=getattr(row, "service", None),
    )
