"""Where the bytes are: a folder, or a store that speaks S3; one library asks both."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from yarl import URL

from atelier.errors import Unavailable
from atelier.settings import Settings

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ClientConfig, LocalStore, RetryConfig, S3Config, S3Store

CHUNK_BYTES = 256 * 1024
"""What is read of an object at a time."""

RETRY_SECONDS = 5.0

LONGEST_SIGNED = timedelta(days=7)
"""S3 signs for no longer."""

_CLIENT: ClientConfig = {
    "allow_http": True,  # which settings.py allows inside a private network only
    "connect_timeout": timedelta(seconds=3),
    "read_timeout": timedelta(seconds=30),  # also what an upload may take
    "timeout": timedelta(hours=1),  # a whole download, at the pace of the client who reads it
}
_RETRIES: RetryConfig = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1), "base": 2},
}

log = structlog.get_logger()


@dataclass(frozen=True)
class Listed:
    """An object of the store, and when it was put there."""

    name: str
    put_at: datetime


class Store:
    """Objects by their names, each written whole or not at all.

    Every method raises Unavailable where the store cannot be reached, refuses or is full; what it said is in the log.
    folder: where a store on this machine lies. public: signs links for clients, by the address that they know.
    failures: how often that was, to `write`, `read` and `delete`.
    """

    def __init__(self, objects: LocalStore | S3Store, *, folder: Path | None = None, public: S3Store | None = None):
        self._objects = objects
        self._folder = folder
        self._public = public
        self._made: set[str] = set()
        self.failures: Counter[str] = Counter()

    async def put(self, name: str, data: bytes, media_type: str = "application/octet-stream") -> None:
        async with self._refusing_while_away("write"):
            if self._folder is None:
                # For those who are led to the store itself: it answers with what it was told here.
                told = {"Content-Type": media_type, "Content-Disposition": "inline", "Cache-Control": "private"}
                await self._objects.put_async(name, data, attributes=told, use_multipart=False)
            else:
                await self._make_room(self._folder / name)
                await self._objects.put_async(name, data, use_multipart=False)

    async def find(self, name: str) -> Listed | None:
        async with self._refusing_while_away("read"):
            try:
                found = await self._objects.head_async(name)
            except FileNotFoundError:
                return None
        return Listed(name, found["last_modified"])

    async def read(self, name: str, first: int, end: int, size: int) -> AsyncIterator[bytes] | None:
        """The bytes from `first` to before `end`, in pieces; None where there is no such object of that size."""
        part: tuple[int, int] | None = (first, end) if end - first < size else None
        async with self._refusing_while_away("read"):
            try:
                found = await self._objects.get_async(name, options={"range": part} if part else None)
            except FileNotFoundError:
                return None
        return _pieces(found) if found.meta["size"] == size else None

    async def delete(self, names: Sequence[str]) -> None:
        """Those that are not there are passed over."""
        if not names:
            return
        async with self._refusing_while_away("delete"):
            try:
                await self._objects.delete_async(names)
            except FileNotFoundError:  # a folder stops at the first that it lacks
                for name in names:
                    await self._delete_one(name)

    async def list_before(self, moment: datetime, *, most: int) -> AsyncIterator[list[Listed]]:
        """All objects that were put before `moment`, at most so many at a time."""
        stream = self._objects.list(chunk_size=most)
        while True:
            async with self._refusing_while_away("read"):
                try:
                    batch = await anext(stream)
                except StopAsyncIteration:
                    return
            yield [Listed(o["path"], o["last_modified"]) for o in batch if o["last_modified"] < moment]

    async def sign(self, name: str, seconds: float) -> str | None:
        """A link to the object itself, good for so long; None where clients cannot reach the store."""
        from obstore import sign_async

        if self._public is None:
            return None
        async with self._refusing_while_away("read"):
            return await sign_async(self._public, "GET", name, min(timedelta(seconds=max(1, seconds)), LONGEST_SIGNED))

    async def remove_unfinished(self, seconds: float) -> None:
        """What a process left half written when it was killed that long ago; an S3 store keeps nothing of it."""
        if self._folder is not None:
            await asyncio.to_thread(_remove_unfinished, self._folder, time.time() - seconds)

    async def _delete_one(self, name: str) -> None:
        try:
            await self._objects.delete_async(name)
        except FileNotFoundError:
            return

    @asynccontextmanager
    async def _refusing_while_away(self, action: str) -> AsyncGenerator[None, None]:
        """For a caller: what to do, and nothing of the store."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as problem:
            self.failures[action] += 1
            log.warning("store of artifacts away", reason=str(problem).partition("\n")[0][:300])
            message = "The store of artifacts cannot be reached at the moment, or is full; try again soon"
            raise Unavailable(message, retry_after=RETRY_SECONDS) from None

    async def _make_room(self, file: Path) -> None:
        """The library would let other users of the machine into the folder."""
        if file.parent.name not in self._made:
            await asyncio.to_thread(file.parent.mkdir, parents=True, exist_ok=True, mode=0o700)
            self._made.add(file.parent.name)


def open_store(settings: Settings) -> Store:
    """The store that the settings name. Nothing is asked of it yet."""
    if settings.artifacts_url is None:
        return open_folder(settings.home / "artifacts")
    public = settings.s3_public_endpoint
    return Store(
        _open_bucket(settings, settings.s3_endpoint), public=_open_bucket(settings, public) if public else None
    )


def open_folder(folder: Path) -> Store:
    from obstore.store import LocalStore

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Store(LocalStore(folder.absolute()), folder=folder)


def _open_bucket(settings: Settings, endpoint: str | None) -> S3Store:
    from obstore.store import S3Store

    url = URL(settings.artifacts_url or "")
    secret = settings.s3_secret_access_key
    config: S3Config = {
        "region": settings.s3_region,
        # Other servers than Amazon's seldom have a host name for each bucket.
        "virtual_hosted_style_request": endpoint is None,
    }
    if endpoint is not None:
        config["endpoint"] = endpoint
    if settings.s3_access_key_id is not None and secret is not None:
        config["access_key_id"] = settings.s3_access_key_id
        config["secret_access_key"] = secret.get_secret_value()
    prefix = url.path.strip("/") or None
    return S3Store(url.host, prefix=prefix, config=config, client_options=_CLIENT, retry_config=_RETRIES)


async def _pieces(found: GetResult) -> AsyncGenerator[bytes, None]:
    async for piece in found.stream(min_chunk_size=CHUNK_BYTES):
        yield bytes(piece)


def _remove_unfinished(folder: Path, before: float) -> None:
    for file in folder.glob("*/*#*"):  # what the library calls a file until it is whole
        if file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
