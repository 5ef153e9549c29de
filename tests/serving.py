"""A real `atelier serve` for a whole test session: the gateway and every worker, on ports and a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from atelier.catalog import GATEWAY_PORT
from ports import free_offset
from servers import until


@dataclass
class Served:
    process: subprocess.Popen[bytes]
    url: str
    home: Path
    offset: int
    environment: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, tenant: str = "acme") -> str:
        if tenant not in self.tokens:
            self.tokens[tenant] = self.cli("token", "--tenant", tenant, "--create-tenant").strip()
        return self.tokens[tenant]

    def cli(self, *words: str) -> str:
        command = [sys.executable, "-m", "atelier", *words]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True).stdout

    def openai(self, tenant: str = "acme") -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=self.token(tenant), max_retries=0, timeout=120)

    def headers(self, tenant: str = "acme") -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(tenant)}"}

    def post(self, path: str, tenant: str = "acme", **more: Any) -> httpx2.Response:
        return httpx2.post(self.url + path, headers=self.headers(tenant), timeout=120, **more)

    def get(self, path: str, tenant: str = "acme", **more: Any) -> httpx2.Response:
        return httpx2.get(self.url + path, headers=self.headers(tenant), timeout=30, **more)

    def health(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = httpx2.get(f"{self.url}/health", timeout=5).json()
        except httpx2.HTTPError:
            return {}
        return found

    def pid(self, service: str) -> int:
        """The process id of a service's worker."""
        states = json.loads((self.home / "run" / "processes.json").read_text())
        return int(states[service]["pid"])

    def printed(self) -> str:
        return (self.home / "printed.txt").read_text()


def start(home: Path, **environment: str) -> Served:
    """`atelier serve` with `home` as its data folder; not waited for."""
    offset = free_offset()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATELIER_", "JWT_"))}
    settings = {"ATELIER_HOME": str(home), "ATELIER_PORT_OFFSET": str(offset), **environment}
    home.mkdir(parents=True, exist_ok=True)
    with (home / "printed.txt").open("wb") as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "atelier", "serve"],
            env={**kept, **settings},
            stdout=printed,
            stderr=printed,
            stdin=subprocess.DEVNULL,
            cwd=home,
        )
    return Served(process, f"http://127.0.0.1:{GATEWAY_PORT + offset}", home, offset, {**kept, **settings})


def stop(served: Served) -> None:
    """End it as Ctrl-C does."""
    served.process.send_signal(signal.SIGINT)
    served.process.wait(timeout=60)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    small = [{"requests": 3, "per": "hour", "tenant": tenant} for tenant in ("small", "small-console")]
    rules = json.dumps([{"requests": 100000, "per": "hour"}, *small])
    running = start(tmp_path_factory.mktemp("served"), ATELIER_LIMITS=rules)
    try:
        until(lambda: running.health().get("status") == "healthy" or running.process.poll() is not None, seconds=180)
        assert running.process.poll() is None, running.printed()
        yield running
    finally:
        if running.process.poll() is None:
            stop(running)
