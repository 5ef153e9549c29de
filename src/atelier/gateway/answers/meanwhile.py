"""What `redis_away = "local"` means for repeated requests: each gateway keeps answers by itself meanwhile."""

from __future__ import annotations

from atelier.errors import Unavailable
from atelier.gateway.answers.idempotency import Idempotency, Turn
from atelier.gateway.answers.memory import MemoryIdempotency
from atelier.gateway.answers.stored import StoredAnswer


class LocalMeanwhile:
    """The shared answers, and this process's own while those cannot be looked up."""

    def __init__(self, shared: Idempotency, local: MemoryIdempotency) -> None:
        self._shared = shared
        self._local = local

    async def begin(self, tenant: str, key: str, fingerprint: bytes) -> StoredAnswer | Turn:
        if not self._local.knows(tenant, key):  # what began here ends here, also when the others are back
            try:
                return await self._shared.begin(tenant, key, fingerprint)
            except Unavailable:
                pass
        return await self._local.begin(tenant, key, fingerprint)

    async def close(self) -> None:
        await self._shared.close()
