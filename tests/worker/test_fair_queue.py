"""Waiting requests are admitted fairly across tenants."""

import pytest

from atelier.worker.fair_queue import FairQueue


def drained(queue: FairQueue[str]) -> list[str]:
    return [queue.pop() for _ in range(len(queue))]


def test_one_tenant_is_served_in_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in "abc":
        queue.push("acme", item, 1)
    assert drained(queue) == ["a", "b", "c"]


def test_a_crowd_does_not_push_another_tenant_aside() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(10):
        queue.push("crowd", f"crowd{number}", 1)
    queue.push("single", "single", 1)
    assert drained(queue).index("single") <= 1


def test_costly_requests_count_for_more() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(3):
        queue.push("heavy", f"heavy{number}", 3)
    for number in range(6):
        queue.push("light", f"light{number}", 1)
    first_five = drained(queue)[:5]
    assert sum(item.startswith("light") for item in first_five) >= 3


def test_idle_time_is_not_saved_up() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(4):
        queue.push("busy", f"busy{number}", 1)
    for _ in range(3):
        queue.pop()
    for number in range(4):
        queue.push("late", f"late{number}", 1)
    queue.push("busy", "busy4", 1)
    order = drained(queue)
    assert order.index("busy4") < len(order) - 1, "the latecomer took every turn it had missed"


def test_unwanted_items_are_taken_out() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in ("a", "b", "a"):
        queue.push("acme", item, 1)
    assert queue.remove_if(lambda item: item == "a") == ["a", "a"]
    assert drained(queue) == ["b"]
    with pytest.raises(IndexError):
        queue.pop()
    assert queue.peek() is None
