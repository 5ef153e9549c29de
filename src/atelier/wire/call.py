"""What the OpenAI face reads from a request and how it answers: the row type of the routes' table."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel
from starlette.responses import Response

from atelier.contracts.base import Contract, Event, Result
from atelier.wire.body import Body
from atelier.wire.media import Load

Link = Callable[[str], str]
"""An artifact's id → a signed URL of it."""


@dataclass(slots=True)  # not frozen: every request makes one, and freezing trebles the time
class Call:
    """One parsed request. keep: the answer links to stored files. options: how to word the answer.

    raw: the JSON that it was read from, where a worker reads the same from it: nothing in it was looked up elsewhere.
    """

    request: Contract
    stream: bool = False
    keep: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    raw: bytes | None = None


def _never(_: Call) -> bool:
    return False


@dataclass(frozen=True)
class Shape:
    """How a kind of answer is worded. answer: all of it at once. stream: in pieces, whose type `stream_type` tells.
    Both word what was stored as a link.

    relays: whether a worker's own whole answer to the call is worded as the caller wants it, and can be passed on.
    """

    answer: Callable[[Result, Call, Link], Response]
    stream: Callable[[AsyncGenerator[Event, None], Call, Link], AsyncGenerator[bytes, None]]
    stream_type: Callable[[Call], str]
    relays: Callable[[Call], bool] = _never


@dataclass(frozen=True)
class Route:
    """One OpenAI-compatible route.

    request_type: what the usage record calls it. fields: the documented body. read: body → Call. file: the part of a
    form that holds a file; such a route takes a form, the others JSON. read_inside: how a worker reads it, where the
    gateway sends its workers more than it takes itself. voice: the voice that a body asks for, where the route speaks.
    """

    path: str
    service: str
    request_type: Callable[[Contract], str]
    summary: str
    fields: type[BaseModel]
    read: Callable[[Body, Load], Awaitable[Call]]
    shape: Shape
    file: str | None = None
    read_inside: Callable[[Body, Load], Awaitable[Call]] | None = None
    voice: Callable[[Body], str | None] | None = None
