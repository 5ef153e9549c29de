"""A tenant, removed for good: what it keeps in the store first, then its rows."""

from __future__ import annotations

from atelier.gateway.artifacts import Artifacts
from atelier.gateway.voices import Voices
from atelier.state.audit import Actor
from atelier.state.database import Database
from atelier.state.tenants import delete_tenant, read_tenant
from atelier.state.voices import list_voices


async def remove_tenant(
    database: Database, artifacts: Artifacts, voices: Voices, tenant: str, *, purge: bool, by: Actor
) -> None:
    """As state/tenants.delete_tenant, and with `purge` the files of its artifacts and voices.

    The files go first: those of a tenant that is no longer known would lie in the store for good. Raises NotFound,
    Conflict, and Unavailable where the store or the database is away; asked again, it goes on.
    """
    files = 0
    if purge:
        async with database.connect() as connection:
            await read_tenant(connection, tenant)
        files = await artifacts.delete_all(tenant)
        await voices.delete_recordings(tenant)
    async with database.begin() as connection:
        await read_tenant(connection, tenant, lock=True)
        spoken = await list_voices(connection, tenant)
        await delete_tenant(connection, tenant, purge=purge, by=by, artifacts_deleted=files)
    await voices.delete_recordings(tenant, spoken)  # one may have been made since the files went
