"""Fixtures of more than one folder: the databases and stores that state is kept in."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import hypothesis
import pytest
import structlog

import atelier.gateway.limits.trips  # which reckons with how long a connection may take where nobody tests it
import atelier.state.redis
from atelier.state.database import Database, open_database
from postgres_server import Postgres, running_postgres
from redis_server import Redis, running_redis
from s3_server import S3, running_s3
from sqlite_file import lay_database

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several threads are slower where others want the processors, too

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell sets it for what it runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what tests start and interrupt would inherit it

# httpx2 waits for five seconds where nothing else is said, and a busy machine may take longer. Its functions and
# clients share this one object.
_PATIENCE: httpx2.Timeout = httpx2.get.__kwdefaults__["timeout"]
_PATIENCE.connect = _PATIENCE.read = _PATIENCE.write = _PATIENCE.pool = 60.0

# A gateway gives up a connection to Redis that takes a second, and asks it nothing for a while.
atelier.state.redis.CONNECT_SECONDS = 60.0

# The same examples in each run, and however long a busy machine takes for one, or for the first of all texts.
hypothesis.settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("steady")

# As servers are set up (telemetry.py): structlog's own default draws tracebacks with every variable, for seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests; each has a database of its own."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[Redis]:
    """One server for all tests; each takes a prefix of its own."""
    with running_redis() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """One server for all tests; each takes a bucket of its own."""
    with running_s3() as server:
        yield server


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """A database with tables, to be copied: migrating one anew for each test would take longer than the test."""

    async def migrate(url: str) -> str:
        await (await open_database(url)).dispose()
        return url

    return asyncio.run(migrate(postgres.new_database()))


@pytest.fixture
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a database without rows is: SQLite, and for a test that is marked `on_both` PostgreSQL too."""
    if getattr(request, "param", "sqlite") == "sqlite":
        lay_database(tmp_path / "atelier.db")
        yield f"sqlite+aiosqlite:///{tmp_path / 'atelier.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.new_database(like=request.getfixturevalue("migrated"))
    yield url
    server.drop(url)


@pytest.fixture
async def database(location: str) -> AsyncIterator[Database]:
    opened = await open_database(location)
    yield opened
    await opened.dispose()
