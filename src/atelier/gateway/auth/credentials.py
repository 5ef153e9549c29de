"""From the header `Authorization` to the caller: reads it, has it checked, and remembers the answer for a moment."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from atelier.errors import Unauthenticated, Unavailable
from atelier.gateway.auth.claims import ADMIN, Caller, Grant, Terms, grant
from atelier.gateway.auth.last_used import LastUsed
from atelier.gateway.auth.memory import Memory
from atelier.gateway.auth.own_tokens import ALGORITHM, Secrets
from atelier.gateway.auth.token import read_token
from atelier.settings import Settings
from atelier.state.database import Database
from atelier.state.keys import PREFIX, KeyOwner, find_owner
from atelier.state.tables import now

if TYPE_CHECKING:
    from atelier.gateway.auth.key_set import KeySet

MOST_TOKEN_CHARACTERS = 8192
TOKEN_SECONDS = 60.0
"""For so long a checked token is not checked again; less where it ends before."""

KEY_SECONDS = 5.0
"""So late a gateway may notice that an API key has been revoked."""

KEY_STALE_SECONDS = 3600.0
"""For so long a key that was found serves while the database is away, as what is known of its tenant does."""

_MOST_REMEMBERED = 10_000
_MOST_UNKNOWN = 10_000


@dataclass(frozen=True)
class Provider:
    """An identity provider: its keys, and what its tokens have to say."""

    keys: KeySet
    terms: Terms


class Auth:
    """Names the caller of a request by its header `Authorization`. `start` before the first, `stop` at the end.

    previous: the secret before this one, while tokens of both are about. key_seconds: how long the owner of an API key
    is remembered, and that a key is nobody's.
    """

    def __init__(
        self,
        secret: str,
        database: Database,
        *,
        previous: str | None = None,
        terms: Terms | None = None,
        provider: Provider | None = None,
        key_seconds: float = 0.0,
    ) -> None:
        self._secrets = Secrets([secret] if previous is None else [secret, previous])
        self._database = database
        self._terms = terms or Terms()
        self._provider = provider
        self._key_seconds = key_seconds
        self._remembered: Memory[Caller] = Memory(_MOST_REMEMBERED)
        self._owners: Memory[Caller] = Memory(_MOST_REMEMBERED)
        # Apart from those that are good, which no flood of wrong ones drives out. Each stands for the whole of a key:
        # one which is made later has a secret of its own, and is never taken for it.
        self._unknown: Memory[bool] = Memory(_MOST_UNKNOWN)
        self._last_used = LastUsed(database)

    def start(self) -> None:
        """Begin to read the provider's keys, so that they are here for its first token, and to note the use of ours."""
        self._last_used.start()
        if self._provider is not None:
            self._provider.keys.freshen()

    async def stop(self) -> None:
        await self._last_used.stop()
        if self._provider is not None:
            await self._provider.keys.close()

    async def caller(self, headers: Mapping[str, str]) -> Caller:
        """Raises Unauthenticated, in a sentence that helps an honest caller and tells a forger nothing, or
        Unavailable where the identity provider's keys cannot be had.
        """
        credentials = _credentials(headers)
        if self._provider is not None:
            self._provider.keys.freshen()
        digest = _digest(credentials.encode())
        found = self._remembered.get((self._generation(), digest))
        if found is None:
            found, seconds = await self._check(credentials, digest)
            self._remembered.put((self._generation(), digest), found, seconds)
        return found

    def remembered(self, headers: Sequence[tuple[bytes, bytes]]) -> Caller | None:
        """The caller, where the same credentials were checked a moment ago; None where `caller` has to look."""
        fields = dict(headers)
        if len(fields) < len(headers):  # it may be there twice
            return None
        scheme, _, credentials = fields.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        if self._provider is not None:
            self._provider.keys.freshen()
        return self._remembered.get((self._generation(), _digest(credentials.strip())))

    def _generation(self) -> int:
        """Another number after each change of the provider's keys: whatever was found out before is forgotten."""
        return self._provider.keys.generation if self._provider is not None else 0

    async def _check(self, credentials: str, digest: bytes) -> tuple[Caller, float]:
        """(the caller, for how many seconds that may be remembered)"""
        if credentials.startswith(PREFIX):
            return await self._key_owner(credentials, digest)
        granted = await self._bearer(credentials)
        return granted.caller, min(TOKEN_SECONDS, granted.until - time.time())

    async def _key_owner(self, key: str, digest: bytes) -> tuple[Caller, float]:
        if self._unknown.get(digest):
            raise _unknown_key()
        try:
            async with self._database.connect() as connection:
                owner = await find_owner(connection, key)
        except Unavailable:
            known = self._owners.get(digest)
            if known is None:
                raise
            return known, self._key_seconds  # until then the database is not asked again
        left = _seconds_left(owner) if owner is not None else 0
        if owner is None or left <= 0:
            self._owners.forget(digest)
        if owner is None:
            self._unknown.put(digest, True, self._key_seconds)
            raise _unknown_key()
        if left <= 0:  # not remembered: its end may be moved
            raise Unauthenticated("The API key has expired; get a new one")
        self._last_used.note(owner.key)
        roles = (ADMIN,) if owner.admin else ()
        caller = Caller(owner.tenant, user=f"key:{owner.key}", roles=roles, services=owner.services)
        self._owners.put(digest, caller, min(KEY_STALE_SECONDS, left))
        return caller, min(self._key_seconds, left)

    async def _bearer(self, text: str) -> Grant:
        """A secret checks HS256 alone, and a published key its own algorithm alone: neither passes for the other."""
        token = read_token(text)
        if token.algorithm == ALGORITHM:
            self._secrets.check(token)
            terms = self._terms
        elif self._provider is not None:
            await self._provider.keys.check(token)
            terms = self._provider.terms
        else:
            raise Unauthenticated("The token is signed in a way (alg) that is not taken here")
        return grant(token.claims(), terms, time.time())


def _digest(credentials: bytes) -> bytes:
    """No credentials stay in memory."""
    return hashlib.blake2b(credentials, digest_size=32).digest()


def _unknown_key() -> Unauthenticated:
    return Unauthenticated("The API key is not valid")


def _seconds_left(owner: KeyOwner) -> float:
    return math.inf if owner.expires_at is None else (owner.expires_at - now()).total_seconds()


def _credentials(headers: Mapping[str, str]) -> str:
    scheme, _, credentials = _authorization(headers).partition(" ")
    credentials = credentials.strip()
    if scheme.lower() != "bearer" or not credentials:
        raise Unauthenticated("Send the header Authorization: Bearer <token or API key>")
    if len(credentials) > MOST_TOKEN_CHARACTERS:
        raise Unauthenticated("The token is too long")
    return credentials


def _authorization(headers: Mapping[str, str]) -> str:
    if isinstance(headers, Headers) and len(headers.getlist("authorization")) > 1:
        raise Unauthenticated("Send the header Authorization once")
    return headers.get("authorization", "")


def create_auth(settings: Settings, secret: str, database: Database) -> Auth:
    """As the settings say."""
    return Auth(
        secret,
        database,
        previous=settings.previous_secret(),
        terms=Terms(settings.jwt_issuer, settings.jwt_audience, settings.jwt_leeway_seconds),
        provider=_provider(settings),
        key_seconds=KEY_SECONDS,
    )


def _provider(settings: Settings) -> Provider | None:
    if settings.jwks_url is None:
        return None
    from atelier.gateway.auth.key_set import KeySet  # brings a cryptographic library that nothing else needs

    keys = KeySet(
        settings.jwks_url,
        fresh_seconds=settings.jwks_fresh_seconds,
        stale_seconds=settings.jwks_stale_seconds,
        again_seconds=settings.jwks_again_seconds,
    )
    terms = Terms(
        settings.jwks_issuer,
        settings.jwks_audience,
        settings.jwt_leeway_seconds,
        tenant=(settings.jwks_tenant_claim,),
        user=("sub",),
        roles=settings.jwks_roles_claim,
    )
    return Provider(keys, terms)
