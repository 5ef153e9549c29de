"""Usage records that can never be rows: kept for an operator, in Redis or in a file, and told in the log."""

from __future__ import annotations

from pathlib import Path

import structlog

from atelier.gateway.usage.stream import RedisAway, UsageStream
from atelier.gateway.usage.writing import Refused

log = structlog.get_logger()


class DeadRecords:
    """In the stream `<prefix>:usage:dead`; in `dead.ndjson` where there is no Redis, or it is away."""

    def __init__(self, root: Path | None, stream: UsageStream | None) -> None:
        self._file = root / "dead.ndjson" if root else None
        self._stream = stream
        self.in_file = self._file.read_bytes().count(b"\n") if self._file and self._file.exists() else 0

    async def bury(self, refused: Refused) -> None:
        log.error("usage record refused", reason=refused.reason, record=refused.line.decode(errors="replace").rstrip())
        try:
            if self._stream:
                return await self._stream.bury(refused.line.rstrip(b"\n"), refused.reason)
        except RedisAway:
            pass
        return self._write(refused.line)

    def _write(self, line: bytes) -> None:
        if self._file:
            with self._file.open("ab") as file:
                file.write(line)
            self.in_file += 1
