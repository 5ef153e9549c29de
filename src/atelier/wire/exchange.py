"""The two ends of a call to an upstream: what goes out, and how its answer is read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from atelier.errors import AtelierError, Overloaded, UpstreamFailed, error_classes
from atelier.wire import sse
from atelier.wire.answers import Answer

TENANT_HEADER = "x-atelier-tenant"
"""Whose request it is: the worker shares its time fairly between tenants."""

SECONDS_HEADER = "x-atelier-seconds"
"""How long the request may take from its arrival at the worker."""

COMMERCIAL_HEADER = "x-atelier-commercial"
"""There, and not empty, for a tenant that no model may serve whose licence forbids commercial use."""

PLAN_HEADER = "x-atelier-plan"
"""The class of the tenant, for the worker's metrics: the name of its plan."""

NO_PLAN, OTHER_PLAN = "none", "other"
"""Classes of tenants without a plan, and of those with one that is not known, or has no name that a label may have."""

REVISION_HEADER = "x-atelier-revision"
"""What a worker says beside its answer: which revision of the model made it, where that is known."""

PRIVATE = "x-atelier-"
"""What headers begin with that only workers of ours are sent."""


@dataclass(slots=True)  # not frozen: every request makes one, and freezing trebles the time
class Outgoing:
    """A POST to an upstream: JSON, or a form where there are files. weight: roughly how many bytes the JSON has.

    raw, content_type: the body, where it is written already. It goes to workers of ours as it is; for other upstreams
    it is written anew, from the fields and files, or without these from the raw JSON: a form must bring them along.
    otherwise: what goes to other upstreams in the place of all this.
    needs: what a model there must say of itself, so that the upstream may be asked; foreign servers say nothing.
    """

    path: str
    fields: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    weight: int = 0
    raw: bytes | None = None
    content_type: str = "application/json"
    otherwise: Callable[[], Outgoing] | None = None
    needs: str | None = None


class Incoming(Protocol):
    """An upstream's answer with a good status."""

    @property
    def headers(self) -> Mapping[str, str]: ...

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


def error_from(
    answer: ErrorAnswer, *, status: int, retry_after: float | None = None, foreign: bool = False
) -> AtelierError:
    """The error of our tree that an upstream's answer stands for.

    Our workers say the class by its code. Of a foreign server only 4xx for a bad request speaks of the caller's
    request; its other refusals (its own keys and faults) are the upstream's trouble: 502, and its limits 503.
    """
    body = answer.error
    cls = None if foreign else _classes().get(body.code or "")
    if cls is not None:
        return cls(body.message, field=body.param, retry_after=retry_after)
    if status in {400, 413, 415, 422}:
        by_status = {c.status: c for c in reversed(list(error_classes().values()))}
        return by_status[422 if status == 400 else status](body.message, field=body.param)
    if status in {429, 503}:
        return Overloaded("the service is busy; try again soon", retry_after=retry_after)
    return UpstreamFailed(f"the service answered with status {status}")


_classes = cache(error_classes)
