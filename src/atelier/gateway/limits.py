"""May this tenant do this now: rate limits, taken all at once and never exceeded by concurrent requests.

Each limit is a sliding window that remembers when its requests were let in, so no stretch of an hour ever holds more
than the hour's number. Memory is bounded by the limits themselves.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from atelier.catalog import SERVICES
from atelier.errors import RateLimited, whole_seconds
from atelier.rules import LimitRule

WINDOW_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True)
class LimitState:
    """One limit as it stands for one tenant. resets_in: seconds until a used-up place is free again."""

    service: str
    allowed: int
    left: int
    per: str
    window_seconds: int
    resets_in: float


@dataclass(eq=False)
class _Window:
    rule: LimitRule
    seconds: int
    admitted: deque[float] = field(default_factory=deque)

    def forget_before(self, now: float) -> None:
        while self.admitted and self.admitted[0] <= now - self.seconds:
            self.admitted.popleft()

    def resets_in(self, now: float) -> float:
        """Seconds until the oldest place is free again."""
        return self.admitted[0] + self.seconds - now if self.admitted else 0.0

    def state(self, service: str, now: float) -> LimitState:
        left = max(0, self.rule.requests - len(self.admitted))
        return LimitState(service, self.rule.requests, left, self.rule.per, self.seconds, self.resets_in(now))


@dataclass(eq=False)
class Place:
    """A request's place in every limit that applies to it."""

    limits: Sequence[LimitState]
    at: float
    windows: Sequence[_Window]

    def headers(self) -> dict[str, str]:
        return limit_headers(self.limits)


class Limits:
    """The limits of one gateway process. Not awaited anywhere between look and take, so a place is taken once."""

    def __init__(self, rules: Sequence[LimitRule] = (), *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rules = _rules(rules)
        self._clock = clock
        self._windows: dict[tuple[str, str], list[_Window]] = {}

    def admit(self, tenant: str, service: str) -> Place:
        """Take a place in every limit, or in none. Raises RateLimited, which says when to come back."""
        now = self._clock()
        windows = self._of(tenant, service, now)
        full = [window for window in windows if len(window.admitted) >= window.rule.requests]
        if full:
            raise _refusal(full, windows, service, now)
        for window in windows:
            window.admitted.append(now)
        return Place([window.state(service, now) for window in windows], now, windows)

    def refund(self, place: Place) -> None:
        """Give a place back: the request failed and was not served."""
        for window in place.windows:
            if place.at in window.admitted:
                window.admitted.remove(place.at)

    def states(self, tenant: str, services: Iterable[str] = SERVICES) -> list[LimitState]:
        """How every limit of the tenant stands; looking takes nothing."""
        now = self._clock()
        return [w.state(service, now) for service in services for w in self._of(tenant, service, now)]

    def _of(self, tenant: str, service: str, now: float) -> list[_Window]:
        windows = self._windows.get((tenant, service))
        if windows is None:
            rules = _most_specific(self._rules, tenant, service)
            windows = [_Window(rule, WINDOW_SECONDS[rule.per]) for rule in rules]
            self._windows[tenant, service] = windows
        for window in windows:
            window.forget_before(now)
        return windows


def _rules(given: Sequence[LimitRule]) -> list[LimitRule]:
    """The given rules, and each service's default where none of them speaks of every tenant's hour."""
    spoken_of = {rule.service for rule in given if rule.tenant == "*" and rule.per == "hour"}
    defaults = [
        LimitRule(service=service.name, requests=service.requests_per_hour, per="hour")
        for service in SERVICES.values()
        if not spoken_of & {"*", service.name}
    ]
    return [*defaults, *given]


def _most_specific(rules: Sequence[LimitRule], tenant: str, service: str) -> list[LimitRule]:
    """The tenant's own rules, else those for every tenant; one for each window.

    Of several with the same window the one for the service beats the one for all services, and of two such the last
    one written applies.
    """
    own = [rule for rule in rules if rule.tenant == tenant and rule.service in {"*", service}]
    found = own or [rule for rule in rules if rule.tenant == "*" and rule.service in {"*", service}]
    general_first = sorted(found, key=lambda rule: rule.service != "*")
    return list({rule.per: rule for rule in general_first}.values())


def _refusal(full: Sequence[_Window], windows: Sequence[_Window], service: str, now: float) -> RateLimited:
    slowest = max(full, key=lambda window: window.resets_in(now))
    rule = slowest.rule
    # A limit of zero never frees a place: its whole window is the honest answer.
    wait = slowest.resets_in(now) or slowest.seconds
    problem = RateLimited(
        f"Rate limit exceeded: {rule.requests} requests per {rule.per} for {service}; "
        f"try again in {whole_seconds(wait)} s",
        retry_after=wait,
    )
    problem.headers = limit_headers([window.state(service, now) for window in windows])
    return problem


def limit_headers(states: Sequence[LimitState]) -> dict[str, str]:
    """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers), and OpenAI's of the tightest limit."""
    if not states:
        return {}
    tightest = min(states, key=lambda state: state.left)
    reset = whole_seconds(tightest.resets_in) if tightest.resets_in > 0 else 0
    return {
        "ratelimit-policy": ", ".join(f'"{s.per}";q={s.allowed};w={s.window_seconds}' for s in states),
        "ratelimit": ", ".join(f'"{s.per}";r={s.left};t={max(0, round(s.resets_in))}' for s in states),
        "x-ratelimit-limit-requests": str(tightest.allowed),
        "x-ratelimit-remaining-requests": str(tightest.left),
        "x-ratelimit-reset-requests": f"{reset}s",
    }
