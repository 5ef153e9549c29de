"""Every question of the dashboards and of the alerts, to a real Prometheus and PostgreSQL that watch a real gateway."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from atelier.catalog import SERVICES
from atelier.gateway.auth import make_token
from gateway_process import GatewayProcess
from ports import free_offset
from postgres_server import Postgres
from prometheus_server import DEPLOYED, ROOT, Prometheus, program, running_prometheus
from redis_server import Redis
from running_gateway import NOWHERE, SECRET
from servers import running, until

SERVICE = "text-to-speech"
LIMITS = [{"requests": 100_000, "per": "hour"}, {"requests": 2, "per": "hour", "tenant": "small"}]
TOKEN = "a-token-for-prometheus-and-nobody-else"
BOARDS = {file.stem: json.loads(file.read_text()) for file in (ROOT / "deploy/grafana/dashboards").glob("*.json")}

EMPTY = {
    # There is no NVIDIA GPU here.
    "GPU memory", "GPU at work", "GPU temperature",
    # Alerts wait for minutes before they fire.
    "Alerts that fire",
}  # fmt: skip
"""The panels that may show nothing."""


@dataclass(frozen=True)
class Question:
    board: str
    panel: str
    words: str
    kind: str

    def __str__(self) -> str:
        return f"{self.board}: {self.panel}"


def questions(kind: str) -> list[Question]:
    """Of one kind of data source, over all dashboards."""
    panels = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"] if panel["type"] != "row"]
    asked = [
        Question(name, panel["title"], target.get("expr") or target["rawSql"], target["datasource"]["type"])
        for name, panel in panels
        for target in panel["targets"]
    ]
    return [question for question in asked if question.kind == kind]


class Flawed:
    """An upstream that says it is well, and serves nothing; its first request takes a while, so that it is seen."""

    def __init__(self) -> None:
        self._patience = 1.5

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if scope["type"] != "http":
            return
        well = scope["path"] == "/health"
        body = json.dumps({"status": "healthy", "services": [SERVICE], "models": []} if well else {}).encode()
        if not well:
            await asyncio.sleep(self._patience)
            self._patience = 0.0
        await send({"type": "http.response.start", "status": 200 if well else 502, "headers": []})
        await send({"type": "http.response.body", "body": body})


@contextmanager
def speaking_worker(home: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real worker process; its address."""
    offset = free_offset()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ATELIER_")}
    environment |= {"ATELIER_HOME": str(home), "ATELIER_PORT_OFFSET": str(offset), "ATELIER_METRICS_TOKEN": TOKEN}
    environment |= {"PYTHONPATH": str(ROOT / "src"), "ATELIER_IDLE_MINUTES": "0.03"}
    home.mkdir()
    with (home / "log").open("wb") as log:
        command = [sys.executable, "-m", "atelier", "worker", SERVICE]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=home)
    try:
        yield f"127.0.0.1:{SERVICES[SERVICE].port + offset}", process
    finally:
        process.kill()
        process.wait(timeout=20)


@dataclass
class Watched:
    gateway: GatewayProcess
    worker: subprocess.Popen[bytes]
    prometheus: Prometheus
    postgres: Postgres
    database: str
    addresses: tuple[str, ...]
    client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=30))

    def speak(self, text: str, tenant: str = "acme") -> int:
        return self.post("/v1/audio/speech", {"input": text, "response_format": "pcm"}, tenant)

    def post(self, path: str, body: dict[str, Any], tenant: str = "acme") -> int:
        headers = {"authorization": f"Bearer {make_token(SECRET, tenant, seconds=600)}"}
        return self.client.post(self.gateway.url + path, json=body, headers=headers).status_code

    def traffic(self, seconds: float) -> None:
        """Of every kind: served, from what is kept, refused by a limit, failed, and served by another upstream."""
        end = time.monotonic() + seconds
        for count in itertools.count():
            self.speak(f"This is sentence number {count}.")
            self.speak("This one is always the same.", "keeps")
            self.speak("This one is too much.", "small")
            self.post("/v1/images/generations", {"prompt": "a red circle"})
            if time.monotonic() > end:
                return


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, redis: Redis, migrated: str
) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    database = postgres.new_database(like=migrated)
    postgres.ask(database, (ROOT / "deploy/grafana/reader.sql").read_text())
    postgres.ask(database, """INSERT INTO "Tenant" (id, name, plan) VALUES ('keeps', 'Keeper', 'pro')""")
    with ExitStack() as stack:
        address, worker = stack.enter_context(speaking_worker(folder / "worker"))
        flawed = stack.enter_context(running(Flawed()))
        upstreams = {name: [NOWHERE] for name in SERVICES} | {SERVICE: [f"http://{address}", flawed]}
        settings = {
            "JWT_SECRET": SECRET,
            "DATABASE_URL": database,
            "REDIS_URL": redis.url,
            "ATELIER_REDIS_PREFIX": redis.new_prefix(),
            "ATELIER_METRICS_TOKEN": TOKEN,
            "ATELIER_UPSTREAMS": json.dumps(upstreams),
            "ATELIER_PLANS": json.dumps({"pro": {"cache": True}}),
            "ATELIER_LIMITS": json.dumps(LIMITS),
            "ATELIER_PRICES": json.dumps({SERVICE: {"character": 0.001}}),
        }
        gateway = GatewayProcess(folder / "gateway", settings)
        stack.callback(gateway.stop)
        gateway.start()
        targets = {"gateway": {"ai-gateway": gateway.url.removeprefix("http://")}, "workers": {SERVICE: address}}
        (folder / "prometheus").mkdir()
        prometheus = stack.enter_context(running_prometheus(folder / "prometheus", targets, TOKEN))
        found = Watched(gateway, worker, prometheus, postgres, database, (gateway.url, f"http://{address}"))
        until(lambda: gateway.says(b"espeak"), seconds=60)
        found.traffic(seconds=3)
        until(lambda: bool(prometheus.ask("atelier_worker_model_evictions_total")))
        found.traffic(seconds=3)
        yield found


def test_everything_that_is_scraped_is_up_and_knows_its_host(watched: Watched) -> None:
    def hosts() -> dict[str, str]:
        return {series["metric"]["host"]: series["value"][1] for series in watched.prometheus.ask("up")}

    # A scrape that takes over a second counts as none, and takes what was told before along until the next.
    until(lambda: hosts() == {"ai-gateway": "1", SERVICE: "1"})


def test_metrics_are_named_as_prometheus_wants(watched: Watched) -> None:
    for at in watched.addresses:
        text = watched.client.get(f"{at}/metrics", headers={"authorization": f"Bearer {TOKEN}"}).text
        assert text.count("# TYPE atelier_") > 10
        linted = subprocess.run(
            [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
        )
        assert not linted.returncode, linted.stderr


@pytest.mark.parametrize("question", questions("prometheus"), ids=str)
def test_a_panels_expression_has_data(watched: Watched, question: Question) -> None:
    expression = question.words.replace("$__rate_interval", "30s").replace("$service", SERVICE)
    until(lambda: bool(watched.prometheus.ask(expression)) or question.panel in EMPTY)


@pytest.mark.parametrize("tenants", ["'acme','small'", 'SELECT id FROM "Tenant"'], ids=["chosen", "all"])
@pytest.mark.parametrize("question", questions("grafana-postgresql-datasource"), ids=str)
def test_a_panels_statement_has_rows_for_grafanas_role(watched: Watched, question: Question, tenants: str) -> None:
    rows = watched.postgres.ask(
        watched.database, f"SET ROLE atelier_grafana; {as_grafana_asks(question.words, tenants)}"
    )
    assert rows, question.words


def test_grafanas_role_reads_no_keys_and_writes_nothing(watched: Watched) -> None:
    for statement in ('SELECT * FROM "ApiKey"', 'SELECT "userId" FROM "AIUsage"', 'DELETE FROM "AIUsage"'):
        with pytest.raises(subprocess.CalledProcessError):
            watched.postgres.ask(watched.database, f"SET ROLE atelier_grafana; {statement}")


def test_variables_offer_what_there_is(watched: Watched) -> None:
    (service,) = BOARDS["service"]["templating"]["list"]
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", service["query"]["query"]).groups()  # type: ignore[union-attr]
    until(lambda: {series["metric"][label] for series in watched.prometheus.ask(metric)} == set(SERVICES))
    (tenant,) = BOARDS["tenants"]["templating"]["list"]
    rows = watched.postgres.ask(watched.database, f"SET ROLE atelier_grafana; {tenant['query']}")
    assert ["Keeper (keeps)", "keeps"] in rows


def test_rules_run_and_alert_where_a_worker_and_a_service_are_gone(watched: Watched) -> None:
    assert all(rule["health"] == "ok" for rule in watched.prometheus.rules())
    watched.worker.send_signal(signal.SIGSTOP)  # as if its machine were gone
    try:
        until(lambda: {("InstanceDown", SERVICE), ("ServiceDown", "text-to-image")} <= alerts(watched), seconds=120)
    finally:
        watched.worker.send_signal(signal.SIGCONT)


def alerts(watched: Watched) -> set[tuple[str, str]]:
    found = [series["metric"] for series in watched.prometheus.ask("ALERTS")]
    return {(alert["alertname"], alert.get("service") or alert.get("host", "")) for alert in found}


def as_grafana_asks(statement: str, tenants: str) -> str:
    """What Grafana makes of its macros and of the dashboard's variable."""
    shown = r"\1 BETWEEN now() - interval '30 days' AND now() + interval '1 day'"
    statement = re.sub(r"\$__timeFilter\(([^)]*)\)", shown, statement)
    grouped = r'floor(extract(epoch FROM \1) / 86400) * 86400 AS "time"'
    statement = re.sub(r"\$__timeGroupAlias\(([^,]*),'1d',0\)", grouped, statement)
    statement = statement.replace("${tenant:sqlstring}", tenants)
    assert "$" not in statement, statement
    return statement


def test_every_metric_that_is_asked_for_is_documented() -> None:
    known = set(re.findall(r"`(atelier_\w+)`", (ROOT / "docs/metrics.md").read_text()))
    rules = (DEPLOYED / "recording.yml").read_text() + (DEPLOYED / "alerts.yml").read_text()
    words = rules + " ".join(question.words for question in questions("prometheus"))
    asked = set(re.findall(r"(?<![:\w])atelier_\w+", words))
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked} <= known


@pytest.mark.parametrize("name", BOARDS)
def test_panels_fill_the_page_and_lie_on_no_other(name: str) -> None:
    places = [panel["gridPos"] for panel in BOARDS[name]["panels"]]
    cells = [
        (x, y) for at in places for x, y in itertools.product(*(range(at[o], at[o] + at[n]) for o, n in ("xw", "yh")))
    ]
    assert len(cells) == len(set(cells))
    assert set(cells) == set(itertools.product(range(24), range(max(y for _, y in cells) + 1)))


def test_panels_say_what_they_show_and_ask_sources_that_are_provisioned() -> None:
    provisioned = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/atelier.yml").read_text())
    sources = {(source["type"], source["uid"]) for source in provisioned["datasources"]}
    for board in BOARDS.values():
        panels = [panel for panel in board["panels"] if panel["type"] != "row"]
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        for panel in panels:
            assert panel["title"]
            assert panel["description"]
            assert {
                (target["datasource"]["type"], target["datasource"]["uid"]) for target in panel["targets"]
            } <= sources


def test_grafanas_environment_is_documented() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", (ROOT / "deploy/grafana/provisioning/datasources/atelier.yml").read_text()))
    assert used <= set(re.findall(r"`(\w+)`", (ROOT / "docs/monitoring.md").read_text()))
