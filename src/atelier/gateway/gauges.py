"""The gauges of a gateway process, and the totals that its parts count."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from atelier.gauges import Gauges, Row
from atelier.process_numbers import BUILD_LABELS

_GAUGES = (
    Row("requests_in_flight", "Requests of services that are being served."),
    Row("requests_arriving", "Requests of services whose body is on its way."),
    Row("requests_running", "Requests that were admitted and are not settled yet.", ("service", "plan")),
    Row("service_up", "Whether an upstream can be asked.", ("service",), "livemostrecent"),
    Row("upstreams", "Upstreams by what their last probe found.", ("service", "upstream", "status"), "livemostrecent"),
    Row("upstream_in_flight", "Requests that upstreams are at work on.", ("service", "upstream")),
    Row("upstream_circuits", "Upstreams by the state of their circuit, as each gateway process sees them.",
        ("service", "tier", "state")),
    Row("usage_lag_seconds", "Age of the oldest usage record that is not in the database.", (), "livemax"),
    Row("usage_journal_bytes", "Usage on the disk, on its way."),
    Row("usage_stream_batches", "Batches of usage in Redis, on their way.", (), "livemax"),
    Row("usage_dead_records", "Usage records that can never be rows.", (), "livemax"),
    Row("database_up", "Whether the database answered when it was last needed.", (), "livemin"),
    Row("redis_up", "Whether Redis answered when it was last needed, or none is used.", (), "livemin"),
    Row("disk_free_bytes", "What is free on the disk of the data folder.", (), "livemostrecent"),
    Row("disk_bytes", "The size of the disk of the data folder.", (), "livemostrecent"),
    Row("certificate_end_timestamp_seconds", "When the certificate of the public address ends.", ("name",),
        "livemostrecent"),
    Row("processes", "Gateway processes that this answer sums up."),
    Row("process_memory_bytes", "Main memory that the processes hold."),
    Row("build_info", "Which version this is.", BUILD_LABELS, "livemax"),
)  # fmt: skip

_TOTALS = (
    Row("upstream_retries", "Attempts at an upstream after one that failed.", ("service",)),
    Row("artifact_failures", "Times that the artifacts' store failed.", ("action",)),
    Row("process_cpu_seconds", "Processor time that the processes took."),
)


def gateway_gauges(registry: CollectorRegistry) -> Gauges:
    return Gauges(registry, _GAUGES, _TOTALS)
