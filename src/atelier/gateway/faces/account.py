"""What a tenant may ask about itself: usage, limits and models; and what anyone may ask: health."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from atelier.errors import Forbidden, NotFound
from atelier.gateway.faces.endpoints import gateway_of
from atelier.gateway.health import health, model_list, process_states, state_report
from atelier.scraper import MEDIA_TYPE, is_scraper


async def usage(request: Request) -> Response:
    gateway = gateway_of(request)
    caller = await gateway.owner(request)
    return JSONResponse(await gateway.ledger.month(caller.tenant, request.query_params.get("month")))


async def limits(request: Request) -> Response:
    gateway = gateway_of(request)
    caller, facts = await gateway.caller(request)
    states = await gateway.limits.states(caller.tenant, facts.plan, facts.limits)
    return JSONResponse({"limits": [asdict(state) for state in states]})


async def models(request: Request) -> Response:
    gateway = gateway_of(request)
    await gateway.caller(request)
    return JSONResponse({"object": "list", "data": model_list(gateway.upstreams)})


async def model(request: Request) -> Response:
    """One of them, by its id."""
    gateway = gateway_of(request)
    await gateway.caller(request)
    name = request.path_params["model"]
    found = {entry["id"]: entry for entry in model_list(gateway.upstreams)}
    if name not in found:
        raise NotFound(f"model: {name[:200]} is not served here; GET /v1/models lists what is", field="model")
    return JSONResponse(found[name])


async def health_report(request: Request) -> Response:
    gateway = gateway_of(request)
    state = state_report(gateway.database, gateway.limits, gateway.ledger)
    found = health(gateway.upstreams, process_states(gateway.processes), state)
    return JSONResponse(found, status_code=503 if found["status"] == "unhealthy" else 200)


async def metrics(request: Request) -> Response:
    """For Prometheus, with its own token, or an administrator's token or key: the numbers speak of every tenant."""
    gateway = gateway_of(request)
    if not is_scraper(request.headers, gateway.metrics_token):
        caller, _ = await gateway.caller(request)
        if not caller.is_admin:
            raise Forbidden("Metrics are for administrators; use a token or key with the role admin")
    return Response(await gateway.metrics.text(), media_type=MEDIA_TYPE)
