"""Both kinds of store for tests, and artifacts put there as a service would, without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from atelier.gateway.artifacts import Artifacts, create_artifacts
from atelier.gateway.request_log import new_request_id
from atelier.settings import Settings
from atelier.state.database import Database, open_database
from running_gateway import SECRET, Running
from s3_server import S3

T = TypeVar("T")


@dataclass
class Kept:
    """A store: what settings it takes, and what lies in it."""

    settings: dict[str, Any]
    names: Callable[[], list[str]]

    def open(self, home: Path, database: Database, secret: str = SECRET, **more: Any) -> Artifacts:
        return create_artifacts(Settings(home=home, **self.settings, **more), database, secret)

    def put(self, gateway: Running, data: bytes, tenant: str = "acme", **more: Any) -> str:
        """The id of an artifact of the running gateway's; more: of `Artifacts.put`."""
        given = {"request_id": new_request_id(), "media_type": "image/png", **more}
        return self.ask(gateway, lambda artifacts: artifacts.put(tenant, data=data, **given))

    def ask(self, gateway: Running, question: Callable[[Artifacts], Awaitable[T]], **more: Any) -> T:
        async def asked() -> T:
            database = await open_database(gateway.location)
            try:
                return await question(self.open(gateway.home, database, **more))
            finally:
                await database.dispose()

        with ThreadPoolExecutor(1) as pool:  # a test may have an event loop of its own
            return pool.submit(asyncio.run, asked()).result()


@pytest.fixture(params=["folder", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "folder":
        return Kept({}, lambda: _files(tmp_path / "artifacts"))
    server: S3 = request.getfixturevalue("s3")
    bucket = server.new_bucket()
    return Kept(server.settings(bucket), lambda: [name for name in server.names(bucket) if name != ".swept"])


def _files(folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in folder.glob("*/*") if file.is_file()]
