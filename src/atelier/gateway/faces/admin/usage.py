"""/admin/usage: every record of a time as CSV or NDJSON, and sums by tenant."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import anyio
from pydantic import BaseModel
from starlette.responses import Response

from atelier.errors import Overloaded
from atelier.gateway.faces.admin.routes import AdminRoute, Asked, Nothing
from atelier.gateway.faces.endpoints import Gateway
from atelier.state.queries import ExportQuery, SumQuery
from atelier.state.records import UsageSum
from atelier.state.usage_export import MEDIA_TYPES, export_usage, sum_usage
from atelier.wire.serving import ClosingStream

RETRY_SECONDS = 10.0


class SumList(BaseModel):
    """next: what the next page is asked with as `after`; null for the last one."""

    sums: list[UsageSum]
    next: str | None


async def export(asked: Asked[ExportQuery, Nothing]) -> Response:
    kind = asked.query.format
    if asked.gateway.exporting.locked():
        raise Overloaded("As many exports as may are running; try again soon", retry_after=RETRY_SECONDS)
    pieces = _one_of_few(asked.gateway, export_usage(asked.gateway.database, asked.query.wanted(), kind))
    first = await anext(pieces, b"")  # what fails before it has a status of its own
    answer = ClosingStream(_from(first, pieces), media_type=MEDIA_TYPES[kind])
    answer.headers["content-disposition"] = f'attachment; filename="usage.{kind}"'
    return answer


async def _one_of_few(gateway: Gateway, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Each holds a connection to the database for as long as its reader takes.

    The database is shielded from a reader that goes: a question that is broken off would cost the connection.
    """
    async with gateway.exporting:
        try:
            while True:
                with anyio.CancelScope(shield=True):
                    piece = await anext(pieces, b"")
                if not piece:
                    break
                yield piece
        finally:
            with anyio.CancelScope(shield=True):
                await pieces.aclose()


async def _from(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


async def sums(asked: Asked[SumQuery, Nothing]) -> SumList:
    query = asked.query
    async with asked.gateway.database.connect() as connection:
        found = await sum_usage(connection, query.wanted(), after=query.after, limit=query.limit + 1)
    tenants = list(dict.fromkeys(row.tenant for row in found))
    shown = set(tenants[: query.limit])
    following = tenants[query.limit - 1] if len(tenants) > query.limit else None
    return SumList(sums=[row for row in found if row.tenant in shown], next=following)


ROUTES = (
    AdminRoute(
        "GET", "/admin/usage", "Usage records as a file, the oldest first",
        export, ExportQuery, documents={kind: media.partition(";")[0] for kind, media in MEDIA_TYPES.items()},
    ),
    AdminRoute("GET", "/admin/usage/summary", "Usage summed up by tenant and service", sums, SumQuery, answer=SumList),
)  # fmt: skip
