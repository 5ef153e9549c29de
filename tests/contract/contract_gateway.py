"""A real gateway in front of a real worker that does every job, for the OpenAI clients to talk to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import openai
from small_engines import plans

from atelier.catalog import SERVICES
from atelier.gateway.app import create_app as create_gateway
from atelier.gateway.auth import make_token
from atelier.rules import LimitRule
from atelier.settings import Settings
from atelier.worker.app import create_app as create_worker
from atelier.worker.host import Host
from servers import running, until

SECRET = "contract-secret-of-forty-characters-long"
MOST_BODY_MB = 2

LIMITS = [
    LimitRule(requests=100_000, per="hour"),
    *(LimitRule(requests=1, per="second", tenant=tenant) for tenant in ("hasty-python", "hasty-node")),
    *(LimitRule(requests=1, per="hour", tenant=tenant) for tenant in ("small-python", "small-node")),
]
"""One request a second frees while a client waits, one an hour does not."""


@dataclass(frozen=True)
class ContractGateway:
    url: str

    def key(self, tenant: str = "acme") -> str:
        return make_token(SECRET, tenant, seconds=600)

    def client(self, tenant: str = "acme", **more: Any) -> openai.OpenAI:
        """A client that checks every answer against its own types, and retries only where it is told to."""
        return openai.OpenAI(**self._settings(tenant, more))

    def async_client(self, tenant: str = "acme", **more: Any) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(**self._settings(tenant, more))

    def _settings(self, tenant: str, more: dict[str, Any]) -> dict[str, Any]:
        usual = {"base_url": f"{self.url}/v1", "api_key": self.key(tenant), "max_retries": 0, "timeout": 30}
        return {**usual, "_strict_response_validation": True, **more}


@contextmanager
def opened(home: Path) -> Iterator[ContractGateway]:
    services = tuple(SERVICES)
    with running(create_worker(Host(plans()), services, most_body_bytes=3_000_000)) as worker:
        upstreams = {service: [worker] for service in services}
        settings = Settings(
            home=home, upstreams=upstreams, most_body_mb=MOST_BODY_MB, limits=LIMITS, loras={"*": ["*"]}
        )
        with running(create_gateway(settings, SECRET)) as url:
            until(lambda: _all_healthy(url))
            yield ContractGateway(url)


def _all_healthy(url: str) -> bool:
    found = httpx2.get(f"{url}/health").json()["services"]
    return all(found[service]["status"] == "healthy" for service in SERVICES)
