"""An identity provider on loopback: keys of each kind, the tokens they sign, and an address that publishes them."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from servers import Server

ISSUER = "https://login.example.com/realm"
AUDIENCE = "atelier"


@dataclass(frozen=True)
class Signer:
    """A private key, and what is published of it."""

    kid: str
    algorithm: str
    private: Any = field(repr=False)

    def jwk(self, **more: Any) -> dict[str, Any]:
        """`more` replaces members; those that are None are left out."""
        made = get_default_algorithms()[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        found = {**made, "kid": self.kid, "use": "sig", "alg": self.algorithm, **more}
        return {name: value for name, value in found.items() if value is not None and name != "key_ops"}

    def token(self, *, head: dict[str, Any] | None = None, **claims: Any) -> str:
        """A good one, but for what is named; what is None is left out."""
        now = int(time.time())
        said = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "ann",
            "tenantId": "acme",
            "iat": now,
            "exp": now + 300,
            **claims,
        }
        said = {name: value for name, value in said.items() if value is not None}
        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid, **(head or {})}
        return self.sealed({name: value for name, value in header.items() if value is not None}, said)

    def sealed(self, header: object, payload: object) -> str:
        """Whatever it says, signed. Bytes are taken as they are."""
        signing = f"{part(header)}.{part(payload)}"
        signature = get_default_algorithms()[self.algorithm].sign(signing.encode(), self.private)
        return f"{signing}.{part(signature)}"


@dataclass(frozen=True)
class SecretSigner(Signer):
    """Signs with a secret."""

    def jwk(self, **more: Any) -> dict[str, Any]:
        return {"kty": "oct", "kid": self.kid, "use": "sig", "alg": self.algorithm, "k": part(self.private), **more}


def part(value: object) -> str:
    """One part of a token."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@cache
def signer(kid: str, algorithm: str = "RS256") -> Signer:
    """The same for the same words."""
    if algorithm == "RS256":
        return Signer(kid, algorithm, rsa.generate_private_key(65537, 2048))
    if algorithm == "ES256":
        return Signer(kid, algorithm, ec.generate_private_key(ec.SECP256R1()))
    return Signer(kid, algorithm, ed25519.Ed25519PrivateKey.generate())


@dataclass
class IdentityProvider:
    """What its address answers is `answer`, once it is `talking`; `asked` counts how often it was."""

    keys: list[dict[str, Any]]
    answer: str = "keys"
    asked: int = 0
    url: str = ""
    talking: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.talking.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.asked += 1
        await asyncio.to_thread(self.talking.wait)
        await self._response(Request(scope))(scope, receive, send)

    def _response(self, request: Request) -> Response:
        body = json.dumps({"keys": self.keys})
        if self.answer == "redirect" and request.url.path != "/elsewhere":
            return RedirectResponse("/elsewhere")
        if self.answer == "compressed":
            return Response(gzip.compress(body.encode()), headers={"content-encoding": "gzip"})
        if self.answer == "fault":
            return PlainTextResponse(body, status_code=500)
        words = {
            "page": "<html>Sign in</html>",
            "empty": "",
            "cut": body[:-20],
            "list": json.dumps(self.keys),
            "no list": json.dumps({"keys": 7}),
            "endless": body + " " * 1_000_000,
            "deep": "[" * 100_000,
            "many": json.dumps({"keys": self.keys * 101}),
            "not text": "\udc80",
        }
        return Response(words.get(self.answer, body).encode("utf-8", "surrogateescape"), media_type="application/json")


@contextmanager
def published(*keys: dict[str, Any]) -> Iterator[IdentityProvider]:
    """A provider of these keys, while it runs."""
    provider = IdentityProvider(list(keys))
    with Server(provider) as url:
        provider.url = f"{url}/keys"
        try:
            yield provider
        finally:
            provider.talking.set()  # nobody must be left waiting


def settings_for(provider: IdentityProvider, **more: Any) -> dict[str, Any]:
    return {"jwks_url": provider.url, "jwks_issuer": ISSUER, "jwks_audience": AUDIENCE, **more}


def secret_signer(secret: bytes, kid: str = "secret", algorithm: str = "HS256") -> Signer:
    return SecretSigner(kid, algorithm, secret)


def decoded(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})
