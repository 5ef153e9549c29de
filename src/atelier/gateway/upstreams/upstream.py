"""One upstream of one service: what it is by the settings, and how it is just now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from atelier.gateway.upstreams.circuit import Circuit
from atelier.gateway.upstreams.client import Target

SERVING = frozenset({"healthy", "degraded"})
"""A degraded upstream does some of its tasks, and says so itself where it is asked for another."""


@dataclass(slots=True)
class Served:
    """Who served a request. label: of the one that was asked last. fallback: not one of the service's lowest tier.
    revision: of the model, where told."""

    upstream: str | None = None
    label: str | None = None
    fallback: bool = False
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds that a connection, the begin of an answer and a whole request may take."""

    connect: float = 3.0
    first_byte: float | None = None
    request: float = 600.0


@dataclass(eq=False, slots=True)
class Upstream:
    """tier, weight, key, model, most, name: as its rule says (rules.py). response_time: seconds of the last probe.

    dns: its URL has the name of several; those of its addresses serve in its place (names.py).
    foreign: not a worker of ours, by what its probe answered. report: what a worker says of itself.
    not_before: it asked to be left alone until then, by the clock that never goes back.
    """

    service: str
    url: str
    tier: int = 0
    weight: float = 1.0
    key: str | None = field(default=None, repr=False)
    model: str | None = None
    most: int | None = None
    name: str | None = None
    dns: bool = False
    status: str = "starting"
    foreign: bool = False
    response_time: float | None = None
    report: dict[str, Any] = field(default_factory=dict)
    in_flight: int = 0
    not_before: float = 0.0
    circuit: Circuit = field(default_factory=Circuit)
    _targets: dict[str, Target] = field(default_factory=dict, repr=False)
    _voices: tuple[dict[str, Any], frozenset[str]] = field(default=({}, frozenset()), repr=False)

    @property
    def label(self) -> str:
        """What metrics and traces call it: never its address."""
        return self.name or f"tier-{self.tier}"

    def can_take(self, now: float) -> bool:
        return (
            self.status in SERVING
            and (self.circuit.closed or self.circuit.allows(now))
            and now >= self.not_before
            and (self.most is None or self.in_flight < self.most)
        )

    def is_serving(self, now: float) -> bool:
        return self.status in SERVING and self.circuit.allows(now)

    def says(self, needed: str) -> bool:
        """Whether a model there says that of itself; a foreign server says nothing."""
        models = self.report.get("models", [])
        return any(isinstance(model, dict) and model.get(needed) is True for model in models)

    def may_say(self, needed: str) -> bool:
        """The same, or that nothing is known of it yet, or just now."""
        return self.says(needed) or not (self.foreign or self.report)

    def speaks_as(self, voice: str) -> bool:
        """Whether a model there has a voice of that name, given in small letters."""
        report, names = self._voices
        if report is not self.report:  # read once a report: requests ask, and a model may have hundreds
            models = [model for model in self.report.get("models", []) if isinstance(model, dict)]
            names = frozenset(str(name).lower() for model in models for name in model.get("voices") or ())
            self._voices = self.report, names
        return voice in names

    def at(self, url: str) -> Upstream:
        """One of those behind this name: by the same rule, with a state of its own."""
        return Upstream(self.service, url, self.tier, self.weight, self.key, self.model, self.most, self.name)

    def load(self) -> float:
        return self.in_flight / self.weight

    def target(self, path: str) -> Target:
        """Made once: that takes longer than to choose an upstream."""
        found = self._targets.get(path)
        if found is None:
            key = {"authorization": f"Bearer {self.key}"} if self.key is not None else {}
            found = self._targets[path] = Target(URL(self.url + path), key)
        return found
