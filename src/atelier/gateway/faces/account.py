"""What a tenant may ask about itself: usage, limits and models; and what anyone may ask: health."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from atelier.errors import Forbidden, NotFound
from atelier.gateway.faces.endpoints import gateway_of
from atelier.gateway.health import MODEL, health, model_list, process_states, state_report
from atelier.scraper import MEDIA_TYPE, is_scraper


async def usage(request: Request) -> Response:
    gateway = gateway_of(request)
    owner = await gateway.owner(request)
    return JSONResponse(await gateway.ledger.month(owner.tenant, request.query_params.get("month")))


async def usage_days(request: Request) -> Response:
    gateway = gateway_of(request)
    owner = await gateway.owner(request)
    return JSONResponse(await gateway.ledger.days(owner.tenant, request.query_params.get("month")))


async def caller(request: Request) -> Response:
    """Whom the credentials speak for, and for which services: null is every one."""
    found, _ = await gateway_of(request).caller(request)
    services = None if found.services is None else sorted(found.services)
    return JSONResponse({"tenant": found.tenant, "user": found.user, "services": services})


async def limits(request: Request) -> Response:
    gateway = gateway_of(request)
    found, facts = await gateway.caller(request)
    states = await gateway.limits.states(found.tenant, facts.plan, facts.limits)
    return JSONResponse({"limits": [asdict(state) for state in states]})


async def models(request: Request) -> Response:
    return JSONResponse({"object": "list", "data": await _models(request)})


async def model(request: Request) -> Response:
    """One of them, by its id; under a name that stands for another, or for each service's own, what is said of it
    carries that name."""
    name = request.path_params["model"]
    found = {entry["id"]: entry for entry in await _models(request)}
    stands_for = gateway_of(request).aliases.get(name, name)
    entry = found.get(stands_for) if stands_for else MODEL
    if entry is None:
        raise NotFound(f"model: {name[:200]} is not served here; GET /v1/models lists what is", field="model")
    return JSONResponse({**entry, "id": name})


async def _models(request: Request) -> list[dict[str, Any]]:
    """Each with those of its LoRAs that the caller may use: others are not known to be there."""
    gateway = gateway_of(request)
    rules = gateway.lora_rules(*await gateway.caller(request))

    def shown(entry: dict[str, Any]) -> dict[str, Any]:
        loras = [name for name in entry.get("loras", ()) if rules.allow(name)]
        return {name: value for name, value in entry.items() if name != "loras"} | ({"loras": loras} if loras else {})

    return [shown(entry) for entry in model_list(gateway.upstreams)]


async def health_report(request: Request) -> Response:
    gateway = gateway_of(request)
    state = state_report(gateway.database, gateway.limits, gateway.ledger)
    found = health(gateway.upstreams, process_states(gateway.processes), state)
    return JSONResponse(found, status_code=503 if found["status"] == "unhealthy" else 200)


async def metrics(request: Request) -> Response:
    """For Prometheus, with its own token, or an administrator's token or key: the numbers speak of every tenant."""
    gateway = gateway_of(request)
    if not is_scraper(request.headers, gateway.metrics_token):
        found, _ = await gateway.caller(request)
        if not found.is_admin:
            raise Forbidden("Metrics are for administrators; use a token or key with the role admin")
    return Response(await gateway.metrics.text(), media_type=MEDIA_TYPE)
