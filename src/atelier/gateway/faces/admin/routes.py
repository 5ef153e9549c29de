"""From a row of the administration's table to an endpoint: who asks, are they an administrator, what do they ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from atelier.errors import Forbidden, InvalidRequest, NotFound, UnsupportedMedia
from atelier.gateway.auth import Caller
from atelier.gateway.faces.endpoints import Gateway, gateway_of
from atelier.gateway.faces.repeats import ShownOnce, once
from atelier.gateway.front import Endpoint
from atelier.gateway.tenants import refuse_suspended
from atelier.state.audit import Actor
from atelier.state.queries import Page
from atelier.wire.body import Body as Sent
from atelier.wire.body import read_body, validated

Query = TypeVar("Query", bound=BaseModel)
Body = TypeVar("Body", bound=BaseModel)
Row = TypeVar("Row")

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Nothing(BaseModel):
    """Of a request that has no query, or no body."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Asked(Generic[Query, Body]):
    """What an administrator asks. own: their own tenant. name: of the tenant or key in the address, or empty."""

    gateway: Gateway
    by: Actor
    own: str
    name: str
    query: Query
    body: Body


@dataclass(frozen=True)
class AdminRoute:
    """One route.

    named: what the part of the address in braces is called. answer: None where there is none (204). again: of an answer
    that holds a secret, what is kept for its repeat in its place. documents: of an answer that is no JSON, its media
    types.
    """

    method: Method
    path: str
    summary: str
    act: Callable[[Asked[Any, Any]], Awaitable[BaseModel | Response | None]]
    query: type[BaseModel] = Nothing
    body: type[BaseModel] = Nothing
    answer: type[BaseModel] | None = None
    status: int = 200
    again: Callable[[Any], BaseModel] | None = None
    documents: Mapping[str, str] = field(default_factory=dict)

    @property
    def named(self) -> str | None:
        return self.path.partition("{")[2].partition(":")[0] or None


def admin_endpoint(row: AdminRoute) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        gateway = gateway_of(request)
        caller = await _administrator(gateway, request)
        name, query = _name(request, row), _query(request, row.query)
        sent = await _sent(request, gateway, row.body)

        async def act() -> Response:
            by = Actor(caller.name, request_id=request.state.request_id)
            body = validated(row.body, sent.fields)
            return _worded(row, await row.act(Asked(gateway, by, caller.tenant, name, query, body)))

        if row.method != "POST":
            return await act()
        return await once(gateway.idempotency, request, caller.tenant, sent, act)

    return endpoint


def _worded(row: AdminRoute, answer: BaseModel | Response | None) -> Response:
    if isinstance(answer, Response):
        return answer
    if answer is None:
        return Response(status_code=204)
    body, media_type = answer.model_dump_json(), "application/json"
    if row.again is None:
        response = Response(body, status_code=row.status, media_type=media_type)
    else:
        again = row.again(answer).model_dump_json()
        response = ShownOnce(body, again=again, status_code=row.status, media_type=media_type)
    response.headers["cache-control"] = "no-store"
    return response


async def _administrator(gateway: Gateway, request: Request) -> Caller:
    """Raises Unauthenticated, and Forbidden for everyone else."""
    caller = await gateway.auth.caller(request.headers)
    request.state.tenant = caller.tenant
    if not caller.is_admin:
        raise Forbidden("This needs the role admin")
    refuse_suspended(await gateway.tenants.facts(caller.tenant))
    return caller


def _name(request: Request, row: AdminRoute) -> str:
    if row.named is None:
        return ""
    name: str = request.path_params[row.named]
    if not name.isprintable() or not 1 <= len(name) <= 128:
        raise NotFound(f"There is no {row.named} of that id", field=row.named)
    return name


def _query(request: Request, model: type[BaseModel]) -> BaseModel:
    given = request.query_params.multi_items()
    fields = dict(given)
    if len(fields) < len(given):
        raise InvalidRequest("query: a field is given twice", field="query")
    return validated(model, fields)


async def _sent(request: Request, gateway: Gateway, model: type[BaseModel]) -> Sent:
    if model is Nothing:
        return Sent({})
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"", "application/json"} and not kind.endswith("+json"):
        raise UnsupportedMedia("content-type: send application/json", field="content-type")
    return await read_body(request, most_file_bytes=gateway.most_body_bytes)


def page_of(rows: Sequence[Row], query: Page, key: Callable[[Row], str]) -> tuple[list[Row], str | None]:
    """(the page, what the next one is asked with), of rows that were asked for with one more than the page has."""
    shown = list(rows[: query.limit])
    return shown, key(shown[-1]) if len(rows) > query.limit else None
