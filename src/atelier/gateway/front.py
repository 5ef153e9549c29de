"""The way in: calls of the services go straight to their endpoints, everything else to the framework behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.corked import Answer
from atelier.errors import Overloaded
from atelier.gateway.request_log import RequestLog
from atelier.wire.body import ARRIVED
from atelier.wire.body_limit import bounded

Endpoint = Callable[[Request], Awaitable[Response]]

RETRY_SECONDS = 1.0
"""When a gateway that has its hands full may be asked again."""

PATIENT_SECONDS = 10.0
"""An upload that takes longer is ended where there are too many."""


class Direct(NamedTuple):
    """What a path leads to."""

    service: str
    endpoint: Endpoint


class Front:
    """ASGI app. direct: where POST requests go by their exact path. rest: what answers to all others, and keeps to the
    log and the bound on bodies itself.

    `request.state.service` says from the beginning what is asked for, so that every refusal is counted.

    At most `most_in_flight` direct calls are served at the same time: more are refused at once, so that those inside
    stay quick. A call that waits for its body holds no place there. Of those whose body comes in pieces, which take
    memory, as many are let in again; one that has been coming for `patient_seconds` gives way to a new one.
    `refuse` words whatever exception ends a call.
    """

    def __init__(
        self,
        direct: Mapping[str, Direct],
        rest: ASGIApp,
        *,
        log: RequestLog,
        most_in_flight: int,
        most_body_bytes: int,
        refuse: Callable[[Request, Exception], Response],
        patient_seconds: float = PATIENT_SECONDS,
    ) -> None:
        self._direct = direct
        self._rest = rest
        self._log = log
        self._most = most_in_flight
        self._most_body_bytes = most_body_bytes
        self._refuse = refuse
        self._patient_seconds = patient_seconds
        self.uploads: dict[_Call, float] = {}  # by when they began, the oldest first
        self.in_flight = 0
        self.arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self._direct.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if direct is None:
            await self._rest(scope, receive, send)
            return
        entry = self._log.begin(scope)
        scope["state"]["service"] = direct.service
        receive = bounded(scope, receive, self._most_body_bytes)
        call = None if ARRIVED in scope["state"] else _Call(self, receive)
        request = Request(scope, receive if call is None else call.receive, send)
        self.in_flight += 1
        try:
            try:
                self.check()
                response = await direct.endpoint(request)
            except ClientDisconnect:
                response = Response(status_code=499)
            except Exception as problem:
                response = self._refuse(request, problem)
            except asyncio.CancelledError:
                if call is None or call.gave_way is None or call.gave_way.uncancel():  # the server itself ends it
                    raise
                response = self._refuse(request, _overloaded())
            response.raw_headers += entry.headers
            entry.answers(response.status_code)
            if not _sent_whole(response, send):
                await response(scope, receive, send)
        finally:
            if call is not None:
                call.end()
            self.in_flight -= 1
            self._log.end(scope, entry)

    def check(self) -> None:
        """Raises Overloaded where more are inside than may be."""
        if self.in_flight > self._most:
            raise _overloaded()

    def begin_upload(self, call: _Call) -> None:
        """The first piece of a body has come. Raises Overloaded where there are too many, and all of them are new."""
        now = monotonic()
        if len(self.uploads) >= self._most:
            oldest, since = next(iter(self.uploads.items()))
            if now - since < self._patient_seconds:
                raise _overloaded()
            del self.uploads[oldest]
            oldest.give_way()
        self.uploads[call] = now

    def end_upload(self, call: _Call) -> None:
        self.uploads.pop(call, None)


class _Call:
    """A call whose body may not be there yet: it has a place, but while its body is on its way the place is another's.

    gave_way: its task, where it was cancelled for another upload.
    """

    __slots__ = ("_arrived", "_front", "_receive", "_task", "gave_way")

    def __init__(self, front: Front, receive: Receive) -> None:
        self._front = front
        self._receive = receive
        self._arrived: bool | None = None  # None: nobody has asked for the body yet
        self._task: asyncio.Task[Any] | None = None  # while the body comes in pieces
        self.gave_way: asyncio.Task[Any] | None = None

    async def receive(self) -> Message:
        """Raises Overloaded with the end of the body where all places are taken by then."""
        if self._arrived:
            return await self._receive()
        front = self._front
        if self._arrived is None:
            self._arrived = False
            front.in_flight -= 1
            front.arriving += 1
        message = await self._receive()
        if not message.get("more_body"):
            self._take_place()
            front.check()
        elif self._task is None:
            front.begin_upload(self)
            self._task = asyncio.current_task()
        return message

    def give_way(self) -> None:
        assert self._task is not None
        self.gave_way = self._task
        self._task.cancel()

    def end(self) -> None:
        if self._arrived is False:
            self._take_place()

    def _take_place(self) -> None:
        self._arrived = True
        self._front.arriving -= 1
        self._front.in_flight += 1
        if self._task is not None:
            self._front.end_upload(self)
            self._task = None


def _sent_whole(response: Response, send: Send) -> bool:
    """In one call, where our own server has it (corked.py) and all of the answer is there."""
    return (
        isinstance(send, Answer)
        and type(response).__call__ is Response.__call__
        and response.background is None
        and send.whole(response.status_code, response.raw_headers, bytes(response.body))
    )


def _overloaded() -> Overloaded:
    return Overloaded("The gateway has its hands full; try again soon", retry_after=RETRY_SECONDS)
