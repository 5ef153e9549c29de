"""Usage by day, service and model, and whom credentials speak for: what the console asks about its tenant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import anyio
import httpx2
import pytest
from sqlalchemy import insert

from atelier.catalog import SERVICES
from atelier.gateway.auth import make_token
from atelier.gateway.faces import account_answers
from atelier.state.database import open_database
from atelier.state.tables import usage
from atelier.state.tenants import ensure_tenant
from postgres_server import on_both
from running_gateway import SECRET, Running, opened


def row(number: int, created: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-7000-8000-{number:012}",
        "tenantId": "acme",
        "service": "text-to-image",
        "requestType": "generate",
        "modelUsed": "paint",
        "duration": 5,
        "status": "succeeded",
        "unit": "images",
        "units": 1.5,
        "cost": 0.1,
        "createdAt": created,
        **more,
    }


ROWS = [
    row(1, datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC)),
    row(2, datetime(2026, 3, 1, tzinfo=UTC)),
    row(3, datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC)),
    row(4, datetime(2026, 3, 1, 12, tzinfo=UTC), status="failed", units=0, cost=0, modelUsed=None),
    row(5, datetime(2026, 3, 1, 12, tzinfo=UTC), modelUsed="other"),
    row(6, datetime(2026, 3, 2, tzinfo=UTC), status="cancelled", units=0.25),
    row(7, datetime(2026, 3, 2, tzinfo=UTC), service="text-to-speech", unit="characters", units=9, modelUsed="tones"),
    row(8, datetime(2026, 3, 2, tzinfo=UTC), tenantId="rival"),
    row(9, datetime(2026, 4, 1, tzinfo=UTC)),
]


@pytest.fixture
def gateway(tmp_path: Path, location: str) -> Iterator[Running]:
    async def fill() -> None:
        database = await open_database(location)
        async with database.begin() as connection:
            for tenant in ("acme", "rival"):
                await ensure_tenant(connection, tenant)
            for values in ROWS:
                await connection.execute(insert(usage).values(values))
        await database.dispose()

    anyio.run(fill)
    with opened(tmp_path, database_url=location) as serving:
        yield serving


@on_both
def test_a_month_is_told_by_day_service_and_model_and_by_tenant(gateway: Running) -> None:
    found = gateway.get("/api/usage/days?month=2026-03").json()
    assert found["month"] == "2026-03"
    image = ("text-to-image", "images")
    assert [tuple(day.values()) for day in found["days"]] == [
        ("2026-03-01", image[0], "", image[1], 1, 1, 0, 0),
        ("2026-03-01", image[0], "other", image[1], 1, 0, 1.5, 0.1),
        ("2026-03-01", image[0], "paint", image[1], 2, 0, 3.0, 0.2),
        ("2026-03-02", image[0], "paint", image[1], 1, 0, 0.25, 0.1),
        ("2026-03-02", "text-to-speech", "tones", "characters", 1, 0, 9.0, 0.1),
    ]
    account_answers.UsageDays.model_validate(found)
    assert gateway.get("/api/usage/days?month=2026-03", tenant="third").json()["days"] == []
    assert gateway.get("/api/usage/days?month=2026-13").json()["field"] == "month"
    assert gateway.get("/api/usage/days").json()["month"] == datetime.now(UTC).strftime("%Y-%m")


def test_only_whoever_may_see_everything_sees_the_days(gateway: Running) -> None:
    assert httpx2.get(f"{gateway.url}/api/usage/days").status_code == 401
    limited = make_token(SECRET, "acme", seconds=60, services=["text-to-image"])
    headers = {"authorization": f"Bearer {limited}"}
    assert httpx2.get(f"{gateway.url}/api/usage/days", headers=headers).status_code == 403


def test_credentials_say_whom_they_speak_for(gateway: Running) -> None:
    def caller(token: str) -> Any:
        return httpx2.get(f"{gateway.url}/api/caller", headers={"authorization": f"Bearer {token}"}).json()

    every = make_token(SECRET, "acme", seconds=60, user="ann")
    some = make_token(SECRET, "acme", seconds=60, services=["text-to-speech", "text-to-image"])
    assert caller(every) == {"tenant": "acme", "user": "ann", "services": None}
    assert caller(some) == {"tenant": "acme", "user": None, "services": ["text-to-image", "text-to-speech"]}
    assert caller("false")["code"] == "unauthenticated"


def test_the_reference_says_what_the_account_answers(gateway: Running) -> None:
    gateway.post("/api/text-to-image", json={"prompt": "x"})
    answers = {
        "/api/usage": account_answers.UsageMonth,
        "/api/limits": account_answers.LimitList,
        "/api/caller": account_answers.CallerAnswer,
        "/v1/models": account_answers.ModelList,
        "/health": account_answers.HealthReport,
    }
    assert set(get_args(account_answers.ServiceName)) == set(SERVICES)
    paths = httpx2.get(f"{gateway.url}/openapi.json").json()["paths"]
    for path, answer in answers.items():
        answer.model_validate(gateway.get(path).json())
        schema = paths[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{answer.__name__}"}
