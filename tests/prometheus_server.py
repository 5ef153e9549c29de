"""A real Prometheus on loopback for tests, with the rules of deploy/prometheus; it asks each second."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from ports import free_port
from servers import until

ROOT = Path(__file__).resolve().parents[1]
DEPLOYED = ROOT / "deploy" / "prometheus"

Targets = Mapping[str, Mapping[str, str]]
"""By the name of a job: what a host is called there → its address here."""


class Prometheus:
    """What a running one says."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=f"{url}/api/v1/", timeout=20)

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """The series that it has now; NaN, which Grafana draws as nothing, is left out. Raises AssertionError."""
        return [series for series in self._get("query", query=expression)["result"] if series["value"][1] != "NaN"]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, as it went the last time."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def _get(self, path: str, **asked: Any) -> Any:
        answer = self._client.get(path, params=asked).json()
        assert answer["status"] == "success", f"{asked}: {answer}"
        return answer["data"]


@contextmanager
def running_prometheus(folder: Path, targets: Targets, token: str) -> Iterator[Prometheus]:
    """With the settings of deploy/prometheus, but for where things are and how often it asks."""
    (folder / "token").write_text(token)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(_settings(folder, targets)))
    address = f"127.0.0.1:{free_port()}"
    command = [
        str(program("prometheus")), f"--config.file={folder / 'prometheus.yml'}", f"--web.listen-address={address}",
        f"--storage.tsdb.path={folder / 'data'}", "--log.level=warn",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is not None or _is_ready(address))
        assert process.poll() is None, (folder / "log").read_text()
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(timeout=20)


def program(name: str) -> Path:
    """`make test-setup` unpacks Debian's below build/, where there is none."""
    found = shutil.which(name) or ROOT / "build" / "prometheus" / "usr" / "bin" / name
    assert Path(found).exists(), f"{name} is missing: make test-setup"
    return Path(found)


def _settings(folder: Path, targets: Targets) -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    settings["rule_files"] = [str(DEPLOYED / name) for name in settings["rule_files"]]
    settings["scrape_configs"] = [job for job in settings["scrape_configs"] if job["job_name"] in targets]
    for job in settings["scrape_configs"]:
        _redirect(job, targets[job["job_name"]])
        job["authorization"] = {"credentials_file": str(folder / "token")}
    return settings


def _redirect(job: dict[str, Any], hosts: Mapping[str, str]) -> None:
    """The same hosts, at the addresses that they have here instead of those that DNS would tell."""
    known: Sequence[str] = [name for found in job.pop("dns_sd_configs") for name in found["names"]]
    assert set(hosts) <= set(known), f"{job['job_name']} does not ask {set(hosts) - set(known)}"
    job["static_configs"] = [{"targets": [at], "labels": {"__meta_dns_name": name}} for name, at in hosts.items()]


def _is_ready(address: str) -> bool:
    try:
        return httpx2.get(f"http://{address}/-/ready", timeout=1).status_code == 200
    except httpx2.HTTPError:
        return False
