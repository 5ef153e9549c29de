"""The public keys of an identity provider: read from its JWKS address, kept a while, and read again in good time.

Keys at hand serve while newer ones are fetched, and for a bounded time while the provider is away. Whatever tokens
come in, the address is asked at most once in a while, and never twice at the same time.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import aiohttp
import structlog
from pydantic_core import from_json

from atelier.errors import Unauthenticated, Unavailable
from atelier.gateway.auth.public_keys import PublicKey, UnusableKey, read_public_key
from atelier.gateway.auth.token import Token
from atelier.telemetry import of_no_request

TIMEOUT_SECONDS = 5.0
MOST_BYTES = 262_144
MOST_KEYS = 100

log = structlog.get_logger()


class KeySet:
    """Seconds: after `fresh_seconds` keys are read again, after `stale_seconds` without success they are dropped,
    and the address is asked once in `again_seconds` at most. `generation` is another number after each change.
    """

    def __init__(
        self,
        url: str,
        *,
        fresh_seconds: float,
        stale_seconds: float,
        again_seconds: float,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._url = url
        self._fresh_seconds = fresh_seconds
        self._stale_seconds = max(stale_seconds, fresh_seconds)
        self._again_seconds = again_seconds
        self._timeout_seconds = timeout_seconds
        self.generation = 0
        self._keys: tuple[PublicKey, ...] = ()
        self._read_at: float | None = None
        self._asked_at: float | None = None
        self._failed = False
        self._reading: asyncio.Task[None] | None = None

    def freshen(self) -> None:
        """Drop keys that are too old, and begin to read them anew where that is due. Waits for nothing."""
        age = float("inf") if self._read_at is None else time.monotonic() - self._read_at
        if age >= self._stale_seconds and self._keys:
            log.error("keys dropped: the identity provider has been away for too long", seconds=round(age))
            self._replace(())
        if age >= self._fresh_seconds:
            self._begin()

    async def check(self, token: Token) -> None:
        """Raises Unauthenticated where no key of the provider signed it, Unavailable where the keys cannot be had."""
        self.freshen()
        key = self._find(token)
        if key is None:
            self._begin()
            if self._reading is not None:
                await asyncio.wait([self._reading])
            key = self._find(token)
        if key is None:
            raise self._refusal()
        if not key.signed(token):
            raise Unauthenticated("The token's signature does not hold")

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    def _find(self, token: Token) -> PublicKey | None:
        """The key that the token names. One that names none is taken where only one key could be meant."""
        if token.kid is None:
            fitting = [key for key in self._keys if key.algorithm == token.algorithm]
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in self._keys if key.kid == token.kid), None)

    def _refusal(self) -> Unauthenticated | Unavailable:
        if self._failed:
            return Unavailable(
                "The identity provider's keys cannot be read just now; try again soon", retry_after=self._again_seconds
            )
        return Unauthenticated("The token is signed with a key that the identity provider does not name")

    def _begin(self) -> None:
        """Ask now, unless that is being done or was done a moment ago."""
        now = time.monotonic()
        if self._reading is not None or (self._asked_at is not None and now - self._asked_at < self._again_seconds):
            return
        self._asked_at = now
        self._reading = asyncio.create_task(self._read(), context=of_no_request())
        self._reading.add_done_callback(self._ended)

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._reading = None

    async def _read(self) -> None:
        self._failed = True  # until it has gone well
        try:
            keys = _usable(await self._fetch())
        except (aiohttp.ClientError, OSError, ValueError) as problem:  # OSError: TimeoutError too
            log.warning("keys not read", reason=str(problem) or type(problem).__name__, keys_at_hand=len(self._keys))
            return
        self._failed, self._read_at = False, time.monotonic()
        if keys != self._keys:
            log.info("keys read", keys=len(keys))
            self._replace(keys)

    def _replace(self, keys: tuple[PublicKey, ...]) -> None:
        self._keys = keys
        self.generation += 1

    async def _fetch(self) -> bytes:
        """One GET without redirects, cookies, compression or the environment's proxies."""
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Atelier"},
                auto_decompress=False,
            ) as session,
            session.get(self._url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise ValueError(f"the answer has status {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise ValueError(f"the answer is over {MOST_BYTES:,} bytes")
            return bytes(body)


def _usable(body: bytes) -> tuple[PublicKey, ...]:
    """The keys of a JSON Web Key Set that may verify tokens. ValueError for what is not such a set."""
    found = from_json(body)
    listed: Any = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError(f"the answer is not a set of up to {MOST_KEYS} keys")
    keys = []
    for jwk in listed:
        try:
            keys.append(read_public_key(jwk if isinstance(jwk, dict) else {}))
        except UnusableKey as problem:
            log.debug("key left out", reason=str(problem))
    return tuple(keys)
