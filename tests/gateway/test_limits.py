"""Limits: exact, atomic, and told to the caller; the same in this process and in Redis."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atelier.catalog import SERVICES
from atelier.errors import RateLimited
from atelier.gateway.limits import Ask, Limits, LimitState, Place, create_limits
from atelier.rules import MOST_AMOUNT, MOST_COUNTED, LimitRule, Plan
from atelier.settings import SettingsProblem, load_settings
from redis_server import Redis

Made = Callable[..., Awaitable[Limits]]


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "redis"])
async def made(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Made]:
    """Makes limits of some rules, started, with the test's own clock; each with counts of its own."""
    opened: list[Limits] = []

    async def make(*rules: LimitRule, **more: Any) -> Limits:
        if request.param == "redis":
            server: Redis = request.getfixturevalue("redis")
            more |= {"redis_url": server.url, "redis_prefix": server.new_prefix()}
        limits = create_limits(load_settings(limits=list(rules), **more), clock=clock)
        await limits.start()
        opened.append(limits)
        return limits

    yield make
    for limits in opened:
        await limits.stop()


numbers = iter(range(1_000_000_000))


def ask(tenant: str = "acme", service: str = "text-to-image", **more: Any) -> Ask:
    return Ask(f"request-{next(numbers)}", tenant, service, **more)


async def passed(limits: Limits, count: int, tenant: str = "acme", service: str = "text-to-image", **more: Any) -> int:
    let_in = 0
    for _ in range(count):
        try:
            await limits.admit(ask(tenant, service, **more))
        except RateLimited:
            continue
        let_in += 1
    return let_in


async def refused(limits: Limits, asked: Ask) -> RateLimited:
    with pytest.raises(RateLimited) as refusal:
        await limits.admit(asked)
    return refusal.value


def told(place: Place) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in place.headers()}


async def state(limits: Limits, name: str, service: str = "text-to-image", **more: Any) -> LimitState:
    found = await limits.states("acme", **more)
    return next(s for s in found if s.measure == name and s.service == service)


async def test_a_hundred_an_hour_is_the_default(made: Made) -> None:
    limits = await made()
    assert await passed(limits, 150) == 100
    assert await passed(limits, 150, service="text-to-speech") == 100
    assert await passed(limits, 150, tenant="other") == 100


async def test_the_refusal_says_when_to_come_back(made: Made, clock: Clock) -> None:
    limits = await made(LimitRule(requests=2, per="minute"))
    await limits.admit(ask())
    clock.now += 10
    await limits.admit(ask())
    clock.now += 20
    refusal = await refused(limits, ask())
    assert "2 requests per minute for text-to-image; try again in 30 s" in refusal.message
    assert refusal.retry_after == pytest.approx(30)
    assert '"minute";r=0;t=30' in refusal.headers["ratelimit"]
    clock.now += 30.1
    await limits.admit(ask())


@pytest.mark.parametrize("allowed", [5, 1005])
@given(gaps=st.lists(st.sampled_from([0, 0.1, 11.9, 14.9, 19.9, 29.9, 59.9, 60, 60.1]), min_size=12, max_size=30))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_window_ever_holds_more_than_its_number(
    made: Made, clock: Clock, allowed: int, gaps: list[float]
) -> None:
    """Of 1005 those of a thousandth of the window are counted together."""
    limits = await made(LimitRule(requests=allowed, per="minute"), LimitRule(requests=10**6, per="hour"))
    admitted: list[float] = []
    for gap in gaps:
        clock.now += gap
        many = [limits.admit(ask()) for _ in range(allowed // 5)]
        places = await asyncio.gather(*many, return_exceptions=True)
        admitted += [clock.now for place in places if isinstance(place, Place)]
    assert all(sum(start <= at < start + 60 for at in admitted) <= allowed for start in set(admitted))


async def test_many_are_counted_in_thousandths_of_the_window(made: Made, clock: Clock) -> None:
    limits = await made(LimitRule(requests=1500, per="minute"), LimitRule(requests=10**6, per="hour"))
    begun = clock.now
    places = []
    for _ in range(1500):
        clock.now += 0.01
        places.append(await limits.admit(ask()))
    assert await passed(limits, 1) == 0
    for place in places[::3]:
        limits.refund(place)
    assert next(s.left for s in await limits.states("acme") if s.per == "minute") == 500
    assert await passed(limits, 501) == 500
    clock.now = begun + 60.07 + 5  # the first five seconds have left the window: two of three of 500 requests
    assert await passed(limits, 1000) in range(325, 340)


async def test_a_place_is_taken_in_every_limit_or_in_none(made: Made, clock: Clock) -> None:
    limits = await made(LimitRule(requests=2, per="minute"), LimitRule(requests=3, per="hour"))
    assert await passed(limits, 5) == 2
    clock.now += 61
    # The three refusals took no place in the hour: one of its three is left.
    assert await passed(limits, 5) == 1


async def test_no_more_than_allowed_pass_at_the_same_time(made: Made) -> None:
    limits = await made(LimitRule(requests=50, per="hour"), LimitRule(units=70, per="day"))

    async def one(_: int) -> bool:
        try:
            await limits.admit(ask())
        except RateLimited:
            return False
        return True

    assert sum(await asyncio.gather(*map(one, range(200)))) == 50


async def test_a_refund_gives_everything_back_once(made: Made) -> None:
    limits = await made(
        LimitRule(requests=1, per="hour"), LimitRule(units=4), LimitRule(cost=1), LimitRule(concurrent=1)
    )
    place = await limits.admit(ask(units=4, cost=1))
    assert await passed(limits, 1) == 0
    limits.refund(place)
    limits.refund(place)
    limits.settle(place, units=4, cost=1)
    assert {s.left for s in await limits.states("acme") if s.service == "text-to-image"} == {1, 4}
    assert await passed(limits, 2, units=4, cost=1) == 1


async def test_a_refunded_request_leaves_its_window(made: Made, clock: Clock) -> None:
    limits = await made(LimitRule(requests=2, per="hour"))
    await limits.admit(ask())
    clock.now += 1
    place = await limits.admit(ask())
    limits.refund(place)
    assert await passed(limits, 2) == 1


async def test_units_are_reserved_and_settled_to_what_really_happened(made: Made) -> None:
    limits = await made(LimitRule(units=50, per="month"))
    place = await limits.admit(ask(units=40))
    refusal = await refused(limits, ask(units=11))
    assert "50 images per month for text-to-image" in refusal.message
    limits.settle(place, units=12.5, cost=0)
    limits.settle(place, units=50, cost=0)
    assert (await state(limits, "units")).left == 37.5
    await limits.admit(ask(units=37.5))
    assert await passed(limits, 1, units=0.1) == 0


async def test_what_took_more_than_it_reserved_is_counted_whole(made: Made) -> None:
    limits = await made(LimitRule(units=60, per="day", service="speech-to-text"))
    place = await limits.admit(ask(service="speech-to-text", units=10))
    limits.settle(place, units=75, cost=0)
    assert (await state(limits, "units", "speech-to-text")).left == 0
    await refused(limits, ask(service="speech-to-text", units=0.5))


async def test_of_unknown_length_one_may_pass_at_the_edge_and_never_several(made: Made) -> None:
    limits = await made(LimitRule(units=60, per="month", service="speech-to-text"))
    first = await limits.admit(ask(service="speech-to-text", units=50, guessed="u"))
    edge = await limits.admit(ask(service="speech-to-text", units=50, guessed="u"))
    assert await passed(limits, 5, service="speech-to-text", units=50, guessed="u") == 0
    limits.settle(edge, units=9, cost=0)
    limits.settle(first, units=50, cost=0)
    assert (await state(limits, "units", "speech-to-text")).left == 1


async def test_a_guess_of_the_cost_is_none_of_the_units(made: Made) -> None:
    limits = await made(LimitRule(units=10), LimitRule(cost=1))
    assert await passed(limits, 1, units=11, cost=2, guessed="c") == 0
    edge = await limits.admit(ask(units=3, cost=2, guessed="c"))
    assert await passed(limits, 1, units=1, cost=0.1, guessed="c") == 0
    limits.settle(edge, units=3, cost=0.75)
    assert await passed(limits, 1, units=1, cost=0.5) == 0
    assert await passed(limits, 1, units=9, cost=9, guessed="uc") == 1
    assert ((await state(limits, "units")).left, (await state(limits, "cost", "*")).left) == (0, 0)


async def test_the_largest_limits_are_exact(made: Made) -> None:
    limits = await made(LimitRule(units=MOST_AMOUNT), LimitRule(concurrent=MOST_COUNTED))
    await limits.admit(ask(units=MOST_AMOUNT - 0.5))
    assert (await state(limits, "concurrent")).left == MOST_COUNTED - 1
    assert await passed(limits, 1, units=0.500001) == 0
    assert await passed(limits, 5, units=0.25) == 2
    assert await passed(limits, 1, units=0.000001) == 0


@pytest.mark.parametrize("limit", [{"units": 1e10}, {"cost": 1e10}, {"requests": 10**16}, {"concurrent": 10**16}])
def test_a_limit_beyond_what_can_be_counted_is_refused(limit: dict[str, float]) -> None:
    [measure] = limit
    with pytest.raises(SettingsProblem, match=rf"limits, entry 1, {measure}: must be at most"):
        load_settings(limits=[limit])
    with pytest.raises(SettingsProblem, match=rf"plans\.pro\.limits, entry 1, {measure}"):
        load_settings(plans={"pro": {"limits": [limit]}})


async def test_money_is_one_sum_over_all_services(made: Made) -> None:
    limits = await made(LimitRule(cost=10, per="month"), LimitRule(cost=3, per="month", service="text-to-speech"))
    await limits.admit(ask(cost=6.5))
    assert (
        "3.00 per month for text-to-speech" in (await refused(limits, ask(service="text-to-speech", cost=3.2))).message
    )
    await limits.admit(ask(service="text-to-speech", cost=3))
    refusal = await refused(limits, ask(service="image-to-image", cost=0.51))
    assert "10.00 per month;" in refusal.message
    assert '"cost-month";q=1000;qu="cents";w=2678400' in refusal.headers["ratelimit-policy"]
    assert '"cost-month";r=50;t=' in refusal.headers["ratelimit"]
    await limits.admit(ask(service="image-to-image", cost=0.5))
    assert (await state(limits, "cost", "*")).left == 0
    await limits.admit(ask(service="image-to-image", cost=0))


async def test_a_tenth_taken_ten_times_is_one(made: Made) -> None:
    limits = await made(LimitRule(cost=1, per="day"))
    assert await passed(limits, 20, cost=0.1) == 10


async def test_what_costs_least_is_not_for_nothing(made: Made) -> None:
    limits = await made(LimitRule(cost=0.00001, per="day"))
    for _ in range(10):
        limits.settle(await limits.admit(ask(cost=4e-7)), units=1, cost=4e-7)
    assert not await passed(limits, 1, cost=4e-7)


async def test_days_and_months_begin_with_the_calendar(made: Made, clock: Clock) -> None:
    limits = await made(LimitRule(units=3, per="month"), LimitRule(units=2, per="day"))
    clock.now = datetime(2027, 1, 30, 23, 59, 50, tzinfo=UTC).timestamp()
    assert await passed(limits, 3) == 2
    assert (await refused(limits, ask())).retry_after == pytest.approx(10)
    clock.now += 10
    late = await limits.admit(ask())
    refusal = await refused(limits, ask())
    assert refusal.retry_after == pytest.approx(86400), "of the two the month lasts longer: until 1 February"
    assert "3 images per month" in refusal.message
    clock.now += 86400
    assert await passed(limits, 5) == 2
    limits.refund(late)  # it was counted in January, and February has nothing to give back
    assert await passed(limits, 5) == 0
    assert (await refused(limits, ask())).retry_after == pytest.approx(86400)


@given(st.datetimes(datetime(1999, 1, 1), datetime(2105, 1, 1)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_month_ends_where_the_calendar_says(made: Made, clock: Clock, moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    clock.now = moment.timestamp()
    limits = await made(LimitRule(units=1, per="month"), LimitRule(requests=10**6, per="hour"))
    ends = datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=UTC)
    assert (await state(limits, "units")).resets_in == (ends - moment).total_seconds()


async def test_so_many_at_the_same_time_and_no_more(made: Made) -> None:
    limits = await made(LimitRule(concurrent=4))
    places = [await limits.admit(ask()) for _ in range(4)]
    refusal = await refused(limits, ask())
    assert "4 requests at the same time for text-to-image" in refusal.message
    assert refusal.retry_after == 1
    assert '"concurrent";q=4;qu="concurrent-requests";pk=' in refusal.headers["ratelimit-policy"]
    assert await passed(limits, 1, service="text-to-speech") == 1
    limits.settle(places[0], units=1, cost=0)
    limits.refund(places[1])
    assert await passed(limits, 5) == 2


async def test_a_check_refuses_and_takes_nothing(made: Made) -> None:
    limits = await made(LimitRule(requests=1, per="hour"))
    await limits.check(ask())
    await limits.check(ask())
    await limits.admit(ask())
    with pytest.raises(RateLimited, match="1 requests per hour"):
        await limits.check(ask())


async def test_a_tenants_own_rule_beats_the_one_for_all(made: Made) -> None:
    limits = await made(
        LimitRule(requests=10, per="hour"),
        LimitRule(requests=2, per="minute"),
        LimitRule(units=4, per="day"),
        LimitRule(requests=5, per="hour", tenant="small"),
        LimitRule(requests=7, per="hour", tenant="small", service="text-to-speech"),
    )
    assert await passed(limits, 20) == 2
    assert await passed(limits, 20, tenant="small") == 4, "its own requests; the units are those of everybody"
    assert await passed(limits, 20, tenant="small", service="text-to-speech", units=0.1) == 7


async def test_plans_and_the_tenants_own_rules_come_first(made: Made) -> None:
    limits = await made(
        LimitRule(requests=10, per="hour"),
        LimitRule(requests=4, per="hour", tenant="named"),
        plans={"pro": Plan(limits=(LimitRule(requests=30, per="hour"), LimitRule(concurrent=20)))},
    )
    assert await passed(limits, 50) == 10
    assert await passed(limits, 50, tenant="bought", plan="pro") == 20
    assert await passed(limits, 50, tenant="named", plan="pro") == 4
    assert await passed(limits, 50, tenant="gone", plan="no-such-plan") == 10
    own = (LimitRule(requests=2, per="hour"), LimitRule(concurrent=100))
    assert await passed(limits, 50, tenant="special", plan="pro", own=own) == 2


async def test_a_service_has_its_own_rule_whatever_the_order(made: Made) -> None:
    special, general = LimitRule(requests=7, per="hour", service="text-to-image"), LimitRule(requests=50, per="hour")
    for rules in ([special, general], [general, special]):
        limits = await made(*rules)
        assert await passed(limits, 99) == 7
        assert await passed(limits, 99, service="text-to-speech") == 50


async def test_a_rule_for_another_window_leaves_the_default_hour(made: Made, clock: Clock) -> None:
    limits = await made(LimitRule(requests=60, per="minute"))
    assert await passed(limits, 99) == 60
    clock.now += 61
    assert await passed(limits, 99) == 40


async def test_a_limit_of_zero_shuts_a_service_off(made: Made) -> None:
    limits = await made(LimitRule(requests=0, per="hour", service="text-to-image"))
    assert (await refused(limits, ask())).retry_after == 3600
    assert await passed(limits, 3, service="text-to-speech") == 3


async def test_states_show_what_is_left_and_take_nothing(made: Made) -> None:
    limits = await made(LimitRule(cost=8.5, per="month"))
    await limits.admit(ask(cost=1.25))
    states = {(state.service, state.measure): state for state in await limits.states("acme")}
    assert set(states) == {("*", "cost"), *((service, "requests") for service in SERVICES)}
    assert states["*", "cost"].left == 7.25
    requests = states["text-to-image", "requests"]
    assert (requests.allowed, requests.left, requests.unit, requests.per) == (100, 99, "requests", "hour")
    assert requests.resets_in == pytest.approx(3600)
    assert (await state(limits, "requests")).left == 99


async def test_answers_carry_the_limits(made: Made, clock: Clock) -> None:
    limits = await made(
        LimitRule(requests=10, per="minute"), LimitRule(units=5000, per="month", service="text-to-speech")
    )
    await limits.admit(ask(service="text-to-speech", units=100))
    clock.now += 20.5
    place: Place = await limits.admit(ask(service="text-to-speech", units=100))
    speech = "pk=:dGV4dC10by1zcGVlY2g=:"
    month = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp() - clock.now) + 1
    assert told(place) == {
        "ratelimit-policy": f'"hour";q=100;w=3600;{speech}, "minute";q=10;w=60;{speech}, '
        f'"units-month";q=5000;qu="characters";w=2678400;{speech}',
        "ratelimit": f'"hour";r=98;t=3580;{speech}, "minute";r=8;t=40;{speech}, '
        f'"units-month";r=4800;t={month};{speech}',
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "8",
        "x-ratelimit-reset-requests": "40s",
    }
    clock.now += 200
    hourly = await limits.admit(ask(service="text-to-speech"))
    for _ in range(7):
        await limits.admit(ask(service="text-to-speech"))
    assert re.findall(r";r=(\d+)", told(hourly)["ratelimit"]) == ["97", "9", "4799"]
    clock.now += 3600 - 360
    limits_of_hour = await made(LimitRule(requests=1, per="hour"))
    await limits_of_hour.admit(ask())
    clock.now += 3600 - 360
    assert (await refused(limits_of_hour, ask())).headers["x-ratelimit-reset-requests"] == "6m0s"


async def test_who_leaves_before_the_answer_holds_no_place(made: Made) -> None:
    limits = await made(LimitRule(requests=50, per="hour"), LimitRule(concurrent=50))
    leaving = [asyncio.create_task(limits.admit(ask())) for _ in range(40)]
    for turn, task in enumerate(leaving):
        if turn % 4 == 0:
            await asyncio.sleep(0)
        task.cancel()
    ended = await asyncio.gather(*leaving, return_exceptions=True)
    stayed = sum(isinstance(end, Place) for end in ended)
    await limits.check(ask())
    assert {s.left for s in await limits.states("acme") if s.service == "text-to-image"} == {50 - stayed}
