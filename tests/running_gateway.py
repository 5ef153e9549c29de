"""A real gateway in front of a real worker, whose engines are the small ones of stepping.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Executable, select

from atelier.catalog import SERVICES
from atelier.gateway.app import create_app as create_gateway
from atelier.gateway.auth import make_token
from atelier.rules import LimitRule
from atelier.settings import Settings
from atelier.state.database import open_database
from atelier.state.tables import usage
from atelier.worker.app import create_app as create_worker
from atelier.worker.host import Host
from servers import Server, running, until
from sqlite_file import lay_database
from stepping import PaintEngine, SpeakEngine, paint_plan, speak_plan

SECRET = "gateway-secret-of-forty-characters-long!"
SERVED = ("text-to-image", "image-to-image", "text-to-speech")
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens


@dataclass
class Running:
    url: str
    home: Path
    location: str
    host: Host
    stop: Callable[[], None]

    def headers(self, tenant: str = "acme") -> dict[str, str]:
        return {"authorization": f"Bearer {make_token(SECRET, tenant, seconds=600)}"}

    def post(self, path: str, tenant: str = "acme", **more: Any) -> httpx2.Response:
        return httpx2.post(self.url + path, headers=self.headers(tenant), timeout=30, **more)

    def get(self, path: str, tenant: str = "acme", **more: Any) -> httpx2.Response:
        return httpx2.get(self.url + path, headers=self.headers(tenant), timeout=30, **more)

    def records(self) -> list[dict[str, Any]]:
        """Every row of AIUsage, oldest first."""
        return self.ask(select(usage).order_by(usage.c.id))

    def ask(self, statement: Executable) -> list[dict[str, Any]]:
        """The rows that a statement gives, straight from the database."""

        async def asked() -> list[dict[str, Any]]:
            database = await open_database(self.location)
            async with database.begin() as connection:
                found = await connection.execute(statement)
                rows = [dict(row) for row in found.mappings()] if found.returns_rows else []
            await database.dispose()
            return rows

        with ThreadPoolExecutor(1) as pool:  # a test may have an event loop of its own
            return pool.submit(asyncio.run, asked()).result()

    def settled(self, count: int) -> list[dict[str, Any]]:
        """The rows, once there are `count`: what a client leaves behind is settled after it has gone."""
        until(lambda: len(self.records()) >= count)
        return self.records()


@contextmanager
def opened(home: Path, **more: Any) -> Iterator[Running]:
    """A gateway with `home` as its data folder; `more` are settings."""
    lay_database(home / "atelier.db")
    host = Host([paint_plan(), speak_plan()])
    with running(create_worker(host, SERVED, most_body_bytes=3_000_000)) as worker:
        settings = Settings(
            home=home,
            most_body_mb=2,
            **{
                "upstreams": {service: [worker if service in SERVED else NOWHERE] for service in SERVICES},
                "limits": [LimitRule(requests=5, per="hour", tenant="small")],
                **more,
            },
        )
        server = Server(create_gateway(settings, SECRET))
        with server as url:
            until(lambda: _healthy(url) >= set(more.get("upstreams", SERVED)))
            yield Running(url, home, settings.database_location(), host, server.stop)
            PaintEngine.newest.gate.release()
            SpeakEngine.newest.gate.release()


@pytest.fixture
def gateway(tmp_path: Path, location: str) -> Iterator[Running]:
    with opened(tmp_path, database_url=location) as serving:
        yield serving


def _healthy(url: str) -> set[str]:
    services = httpx2.get(f"{url}/health").json()["services"]
    return {name for name, service in services.items() if service["status"] == "healthy"}
