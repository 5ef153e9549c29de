"""From a row of a face's table to an endpoint: authenticate, read, run the pipeline, answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from atelier.catalog import SERVICES
from atelier.contracts.base import Contract, Result
from atelier.contracts.images import ImageRequest
from atelier.contracts.text_to_speech import OPENAI_VOICES, SpeechRequest
from atelier.errors import Forbidden, InvalidRequest, Unavailable, UpstreamFailed
from atelier.gateway.answers import AnswerCache, Idempotency, StoredAnswer, cache_key, may_be_kept
from atelier.gateway.artifacts import Artifact, Artifacts
from atelier.gateway.auth import Auth, Caller
from atelier.gateway.faces.native import NativeRoute, answer
from atelier.gateway.faces.repeats import CACHE_HEADER, given_again, once, stored, when_whole
from atelier.gateway.fetch import GuardedFetch
from atelier.gateway.front import Endpoint
from atelier.gateway.limits import Limits
from atelier.gateway.metrics import Metrics
from atelier.gateway.pipeline import Exchange, Pipeline
from atelier.gateway.tenants import LoraRules, TenantFacts, Tenants, permit, plan_class, refuse_suspended
from atelier.gateway.upstreams import Upstreams
from atelier.gateway.usage import Ledger
from atelier.gateway.voices import Voices
from atelier.rules import Plan
from atelier.state.database import Database
from atelier.state.records import Voice
from atelier.state.tables import now
from atelier.wire.aside import aside
from atelier.wire.body import Body, read_body
from atelier.wire.call import Call, Link, Route, Shape
from atelier.wire.media import DATA_URI, Load, load_data_uri
from atelier.wire.metering import Metered, told
from atelier.wire.serving import respond_in_pieces, until_disconnect
from atelier.wire.speech import CLONES

MOST_FETCHES = 16
"""Files fetched from the web at the same time; more wait their turn."""

FALLBACK_HEADER = "x-atelier-fallback"
"""Says that an upstream of another tier than the first served."""

MODEL_REVISION_HEADER = "x-model-revision"
"""Says which revision of the model made the answer, where that is known."""

MOST_EXPORTS = 2
"""Exports of usage at the same time; more are told to come back."""

UNSETTLED = timedelta(minutes=1)
"""For so long the usage record of an artifact, which says what service made it, may be on its way."""

ACCEPTED: dict[str, tuple[str, ...]] = {
    "image": ("image/",),
    "audio": ("audio/", "video/", "application/ogg", "application/octet-stream"),
}
"""The content types that a URL of each kind may answer with."""


@dataclass(frozen=True)
class Gateway:
    """The parts of a running gateway, as the endpoints need them.

    metrics_token: opens /metrics and nothing else. processes: where `atelier serve` writes how its child processes are;
    None where something else runs the workers.
    """

    auth: Auth
    tenants: Tenants
    database: Database
    limits: Limits
    upstreams: Upstreams
    artifacts: Artifacts
    voices: Voices
    ledger: Ledger
    pipeline: Pipeline
    fetch: GuardedFetch
    idempotency: Idempotency
    cache: AnswerCache
    metrics: Metrics
    aliases: Mapping[str, str]
    plans: Mapping[str, Plan]
    loras: Mapping[str, Sequence[str]]
    retention_days: float | None
    public_url: str | None
    most_body_bytes: int
    metrics_token: SecretStr | None = None
    processes: Path | None = None
    fetching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_FETCHES))
    exporting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_EXPORTS))

    def base_url(self, request: Request) -> str:
        return (self.public_url or str(request.base_url)).rstrip("/")

    def link(self, request: Request) -> Link:
        base = self.base_url(request)
        return lambda artifact: self.artifacts.link(artifact, base)

    def load(self, request: Request, caller: Caller, may_fetch: Callable[[], Awaitable[None]]) -> Load:
        """Files that a request refers to: data URIs, the tenant's own artifacts, and the web through the guard.

        may_fetch: raises where the caller has no place left.
        """

        async def load(reference: str, field: str, kind: str) -> bytes:
            if reference.startswith(DATA_URI):
                return await load_data_uri(reference, field, kind)
            if "://" not in reference and not reference.startswith("/"):
                raise InvalidRequest(
                    f"{field}: send a web address, or the {kind} itself as data:{kind}/…;base64,…", field=field
                )
            await may_fetch()
            own = await self.artifacts.read_link(reference, self.base_url(request), caller.tenant)
            if own is not None:
                return own
            async with self.fetching:
                return await self.fetch.fetch(reference, field=field, accept=ACCEPTED[kind])

        return load

    async def caller(self, request: Request) -> tuple[Caller, TenantFacts]:
        """Who asks about what is their own. Raises Unauthenticated, and Forbidden for a suspended tenant."""
        caller = await self.auth.caller(request.headers)
        request.scope["state"]["tenant"] = caller.tenant
        facts = await self.tenants.facts(caller.tenant)
        refuse_suspended(facts)
        return caller, facts

    async def owner(self, request: Request) -> Caller:
        """Who asks for what all services of the tenant made and came to. Raises Forbidden, too, for credentials that
        are for some services alone."""
        caller, _ = await self.caller(request)
        if caller.services is not None:
            raise Forbidden("These credentials are for some services alone; this needs credentials for all of them")
        return caller

    async def artifact(self, request: Request, name: str) -> Artifact:
        """One of the tenant; for credentials that are for some services alone, one that these made.

        Raises Unauthenticated, NotFound, Forbidden, and Unavailable while it is not written yet what service made it.
        """
        caller, _ = await self.caller(request)
        found = await self.artifacts.of_tenant(name, caller.tenant)
        if caller.services is None or found.service in caller.services:
            return found
        if found.service is None and now() - found.created_at < UNSETTLED:
            raise Unavailable("What service made this is not written yet; try again in a second", retry_after=1)
        raise Forbidden("These credentials are for some services alone, and another made this")

    async def known(self, request: Request, service: str) -> tuple[Caller, TenantFacts]:
        """Who is calling, and what is known of their tenant. Raises Unauthenticated, Forbidden."""
        caller = await self.auth.caller(request.headers)
        request.scope["state"]["tenant"] = caller.tenant
        facts = self.tenants.known(caller.tenant) or await self.tenants.facts(caller.tenant)
        permit(caller, facts, service)
        return caller, facts

    async def own_voice(self, row: NativeRoute | Route, tenant: str, body: Body) -> Voice | None:
        """The tenant's own voice that a body asks for; None nearly always. Raises Unavailable."""
        asked = None if row.voice is None else row.voice(body)
        if asked is None or asked.lower() in OPENAI_VOICES:
            return None
        try:
            return await self.voices.find(tenant, asked, is_everyones=self.upstreams.speaks_as)
        except Unavailable:
            if self.upstreams.speaks_as(asked):  # everyone has it: what the database knows does not matter
                return None
            raise

    async def admitted(
        self,
        request: Request,
        row: NativeRoute | Route,
        who: tuple[Caller, TenantFacts],
        body: Body,
        voice: Voice | None = None,
    ) -> tuple[Call, Exchange]:
        """What do they want, and may they. Nothing is fetched for a caller who has no place left. voice: their own."""
        caller, facts = who
        service, request_id = SERVICES[row.service], request.scope["state"]["request_id"]
        may_fetch = partial(self.pipeline.check, request_id, caller, facts, service)
        call = await row.read(body, self.load(request, caller, may_fetch))
        wanted = self._without_alias(call.request)
        if voice is not None:
            wanted = await self._spoken_by(voice, wanted, service.name, may_fetch)
        if wanted is not call.request:
            call = replace(call, request=wanted, raw=None)
        if isinstance(wanted, ImageRequest) and wanted.loras:
            self.lora_rules(caller, facts).permit(wanted.loras)
        exchange = Exchange(
            id=request_id,
            caller=caller,
            service=service,
            request_type=row.request_type(call.request),
            request=call.request,
            place=await self.pipeline.admit(request_id, caller, facts, service, call.request),
            keep=call.keep,
            keep_days=self.keep_days(facts),
            commercial=facts.commercial,
            plan=plan_class(facts.plan, self.plans),
            raw=call.raw,
        )
        request.scope["state"]["served"] = exchange.served
        return call, exchange

    def caches(self, facts: TenantFacts) -> bool:
        plan = self._plan(facts)
        return plan is not None and plan.cache

    def keep_days(self, facts: TenantFacts) -> float | None:
        plan = self._plan(facts)
        return (plan and plan.retention_days) or self.retention_days

    def lora_rules(self, caller: Caller, facts: TenantFacts) -> LoraRules:
        """The tenant's own list, else its plan's, else the table of the settings."""
        plan = self._plan(facts) or (self.plans.get(facts.lora_plan) if facts.lora_plan else None)
        listed = facts.loras if facts.loras is not None or plan is None else plan.loras
        return LoraRules(caller.tenant, listed, self.loras, facts.unread)

    def _plan(self, facts: TenantFacts) -> Plan | None:
        return self.plans.get(facts.plan) if facts.plan else None

    async def _spoken_by(
        self, voice: Voice, request: Contract, service: str, may_fetch: Callable[[], Awaitable[None]]
    ) -> Contract:
        """The request with the recording of the tenant's voice. Raises InvalidRequest where no model can use it."""
        assert isinstance(request, SpeechRequest)
        if self.upstreams.lacks(service, CLONES):
            raise InvalidRequest(
                "voice: no model that is served here can speak with a voice of your own; take one of those that "
                "GET /v1/models lists, or ask your operator for a model that can (coqui/XTTS-v2)",
                field="voice",
            )
        await may_fetch()
        recording = await self.voices.recording(voice)
        spoken = {"voice": voice.id, "reference": recording, "language": request.language or voice.language}
        return request.model_copy(update=spoken)

    def _without_alias(self, request: Contract) -> Contract:
        """The request with the model that its name stands for; an empty name is the service's default."""
        name: str | None = getattr(request, "model", None)
        if name is None or name not in self.aliases:
            return request
        return request.model_copy(update={"model": self.aliases[name] or None})


def gateway_of(request: Request) -> Gateway:
    """The running gateway that a request came to."""
    gateway = request.scope["state"]["gateway"]
    assert isinstance(gateway, Gateway)
    return gateway


def native_endpoint(row: NativeRoute) -> Endpoint:
    async def word(gateway: Gateway, request: Request, call: Call, exchange: Exchange) -> Response:
        if call.stream:
            assert row.shape is not None
            return await _in_pieces(gateway, request, row.shape, call, exchange)

        def read(result: Result) -> Response:
            shown = answer(row, result, call, gateway.link(request), exchange.id)
            return Response(shown.model_dump_json(), media_type="application/json")

        return await until_disconnect(request, gateway.pipeline.whole(exchange, read))

    return _endpoint(row, word)


def openai_endpoint(row: Route) -> Endpoint:
    async def word(gateway: Gateway, request: Request, call: Call, exchange: Exchange) -> Response:
        if call.stream:
            return await _in_pieces(gateway, request, row.shape, call, exchange)

        def read(result: Result) -> Response:
            return row.shape.answer(result, call, gateway.link(request))

        made = gateway.pipeline.relayed if row.shape.relays(call) else gateway.pipeline.whole
        return await until_disconnect(request, made(exchange, read))

    return _endpoint(row, word)


async def _in_pieces(gateway: Gateway, request: Request, shape: Shape, call: Call, exchange: Exchange) -> Response:
    return await respond_in_pieces(
        request,
        shape,
        call,
        gateway.pipeline.events(exchange),
        gateway.link(request),
        settled=lambda: exchange.metered is not None,
    )


Word = Callable[[Gateway, Request, Call, Exchange], Awaitable[Response]]
"""Runs an admitted request and words its answer."""


def _endpoint(row: NativeRoute | Route, word: Word) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        gateway = gateway_of(request)
        who = await gateway.known(request, row.service)
        body = await read_body(request, most_file_bytes=gateway.most_body_bytes)
        voice = None if row.voice is None else await gateway.own_voice(row, who[0].tenant, body)

        async def run() -> Response:
            call, exchange = await gateway.admitted(request, row, who, body, voice)
            try:
                if gateway.caches(who[1]) and may_be_kept(row.service, call):
                    weight = body.weight + (0 if voice is None else voice.bytes)
                    key = await aside(weight, _cache_key, request, call, exchange.commercial)
                    return _told(await _from_cache(gateway, request, call, exchange, word, key=key), exchange)
                return _told(await word(gateway, request, call, exchange), exchange)
            except BaseException:
                gateway.limits.refund(exchange.place)  # one that the pipeline has closed stays as it is
                raise

        return await once(
            gateway.idempotency, request, who[0].tenant, body, run, beside=None if voice is None else voice.sha256
        )

    return endpoint


async def _from_cache(
    gateway: Gateway, request: Request, call: Call, exchange: Exchange, word: Word, *, key: bytes
) -> Response:
    """The answer that an equal request had; else the one that is made, which is kept once all of it was sent."""
    tenant = exchange.caller.tenant
    found = await gateway.cache.find(tenant, key)
    metered = found and _metered(found)
    gateway.metrics.count_lookup(exchange.service.name, hit=bool(metered))
    if found and metered:
        await gateway.pipeline.given_again(exchange, metered)
        return given_again(found, CACHE_HEADER, "hit")
    response = await word(gateway, request, call, exchange)

    async def keep(body: bytes) -> None:
        await gateway.cache.keep(tenant, key, stored(response, body, exchange.id, exchange.metered))

    await when_whole(response, keep)
    response.headers[CACHE_HEADER] = "miss"
    return response


def _cache_key(request: Request, call: Call, commercial: bool) -> bytes:
    service: str = request.scope["state"]["service"]
    # An answer of before a tenant became commercial may be one of a model that it may no longer use.
    marked = {"commercial": True} if commercial else {}
    how = {"path": request.scope["path"], "stream": call.stream, **call.options, **marked}
    return cache_key(service, call.request, how)


def _metered(found: StoredAnswer) -> Metered | None:
    """What a kept answer was made of; None where another version kept it: it is made anew."""
    try:
        return told(dict(found.headers))
    except UpstreamFailed:
        return None


def _told(response: Response, exchange: Exchange) -> Response:
    """The answer, with the limits, and whether another than the first choice served."""
    # Added as they are: to look for each among those that are there would take longer than to make them.
    response.raw_headers += exchange.place.headers()
    if exchange.served.fallback:
        response.headers[FALLBACK_HEADER] = "true"
    if exchange.served.revision is not None:
        response.headers[MODEL_REVISION_HEADER] = exchange.served.revision
    return response
