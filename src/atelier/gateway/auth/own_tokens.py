"""Tokens of the product's own, signed with a secret that both sides know: HS256."""

from __future__ import annotations

import hmac
import time
from collections.abc import Sequence
from typing import Any

from atelier.errors import Unauthenticated
from atelier.gateway.auth.token import Token

ALGORITHM = "HS256"


class Secrets:
    """The secrets that tokens may be signed with: today's, and yesterday's while one replaces the other."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [secret.encode() for secret in secrets]

    def check(self, token: Token) -> None:
        """Raises Unauthenticated where none of them signed it. Each comparison takes constant time."""
        signatures = [hmac.digest(secret, token.signed, "sha256") for secret in self._secrets]
        if token.algorithm != ALGORITHM or not any(
            hmac.compare_digest(signature, token.signature) for signature in signatures
        ):
            raise Unauthenticated("The token's signature does not hold")


def make_token(
    secret: str,
    tenant: str,
    *,
    seconds: float,
    user: str | None = None,
    roles: Sequence[str] = (),
    services: Sequence[str] | None = None,
    issuer: str | None = None,
    audience: str | None = None,
) -> str:
    """A token for `tenant`, good for `seconds` from now. services: what it is for; none is every service."""
    import jwt

    now = int(time.time())
    claims: dict[str, Any] = {"tenantId": tenant, "iat": now, "exp": now + int(seconds)}
    claims |= {name: value for name, value in (("sub", user), ("iss", issuer), ("aud", audience)) if value is not None}
    if roles:
        claims["roles"] = list(roles)
    if services is not None:
        claims["services"] = list(services)
    return jwt.encode(claims, secret, algorithm=ALGORITHM)
