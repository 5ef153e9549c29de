"""What Alembic runs: on the connection that it is given, or, from its own command, on the settings' database."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection

from atelier.settings import load_settings
from atelier.state.connections import unhurried
from atelier.state.tables import metadata


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        # SQLite cannot alter a column: the table is made anew and its rows are copied.
        render_as_batch=connection.dialect.name == "sqlite",
        compare_server_default=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_by_settings() -> None:
    engine = unhurried(load_settings().database_location())
    async with engine.begin() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    asyncio.run(migrate_by_settings())
