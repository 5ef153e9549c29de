"""Usage for books and bills: exact, exported a piece at a time, and summed up."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert

from atelier.catalog import SERVICES
from atelier.gateway.auth import make_token
from atelier.state.database import Database, open_database
from atelier.state.tables import usage
from atelier.state.tenants import ensure_tenant
from atelier.state.usage_export import COLUMNS, UsageFilter, export_usage, sum_usage
from postgres_server import on_both
from running_gateway import SECRET, Running, opened
from servers import until

START = datetime(2026, 3, 1, tzinfo=UTC)
MANY = 20_000
HEADERS = {"authorization": f"Bearer {make_token(SECRET, 'operator', seconds=86_400, roles=['admin'])}"}
DOCS = (Path(__file__).parent.parent.parent / "docs" / "administration.md").read_text()


def row(number: int, **more: Any) -> dict[str, Any]:
    service = list(SERVICES.values())[number % 2]
    return {
        "id": f"00000000-0000-7000-8000-{number:012}",
        "tenantId": f"t{number % 3}",
        "service": service.name,
        "requestType": "made",
        "modelUsed": "paint",
        "duration": number,
        "status": ("succeeded", "failed", "cancelled")[number % 3],
        "unit": service.unit,
        "units": 1.5,
        "tokens": number,
        "createdAt": START + timedelta(minutes=number // 2),
        **more,
    }


async def filled(where: str, rows: list[dict[str, Any]]) -> Database:
    database = await open_database(where)
    async with database.begin() as connection:
        for tenant in {row["tenantId"] for row in rows}:
            await ensure_tenant(connection, tenant)
        await connection.execute(insert(usage), rows)
    return database


@pytest.fixture
async def many(location: str) -> AsyncIterator[Database]:
    database = await filled(location, [row(number) for number in range(MANY)])
    yield database
    await database.dispose()


@pytest.fixture
def gateway(many: Database, location: str, tmp_path: Path) -> Iterator[Running]:
    with opened(tmp_path, database_url=location) as serving:
        yield serving


async def collected(database: Database, wanted: UsageFilter, kind: Any) -> str:
    return b"".join([piece async for piece in export_usage(database, wanted, kind)]).decode()


@on_both
async def test_many_records_are_never_in_memory_together(many: Database) -> None:
    biggest = total = 0
    tracemalloc.start()
    async for piece in export_usage(many, UsageFilter(), "ndjson"):
        biggest, total = max(biggest, len(piece)), total + len(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 8_000_000
    assert biggest < total / 30
    assert peak < 6_000_000


@on_both
def test_the_gateway_streams_every_record_in_the_order_of_time(gateway: Running) -> None:
    with httpx2.stream("GET", f"{gateway.url}/admin/usage", headers=HEADERS, timeout=60) as answer:
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == 'attachment; filename="usage.csv"'
        assert "content-length" not in answer.headers
        rows = list(csv.DictReader(answer.iter_lines()))
    assert list(rows[0]) == list(COLUMNS)
    assert [int(row["tokens"]) for row in rows] == list(range(MANY))
    assert rows[1]["created_at"] == "2026-03-01T00:00:00.000000Z"
    lines = httpx2.get(f"{gateway.url}/admin/usage?format=ndjson&tenant=t1", headers=HEADERS, timeout=60)
    assert lines.headers["content-type"] == "application/x-ndjson"
    found = [json.loads(line) for line in lines.text.splitlines()]
    assert [row["tokens"] for row in found] == list(range(1, MANY, 3))
    assert {name: str(found[0][name]) for name in ("id", "tenant", "units", "status")} == {
        name: rows[1][name] for name in ("id", "tenant", "units", "status")
    }
    some = httpx2.get(
        f"{gateway.url}/admin/usage?from=2026-03-01T01:00:00Z&to=2026-03-01T04:00:00%2B02:00&service=text-to-image",
        headers=HEADERS,
    )
    assert [int(row["tokens"]) for row in csv.DictReader(io.StringIO(some.text))] == list(range(120, 240, 2))


def test_only_so_many_exports_run_at_once_and_one_that_is_left_gives_its_place_back(gateway: Running) -> None:
    address = f"{gateway.url}/admin/usage?format=ndjson"
    with ExitStack() as open_ones:
        for _ in range(2):
            answer = open_ones.enter_context(httpx2.stream("GET", address, headers=HEADERS))
            next(answer.iter_raw(1000))
        refused = httpx2.get(address, headers=HEADERS)
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert refused.headers["retry-after"] == "10"
    until(lambda: httpx2.get(f"{address}&tenant=nobody", headers=HEADERS).status_code == 200)


@on_both
async def test_names_of_callers_are_never_formulas(location: str) -> None:
    names = ["=1+1", "+1", "-1", "@x", "\tx", "plain", 'with "quotes", and\r\na line', "été"]
    database = await filled(location, [row(number, userId=name) for number, name in enumerate(names)])
    written = await collected(database, UsageFilter(), "csv")
    read = [record["user"] for record in csv.DictReader(io.StringIO(written, newline=""))]
    assert read == [f"'{name}" for name in names[:5]] + names[5:]
    lines = (await collected(database, UsageFilter(), "ndjson")).splitlines()
    assert [json.loads(line)["user"] for line in lines] == names, "a program gets what is there"
    assert await collected(database, UsageFilter(tenant="nobody"), "ndjson") == ""
    assert (await collected(database, UsageFilter(tenant="nobody"), "csv")).count("\r\n") == 1
    await database.dispose()


@on_both
async def test_the_sums_are_those_of_the_records(many: Database) -> None:
    async with many.connect() as connection:
        sums = await sum_usage(connection, UsageFilter())
        page = await sum_usage(connection, UsageFilter(), after="t0", limit=1)
        none = await sum_usage(connection, UsageFilter(before=START))
    assert [(one.tenant, one.service) for one in sums] == [
        (tenant, service) for tenant in ("t0", "t1", "t2") for service in sorted(list(SERVICES)[:2])
    ]
    assert sum(one.requests for one in sums) == MANY
    assert sum(one.tokens for one in sums) == sum(range(MANY))
    assert sum(one.units for one in sums) == pytest.approx(1.5 * MANY)
    assert [(one.succeeded > 0, one.failed > 0, one.cancelled > 0) for one in sums[::2]] == [
        (True, False, False), (False, True, False), (False, False, True),
    ]  # fmt: skip
    assert page == sums[2:4]
    assert none == []


def test_the_sums_come_by_pages_of_tenants(gateway: Running) -> None:
    address = f"{gateway.url}/admin/usage/summary?limit=2"
    first = httpx2.get(address, headers=HEADERS).json()
    rest = httpx2.get(f"{address}&after={first['next']}", headers=HEADERS).json()
    assert [one["tenant"] for one in first["sums"] + rest["sums"]] == ["t0", "t0", "t1", "t1", "t2", "t2"]
    assert rest["next"] is None


def test_every_column_is_described() -> None:
    for column in COLUMNS:
        assert f"`{column}`" in DOCS, column
