"""What every command that administers needs: the settings, the database, and who types."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from getpass import getuser
from shlex import quote
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


def for_tenant(
    tenant: str, work: Callable[[AsyncConnection], Coroutine[Any, Any, T]], *, create: bool | None = None
) -> T:
    """As in_transaction, for a tenant that is there: a misspelt one must not be made in silence.

    create: whether it is made where it is not; None for a command that has no such option. Raises NotFound.
    """

    async def run(connection: AsyncConnection) -> T:
        await _find(connection, tenant, create)
        return await work(connection)

    return in_transaction(run)


async def _find(connection: AsyncConnection, tenant: str, create: bool | None) -> None:
    from atelier.errors import NotFound
    from atelier.state.records import NewTenant
    from atelier.state.tenants import closest_tenant, create_tenant, read_tenant

    try:
        await read_tenant(connection, tenant)
    except NotFound as problem:
        if not create:
            close = await closest_tenant(connection, tenant)
            raise NotFound(f"{problem.message}{_instead(tenant, close, create)}", field="tenant") from None
        await create_tenant(connection, NewTenant(id=tenant), (), by=actor())


def _instead(tenant: str, close: str | None, create: bool | None) -> str:
    meant = f"; did you mean {close!r}?" if close else "."
    option = "" if create is None else ", or add --create-tenant"
    return f"{meant} To make it: atelier tenants create {quote(tenant)}{option}"


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
