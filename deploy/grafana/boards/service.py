"""One service: what callers see of it, who serves it, and how its workers keep up."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import QueryVariable
from grafana_foundation_sdk.models.dashboard import Dashboard, VariableOption, VariableRefresh, VariableSort

from boards.overview import UP
from boards.panels import (
    BAD,
    FAIR,
    GOOD,
    PROMETHEUS,
    ask,
    ask_now,
    ask_rows,
    board,
    lines,
    number,
    rows,
    spread,
    states,
)  # fmt: skip
from boards.words import mean, per_second, quantile, share

THIS = '{service="$service"}'
GOOD_ANSWERS = '{service="$service",status="200"}'

_ALL = f"sum(rate(atelier_requests_total{THIS}[$__rate_interval]))"
_FAILED = 'sum(rate(atelier_requests_total{service="$service",status=~"5.."}[$__rate_interval]))'
_HITS = 'sum(rate(atelier_cache_lookups_total{service="$service",result="hit"}[$__rate_interval]))'
_LOOKUPS = f"sum(rate(atelier_cache_lookups_total{THIS}[$__rate_interval]))"

NOW = [
    states(
        "State", "Whether any gateway has an upstream that can be asked.",
        ask_now(f"max by (service) (atelier_service_up{THIS})", "{{service}}"), UP, width=4,
    ),
    number("Requests per second", "Answered and refused.", "reqps", ask(_ALL), decimals=2, empty="0"),
    number(
        "Failures", "Share of the answers with a status of 500 or more.", "percentunit", ask(share(_FAILED, _ALL)),
        steps=((None, GOOD), (0.01, FAIR), (0.05, BAD)), decimals=2, empty="no traffic",
    ),
    number(
        "Whole answer (95 %)", "19 of 20 requests that go well are answered within this.", "s",
        ask(quantile(0.95, "atelier_request_seconds", "service", GOOD_ANSWERS)), decimals=1, empty="no traffic",
    ),
    number(
        "Running", "Requests that were admitted and are not settled yet.", "short",
        ask(f"sum(atelier_requests_running{THIS}) or vector(0)"), empty="0",
    ),
    number(
        "Waiting", "Requests in the queues of the workers.", "short",
        ask(f"sum(atelier_worker_requests_waiting{THIS})"), steps=((None, GOOD), (20, FAIR), (100, BAD)), empty="0",
    ),
]  # fmt: skip

CALLERS = [
    lines(
        "Requests by status", "200 is well; 4xx are the callers' (429: a limit); 5xx are ours; 499: the caller left.",
        "reqps", ask(per_second("atelier_requests_total", "status", THIS), "{{status}}"), stacked=True,
    ),
    lines(
        "Running by plan", "Requests that were admitted and are not settled yet, by the plan of their tenant.", "short",
        ask(f"sum by (plan) (atelier_requests_running{THIS})", "{{plan}}"), stacked=True,
    ),
    lines(
        "Time to the whole answer", "Of the requests that went well. Above the target for 10 minutes, an alert fires.",
        "s", *(
            ask(quantile(part, "atelier_request_seconds", "service", GOOD_ANSWERS), name)
            for part, name in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
        ), ask(f"max(service:atelier_target_seconds:target{THIS})", "target for 95 %"),
    ),
    lines(
        "Time to the first byte", "When an answer begins: where it is streamed, before it is whole.", "s", *(
            ask(quantile(part, "atelier_first_byte_seconds", "service", GOOD_ANSWERS), name)
            for part, name in ((0.5, "median"), (0.95, "95 %"))
        ),
    ),
    spread(
        "How long answers take", "How many requests took how long; two dark bands are two kinds of requests.",
        f"sum by (le) (increase(atelier_request_seconds_bucket{GOOD_ANSWERS}[$__rate_interval]))", width=8,
    ),
    lines(
        "Refused by limits", "429, by what the limit counts.", "reqps",
        ask(per_second("atelier_limit_refusals_total", "measure", THIS), "{{measure}}"), width=8,
    ),
    lines(
        "Answered from what is kept", "Share of the requests that a kept answer could have served.", "percentunit",
        ask(share(_HITS, _LOOKUPS), "kept answers"), width=8, most=1,
    ),
]  # fmt: skip

UPSTREAMS = [
    lines(
        "Requests by upstream", "Who served; `none`: refused, or answered from what is kept.", "reqps",
        ask(per_second("atelier_requests_total", "upstream", THIS), "{{upstream}}"), width=8, stacked=True,
    ),
    lines(
        "At work", "Requests that upstreams are at work on.", "short",
        ask(f"sum by (upstream) (atelier_upstream_in_flight{THIS})", "{{upstream}}"), width=8,
    ),
    lines(
        "Repeated", "Attempts after one that failed.", "reqps",
        ask(per_second("atelier_upstream_retries_total", "service", THIS), "attempts"), width=8,
    ),
    rows(
        "What probes found", "Upstreams by what the last probe of a gateway found.",
        ask_rows('sum by (upstream, status) (atelier_upstreams{service="$service"}) > 0'), width=12,
        hidden=("Time",), names={"upstream": "Upstream", "status": "State", "Value": "How many"},
    ),
    rows(
        "Circuits", "Closed is well; an open one is asked nothing for a while, since requests to it failed.",
        ask_rows('sum by (tier, state) (atelier_upstream_circuits{service="$service"}) > 0'), width=12,
        hidden=("Time",), names={"tier": "Tier", "state": "State", "Value": "How many"},
    ),
]  # fmt: skip

WORKERS = [
    lines(
        "Running and waiting", "At the workers, by the plan of the tenants.", "short",
        ask(f"sum by (plan) (atelier_worker_requests_running{THIS})", "running: {{plan}}"),
        ask(f"sum by (plan) (atelier_worker_requests_waiting{THIS})", "waiting: {{plan}}"), stacked=True,
    ),
    lines(
        "Wait in the queue", "From a request's arrival at a worker to its start; an alert fires at 30 s.", "s", *(
            ask(quantile(part, "atelier_worker_queue_seconds", "service", THIS), name)
            for part, name in ((0.5, "median"), (0.95, "95 %"))
        ), steps=((None, GOOD), (30, BAD)),
    ),
    lines(
        "Time at the model (mean)", "From a request's start to its end, by model.", "s",
        ask(mean("atelier_worker_run_seconds", "model", THIS), "{{model}}"),
    ),
    lines(
        "How requests ended", "`overloaded`: the queue was full; `cancelled`: the caller left.", "reqps",
        ask(per_second("atelier_worker_runs_total", "outcome", THIS), "{{outcome}}"), stacked=True,
    ),
]  # fmt: skip


def service() -> Dashboard:
    known = QueryVariable("service").label("Service").datasource(PROMETHEUS).sort(VariableSort.ALPHABETICAL_ASC)
    known.query({"query": "label_values(atelier_service_up, service)", "refId": "service"})
    known.refresh(VariableRefresh.ON_DASHBOARD_LOAD)
    known.current(VariableOption(text="text-to-image", value="text-to-image", selected=True))
    sections = [
        ("$service", NOW),
        ("What callers see", CALLERS),
        ("Who serves", UPSTREAMS),
        ("At the workers", WORKERS),
    ]
    return board("Atelier: one service", "atelier-service", "One service, from callers to models.", sections, [known])
