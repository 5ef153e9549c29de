"""One public key of an identity provider: what it may verify is the key's own matter, never the token's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import Algorithm, get_default_algorithms
from jwt.exceptions import PyJWTError

from atelier.gateway.auth.token import MOST_KID_CHARACTERS, Token

_LIBRARY = get_default_algorithms()
_ALGORITHMS: dict[object, str] = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
"""By kind and curve. There is one for each kind of key, and none for a symmetric one."""

_OTHER_NAMES = {"Ed25519": "EdDSA"}  # RFC 9864
_MATERIAL = ("kty", "crv", "n", "e", "x", "y")
_RSA_BITS = range(2048, 8193)  # fewer can be broken, more take the gateway's time
_MOST_EXPONENT = 2**32


class UnusableKey(ValueError):
    """Why a published key is left out."""


@dataclass(frozen=True)
class PublicKey:
    """Equal to another of the same kid, algorithm and material."""

    kid: str | None
    algorithm: str
    material: tuple[tuple[str, str], ...]
    _key: Any = field(compare=False, repr=False)

    def signed(self, token: Token) -> bool:
        return token.algorithm == self.algorithm and _library(self.algorithm).verify(
            token.signed, self._key, token.signature
        )


def read_public_key(jwk: Mapping[str, Any]) -> PublicKey:
    """A key of a JSON Web Key Set (RFC 7517). Raises UnusableKey for one that cannot, or must not, verify tokens."""
    kid = jwk.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > MOST_KID_CHARACTERS):
        raise UnusableKey(f"its kid is not text of up to {MOST_KID_CHARACTERS} characters")
    algorithm = _algorithm_of(jwk)
    material = {name: jwk[name] for name in _MATERIAL if name in jwk}
    if not all(isinstance(value, str) for value in material.values()):
        raise UnusableKey("its parts are not text")
    return PublicKey(kid, algorithm, tuple(material.items()), _load(algorithm, material))


def _algorithm_of(jwk: Mapping[str, Any]) -> str:
    kind = (jwk.get("kty"), jwk.get("crv"))
    algorithm = next((name for known, name in _ALGORITHMS.items() if known == kind), None)
    if algorithm is None:
        raise UnusableKey("it is neither RSA nor EC on P-256 nor Ed25519")
    if "d" in jwk:
        raise UnusableKey("it is published with its private half")
    if jwk.get("use", "sig") != "sig" or not _may_verify(jwk.get("key_ops")):
        raise UnusableKey("it is not for signatures")
    named = jwk.get("alg", algorithm)
    if named != algorithm and (not isinstance(named, str) or _OTHER_NAMES.get(named) != algorithm):
        raise UnusableKey(f"it is for another algorithm than {algorithm}")
    return algorithm


def _may_verify(operations: object) -> bool:
    return operations is None or (isinstance(operations, list) and "verify" in operations)


def _load(algorithm: str, material: Mapping[str, str]) -> object:
    try:
        key = _library(algorithm).from_jwk(dict(material))
    except (PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, OverflowError) as problem:
        raise UnusableKey("its parts make no key") from problem
    if isinstance(key, RSAPublicKey) and (key.key_size not in _RSA_BITS or key.public_numbers().e > _MOST_EXPONENT):
        raise UnusableKey(f"it has {key.key_size} bits, or a strange exponent")
    return key


def _library(algorithm: str) -> Algorithm:
    return _LIBRARY[algorithm]
