"""Signed links: anyone may read what they lead to, until they expire."""

from __future__ import annotations

import hmac
import time
from urllib.parse import parse_qs, urlsplit

PATH = "/artifacts/"


class Links:
    """Makes links and checks them. Those that `previous` signed are good to their end."""

    def __init__(self, secret: str, *, seconds: int, previous: str | None = None) -> None:
        self._key = _link_key(secret)
        self._keys = [self._key] if previous is None else [self._key, _link_key(previous)]
        self.seconds = seconds

    def link(self, artifact: str, base_url: str) -> str:
        expires = str(int(time.time()) + self.seconds)
        return f"{base_url}{PATH}{artifact}?expires={expires}&signature={_signature(self._key, artifact, expires)}"

    def seconds_left(self, artifact: str, expires: str, signature: str) -> float:
        """How long the link is still good: nothing for one that is false or has expired."""
        signatures = [_signature(key, artifact, expires) for key in self._keys]
        signed = [hmac.compare_digest(signature.encode(), good.encode()) for good in signatures]
        if not any(signed) or not expires.isdigit():
            return 0.0
        return max(0.0, int(expires) - time.time())


def parse_link(url: str, base_url: str) -> tuple[str, str, str | None] | None:
    """(artifact, expires, signature) of a URL of our own, signed or not; None where it is not ours."""
    if not url.startswith((f"{base_url}{PATH}", PATH)):
        return None
    parts = urlsplit(url.removeprefix(base_url))
    query = parse_qs(parts.query)
    signature = query["signature"][0] if "signature" in query else None
    return parts.path.removeprefix(PATH), query.get("expires", [""])[0], signature


def _link_key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"atelier artifact links", "sha256")


def _signature(key: bytes, artifact: str, expires: str) -> str:
    return hmac.new(key, f"{artifact}\n{expires}".encode(), "sha256").hexdigest()
