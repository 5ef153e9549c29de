"""How upstreams are: each address is asked for its /health each second, beside the requests and never in their way."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from typing import Any

import aiohttp
import structlog
from pydantic_core import from_json

from atelier.gateway.upstreams.upstream import SERVING, Upstream

PROBE_SECONDS = 2.0
CONNECT_SECONDS = 1.0
"""A machine or container that is gone refuses nothing; one that is merely busy still takes connections at once."""

EVERY_SECONDS = 1.0

log = structlog.get_logger()


class Probing:
    """One task for each address, whatever services it has. every: seconds between two probes of an address."""

    def __init__(self, *, every: float = EVERY_SECONDS) -> None:
        self._every = every
        self._by_url: dict[str, list[Upstream]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=PROBE_SECONDS, sock_connect=CONNECT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    def watch(self, upstreams: Iterable[Upstream]) -> None:
        """From now on these, and no others."""
        assert self._session is not None
        self._by_url = {}
        for upstream in upstreams:
            self._by_url.setdefault(upstream.url, []).append(upstream)
        for url in self._tasks.keys() - self._by_url.keys():
            self._tasks.pop(url).cancel()
        for url in self._by_url.keys() - self._tasks.keys():
            self._tasks[url] = asyncio.create_task(self._watch(self._session, url))

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _watch(self, session: aiohttp.ClientSession, url: str) -> None:
        while True:
            try:
                await _probe(session, url, self._by_url[url])
            except Exception as fault:
                log.error("a probe failed", exc_info=fault)
            # Uneven steps: probes of many gateways, and of many addresses, must not fall into the same moment.
            await asyncio.sleep(self._every * (0.8 + 0.4 * random.random()))  # noqa: S311  no secret


async def _probe(session: aiohttp.ClientSession, url: str, upstreams: list[Upstream]) -> None:
    started = time.perf_counter()
    try:
        # Without its key: an address that only wants to be known alive has no use for it.
        async with session.get(f"{url}/health", allow_redirects=False) as response:
            _heard(upstreams, response.status, await response.read(), time.perf_counter() - started)
    except aiohttp.ConnectionTimeoutError:
        _gone(upstreams)
    except TimeoutError:
        # A worker whose processor is taken answers late: only where no connection comes about is it gone.
        for upstream in upstreams:
            upstream.response_time = PROBE_SECONDS
    except (aiohttp.ClientError, OSError):
        _gone(upstreams)


def _gone(upstreams: list[Upstream]) -> None:
    for upstream in upstreams:
        upstream.status, upstream.response_time, upstream.report = "unhealthy", None, {}


def _heard(upstreams: list[Upstream], status: int, body: bytes, seconds: float) -> None:
    report = _report(body)
    for upstream in upstreams:
        before = upstream.status
        upstream.report, upstream.response_time = report, seconds
        # A foreign server need not know /health: that it answers at all says enough.
        upstream.status = str(report["status"]) if report else "healthy" if status < 500 else "unhealthy"
        if status < 500:
            upstream.foreign = not report
        if upstream.status in SERVING and before not in SERVING:
            upstream.circuit.came_back()


def _report(body: bytes) -> dict[str, Any]:
    """What a worker of ours says of itself; nothing where another kind of server answers."""
    try:
        report = from_json(body)
    except ValueError:
        return {}
    ours = (
        isinstance(report, dict)
        and isinstance(report.get("status"), str)
        and all(isinstance(report.get(name), list) for name in ("services", "models"))
    )
    return report if ours else {}
