"""From a row of a face's table to an endpoint: authenticate, read, run the pipeline, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from atelier.contracts.base import Contract
from atelier.errors import InvalidRequest
from atelier.gateway.artifacts import Artifacts
from atelier.gateway.auth import Auth, Caller
from atelier.gateway.faces.native import NativeRoute, answer
from atelier.gateway.fetch import GuardedFetch
from atelier.gateway.limits import Limits
from atelier.gateway.pipeline import Exchange, Pipeline
from atelier.gateway.tenants import Tenants, permit
from atelier.gateway.upstreams import Upstreams
from atelier.gateway.usage import Ledger
from atelier.rules import Plan
from atelier.state.database import Database
from atelier.wire.body import read_body
from atelier.wire.call import Call, Link, Route
from atelier.wire.media import DATA_URI, Load, load_data_uri
from atelier.wire.serving import final_result, respond, until_disconnect

MOST_FETCHES = 16
"""Files fetched from the web at the same time; more wait their turn."""

MOST_EXPORTS = 2
"""Exports of usage at the same time; more are told to come back."""

Endpoint = Callable[[Request], Awaitable[Response]]

ACCEPTED: dict[str, tuple[str, ...]] = {
    "image": ("image/",),
    "audio": ("audio/", "video/", "application/ogg", "application/octet-stream"),
}
"""The content types that a URL of each kind may answer with."""


@dataclass(frozen=True)
class Gateway:
    """The parts of a running gateway, as the endpoints need them.

    processes: where `atelier serve` writes how its child processes are; None where something else runs the workers.
    """

    auth: Auth
    tenants: Tenants
    database: Database
    plans: Mapping[str, Plan]
    limits: Limits
    upstreams: Upstreams
    artifacts: Artifacts
    ledger: Ledger
    pipeline: Pipeline
    fetch: GuardedFetch
    aliases: Mapping[str, str]
    public_url: str | None
    most_body_bytes: int
    processes: Path | None = None
    fetching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_FETCHES))
    exporting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_EXPORTS))

    def base_url(self, request: Request) -> str:
        return (self.public_url or str(request.base_url)).rstrip("/")

    def link(self, request: Request) -> Link:
        base = self.base_url(request)
        return lambda artifact: self.artifacts.link(artifact, base)

    def load(self, request: Request, caller: Caller) -> Load:
        """Files that a request refers to: data URIs, the tenant's own artifacts, and the web through the guard."""

        async def load(reference: str, field: str, kind: str) -> bytes:
            if reference.startswith(DATA_URI):
                return await load_data_uri(reference, field, kind)
            if "://" not in reference and not reference.startswith("/"):
                raise InvalidRequest(
                    f"{field}: send a web address, or the {kind} itself as data:{kind}/…;base64,…", field=field
                )
            own = await self.artifacts.read_link(reference, self.base_url(request), caller.tenant)
            if own is not None:
                return own
            async with self.fetching:
                return await self.fetch.fetch(reference, field=field, accept=ACCEPTED[kind])

        return load

    async def admitted(self, request: Request, row: NativeRoute | Route) -> tuple[Call, Exchange]:
        """Who is calling, may they, and what do they want. Nothing is fetched for a caller who has no place left."""
        caller = await self.auth.caller(request.headers)
        request.state.tenant = caller.tenant
        facts = self.tenants.known(caller.tenant) or await self.tenants.facts(caller.tenant)
        permit(caller, facts, row.service)
        body = await read_body(request, most_file_bytes=self.most_body_bytes)
        place = self.pipeline.admit(caller, row.service)
        try:
            call = await row.read(body, self.load(request, caller))
        except BaseException:
            self.pipeline.turn_away(place)
            raise
        return call, Exchange(
            id=request.state.request_id,
            caller=caller,
            service=row.service,
            request_type=row.request_type(call.request),
            request=self._without_alias(call.request),
            place=place,
            keep=call.keep,
        )

    def _without_alias(self, request: Contract) -> Contract:
        """The request with the model that its name stands for; an empty name is the service's default."""
        name: str | None = getattr(request, "model", None)
        if name is None or name not in self.aliases:
            return request
        return request.model_copy(update={"model": self.aliases[name] or None})


def gateway_of(request: Request) -> Gateway:
    """The running gateway that a request came to."""
    gateway = request.app.state.gateway
    assert isinstance(gateway, Gateway)
    return gateway


def native_endpoint(row: NativeRoute) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        gateway = gateway_of(request)
        call, exchange = await gateway.admitted(request, row)
        result = await until_disconnect(request, final_result(gateway.pipeline.run(exchange)))
        shown = answer(row, result, call, gateway.link(request), exchange.id)
        return _with_limits(Response(shown.model_dump_json(), media_type="application/json"), exchange)

    return endpoint


def openai_endpoint(row: Route) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        gateway = gateway_of(request)
        call, exchange = await gateway.admitted(request, row)
        response = await respond(request, row, call, gateway.pipeline.run(exchange), gateway.link(request))
        return _with_limits(response, exchange)

    return endpoint


def _with_limits(response: Response, exchange: Exchange) -> Response:
    response.headers.update(exchange.place.headers())
    return response
