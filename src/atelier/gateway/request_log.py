"""One log line per request, with an id that the answer carries too; never a token, a prompt or a body."""

from __future__ import annotations

import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.gateway.pipeline import new_request_id

log = structlog.get_logger()

_QUIET = {"/health", "/"}


class RequestLog:
    """ASGI middleware, outermost: names the request (`request.state.request_id`) and writes down how it ended."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
        except Exception:
            status = 500
            raise
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
