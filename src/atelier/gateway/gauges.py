"""How things stand in a gateway process, as its parts tell when the metrics are read: gauges, and totals of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from atelier.process_numbers import BUILD_LABELS, Sample

Read = Callable[[], Iterable[Sample]]

_OfAll = Literal["livesum", "livemax", "livemin", "livemostrecent"]
"""What several processes come to together. Of what is the same whichever looks, the latest look counts."""

_GAUGES: tuple[tuple[str, str, tuple[str, ...], _OfAll], ...] = (
    ("requests_in_flight", "Requests of services that are being served.", (), "livesum"),
    ("requests_arriving", "Requests of services whose body is on its way.", (), "livesum"),
    ("requests_running", "Requests that were admitted and are not settled yet.", ("service", "plan"), "livesum"),
    ("service_up", "Whether an upstream can be asked.", ("service",), "livemostrecent"),
    ("upstreams", "Upstreams by what their last probe found.", ("service", "upstream", "status"), "livemostrecent"),
    ("upstream_in_flight", "Requests that upstreams are at work on.", ("service", "upstream"), "livesum"),
    ("upstream_circuits", "Upstreams by the state of their circuit, as each gateway process sees them.",
     ("service", "tier", "state"), "livesum"),
    ("usage_lag_seconds", "Age of the oldest usage record that is not in the database.", (), "livemax"),
    ("usage_journal_bytes", "Usage on the disk, on its way.", (), "livesum"),
    ("usage_stream_batches", "Batches of usage in Redis, on their way.", (), "livemax"),
    ("usage_dead_records", "Usage records that can never be rows.", (), "livemax"),
    ("database_up", "Whether the database answered when it was last needed.", (), "livemin"),
    ("redis_up", "Whether Redis answered when it was last needed, or none is used.", (), "livemin"),
    ("disk_free_bytes", "What is free on the disk of the data folder.", (), "livemostrecent"),
    ("disk_bytes", "The size of the disk of the data folder.", (), "livemostrecent"),
    ("certificate_end_timestamp_seconds", "When the certificate of the public address ends.", ("name",),
     "livemostrecent"),
    ("processes", "Gateway processes that this answer sums up.", (), "livesum"),
    ("process_memory_bytes", "Main memory that the processes hold.", (), "livesum"),
    ("build_info", "Which version this is.", BUILD_LABELS, "livemax"),
)  # fmt: skip

_TOTALS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("upstream_retries", "Attempts at an upstream after one that failed.", ("service",)),
    ("artifact_failures", "Times that the artifacts' store failed.", ("action",)),
    ("process_cpu_seconds", "Processor time that the processes took.", ()),
)
"""What parts count themselves, ever since they began: the metrics follow."""


class Gauges:
    """Those of one registry. `look` asks every part that is watched."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._gauges = {
            name: Gauge(f"atelier_{name}", about, labels, registry=registry, multiprocess_mode=of_all)
            for name, about, labels, of_all in _GAUGES
        }
        self._totals = {
            name: Counter(f"atelier_{name}", about, labels, registry=registry) for name, about, labels in _TOTALS
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
