"""Who is calling: a JSON Web Token of the product's own, or an API key."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from atelier.errors import Unauthenticated
from atelier.state.database import Database
from atelier.state.keys import PREFIX, find_owner
from atelier.state.tenants import is_tenant_name

ALGORITHM = "HS256"
LEEWAY_SECONDS = 10
MOST_TOKEN_CHARACTERS = 8192
SHORTEST_SECRET = 32


@dataclass(frozen=True)
class Caller:
    """Whose request it is."""

    tenant: str
    user: str | None = None
    roles: tuple[str, ...] = ()


class Auth:
    """Names the caller of a request by its `Authorization` header."""

    def __init__(self, secret: str, database: Database) -> None:
        self._secret = secret
        self._database = database

    async def caller(self, headers: Mapping[str, str]) -> Caller:
        """Raises Unauthenticated, in a sentence that helps an honest caller and tells a forger nothing."""
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        credentials = credentials.strip()
        if scheme.lower() != "bearer" or not credentials:
            raise Unauthenticated("Send the header Authorization: Bearer <token or API key>")
        if len(credentials) > MOST_TOKEN_CHARACTERS:
            raise Unauthenticated("The token is too long")
        if credentials.startswith(PREFIX):
            return await self._key_owner(credentials)
        return self._bearer(credentials)

    async def _key_owner(self, key: str) -> Caller:
        async with self._database.connect() as connection:
            owner = await find_owner(connection, key)
        if owner is None:
            raise Unauthenticated("The API key is not valid")
        return Caller(owner.tenant, user=f"key:{owner.key}", roles=("admin",) if owner.admin else ())

    def _bearer(self, token: str) -> Caller:
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],  # pinned: the token's own header has no say
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp"], "verify_aud": False},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired; get a new one") from None
        except jwt.MissingRequiredClaimError:
            raise Unauthenticated("The token has no expiry (exp)") from None
        except jwt.PyJWTError:
            raise Unauthenticated("The token is not valid") from None
        return _caller_of(claims)


def _caller_of(claims: Mapping[str, Any]) -> Caller:
    tenant = claims.get("tenantId", claims.get("tenant_id"))
    if not isinstance(tenant, str) or not is_tenant_name(tenant):
        raise Unauthenticated("The token names no tenant (tenantId)")
    user = claims.get("userId", claims.get("sub"))
    roles = claims.get("roles", [])
    return Caller(
        tenant,
        user=user[:200] if isinstance(user, str) else None,
        roles=tuple(str(role) for role in roles) if isinstance(roles, list) else (),
    )


def make_token(secret: str, tenant: str, *, seconds: float, user: str | None = None, roles: Sequence[str] = ()) -> str:
    """A token for `tenant`, good for `seconds` from now."""
    now = int(time.time())
    claims: dict[str, Any] = {"tenantId": tenant, "iat": now, "exp": now + int(seconds)}
    if user is not None:
        claims["sub"] = user
    if roles:
        claims["roles"] = list(roles)
    return jwt.encode(claims, secret, algorithm=ALGORITHM)
