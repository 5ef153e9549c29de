"""How `atelier serve` starts its children."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import SecretStr

from atelier.serve import children_of, prepare_tenant
from atelier.settings import Settings
from atelier.state.database import open_database
from atelier.state.tenants import list_tenants


def test_only_the_gateway_is_open_to_others_and_only_it_has_the_secret(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, host="0.0.0.0", jwt_secret_previous=SecretStr("p" * 32))
    children = children_of(settings, "the secret")
    gateway, *workers = children
    assert (gateway.name, gateway.environment["JWT_SECRET"]) == ("gateway", "the secret")
    assert gateway.environment["JWT_SECRET_PREVIOUS"] == "p" * 32
    assert len(workers) == 4
    for worker in workers:
        assert worker.environment["ATELIER_HOST"] == "127.0.0.1"
        assert not {"JWT_SECRET", "JWT_SECRET_PREVIOUS"} & set(worker.environment)


def test_the_tenant_of_the_printed_token_is_there_from_the_start(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    prepare_tenant(settings, "demo")
    prepare_tenant(settings, "demo")
    assert asyncio.run(tenant_ids(settings)) == ["demo"]


async def tenant_ids(settings: Settings) -> list[str]:
    database = await open_database(settings.database_location())
    try:
        async with database.connect() as connection:
            return [row.id for row in await list_tenants(connection)]
    finally:
        await database.dispose()
