"""Rate limits: exact, atomic, and told to the caller."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.catalog import SERVICES
from atelier.errors import RateLimited
from atelier.gateway.limits import Limits
from atelier.rules import LimitRule


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def passed(limits: Limits, count: int, tenant: str = "acme", service: str = "text-to-image") -> int:
    let_in = 0
    for _ in range(count):
        try:
            limits.admit(tenant, service)
        except RateLimited:
            continue
        let_in += 1
    return let_in


def test_a_hundred_an_hour_is_the_default() -> None:
    limits = Limits(clock=Clock())
    assert passed(limits, 150) == 100
    assert passed(limits, 150, service="text-to-speech") == 100
    assert passed(limits, 150, tenant="other") == 100


def test_the_refusal_says_when_to_come_back() -> None:
    clock = Clock()
    limits = Limits([LimitRule(requests=2, per="minute")], clock=clock)
    limits.admit("acme", "text-to-image")
    clock.now += 10
    limits.admit("acme", "text-to-image")
    clock.now += 20
    with pytest.raises(RateLimited, match="2 requests per minute for text-to-image") as refusal:
        limits.admit("acme", "text-to-image")
    assert refusal.value.retry_after == pytest.approx(30)
    assert '"minute";r=0;t=30' in refusal.value.headers["ratelimit"]
    clock.now += 30.1
    limits.admit("acme", "text-to-image")


@given(st.lists(st.floats(min_value=0, max_value=90), min_size=1, max_size=80))
def test_no_window_ever_holds_more_than_its_number(gaps: list[float]) -> None:
    clock = Clock()
    limits = Limits([LimitRule(requests=5, per="minute")], clock=clock)
    admitted: list[float] = []
    for gap in gaps:
        clock.now += gap
        if passed(limits, 1):
            admitted.append(clock.now)
    assert all(sum(start <= at < start + 60 for at in admitted) <= 5 for start in admitted)


def test_a_place_is_taken_in_every_limit_or_in_none() -> None:
    clock = Clock()
    limits = Limits([LimitRule(requests=2, per="minute"), LimitRule(requests=3, per="hour")], clock=clock)
    assert passed(limits, 5) == 2
    clock.now += 61
    # The three refusals took no place in the hour: one of its three is left.
    assert passed(limits, 5) == 1


def test_a_refund_frees_the_place() -> None:
    limits = Limits([LimitRule(requests=1, per="hour")], clock=Clock())
    place = limits.admit("acme", "text-to-image")
    assert passed(limits, 1) == 0
    limits.refund(place)
    limits.refund(place)
    assert passed(limits, 2) == 1


def test_a_tenants_own_rule_beats_the_one_for_all() -> None:
    rules = [
        LimitRule(requests=10, per="hour"),
        LimitRule(requests=3, per="hour", tenant="small"),
        LimitRule(requests=5, per="hour", tenant="small", service="text-to-speech"),
    ]
    limits = Limits(rules, clock=Clock())
    assert passed(limits, 20) == 10
    assert passed(limits, 20, tenant="small") == 3
    assert passed(limits, 20, tenant="small", service="text-to-speech") == 5


def test_a_service_has_its_own_rule_whatever_the_order() -> None:
    special, general = LimitRule(requests=7, per="hour", service="text-to-image"), LimitRule(requests=50, per="hour")
    for rules in ([special, general], [general, special]):
        limits = Limits(rules, clock=Clock())
        assert passed(limits, 99) == 7
        assert passed(limits, 99, service="text-to-speech") == 50


def test_a_rule_for_another_window_leaves_the_default_hour() -> None:
    clock = Clock()
    limits = Limits([LimitRule(requests=60, per="minute")], clock=clock)
    assert passed(limits, 99) == 60
    clock.now += 61
    assert passed(limits, 99) == 40


def test_a_limit_of_zero_shuts_a_service_off() -> None:
    limits = Limits([LimitRule(requests=0, per="hour", service="text-to-image")], clock=Clock())
    assert passed(limits, 3) == 0
    assert passed(limits, 3, service="text-to-speech") == 3


def test_states_show_what_is_left_and_take_nothing() -> None:
    limits = Limits(clock=Clock())
    limits.admit("acme", "text-to-image")
    states = {state.service: state for state in limits.states("acme")}
    assert set(states) == set(SERVICES)
    assert (states["text-to-image"].allowed, states["text-to-image"].left) == (100, 99)
    assert states["text-to-image"].resets_in == pytest.approx(3600)
    assert {state.service: state.left for state in limits.states("acme")}["text-to-image"] == 99
