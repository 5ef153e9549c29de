"""The two ends of a call to an upstream: what goes out, and how its answer is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from atelier.errors import AtelierError, UpstreamFailed, error_classes
from atelier.wire import sse
from atelier.wire.answers import Answer

TENANT_HEADER = "x-atelier-tenant"
"""Whose request it is: the worker shares its time fairly between tenants."""

SECONDS_HEADER = "x-atelier-seconds"
"""How long the request may take from its arrival at the worker."""


@dataclass(frozen=True)
class Outgoing:
    """A POST to an upstream: JSON, or a form where there are files. weight: roughly how many bytes the JSON has."""

    path: str
    fields: Mapping[str, object]
    files: Mapping[str, bytes] = field(default_factory=dict)
    weight: int = 0


class Incoming(Protocol):
    """An upstream's answer with a good status."""

    headers: Mapping[str, str]

    async def read(self) -> bytes: ...

    def chunks(self) -> AsyncIterator[bytes]: ...


class _ErrorBody(Answer):
    message: str = "the service refused the request"
    code: str | None = None
    param: str | None = None


class ErrorAnswer(Answer):
    """OpenAI's error object."""

    error: _ErrorBody = _ErrorBody()


async def server_events(incoming: Incoming) -> AsyncIterator[sse.ServerEvent]:
    """The events of a stream up to its end; an error event raises the error that it tells."""
    async for event in sse.decode(incoming.chunks()):
        if event.name == "error" or event.data.startswith(b'{"error"'):
            raise error_from(ErrorAnswer.parse(event.data), status=502)
        if event.data == b"[DONE]":
            return
        yield event


def error_from(answer: ErrorAnswer, *, status: int, retry_after: float | None = None) -> AtelierError:
    """The error of our tree that an upstream's answer stands for.

    Our workers say the class by its code. Of a foreign server only 4xx for a bad request speaks of the caller's
    request; its other refusals (its own keys, limits and faults) are the upstream's trouble: 502.
    """
    body = answer.error
    cls = error_classes().get(body.code or "")
    if cls is not None:
        return cls(body.message, field=body.param, retry_after=retry_after)
    if status in {400, 413, 415, 422}:
        by_status = {c.status: c for c in reversed(list(error_classes().values()))}
        return by_status[422 if status == 400 else status](body.message, field=body.param)
    return UpstreamFailed(f"the service answered with status {status}")
