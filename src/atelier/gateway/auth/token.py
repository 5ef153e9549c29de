"""A JSON Web Token, taken apart. All of it is the word of whoever sent it, until a signature holds."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from atelier.errors import Unauthenticated

MOST_KID_CHARACTERS = 256

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_KINDS = {"jwt", "at+jwt"}
_BRINGS_A_KEY = ("jku", "jwk", "x5u", "x5c")
_CHANGES_THE_RULES = ("crit", "b64", "cty", "enc", "zip")


@dataclass(frozen=True)
class Token:
    """kid: which key its sender says it is signed with. signed: the bytes that the signature is of."""

    algorithm: str
    kid: str | None
    signed: bytes
    signature: bytes
    payload: bytes

    def claims(self) -> dict[str, Any]:
        """To be read once the signature holds. Raises Unauthenticated where they are not a JSON object."""
        return _read_object(self.payload, "payload")


def read_token(text: str) -> Token:
    """Raises Unauthenticated for what is not a signed token in the compact form of RFC 7515."""
    parts = text.split(".")
    if len(parts) != 3:
        raise Unauthenticated("The token is neither a JSON Web Token (three parts with dots between) nor an API key")
    head, payload, signature = parts
    fields = _read_object(_decoded(head, "header"), "header")
    _refuse_extras(fields)
    algorithm = fields.get("alg")
    if not signature or not isinstance(algorithm, str) or algorithm.lower() == "none":
        raise Unauthenticated("The token is not signed")
    return Token(
        algorithm=algorithm,
        kid=_read_kid(fields),
        signed=f"{head}.{payload}".encode(),
        signature=_decoded(signature, "signature"),
        payload=_decoded(payload, "payload"),
    )


def _refuse_extras(fields: Mapping[str, Any]) -> None:
    """No key comes with the token, no rule is changed by it, and no other kind of token passes for a caller's."""
    for name in _BRINGS_A_KEY:
        if name in fields:
            raise Unauthenticated(f"The token names a key of its own ({name}), and such tokens are not taken")
    for name in _CHANGES_THE_RULES:
        if name in fields:
            raise Unauthenticated(f"The token asks for an extension ({name}) that is not spoken here")
    kind = fields.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _KINDS:
        raise Unauthenticated("The token is of another kind (typ) than JWT or at+jwt")


def _read_kid(fields: Mapping[str, Any]) -> str | None:
    kid = fields.get("kid")
    if kid is not None and (not isinstance(kid, str) or len(kid) > MOST_KID_CHARACTERS):
        raise Unauthenticated(f"The token's kid is not text of up to {MOST_KID_CHARACTERS} characters")
    return kid


def _decoded(part: str, name: str) -> bytes:
    """The bytes behind a part, of which only one spelling is taken: an edited token is never the same token."""
    if _BASE64URL.fullmatch(part) and len(part) % 4 != 1:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == part:
            return data
    raise Unauthenticated(f"The token's {name} is not base64url")


def _read_object(data: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_not_json)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unauthenticated(f"The token's {name} is not a JSON object")
    return found


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Of two fields with one name every reader picks another, so none is taken."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
