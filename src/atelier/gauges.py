"""How things stand in a process, as its parts tell when the metrics are read: gauges, and totals of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge

Sample = tuple[str, tuple[str, ...], float]
"""A metric's name without `atelier_`, the values of its labels, and its own."""

Read = Callable[[], Iterable[Sample]]

OfAll = Literal["livesum", "livemax", "livemin", "livemostrecent"]
"""What several processes come to together. Of what is the same whichever looks, the latest look counts."""


class Row(NamedTuple):
    """A metric of a table. name: without `atelier_`."""

    name: str
    about: str
    labels: tuple[str, ...] = ()
    of_all: OfAll = "livesum"


class Gauges:
    """Those of one registry. totals: what parts count themselves, ever since they began; counters follow them.

    `look` asks every part that is watched.
    """

    def __init__(self, registry: CollectorRegistry, gauges: Sequence[Row], totals: Sequence[Row]) -> None:
        self._gauges = {
            row.name: Gauge(
                f"atelier_{row.name}", row.about, row.labels, registry=registry, multiprocess_mode=row.of_all
            )
            for row in gauges
        }
        self._totals = {
            row.name: Counter(f"atelier_{row.name}", row.about, row.labels, registry=registry) for row in totals
        }
        self._told: dict[tuple[str, tuple[str, ...]], float] = {}
        self._reads: list[Read] = []

    def watch(self, read: Read) -> None:
        self._reads.append(read)

    def look(self) -> None:
        """What a part does not tell just now stays as it was; but of labels that are gone there is none any more."""
        gone = {key for key, value in self._told.items() if key[1] and key[0] in self._gauges and value}
        for read in self._reads:
            for name, labels, value in read():
                gone.discard((name, labels))
                self._tell(name, labels, value)
        for name, labels in gone:
            self._tell(name, labels, 0)

    def _tell(self, name: str, labels: tuple[str, ...], value: float) -> None:
        before = self._told.get((name, labels), 0.0)
        self._told[name, labels] = value
        if name in self._gauges:
            gauge = self._gauges[name]
            (gauge.labels(*labels) if labels else gauge).set(value)
        else:
            total = self._totals[name]
            (total.labels(*labels) if labels else total).inc(max(0.0, value - before))
