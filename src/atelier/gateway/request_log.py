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
    """Names each request (`request.state.request_id`), and writes down and counts its end."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger().bind()  # bound once: a lazy logger is set up anew at each call
        self._tells = self._log.is_enabled_for(logging.INFO)

    def begin(self, scope: Scope) -> Entry:
        state = scope.setdefault("state", {})
        request_id = state["request_id"] = new_request_id()
        logged_request_id.set(request_id)  # for good: a server gives each request a task, so a context, of its own
        return Entry(request_id)

    def end(self, scope: Scope, entry: Entry) -> None:
        """In any case, and once."""
        seconds = time.perf_counter() - entry.started
        state, status = scope["state"], entry.status
        service = state.get("service")
        if service is not None:
            served = state.get("served")
            upstream = NO_UPSTREAM if served is None else served.label or NO_UPSTREAM
            self._metrics.count(
                service, status, upstream, seconds=seconds, first_byte=entry.first_byte, limit=state.get("limit")
            )
        if self._tells and not (status == 200 and scope["path"] in _QUIET):
            self._write(scope, state, status, seconds)

    def _write(self, scope: Scope, state: dict[str, Any], status: int, seconds: float) -> None:
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


class Entry:
    """What the log is to say of a request. status: 499 until an answer has begun. first_byte: seconds until it had.

    headers: what each answer carries.
    """

    __slots__ = ("first_byte", "headers", "started", "status")

    def __init__(self, request_id: str) -> None:
        self.started = time.perf_counter()
        self.status = 499
        self.first_byte: float | None = None
        self.headers = [(b"x-request-id", request_id.encode()), *_SAFE]

    def answers(self, status: int) -> None:
        self.status, self.first_byte = status, time.perf_counter() - self.started


class Logged:
    """ASGI middleware for what answers by ASGI's messages. `fault` words an exception that nothing else caught."""

    def __init__(self, app: ASGIApp, log: RequestLog, fault: Callable[[Request, Exception], Response]) -> None:
        self._app = app
        self._log = log
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        entry = self._log.begin(scope)

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.answers(message["status"])
                message["headers"] = [*message["headers"], *entry.headers]
            await send(message)

        try:
            await self._app(scope, receive, named)
        except Exception as problem:
            if entry.first_byte is not None:  # an answer had begun: the broken connection is all that can be said
                raise
            await self._fault(Request(scope), problem)(scope, receive, named)
        finally:
            self._log.end(scope, entry)
