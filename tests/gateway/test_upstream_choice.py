"""The choice among upstreams, circuits and budgets: on a clock of the test's own."""

from __future__ import annotations

from collections import Counter

import pytest

from atelier.errors import Overloaded, Unavailable
from atelier.gateway.upstreams.budget import FLOOR, Budget
from atelier.gateway.upstreams.circuit import FIRST_SECONDS, IN_A_ROW, MOST_SECONDS, SHARE_OF, Circuit
from atelier.gateway.upstreams.pool import Pool
from atelier.gateway.upstreams.upstream import Upstream


def upstream(
    name: str, status: str = "healthy", *, tier: int = 0, weight: float = 1, most: int | None = None
) -> Upstream:
    return Upstream("s", name, tier=tier, weight=weight, most=most, status=status)


def opened(circuit: Circuit, now: float = 0.0) -> Circuit:
    for _ in range(IN_A_ROW):
        circuit.failed(now)
    return circuit


def test_the_less_busy_of_two_is_taken() -> None:
    idle, busy = upstream("idle"), upstream("busy")
    busy.in_flight = 1
    assert {Pool("s", [busy, idle]).choose(0).url for _ in range(50)} == {"idle"}


def test_weights_are_shares_of_what_is_in_flight() -> None:
    small, large = upstream("small"), upstream("large", weight=3)
    pool = Pool("s", [small, large])
    for _ in range(400):
        pool.choose(0).in_flight += 1
    assert small.in_flight == pytest.approx(100, abs=2)
    assert large.in_flight == pytest.approx(300, abs=2)


def test_weights_are_shares_of_what_comes_one_by_one() -> None:
    pool = Pool("s", [upstream("small"), upstream("large", weight=3)])
    drawn = Counter(pool.choose(0).url for _ in range(4000))
    assert drawn["large"] == pytest.approx(3000, abs=200)


def test_the_busiest_of_many_is_never_taken() -> None:
    members = [upstream(str(i)) for i in range(6)]
    for i, member in enumerate(members):
        member.in_flight = i
    drawn = Counter(Pool("s", members).choose(0).url for _ in range(6000))
    assert drawn["0"] > drawn["1"] > drawn["4"]
    assert "5" not in drawn


def test_two_are_found_among_those_that_can_take_it() -> None:
    members = [upstream(str(i), "unhealthy") for i in range(8)] + [upstream("busy"), upstream("idle")]
    members[-2].in_flight = 3
    assert {Pool("s", members).choose(0).url for _ in range(50)} == {"idle"}


@pytest.mark.parametrize("why", ["unhealthy", "full", "asked to be left alone", "circuit", "tried"])
def test_a_higher_tier_serves_only_what_the_lower_cannot(why: str) -> None:
    low, high = upstream("low", most=1), upstream("high", tier=5)
    pool = Pool("s", [high, low])
    assert (pool.choose(0).url, pool.lowest) == ("low", 0)
    if why == "unhealthy":
        low.status = "unhealthy"
    elif why == "full":
        low.in_flight = 1
    elif why == "asked to be left alone":
        low.not_before = 1
    elif why == "circuit":
        opened(low.circuit)
    assert pool.choose(0, [low] if why == "tried" else []).url == "high"


def test_full_upstreams_are_said_to_be_busy_and_absent_ones_to_be_away() -> None:
    one, other = upstream("one", most=1), upstream("other", "unhealthy")
    pool = Pool("s", [one, other])
    one.in_flight = 1
    with pytest.raises(Overloaded) as busy:
        pool.choose(0)
    assert busy.value.retry_after == 1
    one.in_flight, one.not_before = 0, 12
    with pytest.raises(Overloaded) as later:
        pool.choose(2)
    assert later.value.retry_after == 10
    one.status = "unhealthy"
    with pytest.raises(Unavailable, match="not available"):
        pool.choose(0)
    one.status = "starting"
    with pytest.raises(Unavailable, match="still starting"):
        pool.choose(0)


def test_failures_in_a_row_open_a_circuit_and_a_success_between_them_does_not() -> None:
    circuit = Circuit()
    for _ in range(3):
        for _ in range(IN_A_ROW - 1):
            assert not circuit.failed(0)
        circuit.succeeded(0)
    assert circuit.state(0) == "closed"
    assert opened(circuit).state(0) == "open"


def test_a_share_of_failures_opens_a_circuit_within_ten_seconds() -> None:
    circuit, slow = Circuit(), Circuit()
    for i in range(SHARE_OF):
        (circuit.failed if i % 2 else circuit.succeeded)(i / 10)
        (slow.failed if i % 2 else slow.succeeded)(float(i))
    assert circuit.state(2) == "open"
    assert slow.state(SHARE_OF) == "closed", "what was more than ten seconds ago counts"


def test_what_may_be_the_requests_fault_opens_a_circuit_only_by_its_share() -> None:
    circuit = Circuit()
    for _ in range(SHARE_OF - 1):
        assert not circuit.failed(0, in_a_row=False)
    assert circuit.failed(0, in_a_row=False)


def test_one_trial_at_a_time_decides() -> None:
    circuit = opened(Circuit(noise=lambda: 0.5))
    assert not circuit.allows(FIRST_SECONDS - 0.01)
    assert (circuit.allows(FIRST_SECONDS), circuit.state(FIRST_SECONDS)) == (True, "half-open")
    assert circuit.begin()
    assert not circuit.allows(FIRST_SECONDS)
    circuit.succeeded(FIRST_SECONDS, trial=False)  # one that began before it opened
    assert circuit.state(FIRST_SECONDS) == "half-open"
    circuit.left(trial=True)
    assert circuit.allows(FIRST_SECONDS), "a trial whose client left kept its place"
    circuit.begin()
    circuit.succeeded(FIRST_SECONDS, trial=True)
    assert circuit.state(FIRST_SECONDS) == "closed"


def test_the_wait_doubles_to_a_bound_and_is_spread_out() -> None:
    circuit = opened(Circuit(noise=lambda: 0.5))
    now, waits = 0.0, []
    for _ in range(8):
        waits.append(circuit.waiting(now))
        now += waits[-1]
        circuit.begin()
        circuit.failed(now, trial=True)
    assert waits[:3] == [FIRST_SECONDS, 2 * FIRST_SECONDS, 4 * FIRST_SECONDS]
    assert waits[-1] == MOST_SECONDS
    drawn = {opened(Circuit()).waiting(0) for _ in range(20)}
    assert len(drawn) > 10
    assert all(0.75 * FIRST_SECONDS <= wait <= 1.25 * FIRST_SECONDS for wait in drawn)


def test_repeats_are_a_share_of_the_last_ten_seconds() -> None:
    budget = Budget()
    assert [budget.take(0) for _ in range(FLOOR + 1)].count(True) == FLOOR
    for _ in range(500):
        budget.count(20)
    assert [budget.take(20) for _ in range(200)].count(True) == 100
    assert [budget.take(40) for _ in range(200)].count(True) == FLOOR


def test_what_a_model_must_be_able_to_do_is_asked_of_those_alone_that_say_so() -> None:
    plain, able = Upstream("s", "plain", status="healthy"), Upstream("s", "able", status="healthy")
    plain.report = {"models": [{"id": "m"}]}
    able.report = {"models": [{"id": "m"}, {"id": "n", "clones": True}]}
    pool = Pool("s", [plain, able])
    assert {pool.choose(0, needs="clones").url for _ in range(20)} == {"able"}
    able.status, able.report = "unhealthy", {}
    with pytest.raises(Unavailable, match="not available"):
        pool.choose(0, needs="clones")
    assert pool.choose(0).url == "plain"
