"""What a gateway remembers of tenants: for how long, how much, and while the database is away."""

from __future__ import annotations

import asyncio

import pytest

from atelier.errors import Unavailable
from atelier.gateway.tenants import FRESH_SECONDS, PLAIN, SERVED_SECONDS, STALE_SECONDS, UNREAD, TenantFacts, Tenants
from atelier.gateway.tenants import create_tenants as tenants_of
from atelier.rules import LimitRule
from atelier.state.audit import Actor
from atelier.state.database import Database
from atelier.state.limits import set_limit
from atelier.state.records import NewTenant, TenantChange
from atelier.state.tables import tenant_limits
from atelier.state.tenants import change_tenant, create_tenant
from postgres_server import on_both

OPERATOR = Actor("cli:ann")
CLOSED = TenantFacts(plan="pro", suspended=True)


class Source:
    """Stands where the database is: counts the questions, waits when held, and can be away."""

    def __init__(self) -> None:
        self.facts = TenantFacts(plan="one")
        self.asked: list[str] = []
        self.away = False
        self.open = asyncio.Event()
        self.open.set()
        self.now = 100.0

    async def read(self, tenant: str) -> TenantFacts:
        self.asked.append(tenant)
        await self.open.wait()
        if self.away:
            raise Unavailable("away")
        return self.facts

    async def suspended(self) -> dict[str, TenantFacts]:
        if self.away:
            raise Unavailable("away")
        return {"closed": CLOSED}


@pytest.fixture
async def source() -> Source:
    return Source()


def tenants_on(source: Source, most: int = 10, wait_seconds: float = 0.05) -> Tenants:
    return Tenants(source.read, source.suspended, most=most, wait_seconds=wait_seconds, clock=lambda: source.now)


async def settled() -> None:
    """Whatever reads in the background has had its turn."""
    for _ in range(10):
        await asyncio.sleep(0)


@on_both
async def test_the_facts_are_those_of_the_database(database: Database) -> None:
    async with database.begin() as connection:
        await create_tenant(connection, NewTenant(id="acme", plan="pro"), ["pro"], by=OPERATOR)
        await set_limit(connection, "acme", LimitRule(requests=7, per="minute"), by=OPERATOR)
        await set_limit(connection, "acme", LimitRule(concurrent=2, service="text-to-image"), by=OPERATOR)
        await create_tenant(connection, NewTenant(id="shut"), [], by=OPERATOR)
        await change_tenant(connection, "shut", TenantChange(suspended=True), [], by=OPERATOR)
        await change_tenant(connection, "acme", TenantChange(loras=["ink"]), [], by=OPERATOR)
    tenants = tenants_of(database)
    await tenants.start()
    assert tenants.known("shut") == TenantFacts(suspended=True), "known from the start"
    found = await tenants.facts("acme")
    assert (found.plan, found.suspended, found.loras) == ("pro", False, ["ink"])
    assert {(rule.measure, rule.allowed, rule.window, rule.service, rule.tenant) for rule in found.limits} == {
        ("requests", 7, "minute", "*", "acme"),
        ("concurrent", 2, None, "text-to-image", "acme"),
    }
    assert tenants.known("acme") is found
    assert await tenants.facts("new") == PLAIN
    await tenants.stop()


@on_both
async def test_a_row_that_is_no_limit_does_not_hide_the_others(database: Database) -> None:
    async with database.begin() as connection:
        await create_tenant(connection, NewTenant(id="acme"), [], by=OPERATOR)
        row = {"tenantId": "acme", "service": "*", "per": "hour"}
        for measure, allowed in (("smells", 3.0), ("requests", 2.5)):
            await connection.execute(tenant_limits.insert().values({**row, "measure": measure, "allowed": allowed}))
        await set_limit(connection, "acme", LimitRule(units=7, per="day"), by=OPERATOR)
    tenants = tenants_of(database)
    assert [rule.units for rule in (await tenants.facts("acme")).limits] == [7]
    await tenants.stop()


async def test_what_is_fresh_is_not_asked_again(source: Source) -> None:
    tenants = tenants_on(source)
    assert tenants.known("acme") is None
    await tenants.facts("acme")
    source.now += FRESH_SECONDS - 0.1
    assert tenants.known("acme") == await tenants.facts("acme") == TenantFacts(plan="one")
    assert source.asked == ["acme"]


async def test_what_aged_serves_while_it_is_read_again(source: Source) -> None:
    tenants = tenants_on(source)
    await tenants.facts("acme")
    source.now += FRESH_SECONDS
    source.facts = TenantFacts(plan="two")
    source.open.clear()
    assert tenants.known("acme") is None
    assert (await tenants.facts("acme")).plan == "one"
    assert (await tenants.facts("acme")).plan == "one"
    source.open.set()
    await settled()
    assert (await tenants.facts("acme")).plan == "two"
    assert source.asked == ["acme", "acme"]


async def test_what_is_older_still_is_waited_for(source: Source) -> None:
    tenants = tenants_on(source)
    await tenants.facts("acme")
    source.now += SERVED_SECONDS
    source.facts = CLOSED
    assert (await tenants.facts("acme")).suspended


async def test_first_questions_at_the_same_time_share_one_query(source: Source) -> None:
    tenants = tenants_on(source, wait_seconds=5)
    source.open.clear()
    asked = [asyncio.create_task(tenants.facts("acme")) for _ in range(20)]
    await settled()
    source.open.set()
    assert [facts.plan for facts in await asyncio.gather(*asked)] == ["one"] * 20
    assert source.asked == ["acme"]


async def test_a_question_that_is_given_up_harms_no_other(source: Source) -> None:
    tenants = tenants_on(source, wait_seconds=5)
    source.open.clear()
    first, second = (asyncio.create_task(tenants.facts("acme")) for _ in range(2))
    await settled()
    first.cancel()
    await settled()
    source.open.set()
    assert (await second).plan == "one"


async def test_while_the_database_is_away_what_was_read_serves_for_an_hour(source: Source) -> None:
    tenants = tenants_on(source)
    await tenants.facts("acme")
    source.away = True
    source.now += STALE_SECONDS - 1
    assert (await tenants.facts("acme")).plan == "one"
    source.now += FRESH_SECONDS
    assert await tenants.facts("acme") == TenantFacts(lora_plan="one")
    source.away = False
    source.now += FRESH_SECONDS
    assert (await tenants.facts("acme")).plan == "one"


async def test_no_outage_opens_a_closed_account(source: Source) -> None:
    tenants = tenants_on(source)
    await tenants.start()
    source.away = True
    source.now += 2 * STALE_SECONDS
    assert (await tenants.facts("closed")).suspended


async def test_no_outage_gives_a_tenant_more_loras(source: Source) -> None:
    tenants = tenants_on(source)
    source.facts = TenantFacts(plan="one", loras=["ink"])
    await tenants.facts("acme")
    source.away = True
    for _ in range(2):
        source.now += 2 * STALE_SECONDS
        assert await tenants.facts("acme") == TenantFacts(loras=["ink"], lora_plan="one")


async def test_a_tenant_never_seen_while_the_database_is_away_is_a_plain_one(source: Source) -> None:
    source.away = True
    tenants = tenants_on(source)
    await tenants.start()
    for _ in range(50):
        assert (tenants.known("acme") or await tenants.facts("acme")) == UNREAD
    assert source.asked == ["acme"], "a database that is away is not asked by each request"
    source.away = False
    source.now += FRESH_SECONDS
    assert (await tenants.facts("acme")).plan == "one"


async def test_a_database_that_does_not_answer_holds_no_request_up(source: Source) -> None:
    tenants = tenants_on(source)
    source.open.clear()
    assert await tenants.facts("acme") == UNREAD
    assert tenants.known("acme") == UNREAD
    source.open.set()
    await settled()
    assert tenants.known("acme") == TenantFacts(plan="one"), "its late answer counts"
    await tenants.stop()


async def test_what_is_changed_here_is_read_anew(source: Source) -> None:
    tenants = tenants_on(source, wait_seconds=5)
    await tenants.facts("acme")
    source.now += FRESH_SECONDS
    source.open.clear()
    await tenants.facts("acme")  # begins to read what is about to change
    tenants.forget("acme")
    source.facts = CLOSED
    asked = asyncio.create_task(tenants.facts("acme"))
    await settled()
    source.open.set()
    assert await asked == CLOSED
    assert source.asked == ["acme"] * 3


async def test_only_so_many_are_remembered(source: Source) -> None:
    tenants = tenants_on(source, most=3)
    for tenant in ("a", "b", "c"):
        await tenants.facts(tenant)
    tenants.known("a")
    await tenants.facts("d")
    assert [tenants.known(tenant) is not None for tenant in ("a", "b", "c", "d")] == [True, False, True, True]


async def test_stop_ends_what_still_reads(source: Source) -> None:
    tenants = tenants_on(source)
    source.open.clear()
    await tenants.facts("acme")
    await tenants.stop()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
