"""What every command that administers needs: the settings, the database, and who types."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from getpass import getuser
from typing import TYPE_CHECKING, Any, TypeVar

from atelier.settings import Settings, load_settings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from atelier.state.audit import Actor
    from atelier.state.database import Database

T = TypeVar("T")


def settings_here() -> Settings:
    """Raises SettingsProblem."""
    settings = load_settings()
    return settings.model_copy(update={"home": settings.home.absolute()})


def location() -> str:
    """Where the database is; the data folder is made if need be. Raises SettingsProblem."""
    from atelier.home import prepare_home

    settings = settings_here()
    prepare_home(settings.home)
    return settings.database_location()


def with_database(work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    """What `work` gives, with a database that has the tables. Raises SettingsProblem, Unavailable."""
    from atelier.state.database import open_database

    async def run() -> T:
        database = await open_database(location())
        try:
            return await work(database)
        finally:
            await database.dispose()

    return asyncio.run(run())


def in_transaction(work: Callable[[AsyncConnection], Coroutine[Any, Any, T]]) -> T:
    """As with_database: all that `work` writes, or nothing."""

    async def run(database: Database) -> T:
        async with database.begin() as connection:
            return await work(connection)

    return with_database(run)


def actor() -> Actor:
    """Who types: the operating system's user, whatever the environment says."""
    from atelier.state.audit import Actor

    return Actor(f"cli:{_user()}")


def _user() -> str:
    try:
        import pwd

        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user often has no name
        return str(os.geteuid())
    except ImportError:  # Windows
        return getuser()
