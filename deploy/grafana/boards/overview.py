"""Everything at a glance: is it up, how much, how quick, what fails, what waits, and which alerts fire."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from boards.panels import BAD, FAIR, GOOD, ask, ask_now, ask_rows, board, lines, number, rows, states
from boards.words import per_second, quantile, share

UP = {0: ("down", BAD), 1: ("up", GOOD)}

_ALL = "sum(rate(atelier_requests_total[$__rate_interval]))"
_FAILED = 'sum(rate(atelier_requests_total{status=~"5.."}[$__rate_interval]))'

NOW = [
    number(
        "Requests per second", "All services, answered and refused.", "reqps", ask(_ALL), decimals=2, empty="0",
    ),
    number(
        "Failures", "Share of the answers with a status of 500 or more.", "percentunit", ask(share(_FAILED, _ALL)),
        steps=((None, GOOD), (0.01, FAIR), (0.05, BAD)), decimals=2, empty="no traffic",
    ),
    number(
        "In flight", "Requests that gateways are serving now.", "short", ask("sum(atelier_requests_in_flight)"),
    ),
    number(
        "Waiting", "Requests in the queues of the workers.", "short", ask("sum(atelier_worker_requests_waiting)"),
        steps=((None, GOOD), (20, FAIR), (100, BAD)), empty="0",
    ),
    number(
        "Usage on its way", "Age of the oldest usage record that is not in the database.", "s",
        ask("max(atelier_usage_lag_seconds)"), steps=((None, GOOD), (60, FAIR), (300, BAD)), decimals=0,
    ),
    number(
        "Alerts", "How many alerts fire; the table at the end names them.", "short",
        ask('count(ALERTS{alertstate="firing"}) or vector(0)'), steps=((None, GOOD), (1, BAD)),
    ),
    states(
        "Services", "Whether any gateway has an upstream that can be asked.",
        ask_now("max by (service) (atelier_service_up)", "{{service}}"), UP, width=15,
    ),
    states(
        "What they need", "Whether gateways reached them when they last needed them.",
        ask_now(
            'label_replace(min(atelier_database_up), "server", "database", "", "")'
            ' or label_replace(min(atelier_redis_up), "server", "Redis", "", "")', "{{server}}",
        ), UP, width=9,
    ),
]  # fmt: skip

TRAFFIC = [
    lines(
        "Requests by service", "Answered and refused.", "reqps",
        ask(per_second("atelier_requests_total", "service"), "{{service}}"), stacked=True,
    ),
    lines(
        "Requests by status", "200 is well; 4xx are the callers' (429: a limit); 5xx are ours; 499: the caller left.",
        "reqps", ask(per_second("atelier_requests_total", "status"), "{{status}}"), stacked=True,
    ),
    lines(
        "Time to the whole answer (95 %)", "19 of 20 requests are answered within this.", "s",
        ask(quantile(0.95, "atelier_request_seconds", "service", '{status="200"}'), "{{service}}"),
    ),
    lines(
        "Time to the first byte (median)", "When an answer begins: where it is streamed, before it is whole.", "s",
        ask(quantile(0.5, "atelier_first_byte_seconds", "service", '{status="200"}'), "{{service}}"),
    ),
]  # fmt: skip

_BY_SERVICE = per_second("atelier_requests_total", "service")

TROUBLE = [
    lines(
        "Failures by service", "Share of the answers with a status of 500 or more; an alert fires at 5 %.",
        "percentunit",
        ask(
            share(per_second("atelier_requests_total", "service", '{status=~"5.."}'), _BY_SERVICE), "{{service}}",
        ), width=8, steps=((None, GOOD), (0.05, BAD)),
    ),
    lines(
        "Refused by limits", "429, by what the limit counts.", "reqps",
        ask(per_second("atelier_limit_refusals_total", "measure"), "{{measure}}"), width=8,
    ),
    lines(
        "Repeated at another upstream", "Attempts after one that failed, by service.", "reqps",
        ask(per_second("atelier_upstream_retries_total", "service"), "{{service}}"), width=8,
    ),
]  # fmt: skip

BELOW = [
    lines(
        "Wait in the queue (95 %)", "From a request's arrival at a worker to its start.", "s",
        ask(quantile(0.95, "atelier_worker_queue_seconds", "service"), "{{service}}"), width=8,
    ),
    lines(
        "Usage on the disk, on its way", "All gateways' journals. They grow while the database is away.",
        "bytes", ask("sum(atelier_usage_journal_bytes)", "journals"), width=8,
    ),
    lines(
        "Room on the disks", "Share of the data folder's disk that is free; an alert fires at 10 %.", "percentunit",
        ask("atelier_disk_free_bytes / atelier_disk_bytes", "{{instance}}"), width=8, most=1,
        steps=((None, BAD), (0.1, GOOD)),
    ),
    lines(
        "Main memory", "What the processes hold.", "bytes",
        ask("sum by (host, instance) (atelier_process_memory_bytes)", "{{host}} {{instance}}"),
    ),
    lines(
        "Processors", "How many cores the processes keep busy.", "short",
        ask(per_second("atelier_process_cpu_seconds_total", "host, instance"), "{{host}} {{instance}}"),
    ),
]  # fmt: skip

ALERTS = [
    rows(
        "Alerts that fire", "docs/monitoring.md says of each what it means and what to do.",
        ask_rows('ALERTS{alertstate="firing"}'), hidden=("Time", "Value", "__name__", "alertstate"),
        names={"alertname": "Alert"},
    ),
]  # fmt: skip


def overview() -> Dashboard:
    about = "Every gateway and every worker together."
    sections = [
        ("Now", NOW),
        ("Traffic", TRAFFIC),
        ("What fails and what is refused", TROUBLE),
        ("Queues, disks and processes", BELOW),
        ("Alerts", ALERTS),
    ]
    return board("Atelier: overview", "atelier-overview", about, sections)
