"""The bound on a request's body: refused by its declared length, or when it has grown past the limit."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.errors import TooLarge


class BodyLimit:
    """ASGI middleware. Raises TooLarge where the body is read, so that it is answered like any other error."""

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = _declared_length(scope)
        if declared is not None and declared <= self._most:  # the server holds the client to what it declares
            await self._app(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            if declared is not None:
                raise self._refusal()
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._most:
                raise self._refusal()
            return message

        await self._app(scope, counted, send)

    def _refusal(self) -> TooLarge:
        return TooLarge(f"body: larger than the limit of {self._most / 1e6:.0f} MB; send less", field="body")


def _declared_length(scope: Scope) -> int | None:
    value: bytes = dict(scope["headers"]).get(b"content-length", b"")
    return int(value) if value.isdigit() else None
