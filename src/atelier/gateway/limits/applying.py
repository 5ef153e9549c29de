"""Which limits apply to a tenant's requests of a service: the most specific rule for each measure and window."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from atelier.catalog import SERVICES
from atelier.rules import LimitRule, Measure, Per, Plan

MILLION = 1_000_000
"""Units and money are counted in millionths, as whole numbers: sums of them are exact. Times are in microseconds."""

MOST_REMEMBERED = 10_000
"""Tenants and services whose resolved limits are kept."""

WINDOW_SECONDS: dict[Per, int] = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 31 * 86400}
"""A month is told as its longest; it is counted as it is in the calendar."""

_KINDS: dict[Measure, str] = {"requests": "r", "units": "u", "cost": "c", "concurrent": "l"}
"""One letter for each measure: sliding window, counter of units, counter of money, leases."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit as it is counted.

    service: `*` where it is one sum over all. most: what may be counted, in millionths for units and money. kind: see
    _KINDS. size: a sliding window in microseconds; for a calendar day or month its seconds. key: where it is counted.
    """

    service: str
    measure: Measure
    per: Per | None
    allowed: float
    most: int
    kind: str
    size: int
    key: str

    @property
    def name(self) -> str:
        """How answers call it: `hour`, `units-month`, `concurrent`."""
        if self.per is None:
            return self.measure
        return self.per if self.measure == "requests" else f"{self.measure}-{self.per}"

    @property
    def unit(self) -> str:
        """What is counted: requests, cost, or the service's unit."""
        if self.measure == "units":
            return SERVICES[self.service].unit
        return "cost" if self.measure == "cost" else "requests"

    @property
    def window_seconds(self) -> int:
        return WINDOW_SECONDS[self.per] if self.per else 0

    def words(self) -> str:
        """The limit for people: `50 images per month for text-to-image`, `10.00 per month`."""
        what = {
            "requests": f"{self.allowed:g} requests per {self.per}",
            "units": f"{self.allowed:g} {self.unit.replace('_', ' ')} per {self.per}",
            "cost": f"{self.allowed:.2f} per {self.per}",
            "concurrent": f"{self.allowed:g} requests at the same time",
        }[self.measure]
        return what if self.service == "*" else f"{what} for {self.service}"


class Applying:
    """The limits of one tenant and service, with everything about them that does not change from request to request.

    words: what the script is told of them. policy: the RateLimit-Policy field. items: of each what begins its item of
    the RateLimit field, how much is counted for each one of what a header tells, whether it has a window, and what ends
    the item. requests: which of them count requests. lease: where its concurrent requests are counted.
    corrected: whether any of them is, once the work is done.
    """

    __slots__ = ("corrected", "items", "lease", "limits", "policy", "requests", "words")

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.limits = tuple(limits)
        self.words: tuple[str | int, ...] = (
            len(limits),
            *(word for limit in limits for word in (limit.kind, limit.key, limit.most, limit.size)),
        )
        self.policy = ", ".join(_policy(limit) for limit in limits).encode()
        self.items = tuple(
            (f'"{limit.name}";r=', _each(limit), limit.per is not None, _partition(limit)) for limit in limits
        )
        self.lease = next((limit.key for limit in limits if limit.measure == "concurrent"), None)
        self.corrected = any(limit.kind != "r" for limit in limits)
        self.requests = tuple(index for index, limit in enumerate(limits) if limit.measure == "requests")

    def shared_by(self, gateways: int) -> Applying:
        """One gateway's share of them: rounded down, but of requests and units at least one. None becomes none."""
        return Applying([_share(limit, gateways) for limit in self.limits])


def millionths(amount: float) -> int:
    """An amount as it is counted. What is more than nothing never counts as nothing."""
    return max(1, round(amount * MILLION)) if amount > 0 else 0


def _each(limit: Limit) -> int:
    """How much is counted for each one that a header can tell: whole requests and units, money in hundredths."""
    return {"requests": 1, "concurrent": 1, "units": MILLION, "cost": MILLION // 100}[limit.measure]


def _policy(limit: Limit) -> str:
    unit = {"requests": "", "units": limit.unit, "cost": "cents", "concurrent": "concurrent-requests"}[limit.measure]
    counted = f';qu="{unit}"' if unit else ""
    window = f";w={limit.window_seconds}" if limit.per else ""
    return f'"{limit.name}";q={limit.most // _each(limit)}{counted}{window}{_partition(limit)}'


def _partition(limit: Limit) -> str:
    """Each service is counted by itself, so its name is the partition (a byte sequence: base64 between colons)."""
    return "" if limit.service == "*" else f";pk=:{b64encode(limit.service.encode()).decode()}:"


def _share(limit: Limit, gateways: int) -> Limit:
    least = {"requests": 1, "concurrent": 1, "units": MILLION, "cost": 0}[limit.measure]
    most = min(limit.most, max(least, limit.most // gateways))
    return replace(limit, most=most, allowed=most / MILLION if limit.measure in {"units", "cost"} else most)


class Rules:
    """The rules of atelier.toml and its plans. `of` remembers what it has found."""

    def __init__(self, rules: Sequence[LimitRule], plans: Mapping[str, Plan]) -> None:
        self._rules = rules
        self._plans = plans
        self.of = lru_cache(MOST_REMEMBERED)(self._resolve)

    def _resolve(self, tenant: str, service: str, plan: str | None, own: tuple[LimitRule, ...]) -> Applying:
        """The limits that apply. A plan that is not in atelier.toml has no rules of its own."""
        found = self._most_specific(tenant, service, plan, own)
        return Applying([_limit(rule, tenant, service) for rule in found])

    def _most_specific(
        self, tenant: str, service: str, plan: str | None, own: tuple[LimitRule, ...]
    ) -> Iterable[LimitRule]:
        """One rule for each measure and window; the levels from the general to the special, the last one stays."""
        for_tenant = [rule for rule in self._rules if rule.tenant == tenant != "*"]
        spoken_of = {rule.measure for rule in for_tenant if rule.service in {"*", service}}
        default = LimitRule(requests=SERVICES[service].requests_per_hour, per="hour")
        for_all = [rule for rule in self._rules if rule.tenant == "*"]
        levels: list[Iterable[LimitRule]] = [
            # A tenant's own rules of a measure stand in the place of all of those for everybody.
            [rule for rule in [default] if rule.measure not in spoken_of],
            [rule for rule in for_all if rule.measure not in spoken_of],
            self._plans[plan].limits if plan is not None and plan in self._plans else (),
            for_tenant,
            own,
        ]
        chosen: dict[tuple[object, ...], LimitRule] = {}
        for level in levels:
            fitting = [rule for rule in level if rule.service in {"*", service}]
            for rule in sorted(fitting, key=lambda rule: rule.service != "*"):
                # The sum of money over all services and that of one are two things, and both hold.
                over_all = rule.measure == "cost" and rule.service == "*"
                chosen[rule.measure, rule.window, over_all] = rule
        return chosen.values()


def _limit(rule: LimitRule, tenant: str, service: str) -> Limit:
    counted_for = "*" if rule.measure == "cost" and rule.service == "*" else service
    amounts = rule.measure in {"units", "cost"}
    seconds = WINDOW_SECONDS[rule.window] if rule.window else 0
    limit = Limit(
        service=counted_for,
        measure=rule.measure,
        per=rule.window,
        allowed=rule.allowed,
        most=round(rule.allowed * MILLION) if amounts else int(rule.allowed),
        kind=_KINDS[rule.measure],
        size=seconds if amounts else seconds * MILLION,
        key="",
    )
    return replace(limit, key=f"{tenant}:{counted_for}:{limit.name}")
