"""A SQLite database with the tables, to be copied: making them anew for each test takes longer than most tests."""

from __future__ import annotations

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from atelier.state.database import open_database


def lay_database(path: Path) -> None:
    """A database that is up to date and without rows, where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_migrated())
        path.chmod(0o600)


@cache
def _migrated() -> bytes:
    """Its bytes, made once by the migrations."""

    async def migrate(location: str) -> None:
        await (await open_database(location)).dispose()

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "atelier.db"
        with ThreadPoolExecutor(1) as pool:  # a test may have an event loop of its own
            pool.submit(asyncio.run, migrate(f"sqlite+aiosqlite:///{file}")).result()
        return file.read_bytes()
