"""Usage that is on its way to the database: read where it comes from first, so that no record is missed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from atelier.gateway.usage.journal import written_lines
from atelier.gateway.usage.stream import RedisAway, UsageStream
from atelier.gateway.usage.writing import write_lines
from atelier.settings import Settings, SettingsProblem
from atelier.state.copying import file_location
from atelier.state.database import open_database
from atelier.state.redis import connect_redis

LINES = 1000
"""Written at a time."""


async def gather(settings: Settings, into: Path) -> None:
    """Every line of the journals, then of the stream, into a file.

    A record goes from the journal to the stream to the database. Who looks in this order, and into the database last,
    sees each at least once, wherever it is meanwhile. Raises SettingsProblem where Redis cannot be asked.
    """
    with into.open("wb") as out:
        for lines in written_lines(settings.home / "usage"):
            out.write(lines)
        if settings.redis_url is None:
            return
        stream = UsageStream(connect_redis(settings.redis_url.get_secret_value()), settings.redis_prefix)
        try:
            last = None
            while batches := await stream.look(last):
                out.writelines(batch.lines for batch in batches)
                last = batches[-1].id
        except RedisAway as problem:
            raise SettingsProblem(
                f"REDIS_URL: Redis cannot be asked for usage on its way ({problem}); try again when it is back"
            ) from None
        finally:
            await stream.close()


async def write_into(copy: Path, gathered: Path) -> None:
    """The rows of those lines into a copy of the database; those that are there already stay as they are."""
    database = await open_database(file_location(copy))
    try:
        for lines in _portions(gathered):
            await write_lines(database, lines)
    finally:
        await database.dispose()


def _portions(gathered: Path) -> Iterator[bytes]:
    waiting: list[bytes] = []
    with gathered.open("rb") as opened:
        for line in opened:
            waiting.append(line)
            if len(waiting) == LINES:
                yield b"".join(waiting)
                waiting = []
    if waiting:
        yield b"".join(waiting)
