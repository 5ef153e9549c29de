"""One log line per request, with an id that the answer carries too; never a token, a prompt or a body.

Whatever else is logged while it is served carries the id as well.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from atelier.gateway.metrics import NO_UPSTREAM, Metrics
from atelier.telemetry import request_id as logged_request_id

_QUIET = {"/health", "/", "/metrics"}

_SAFE = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]


def new_request_id() -> str:
    """A UUIDv7: unique, and sorted by time."""
    return str(uuid7())


class RequestLog:
    """ASGI middleware, outermost: names the request (`request.state.request_id`), writes down and counts its end.

    `fault` words the answer to an exception that nothing else caught.
    """

    def __init__(self, app: ASGIApp, *, fault: Callable[[Request, Exception], Response], metrics: Metrics) -> None:
        self._app = app
        self._fault = fault
        self._metrics = metrics
        self._log = structlog.get_logger().bind()  # bound once: a lazy logger is set up anew at each call
        self._tells = self._log.is_enabled_for(logging.INFO)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        request_id = state["request_id"] = new_request_id()
        logged_request_id.set(request_id)  # for good: a server gives each request a task, so a context, of its own
        started = time.perf_counter()
        status, first_byte = 499, None  # until an answer has begun

        async def named(message: Message) -> None:
            nonlocal status, first_byte
            if message["type"] == "http.response.start":
                status, first_byte = message["status"], time.perf_counter() - started
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode()), *_SAFE]
            await send(message)

        try:
            await self._app(scope, receive, named)
        except Exception as problem:
            if status != 499:  # an answer had begun: the broken connection is all that can be said
                raise
            await self._fault(Request(scope), problem)(scope, receive, named)
        finally:
            self._write(scope, state, status, time.perf_counter() - started, first_byte)

    def _write(
        self, scope: Scope, state: dict[str, Any], status: int, seconds: float, first_byte: float | None
    ) -> None:
        if scope["path"] in _QUIET and status == 200:
            return
        service = state.get("service")
        if service is not None:
            served = state.get("served")
            upstream = NO_UPSTREAM if served is None else served.label or NO_UPSTREAM
            self._metrics.count(
                service, status, upstream, seconds=seconds, first_byte=first_byte, limit=state.get("limit")
            )
        if not self._tells:
            return
        self._log.info(
            "request",
            request_id=state["request_id"],
            method=scope["method"],
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 1),
            tenant=state.get("tenant"),
            error=state.get("error"),
        )
