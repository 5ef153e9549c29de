"""How everything is: put together from the last probes, so that asking costs nothing while every worker is busy."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from atelier.gateway.limits import Limits
from atelier.gateway.upstreams import Upstream, Upstreams
from atelier.gateway.upstreams.upstream import SERVING
from atelier.gateway.usage import Ledger
from atelier.state.database import Database

_NOT_IN_HEALTH = {"voices", "languages", "card", "licence", "loras"}
"""What /v1/models lists: it would make /health slow, or is not for everyone."""

MODEL: dict[str, Any] = {"object": "model", "created": 0, "owned_by": "atelier"}
"""What is said of every model, in OpenAI's words."""

_BEST_FIRST = {"healthy": 0, "degraded": 1, "starting": 2}


def health(upstreams: Upstreams, processes: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """`healthy` when everything is, `unhealthy` when no request can be served, else `degraded`.

    processes: see `process_states`. state: see `state_report`. response_time: milliseconds.
    """
    services = {service: _service(service, pool, processes) for service, pool in upstreams.pools.items()}
    found = {service["status"] for service in services.values()}
    if state["limits"] == "away" or found.isdisjoint(SERVING):
        status = "unhealthy"
    else:
        status = "healthy" if found == {"healthy"} and state["limits"] == state["database"] == "healthy" else "degraded"
    return {"status": status, "services": services, "state": state, "timestamp": datetime.now(UTC).isoformat()}


def state_report(database: Database, limits: Limits, ledger: Ledger) -> dict[str, Any]:
    """How the database and Redis were when they were last needed, and what usage waits: no server is asked."""
    return {
        "database": "away" if database.away else "healthy",
        "limits": limits.counted,
        "usage": ledger.waiting(),
    }


def _service(service: str, pool: list[Upstream], processes: Mapping[str, Any]) -> dict[str, Any]:
    best = min(pool, key=lambda upstream: _BEST_FIRST.get(upstream.status, len(_BEST_FIRST)))
    models = [
        {key: value for key, value in model.items() if key not in _NOT_IN_HEALTH} for model in served_models(best)
    ]
    described: dict[str, Any] = {
        "status": best.status,
        "response_time": None if best.response_time is None else round(best.response_time * 1000, 1),
        "model": models[0]["id"] if models else None,
        "models": models,
        "queue": best.report.get("queue"),
        "upstreams": len(pool),
        "circuit": best.circuit.state(time.monotonic()),
    }
    process = processes.get(service)
    if process:
        # Anyone may ask: process ids are left out.
        described["process"] = {name: value for name, value in process.items() if name != "pid"}
        if process["state"] != "running":  # known sooner than the next probe can tell
            described["status"] = "unhealthy"
    return described


def served_models(upstream: Upstream) -> list[dict[str, Any]]:
    """The upstream's models that serve this service, as /health of a worker tells them."""
    models = upstream.report.get("models", [])
    return [m for m in models if isinstance(m, dict) and upstream.service in m.get("services", [])]


def model_list(upstreams: Upstreams) -> list[dict[str, Any]]:
    """Every model that is ready somewhere, or loaded there when it is asked for, once."""
    found: dict[str, dict[str, Any]] = {}
    for pool in upstreams.pools.values():
        for upstream in pool:
            for model in served_models(upstream):
                if model.get("state") in {"ready", "resting"}:
                    found.setdefault(model["id"], model)
    return [MODEL | model | {"service": model["services"][0]} for model in found.values()]


def process_states(file: Path | None) -> dict[str, Any]:
    """What `atelier serve` says of its child processes, by service; empty where something else runs the workers."""
    try:
        states = from_json(file.read_bytes()) if file else {}
    except (OSError, ValueError):
        return {}
    return states if isinstance(states, dict) else {}
