"""One log line per request, with an id that the answer carries too; never a token, a prompt or a body."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.gateway.pipeline import new_request_id

log = structlog.get_logger()

_QUIET = {"/health", "/"}


class RequestLog:
    """ASGI middleware, outermost: names the request (`request.state.request_id`) and writes down how it ended.

    `fault` words the answer to an exception that nothing else caught.
    """

    def __init__(self, app: ASGIApp, fault: Callable[[Request, Exception], Awaitable[Response]]) -> None:
        self._app = app
        self._fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = new_request_id()
        started = time.perf_counter()
        status = 499  # until an answer has begun

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = state["request_id"]
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "no-referrer"
            await send(message)

        try:
            await self._app(scope, receive, named)
        except Exception as problem:
            if status != 499:  # an answer had begun: the broken connection is all that can be said
                raise
            answer = await self._fault(Request(scope), problem)
            await answer(scope, receive, named)
        finally:
            self._write(scope, state, status, time.perf_counter() - started)

    @staticmethod
    def _write(scope: Scope, state: dict[str, object], status: int, seconds: float) -> None:
        if scope["path"] in _QUIET and status == 200:
            return
        log.info(
            "request",
            request_id=state["request_id"],
            method=scope["method"],
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 1),
            tenant=state.get("tenant"),
            error=state.get("error"),
        )
