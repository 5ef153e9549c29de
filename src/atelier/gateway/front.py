"""The way in: calls of the services go straight to their endpoints, everything else to the framework behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from atelier.errors import AtelierError, Overloaded

Endpoint = Callable[[Request], Awaitable[Response]]

RETRY_SECONDS = 1.0
"""When a gateway that has its hands full may be asked again."""


class Direct(NamedTuple):
    """What a path leads to."""

    service: str
    endpoint: Endpoint


class Front:
    """ASGI app. direct: where POST requests go by their exact path. rest: what answers to all others.

    `request.state.service` says from the beginning what is asked for, so that every refusal is counted.

    At most `most_in_flight` direct calls are served at the same time: more are refused at once, so that those inside
    stay quick. `refuse` words an error.
    """

    def __init__(
        self,
        direct: Mapping[str, Direct],
        rest: ASGIApp,
        *,
        most_in_flight: int,
        refuse: Callable[[Request, AtelierError], Response],
    ) -> None:
        self._direct = direct
        self._rest = rest
        self._most = most_in_flight
        self._refuse = refuse
        self.in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self._direct.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if direct is None:
            await self._rest(scope, receive, send)
            return
        scope.setdefault("state", {})["service"] = direct.service
        request = Request(scope, receive, send)
        self.in_flight += 1
        try:
            response = await self._answer(direct.endpoint, request)
            await response(scope, receive, send)
        finally:
            self.in_flight -= 1

    async def _answer(self, endpoint: Endpoint, request: Request) -> Response:
        try:
            if self.in_flight > self._most:
                raise Overloaded("The gateway has its hands full; try again soon", retry_after=RETRY_SECONDS)
            return await endpoint(request)
        except AtelierError as problem:
            return self._refuse(request, problem)
        except ClientDisconnect:
            return Response(status_code=499)
