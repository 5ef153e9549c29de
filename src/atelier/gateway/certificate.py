"""When the certificate of the public address ends: looked at from here, as a client would see it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterable
from datetime import datetime

import structlog
from yarl import URL

from atelier.gauges import Sample

LOOK_SECONDS = 3600.0
RETRY_SECONDS = 300.0
"""After a look that failed."""

WAIT_SECONDS = 10.0
"""For the server's answer."""

log = structlog.get_logger()


class Certificate:
    """Looks at `public_url` from `start` to `stop`; where that is not https, there is nothing to look at."""

    def __init__(self, public_url: str | None) -> None:
        url = URL(public_url or "")
        self._host = url.host if url.scheme == "https" else None
        self._port = url.port or 443
        self._ends: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if self._host is not None:
            self._task = asyncio.create_task(self._look_again_and_again(self._host))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def samples(self) -> Iterable[Sample]:
        """Nothing until it was seen once; then what was seen the last time."""
        if self._host is not None and self._ends is not None:
            yield "certificate_end_timestamp_seconds", (self._host,), self._ends.timestamp()

    async def _look_again_and_again(self, host: str) -> None:
        while True:
            try:
                self._ends = await certificate_end(host, self._port)
            except (OSError, ValueError) as problem:
                log.warning("the certificate of the public address could not be looked at", problem=str(problem))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await asyncio.sleep(LOOK_SECONDS)


async def certificate_end(host: str, port: int) -> datetime:
    """Whoever signed it, and also where it has ended. Raises OSError (no answer, no TLS) and ValueError."""
    anyones = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyones.check_hostname = False
    anyones.verify_mode = ssl.CERT_NONE
    async with asyncio.timeout(WAIT_SECONDS):
        _, writer = await asyncio.open_connection(host, port, ssl=anyones, server_hostname=host)
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
    from cryptography import x509  # takes long to import, and most gateways never look

    return x509.load_der_x509_certificate(shown).not_valid_after_utc
