"""The bound on a request's body: refused by its declared length, or when it has grown past the limit."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atelier.errors import TooLarge


class BodyLimit:
    """ASGI middleware: see `bounded`."""

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self._app = app
        self._most = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            receive = bounded(scope, receive, self._most)
        await self._app(scope, receive, send)


def bounded(scope: Scope, receive: Receive, most_bytes: int) -> Receive:
    """What raises TooLarge where the body is read, so that it is answered like any other error."""
    length: bytes = dict(scope["headers"]).get(b"content-length", b"")
    declared = int(length) if length.isdigit() else None
    if declared is not None and declared <= most_bytes:  # the server holds the client to what it declares
        return receive
    received = 0

    async def counted() -> Message:
        nonlocal received
        if declared is not None:
            raise _refusal(most_bytes)
        message = await receive()
        received += len(message.get("body", b""))
        if received > most_bytes:
            raise _refusal(most_bytes)
        return message

    return counted


def _refusal(most_bytes: int) -> TooLarge:
    return TooLarge(f"body: larger than the limit of {most_bytes / 1e6:.0f} MB; send less", field="body")
