"""The upstreams of one service by tier, and the choice among them."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate, groupby
from random import random

from atelier.errors import AtelierError, Overloaded, Unavailable
from atelier.gateway.upstreams.budget import Budget
from atelier.gateway.upstreams.upstream import Upstream

AWAY_SECONDS = 2.0
"""What a client is told to wait while nothing serves; it is probed each second."""


class Pool:
    """ours_only: a request that no foreign server understands. needs: what a model there must say of itself. retries:
    attempts after one that failed, so far."""

    def __init__(self, service: str, upstreams: Sequence[Upstream]) -> None:
        self.service = service
        self.budget = Budget()
        self.retries = 0
        self._serving = {upstream: [upstream] for upstream in upstreams}
        self._arrange()

    @property
    def names(self) -> list[Upstream]:
        """Those that stand for several, whichever serve in their place now."""
        return [upstream for upstream in self._serving if upstream.dns]

    def spread(self, name: Upstream, urls: Sequence[str]) -> bool:
        """Let the servers at `urls` serve in the place of `name`; true where that changed anything.

        One that served already keeps its state. One that is gone ends what it has begun.
        """
        known = {upstream.url: upstream for upstream in self._serving[name]}
        if not urls or set(urls) == set(known):
            return False
        self._serving[name] = [known[url] if url in known else name.at(url) for url in sorted(set(urls))]
        self._arrange()
        return True

    def _arrange(self) -> None:
        every = (upstream for group in self._serving.values() for upstream in group)
        self.upstreams = sorted(every, key=lambda upstream: upstream.tier)
        self.lowest = self.upstreams[0].tier
        self._tiers = [_Tier(list(members)) for _, members in groupby(self.upstreams, key=lambda u: u.tier)]

    def choose(
        self, now: float, tried: Sequence[Upstream] = (), *, ours_only: bool = False, needs: str | None = None
    ) -> Upstream:
        """One of the lowest tier in which one can take the request.

        Raises Overloaded where those that serve are full, Unavailable where none serves.
        """
        for tier in self._tiers:
            found = tier.choose(now, tried, ours_only, needs)
            if found is not None:
                return found
        raise self._why(now, ours_only, needs)

    def _why(self, now: float, ours_only: bool, needs: str | None) -> AtelierError:
        possible = [u for u in self.upstreams if not (ours_only and u.foreign) and (needs is None or u.may_say(needs))]
        serving = [upstream for upstream in possible if upstream.is_serving(now)]
        if serving:
            soonest = min(upstream.not_before for upstream in serving)
            return Overloaded(f"{self.service} is busy; try again soon", retry_after=max(1.0, soonest - now))
        starting = any(upstream.status == "starting" for upstream in possible)
        return Unavailable(
            f"{self.service} is {'still starting' if starting else 'not available'}; try again soon",
            retry_after=AWAY_SECONDS,
        )


class _Tier:
    """Of two drawn at random, the first by weight, the less busy: nearly as good as the least busy of all, and as
    quick for a hundred as for two. Always to take the least busy would send every gateway to the same one."""

    def __init__(self, members: list[Upstream]) -> None:
        self._members = members
        self._up_to = list(accumulate(member.weight for member in members))

    def choose(self, now: float, tried: Sequence[Upstream], ours_only: bool, needs: str | None) -> Upstream | None:
        members = self._members
        if len(members) == 1:
            return members[0] if _can(members[0], now, tried, ours_only, needs) else None
        one, other = _two(members, self._up_to)
        if _can(one, now, tried, ours_only, needs) and _can(other, now, tried, ours_only, needs):
            return _less_busy(one, other)
        able = [member for member in members if _can(member, now, tried, ours_only, needs)]
        if len(able) < 2:
            return able[0] if able else None
        return _less_busy(*_two(able, list(accumulate(member.weight for member in able))))


def _can(upstream: Upstream, now: float, tried: Sequence[Upstream], ours_only: bool, needs: str | None) -> bool:
    if not upstream.can_take(now) or upstream in tried or (ours_only and upstream.foreign):
        return False
    return needs is None or upstream.says(needs)


def _two(
    members: Sequence[Upstream], up_to: Sequence[float], draw: Callable[[], float] = random
) -> tuple[Upstream, Upstream]:
    """Two different ones: the first by weight, the second any other."""
    first = bisect(up_to, draw() * up_to[-1], hi=len(members) - 1)
    second = (first + 1 + int(draw() * (len(members) - 1))) % len(members)
    return members[first], members[second]


def _less_busy(one: Upstream, other: Upstream) -> Upstream:
    """`one` where both are as busy: it was drawn by weight."""
    return other if other.load() < one.load() else one
