"""Who serves you: the addresses of each service, their health, and calls to the least busy healthy one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import structlog
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from atelier.contracts.base import Contract, Event, Result
from atelier.errors import AtelierError, TooSlow, Unavailable, UpstreamFailed
from atelier.wire.aside import aside
from atelier.wire.exchange import SECONDS_HEADER, TENANT_HEADER, ErrorAnswer, Outgoing, error_from
from atelier.wire.legs import Leg, legs, merged
from atelier.wire.serving import final_result

CONNECT_SECONDS = 3.0
PROBE_SECONDS = 2.0
PROBE_EVERY_SECONDS = 1.0

_SERVING = {"healthy", "degraded"}
"""A degraded upstream does some of its tasks, and says so itself where it is asked for another."""

log = structlog.get_logger()


@dataclass(eq=False)
class Upstream:
    """One address that serves one service, and what its last probe said. response_time: seconds."""

    service: str
    url: str
    status: str = "starting"
    response_time: float | None = None
    report: dict[str, Any] = field(default_factory=dict)
    busy: int = 0


class _Answer:
    """An upstream's answer, as the wire's readers want it."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.headers: Mapping[str, str] = response.headers

    async def read(self) -> bytes:
        return await self._response.read()

    def chunks(self) -> AsyncIterator[bytes]:
        return self._response.content.iter_any()


class Upstreams:
    """Keeps one pooled client. `start` before the first call, `stop` at the end."""

    def __init__(self, urls: Mapping[str, Sequence[str]], *, request_seconds: float) -> None:
        self.pools = {service: [Upstream(service, url.rstrip("/")) for url in found] for service, found in urls.items()}
        self._request_seconds = request_seconds
        self._session: aiohttp.ClientSession | None = None
        self._prober: asyncio.Task[None] | None = None

    async def start(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self._request_seconds + 5, sock_connect=CONNECT_SECONDS)
        # Shorter than any server's own: a request must not go into a connection that is just being closed.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=4)
        self._session = aiohttp.ClientSession(timeout=timeout, connector=connector, trust_env=False)
        self._prober = asyncio.create_task(self._probe_forever())

    async def stop(self) -> None:
        if self._prober:
            self._prober.cancel()
            with suppress(asyncio.CancelledError):
                await self._prober
        if self._session:
            await self._session.close()

    async def call(
        self,
        service: str,
        request: Contract,
        *,
        tenant: str,
        request_id: str,
        served_by: Callable[[str], None],
    ) -> AsyncGenerator[Event, None]:
        """The events of one request, the Result last; `served_by` is told the upstream's address.

        Raises Unavailable, UpstreamFailed, TooSlow, or what the upstream says.
        """
        headers = {TENANT_HEADER: tenant.encode("unicode_escape").decode(), "x-request-id": request_id}
        headers[SECONDS_HEADER] = str(self._request_seconds)
        found = await aside(len(getattr(request, "image", b"")), legs, request)
        if len(found) == 1:
            async with aclosing(self._leg(service, found[0], headers, served_by)) as events:
                async for event in events:
                    yield event
        else:
            yield await self._all_of(service, found, headers, served_by)

    async def _all_of(
        self, service: str, found: Sequence[Leg], headers: dict[str, str], served_by: Callable[[str], None]
    ) -> Result:
        tasks = [asyncio.create_task(final_result(self._leg(service, leg, headers, served_by))) for leg in found]
        try:
            return merged(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _leg(
        self, service: str, leg: Leg, headers: dict[str, str], served_by: Callable[[str], None]
    ) -> AsyncGenerator[Event, None]:
        async with self._answered(service, leg.outgoing, headers, served_by) as answer:
            try:
                async with aclosing(leg.receive(answer)) as events:
                    async for event in events:
                        yield event
            except (aiohttp.ClientError, ConnectionError, ValueError, ValidationError) as problem:
                log.warning("upstream broke off", service=service, problem=type(problem).__name__)
                raise UpstreamFailed(f"{service} broke off its answer; try again", retry_after=2) from None
            except TimeoutError:
                raise TooSlow(f"{service} took longer than {self._request_seconds:.0f} s") from None

    @asynccontextmanager
    async def _answered(
        self, service: str, outgoing: Outgoing, headers: dict[str, str], served_by: Callable[[str], None]
    ) -> AsyncGenerator[_Answer, None]:
        """The first upstream that takes the request: another is tried only where none of it was heard."""
        for upstream in self._candidates(service):
            upstream.busy += 1
            try:
                response = await self._post(upstream, outgoing, headers)
                if response is None:
                    continue
                served_by(upstream.url)
                async with response:
                    if response.status >= 400:
                        raise await _refusal(response)
                    yield _Answer(response)
                    return
            finally:
                upstream.busy -= 1
        raise Unavailable(f"{service} cannot be reached just now; try again soon", retry_after=2)

    def _candidates(self, service: str) -> list[Upstream]:
        """Those that can serve, least busy first. Raises Unavailable where there is none."""
        pool = self.pools[service]
        healthy = [upstream for upstream in pool if upstream.status in _SERVING]
        if healthy:
            return sorted(healthy, key=lambda upstream: upstream.busy)
        starting = any(upstream.status == "starting" for upstream in pool)
        raise Unavailable(
            f"{service} is {'still starting' if starting else 'not available'}; try again soon", retry_after=2
        )

    async def _post(
        self, upstream: Upstream, outgoing: Outgoing, headers: dict[str, str]
    ) -> aiohttp.ClientResponse | None:
        """None where no connection could be made: nothing of the request was heard."""
        assert self._session is not None
        body, kind = await aside(outgoing.weight, _body, outgoing)
        try:
            return await self._session.post(upstream.url + outgoing.path, data=body, headers=headers | kind)
        except TimeoutError as problem:
            if isinstance(problem, aiohttp.ConnectionTimeoutError):
                upstream.status = "unhealthy"
                return None
            raise TooSlow(f"{upstream.service} took longer than {self._request_seconds:.0f} s") from None
        except aiohttp.ClientConnectorError:
            upstream.status = "unhealthy"
            return None
        except aiohttp.ClientError:
            raise UpstreamFailed(f"{upstream.service} broke off without an answer; try again", retry_after=2) from None

    async def _probe_forever(self) -> None:
        while True:
            every = [upstream for pool in self.pools.values() for upstream in pool]
            outcomes = await asyncio.gather(*(self._probe(upstream) for upstream in every), return_exceptions=True)
            for fault in filter(None, outcomes):
                log.error("a probe failed", exc_info=fault)
            await asyncio.sleep(PROBE_EVERY_SECONDS)

    async def _probe(self, upstream: Upstream) -> None:
        assert self._session is not None
        started = time.perf_counter()
        try:
            timeout = aiohttp.ClientTimeout(total=PROBE_SECONDS)
            async with self._session.get(f"{upstream.url}/health", timeout=timeout) as response:
                upstream.report = _report(await response.read())
                upstream.status = str(upstream.report.get("status") or _foreign_status(response.status))
                upstream.response_time = time.perf_counter() - started
        except TimeoutError:
            # A worker whose processor is taken answers late: only a refused connection means that it is gone.
            upstream.response_time = PROBE_SECONDS
        except (aiohttp.ClientError, OSError):
            upstream.status, upstream.response_time, upstream.report = "unhealthy", None, {}


def _report(body: bytes) -> dict[str, Any]:
    """What a worker of ours says of itself; nothing where another kind of server answers."""
    try:
        report = from_json(body)
    except ValueError:
        return {}
    return report if isinstance(report, dict) else {}


def _foreign_status(http_status: int) -> str:
    """A server that is not ours may not know /health; that it answers at all says enough."""
    return "healthy" if http_status < 500 else "unhealthy"


def _body(outgoing: Outgoing) -> tuple[aiohttp.FormData | bytes, dict[str, str]]:
    if not outgoing.files:
        return to_json(outgoing.fields), {"content-type": "application/json"}
    form = aiohttp.FormData()
    for name, value in outgoing.fields.items():
        if isinstance(value, list):
            for item in value:
                form.add_field(f"{name}[]", str(item))
        else:
            form.add_field(name, str(value).lower() if isinstance(value, bool) else str(value))
    for name, data in outgoing.files.items():
        form.add_field(name, data, filename=name, content_type="application/octet-stream")
    return form, {}


async def _refusal(response: aiohttp.ClientResponse) -> AtelierError:
    retry_after = response.headers.get("retry-after", "")
    try:
        answer = ErrorAnswer.parse(await response.read())
    except UpstreamFailed:
        answer = ErrorAnswer()
    seconds = float(retry_after) if retry_after.isdigit() else None
    return error_from(answer, status=response.status, retry_after=seconds)
