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

from atelier.catalog import SERVICES, Service
from atelier.contracts.base import Contract, Result
from atelier.contracts.images import ImageRequest
from atelier.contracts.text_to_speech import OPENAI_VOICES, SpeechRequest
from atelier.errors import Forbidden, InvalidRequest, Unavailable, UpstreamFailed
from atelier.gateway.answers import AnswerCache, Idempotency, StoredAnswer, cache_key, may_be_kept
from atelier.gateway.artifacts import Artifact, Artifacts
from atelier.gateway.auth import Auth, Caller
from atelier.gateway.faces.native import NativeRoute, answer
from atelier.gateway.faces.repeats import CACHE_HEADER, IDEMPOTENCY_HEADER, given_again, once, stored, when_whole
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
from atelier.wire.header import header
from atelier.wire.media import DATA_URI, load_data_uri
from atelier.wire.metering import METERED_HEADER, Metered, told
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
        facts = await self.tenants.facts(caller.tenant)
        permit(caller, facts, service)
        return caller, facts

    def remembered(self, request: Request, service: str) -> tuple[Caller, TenantFacts] | None:
        """The same, where it was found out a moment ago. Raises Forbidden."""
        caller = self.auth.remembered(request.scope["headers"])
        facts = None if caller is None else self.tenants.known(caller.tenant)
        if caller is None or facts is None:
            return None
        request.scope["state"]["tenant"] = caller.tenant
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

    def lora_rules(self, caller: Caller, facts: TenantFacts) -> LoraRules:
        """The tenant's own list, else its plan's, else the table of the settings."""
        plan = self.plan(facts) or (self.plans.get(facts.lora_plan) if facts.lora_plan else None)
        listed = facts.loras if facts.loras is not None or plan is None else plan.loras
        return LoraRules(caller.tenant, listed, self.loras, facts.unread)

    def plan(self, facts: TenantFacts) -> Plan | None:
        return self.plans.get(facts.plan) if facts.plan else None


def gateway_of(request: Request) -> Gateway:
    """The running gateway that a request came to."""
    gateway = request.scope["state"]["gateway"]
    assert isinstance(gateway, Gateway)
    return gateway


def native_endpoint(row: NativeRoute) -> Endpoint:
    def word(gateway: Gateway, request: Request, call: Call, exchange: Exchange) -> Awaitable[Response]:
        if call.stream:
            assert row.shape is not None
            return _in_pieces(gateway, request, row.shape, call, exchange)

        def read(result: Result) -> Response:
            shown = answer(row, result, call, gateway.link(request), exchange.id)
            return Response(shown.model_dump_json(), media_type="application/json")

        return until_disconnect(request, gateway.pipeline.whole(exchange, read))

    return _Service(row, word).endpoint


def openai_endpoint(row: Route) -> Endpoint:
    def word(gateway: Gateway, request: Request, call: Call, exchange: Exchange) -> Awaitable[Response]:
        if call.stream:
            return _in_pieces(gateway, request, row.shape, call, exchange)

        def read(result: Result) -> Response:
            return row.shape.answer(result, call, gateway.link(request))

        made = gateway.pipeline.relayed if row.shape.relays(call) else gateway.pipeline.whole
        return until_disconnect(request, made(exchange, read))

    return _Service(row, word).endpoint


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


class _Asked:
    """A request of a service: who asks for what. voice: the tenant's own that it is to be spoken with."""

    __slots__ = ("body", "caller", "facts", "gateway", "request", "service", "voice")

    caller: Caller
    facts: TenantFacts
    body: Body

    def __init__(self, gateway: Gateway, request: Request, service: Service) -> None:
        self.gateway = gateway
        self.request = request
        self.service = service
        self.voice: Voice | None = None

    async def check(self) -> None:
        """Raises where the caller has no place left: nothing is looked for then."""
        request_id = self.request.scope["state"]["request_id"]
        await self.gateway.pipeline.check(request_id, self.caller, self.facts, self.service)

    def load(self, reference: str, field: str, kind: str) -> Awaitable[bytes]:
        """A file that it refers to: a data URI, the tenant's own artifact, or one of the web, through the guard."""
        found = load_data_uri if reference.startswith(DATA_URI) else self._fetched
        return found(reference, field, kind)

    async def _fetched(self, reference: str, field: str, kind: str) -> bytes:
        if "://" not in reference and not reference.startswith("/"):
            raise InvalidRequest(
                f"{field}: send a web address, or the {kind} itself as data:{kind}/…;base64,…", field=field
            )
        await self.check()
        gateway = self.gateway
        own = await gateway.artifacts.read_link(reference, gateway.base_url(self.request), self.caller.tenant)
        if own is not None:
            return own
        async with gateway.fetching:
            return await gateway.fetch.fetch(reference, field=field, accept=ACCEPTED[kind])

    async def spoken(self, voice: Voice, request: Contract) -> Contract:
        """With the recording of the tenant's voice. Raises InvalidRequest where no model can use it."""
        assert isinstance(request, SpeechRequest)
        if self.gateway.upstreams.lacks(self.service.name, CLONES):
            raise InvalidRequest(
                "voice: no model that is served here can speak with a voice of your own; take one of those that "
                "GET /v1/models lists, or ask your operator for a model that can (coqui/XTTS-v2)",
                field="voice",
            )
        await self.check()
        recording = await self.gateway.voices.recording(voice)
        spoken = {"voice": voice.id, "reference": recording, "language": request.language or voice.language}
        return request.model_copy(update=spoken)


class _Service:
    """A service at one address: one row of a face's table."""

    def __init__(self, row: NativeRoute | Route, word: Word) -> None:
        self._row = row
        self._word = word
        self._service = SERVICES[row.service]

    async def endpoint(self, request: Request) -> Response:
        gateway, row = gateway_of(request), self._row
        asked = _Asked(gateway, request, self._service)
        who = gateway.remembered(request, row.service) or await gateway.known(request, row.service)
        asked.caller, asked.facts = who
        asked.body = await read_body(request, most_file_bytes=gateway.most_body_bytes)
        if row.voice is not None:
            asked.voice = await gateway.own_voice(row, asked.caller.tenant, asked.body)
        if header(request, IDEMPOTENCY_HEADER) is None:
            return await self._answered(asked)
        beside = None if asked.voice is None else asked.voice.sha256
        run = partial(self._answered, asked)
        return await once(gateway.idempotency, request, asked.caller.tenant, asked.body, run, beside=beside)

    async def _answered(self, asked: _Asked) -> Response:
        """What do they want, may they, and the answer. Nothing is fetched for a caller who has no place left."""
        gateway, row, caller, facts = asked.gateway, self._row, asked.caller, asked.facts
        call = await row.read(asked.body, asked.load)
        wanted = _without_alias(call.request, gateway.aliases)
        if asked.voice is not None:
            wanted = await asked.spoken(asked.voice, wanted)
        if wanted is not call.request:
            call = replace(call, request=wanted, raw=None)
        if isinstance(wanted, ImageRequest) and wanted.loras:
            gateway.lora_rules(caller, facts).permit(wanted.loras)
        state, plan = asked.request.scope["state"], gateway.plan(facts)
        request_id = state["request_id"]
        exchange = Exchange(
            id=request_id,
            caller=caller,
            service=self._service,
            request_type=row.request_type(wanted),
            request=wanted,
            place=await gateway.pipeline.admit(request_id, caller, facts, self._service, wanted),
            keep=call.keep,
            keep_days=(plan and plan.retention_days) or gateway.retention_days,
            commercial=facts.commercial,
            plan=plan_class(facts.plan, gateway.plans),
            raw=call.raw,
        )
        state["served"] = exchange.served
        try:
            if plan is not None and plan.cache and may_be_kept(row.service, call):
                return _told(await self._cached(asked, call, exchange), exchange)
            return _told(await self._word(gateway, asked.request, call, exchange), exchange)
        except BaseException:
            gateway.limits.refund(exchange.place)  # one that the pipeline has closed stays as it is
            raise

    async def _cached(self, asked: _Asked, call: Call, exchange: Exchange) -> Response:
        """The answer that an equal request had; else the one that is made, which is kept once all of it was sent."""
        gateway, request, tenant = asked.gateway, asked.request, exchange.caller.tenant
        weight = asked.body.weight + (0 if asked.voice is None else asked.voice.bytes)
        key = await aside(weight, _cache_key, request, call, exchange.commercial)
        found = await gateway.cache.find(tenant, key)
        metered = found and _metered(found)
        gateway.metrics.count_lookup(exchange.service.name, hit=bool(metered))
        if found and metered:
            await gateway.pipeline.given_again(exchange, metered)
            return given_again(found, CACHE_HEADER, "hit")
        response = await self._word(gateway, request, call, exchange)

        async def keep(body: bytes) -> None:
            await gateway.cache.keep(tenant, key, stored(response, body, exchange.id, exchange.metered))

        await when_whole(response, keep)
        response.headers[CACHE_HEADER] = "miss"
        return response


def _without_alias(request: Contract, aliases: Mapping[str, str]) -> Contract:
    """The request with the model that its name stands for; an empty name is the service's default."""
    name: str | None = getattr(request, "model", None)
    if name is None or name not in aliases:
        return request
    return request.model_copy(update={"model": aliases[name] or None})


def _cache_key(request: Request, call: Call, commercial: bool) -> bytes:
    service: str = request.scope["state"]["service"]
    # An answer of before a tenant became commercial may be one of a model that it may no longer use.
    marked = {"commercial": True} if commercial else {}
    how = {"path": request.scope["path"], "stream": call.stream, **call.options, **marked}
    return cache_key(service, call.request, how)


def _metered(found: StoredAnswer) -> Metered | None:
    """What a kept answer was made of; None where another version kept it: it is made anew."""
    try:
        return told(dict(found.headers).get(METERED_HEADER))
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
