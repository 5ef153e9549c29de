"""How fast devices were seen to work: what requests that pay for compute time are reckoned with before their own."""

from __future__ import annotations

from atelier.catalog import Amounts, Service

MARGIN = 2.0
"""The slowest that was seen may have shared its steps with others; the next one may be alone."""

EASING = 0.05
"""What was slow once, on a machine that was busy, is forgotten: of the way to what is seen now, so much each time."""

MOST_REMEMBERED = 1000


class Pace:
    """The slowest that this gateway lately saw of each service and model. Models are called as requests call them."""

    def __init__(self) -> None:
        self._slowest: dict[tuple[str, str | None], float] = {}

    def most_ms(self, service: Service, model: str | None, expected: Amounts) -> float:
        """Milliseconds that a device may take for so much: by what was seen, or else by the catalog's bound."""
        seen = self._slowest.get((service.name, model))
        return _work(service, expected) * (service.slowest_ms if seen is None else MARGIN * seen)

    def note(self, service: Service, model: str | None, used: Amounts) -> None:
        """What an answer really took. A server that does not tell its compute time teaches nothing."""
        if not used.compute_ms or not service.work(used):
            return
        key, now = (service.name, model), min(used.compute_ms / _work(service, used), service.slowest_ms)
        before = self._slowest.pop(key, now)
        self._slowest[key] = now if now >= before else before - EASING * (before - now)
        if len(self._slowest) > MOST_REMEMBERED:
            del self._slowest[next(iter(self._slowest))]


def _work(service: Service, used: Amounts) -> float:
    """At least one: what a tiny picture takes is mostly the same for any, and says nothing of a large one."""
    return max(1.0, service.work(used))
