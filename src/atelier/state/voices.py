"""Voices of tenants' own: the rows, each with the consent of who speaks; made and deleted with an entry in the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from atelier.errors import Conflict, Forbidden, NotFound
from atelier.state.audit import Actor, record
from atelier.state.records import Consent, Voice
from atelier.state.rows import storable
from atelier.state.tables import tenants, voices
from atelier.state.tenants import ensure_tenant


async def add_voice(connection: AsyncConnection, voice: Voice, *, most: int, by: Actor) -> None:
    """Raises Conflict for a name that another of the tenant's voices has, or where it has `most` already."""
    await ensure_tenant(connection, voice.tenant)  # which makes SQLite's writers take turns, as the next does others
    await connection.execute(select(tenants.c.id).where(tenants.c.id == voice.tenant).with_for_update())
    refuse_more(await list_voices(connection, voice.tenant), voice.name, most)
    await connection.execute(voices.insert().values(_row(voice)))
    details = voice.model_dump(include={"name", "language", "seconds", "sha256", "sent_sha256", "consent"})
    await record(connection, by, "voice.create", voice.id, tenant=voice.tenant, details=details)


def refuse_more(there: list[Voice], name: str, most: int) -> None:
    """Raises Conflict as `add_voice` does, and Forbidden where none may be made."""
    if not most:
        raise Forbidden("Voices of your own are not to be had here; ask your operator")
    if any(other.name.casefold() == name.casefold() for other in there):
        raise Conflict("name: there is a voice of this name already; delete it, or take another name", field="name")
    if len(there) >= most:
        raise Conflict(f"There are {len(there)} voices, and at most {most} may be kept: delete one first")


async def list_voices(connection: AsyncConnection, tenant: str) -> list[Voice]:
    """All of a tenant's, in the order in which they were made."""
    query = select(voices).where(voices.c.tenantId == tenant).order_by(voices.c.id)
    return [_voice(row) for row in await connection.execute(query)]


async def read_voice(connection: AsyncConnection, tenant: str, voice: str) -> Voice:
    """Raises NotFound, for another tenant's alike."""
    query = select(voices).where(voices.c.id == voice, voices.c.tenantId == tenant)
    found = (await connection.execute(query)).one_or_none()
    if found is None:
        raise NotFound("There is no such voice", field="voice")
    return _voice(found)


async def remove_voice(connection: AsyncConnection, voice: Voice, *, by: Actor) -> None:
    """Raises NotFound where it is gone already."""
    gone = await connection.execute(delete(voices).where(voices.c.id == voice.id))
    if not gone.rowcount:
        raise NotFound("There is no such voice", field="voice")
    details = voice.model_dump(include={"name", "sha256", "sent_sha256", "consent", "created_by", "created_at"})
    await record(connection, by, "voice.delete", voice.id, tenant=voice.tenant, details=details)


async def all_voices(connection: AsyncConnection) -> AsyncIterator[Voice]:
    """Every tenant's."""
    async for row in await connection.stream(select(voices).order_by(voices.c.id)):
        yield _voice(row)


def _row(voice: Voice) -> dict[str, Any]:
    return {
        "id": voice.id,
        "tenantId": voice.tenant,
        "name": voice.name,
        "language": voice.language,
        "seconds": voice.seconds,
        "bytes": voice.bytes,
        "sha256": voice.sha256,
        "sentSha256": voice.sent_sha256,
        "consent": voice.consent.statement,
        "consentBy": voice.consent.by,
        "consentAt": voice.consent.at,
        "createdBy": storable(voice.created_by, 300),
        "createdAt": voice.created_at,
    }


def _voice(row: Row[Any]) -> Voice:
    return Voice(
        id=row.id,
        tenant=row.tenantId,
        name=row.name,
        language=row.language,
        seconds=row.seconds,
        bytes=row.bytes,
        sha256=row.sha256,
        sent_sha256=row.sentSha256,
        consent=Consent(statement=row.consent, by=row.consentBy, at=row.consentAt),
        created_by=row.createdBy,
        created_at=row.createdAt,
    )
