"""The answers of requests whose answers cannot differ: the interface of the cache, and what may be in it."""

from __future__ import annotations

from typing import Protocol

from atelier.catalog import SERVICES
from atelier.gateway.answers.stored import StoredAnswer
from atelier.wire.call import Call


class AnswerCache(Protocol):
    """Keeps answers by tenant and `cache_key`, for a time. Never fails a request: what goes wrong is a miss."""

    async def find(self, tenant: str, key: bytes) -> StoredAnswer | None: ...

    async def keep(self, tenant: str, key: bytes, answer: StoredAnswer) -> None:
        """Passes over what did not succeed and what is too large."""

    async def close(self) -> None: ...


def may_be_kept(service: str, call: Call) -> bool:
    """Whether an equal request gets an equal answer, at any time.

    An answer with links does not: a link ends, and its file can be deleted while the answer is still kept.
    """
    return not call.keep and SERVICES[service].deterministic(call.request)
