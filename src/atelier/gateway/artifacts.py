"""Files that services made: each belongs to one tenant, who reads it by token or by a signed, expiring link."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select
from uuid_utils import uuid7

from atelier.errors import NotFound
from atelier.state.database import Database
from atelier.state.tables import artifacts
from atelier.state.tenants import ensure_tenant

PATH = "/artifacts/"

_ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True)
class Artifact:
    id: str
    tenant: str
    media_type: str
    file: Path


class Artifacts:
    """A folder of files and a table that says whose they are. Links that `previous` signed are good to their end."""

    def __init__(
        self, folder: Path, database: Database, *, secret: str, link_seconds: int, previous: str | None = None
    ) -> None:
        self._folder = folder
        self._database = database
        self._key = _link_key(secret)
        self._keys = [self._key] if previous is None else [self._key, _link_key(previous)]
        self._link_seconds = link_seconds

    async def put(self, tenant: str, request_id: str, data: bytes, media_type: str) -> str:
        """Store a file of `tenant`; returns its id."""
        artifact = str(uuid7())
        sha256 = await asyncio.to_thread(self._write, self._file(tenant, artifact), data)
        row = {
            "id": artifact,
            "tenantId": tenant,
            "requestId": request_id,
            "mediaType": media_type[:100],
            "bytes": len(data),
            "sha256": sha256,
        }
        async with self._database.begin() as connection:
            await ensure_tenant(connection, tenant)
            await connection.execute(artifacts.insert().values(row))
        return artifact

    async def of_tenant(self, artifact: str, tenant: str) -> Artifact:
        """Raises NotFound for an unknown id and for another tenant's alike."""
        found = await self._find(artifact)
        if found is None or found.tenant != tenant:
            raise _not_found()
        return found

    async def of_link(self, artifact: str, expires: str, signature: str) -> Artifact:
        """Raises NotFound for a link that is false or has expired, so that ids cannot be probed."""
        signatures = [_signature(key, artifact, expires) for key in self._keys]
        signed = [hmac.compare_digest(signature.encode(), good.encode()) for good in signatures]
        if not any(signed) or not expires.isdigit() or int(expires) < time.time():
            raise _not_found()
        found = await self._find(artifact)
        if found is None:
            raise _not_found()
        return found

    def link(self, artifact: str, base_url: str) -> str:
        """A URL that anyone may read until it expires."""
        expires = str(int(time.time()) + self._link_seconds)
        return f"{base_url}{PATH}{artifact}?expires={expires}&signature={_signature(self._key, artifact, expires)}"

    async def read_link(self, url: str, base_url: str, tenant: str) -> bytes | None:
        """The bytes of a link of our own, for its owner; None where the URL is not ours."""
        own = url.startswith((f"{base_url}{PATH}", PATH))
        if not own:
            return None
        parts = urlsplit(url.removeprefix(base_url))
        artifact = parts.path.removeprefix(PATH)
        query = parse_qs(parts.query)
        found = await self.of_tenant(artifact, tenant)
        if "signature" in query:
            await self.of_link(artifact, query.get("expires", [""])[0], query["signature"][0])
        try:
            return await asyncio.to_thread(found.file.read_bytes)
        except FileNotFoundError:
            raise _not_found() from None

    async def _find(self, artifact: str) -> Artifact | None:
        if not _ID.fullmatch(artifact):  # PostgreSQL refuses some signs even in a question
            return None
        async with self._database.connect() as connection:
            row = (await connection.execute(select(artifacts).where(artifacts.c.id == artifact))).one_or_none()
        if row is None:
            return None
        return Artifact(row.id, row.tenantId, row.mediaType, self._file(row.tenantId, row.id))

    def _file(self, tenant: str, artifact: str) -> Path:
        # A tenant's id may hold any character: the folder is named by its hash.
        return self._folder / hashlib.sha256(tenant.encode()).hexdigest()[:32] / artifact

    @staticmethod
    def _write(file: Path, data: bytes) -> str:
        """Whole or not at all; returns the SHA-256."""
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = file.with_suffix(".part")
        part.write_bytes(data)
        part.rename(file)
        return hashlib.sha256(data).hexdigest()


def _link_key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"atelier artifact links", "sha256")


def _signature(key: bytes, artifact: str, expires: str) -> str:
    return hmac.new(key, f"{artifact}\n{expires}".encode(), "sha256").hexdigest()


def _not_found() -> NotFound:
    return NotFound("There is no such artifact, or the link to it has expired")
