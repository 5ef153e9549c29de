"""OpenTelemetry traces, where the environment names a receiver; else its SDK is not imported, and no span made.

What is traced is made of other classes (gateway/traced.py, worker/traced.py): the plain ones know nothing of it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from atelier import __version__
from atelier.errors import AtelierError
from atelier.settings import SettingsProblem

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_HTTP = "http/protobuf"
_LIBRARIES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")

_current: Tracer | None = None


def is_wanted(environment: Mapping[str, str]) -> bool:
    """Whether a receiver is named, and tracing is not switched off, by OpenTelemetry's own variables."""
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    other = (environment.get("OTEL_TRACES_EXPORTER") or "otlp") != "otlp"
    return not off and not other and any(environment.get(name) for name in _ENDPOINTS)


def check_tracing(environment: Mapping[str, str]) -> None:
    """Before a server starts. Raises SettingsProblem where traces are wanted that cannot be sent: the libraries are
    missing, or the receiver is to be spoken to by gRPC."""
    if not is_wanted(environment):
        return
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), _HTTP)
    if protocol != _HTTP:
        raise SettingsProblem(f"OTEL_EXPORTER_OTLP_PROTOCOL: {protocol[:20]} is not supported; it can be {_HTTP}")
    if not all(_has(module) for module in _LIBRARIES):
        raise SettingsProblem(
            "OTEL_EXPORTER_OTLP_ENDPOINT: traces need their libraries. Type: pip install 'atelier[telemetry]'"
        )


def start_tracing(process: str) -> None:
    """Once in a process, before its app is made. process: `gateway` or `worker`. Raises as `check_tracing` does."""
    global _current  # noqa: PLW0603  one process, one tracer
    check_tracing(os.environ)
    if is_wanted(os.environ):
        _current = _tracer(process)


def tracer() -> Tracer | None:
    """None where nothing is traced."""
    return _current


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even what it is in
        return False


def _tracer(process: str) -> Tracer:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    os.environ.setdefault("OTEL_SERVICE_NAME", f"atelier-{process}")
    # Sampling, limits, batches and the receiver are as OpenTelemetry's variables say; at the end the rest is sent.
    provider = TracerProvider(resource=Resource.create({"service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("atelier", __version__)


@contextmanager
def spanned(tracer: Tracer, name: str, **attributes: str | int | float) -> Iterator[Span]:
    """A span around a block. What goes wrong is told by its code: words of errors can hold what a caller wrote."""
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as problem:
            tell_problem(span, problem)
            raise


def tell_problem(span: Span, problem: Exception) -> None:
    from opentelemetry.trace import StatusCode

    code = problem.code if isinstance(problem, AtelierError) else type(problem).__name__
    span.set_attribute("error.type", code)
    if not isinstance(problem, AtelierError) or problem.status >= 500:
        span.set_status(StatusCode.ERROR)


class TracedRequests:
    """ASGI middleware: a span for each POST to one of `paths`, which goes on with the caller's trace (`traceparent`).

    It tells what `state` says of the request at its end: its id, service, upstream and error.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer, paths: Collection[str]) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._app = app
        self._tracer = tracer
        self._paths = frozenset(paths)
        self._propagator = TraceContextTextMapPropagator()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._paths:
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind

        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope["path"]
        with self._tracer.start_as_current_span(
            f"POST {path}",
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": "POST", "http.route": path, "url.path": path},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            await self._answered(span, scope, receive, send)

    async def _answered(self, span: Span, scope: Scope, receive: Receive, send: Send) -> None:
        status = 499  # until an answer has begun

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                span.add_event("answer begins")
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as problem:
            tell_problem(span, problem)
            raise
        finally:
            _tell_end(span, status, scope.get("state", {}))


def _tell_end(span: Span, status: int, state: Mapping[str, object]) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("http.response.status_code", status)
    served = state.get("served")
    told = {
        "atelier.request_id": state.get("request_id"),
        "atelier.service": state.get("service"),
        "atelier.upstream": getattr(served, "label", None),
        "error.type": state.get("error"),
    }
    span.set_attributes({name: str(value) for name, value in told.items() if value})
    if status >= 500:
        span.set_status(StatusCode.ERROR)
