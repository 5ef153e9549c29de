"""Making voices of tenants' own, finding them for those who own them, and deleting them with their recordings."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence

import structlog
from uuid_utils import uuid7

from atelier.errors import InvalidRequest, NotFound, Unavailable, UpstreamFailed
from atelier.gateway.artifacts.names import is_id, new_name
from atelier.gateway.artifacts.store import Store
from atelier.gateway.voices.known import KnownVoices
from atelier.settings import Settings
from atelier.state.audit import Actor
from atelier.state.database import Database
from atelier.state.records import Consent, NewVoice, Voice
from atelier.state.tables import now
from atelier.state.voices import add_voice, list_voices, read_voice, refuse_more, remove_voice
from atelier.wire.signatures import recording_length

MEDIA_TYPE = "audio/wav"

Copy = Callable[[bytes], Awaitable[bytes]]
"""A recording of any kind → a WAV file as engines want it. Raises InvalidRequest for one that will not do."""

log = structlog.get_logger()


def object_of(voice: Voice) -> str:
    """Where its recording is in the store: an object of its own, whatever else of the tenant has the same bytes."""
    return new_name(voice.tenant, voice.sha256, voice.id)


class Voices:
    """A table of voices, and a store with the recording of each. most: how many a tenant may have.

    Every method that waits raises Unavailable while the database or the store cannot be reached. A voice of another
    tenant is never found.
    """

    def __init__(self, store: Store, database: Database, *, most: int) -> None:
        self.most = most
        self._store = store
        self._database = database
        self._known = KnownVoices(self._to_speak_with)

    async def stop(self) -> None:
        await self._known.stop()

    async def create(self, tenant: str, wanted: NewVoice, recording: bytes, copy: Copy, *, by: Actor) -> Voice:
        """Raises Conflict for a name that is taken and for one voice too many, and what `copy` raises.

        First the object, then the row, in one transaction with its entry in the audit log.
        """
        if is_id(wanted.name):
            raise InvalidRequest("name: looks like the id of a voice; take another", field="name")
        refuse_more(await self.of_tenant(tenant), wanted.name, self.most)
        kept = await copy(recording)
        voice = await asyncio.to_thread(_described, tenant, wanted, recording, kept, by)
        await self._store.put(object_of(voice), kept, MEDIA_TYPE)
        try:
            async with self._database.begin() as connection:
                await add_voice(connection, voice, most=self.most, by=by)
        except BaseException:
            await self._delete_at_leisure(object_of(voice))
            raise
        self._known.forget(tenant)
        return voice

    async def of_tenant(self, tenant: str) -> list[Voice]:
        """All of them, the oldest first."""
        async with self._database.connect() as connection:
            return await list_voices(connection, tenant)

    async def read(self, tenant: str, voice: str) -> Voice:
        """Raises NotFound."""
        if not is_id(voice):
            raise NotFound("There is no such voice", field="voice")
        async with self._database.connect() as connection:
            return await read_voice(connection, tenant, voice)

    async def find(self, tenant: str, named: str, *, is_everyones: Callable[[str], bool]) -> Voice | None:
        """By id or name, as it was some seconds ago at most; without the statement of consent."""
        return await self._known.find(tenant, named, is_everyones=is_everyones)

    async def recording(self, voice: Voice) -> bytes:
        """Raises NotFound where the store has it no more."""
        pieces = await self._store.read(object_of(voice), 0, voice.bytes, voice.bytes)
        if pieces is None:
            log.error("voice without its recording", voice=voice.id)
            self._known.forget(voice.tenant)
            raise NotFound("voice: its recording is gone; delete the voice, and make it anew", field="voice")
        return b"".join([piece async for piece in pieces])

    async def delete(self, tenant: str, voice: str, *, by: Actor) -> None:
        """Its recording first: once the voice is said to be gone, nothing of it is left. Raises NotFound."""
        found = await self.read(tenant, voice)
        await self._store.delete([object_of(found)])
        async with self._database.begin() as connection:
            await remove_voice(connection, found, by=by)
        self._known.forget(tenant)

    async def delete_recordings(self, tenant: str, found: Sequence[Voice] | None = None) -> None:
        """Of a tenant whose rows are about to go. found: those that went; none: those that are there now."""
        gone = await self.of_tenant(tenant) if found is None else found
        await self._store.delete([object_of(voice) for voice in gone])
        self._known.forget(tenant)

    async def _to_speak_with(self, tenant: str) -> list[Voice]:
        """All of them without their statements: of thousands of tenants these would fill the memory."""
        silent = [(voice, voice.consent.model_copy(update={"statement": ""})) for voice in await self.of_tenant(tenant)]
        return [voice.model_copy(update={"consent": consent}) for voice, consent in silent]

    async def _delete_at_leisure(self, name: str) -> None:
        try:
            await self._store.delete([name])
        except Unavailable:
            log.warning("objects left to the sweeper", most=1)


def create_voices(settings: Settings, database: Database, store: Store) -> Voices:
    """store: that of artifacts, where their recordings lie too."""
    return Voices(store, database, most=settings.voices_per_tenant)


def _described(tenant: str, wanted: NewVoice, recording: bytes, kept: bytes, by: Actor) -> Voice:
    seconds, _ = recording_length(kept, len(kept)) or (0.0, 0)
    if not seconds:
        raise UpstreamFailed("the speech service sent an answer that makes no sense")
    return Voice(
        id=str(uuid7()),
        tenant=tenant,
        name=wanted.name,
        language=wanted.language,
        seconds=round(seconds, 3),
        bytes=len(kept),
        sha256=hashlib.sha256(kept).hexdigest(),
        sent_sha256=hashlib.sha256(recording).hexdigest(),
        consent=Consent(statement=wanted.consent, by=wanted.consent_by, at=wanted.consent_at),
        created_by=by.name,
        created_at=now(),
    )
