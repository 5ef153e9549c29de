"""The parts of a gateway that make spans, in place of the plain ones where traces are wanted."""

from __future__ import annotations

from opentelemetry.trace import Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from atelier.catalog import Service
from atelier.contracts.base import Contract
from atelier.gateway.auth import Caller
from atelier.gateway.limits import Place
from atelier.gateway.pipeline import Exchange, Pipeline
from atelier.gateway.tenants import TenantFacts
from atelier.gateway.upstreams.answering import Answer, Answering
from atelier.gateway.upstreams.refusals import Failure, Verdict
from atelier.gateway.upstreams.upstream import Upstream
from atelier.gateway.usage import UsageRecord
from atelier.tracing import spanned, tell_problem, tracer

_PROPAGATOR = TraceContextTextMapPropagator()


class TracedPipeline(Pipeline):
    """Spans `admission` and `settle`."""

    async def admit(
        self, request_id: str, caller: Caller, facts: TenantFacts, service: Service, request: Contract
    ) -> Place:
        found = tracer()
        assert found is not None
        with spanned(found, "admission"):
            return await super().admit(request_id, caller, facts, service, request)

    async def _settle(self, exchange: Exchange, record: UsageRecord) -> None:
        found = tracer()
        assert found is not None
        with spanned(found, "settle", **{"atelier.outcome": record.status, "atelier.plan": exchange.plan}):
            await super()._settle(exchange, record)


class TracedAnswering(Answering):
    """A span `upstream` for each attempt, to the end of its answer; the upstream is told of it (`traceparent`)."""

    __slots__ = ("_attempts", "_span")

    _span: Span
    _attempts: int

    async def _attempt(self, upstream: Upstream) -> Answer | Failure:
        found = tracer()
        assert found is not None
        self._attempts = getattr(self, "_attempts", 0) + 1
        told = {
            "atelier.service": upstream.service,
            "atelier.upstream": upstream.label,
            "atelier.attempt": self._attempts,
            "http.request.method": "POST",
        }
        self._span = found.start_span("upstream", kind=SpanKind.CLIENT, attributes=told)
        self._headers = dict(self._headers)
        _PROPAGATOR.inject(self._headers, context=set_span_in_context(self._span))
        return await super()._attempt(upstream)

    async def _ask(self, upstream: Upstream) -> Answer | Failure:
        outcome = await super()._ask(upstream)
        if isinstance(outcome, Answer):
            self._span.set_attribute("http.response.status_code", outcome.status)
            self._span.add_event("answer begins")
        else:
            tell_problem(self._span, outcome.error)
        return outcome

    def _end(self, upstream: Upstream, verdict: Verdict | None) -> None:
        super()._end(upstream, verdict)
        if verdict == "bad":
            self._span.set_status(StatusCode.ERROR)
        self._span.end()
