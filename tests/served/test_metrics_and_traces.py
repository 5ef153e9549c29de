"""A gateway and a worker, each a process of its own: what docs/metrics.md says they tell, and a trace through both."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from atelier.catalog import SERVICES
from atelier.gateway.auth import make_token
from metrics_text import numbers
from ports import PORTS, free_offset
from servers import until
from trace_receiver import Receiver, receiving

ROOT = Path(__file__).resolve().parents[2]
SECRET = "metrics-and-traces-secret-of-forty-characters"
TOKEN = "prometheus-reads-with-this-and-nothing-else"
SPEECH = "/v1/audio/speech"
WORDS = "Nobody else may hear of these words. There are two sentences of them."
PROMPT = {"input": WORDS, "response_format": "wav"}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@dataclass
class Two:
    """A gateway and a worker for text-to-speech."""

    gateway: str
    worker: str
    receiver: Receiver

    def speak(self, **headers: str) -> httpx2.Response:
        token = make_token(SECRET, "a-tenant-of-ours", seconds=60)
        return httpx2.post(
            self.gateway + SPEECH, json=PROMPT, headers={"authorization": f"Bearer {token}", **headers}, timeout=60
        )


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    home, offset = tmp_path_factory.mktemp("told"), free_offset()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATELIER_", "JWT_", "OTEL_"))}
    (home / "none.toml").touch()
    gateway, worker = (f"http://127.0.0.1:{port + offset}" for port in (PORTS[0], SERVICES["text-to-speech"].port))
    with receiving() as receiver:
        env = kept | {
            "PYTHONPATH": str(ROOT / "src"),
            "ATELIER_HOME": str(home),
            "ATELIER_CONFIG": str(home / "none.toml"),
            "ATELIER_PORT_OFFSET": str(offset),
            "ATELIER_METRICS_TOKEN": TOKEN,
            "JWT_SECRET": SECRET,
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with _running(env, "gateway"), _running(env, "worker", "text-to-speech"):
            until(lambda: _serves(gateway), seconds=60)
            yield Two(gateway, worker, receiver)


@contextmanager
def _running(env: dict[str, str], *words: str) -> Iterator[None]:
    log = Path(env["ATELIER_HOME"]) / f"{words[0]}.log"
    with log.open("wb") as written:
        process = subprocess.Popen([sys.executable, "-m", "atelier", *words], env=env, stdout=written, stderr=written)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _serves(gateway: str) -> bool:
    try:
        found = httpx2.get(f"{gateway}/health", timeout=30).json()["services"]["text-to-speech"]["status"]
    except httpx2.HTTPError:
        return False
    return bool(found == "healthy")


ROW = re.compile(r"^\| `(atelier_\w+)` \| (\w+) \|([^|]*)\|", re.MULTILINE)


def documented(part: str) -> dict[str, tuple[str, set[str]]]:
    """Name → type and labels, as a part of the page has them."""
    page = (ROOT / "docs" / "metrics.md").read_text()
    section = page.split(f"\n## {part}\n")[1].split("\n## ")[0]
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(section)}


@pytest.mark.parametrize("part", ["The gateway's", "A worker's"])
def test_the_page_and_the_processes_name_the_same_metrics(two: Two, part: str) -> None:
    assert two.speak().status_code == 200
    wanted = documented(part)
    told = numbers(two.gateway if part == "The gateway's" else two.worker, TOKEN)
    assert told.types == {name: kind for name, (kind, _) in wanted.items()}
    for name, (_, labels) in wanted.items():
        if found := told.labels(name):
            assert found == labels, name


def test_nothing_of_tenants_addresses_or_requests_is_in_the_metrics(two: Two) -> None:
    assert two.speak().status_code == 200
    for told in (numbers(two.gateway, TOKEN), numbers(two.worker, TOKEN)):
        for secret in ("a-tenant-of-ours", "127.0.0.1", "Nobody", SECRET, TOKEN):
            assert secret not in told.text


def test_both_processes_count_the_same_request(two: Two) -> None:
    def counted() -> tuple[float, float]:
        gateway, worker = numbers(two.gateway, TOKEN), numbers(two.worker, TOKEN)
        of_speech = {"service": "text-to-speech"}
        return (
            gateway.sum("atelier_requests_total", status="200", upstream="tier-0", **of_speech),
            worker.sum("atelier_worker_runs_total", outcome="succeeded", **of_speech),
        )

    # A worker's answer leaves before its run has ended: it counts a moment later, also for the tests before.
    until(lambda: len(set(counted())) == 1)
    [before] = set(counted())
    assert two.speak().status_code == 200
    until(lambda: counted() == (before + 1, before + 1))


def test_one_trace_goes_from_the_client_through_the_gateway_and_the_worker_to_the_steps(two: Two) -> None:
    assert two.speak(traceparent=f"00-{TRACE}-{PARENT}-01").status_code == 200
    until(lambda: len(two.receiver.of(TRACE)) >= 6 and len(two.receiver.of(TRACE)[f"POST {SPEECH}"]) == 2)
    spans = two.receiver.of(TRACE)
    assert set(spans) == {f"POST {SPEECH}", "admission", "upstream", "settle", "queue", "run"}
    at_gateway, at_worker = spans[f"POST {SPEECH}"]
    (admission,), (upstream,), (settle,) = spans["admission"], spans["upstream"], spans["settle"]
    (queue,), (run,) = spans["queue"], spans["run"]
    assert at_gateway.parent == PARENT
    assert {admission.parent, upstream.parent, settle.parent} == {at_gateway.id}
    assert at_worker.parent == upstream.id
    assert {queue.parent, run.parent} == {at_worker.id}
    assert {span.process for span in (at_gateway, admission, upstream, settle)} == {"atelier-gateway"}
    assert {span.process for span in (at_worker, queue, run)} == {"atelier-worker"}
    assert queue.started <= queue.ended <= run.ended
    assert upstream.attributes["atelier.upstream"] == at_gateway.attributes["atelier.upstream"] == "tier-0"
    assert at_gateway.attributes["http.response.status_code"] == 200
    assert run.attributes["atelier.steps"] == 2
    assert [(name, told["batch"]) for name, told in run.events] == [("step", 1)] * 2
    assert not any(span.failed for found in spans.values() for span in found)


def test_a_request_without_a_trace_begins_one(two: Two) -> None:
    request_id = two.speak().headers["x-request-id"]
    until(lambda: any(span.attributes.get("atelier.request_id") == request_id for span in two.receiver.spans))


def test_a_caller_may_ask_not_to_be_traced(two: Two) -> None:
    unsampled = "1" * 32
    assert two.speak(traceparent=f"00-{unsampled}-{PARENT}-00").status_code == 200
    last = two.speak().headers["x-request-id"]
    until(lambda: any(span.attributes.get("atelier.request_id") == last for span in two.receiver.spans))
    assert not two.receiver.of(unsampled)


def test_nothing_that_a_caller_sent_is_in_a_trace(two: Two) -> None:
    assert two.speak().status_code == 200
    token = make_token(SECRET, "a-tenant-of-ours", seconds=60)
    wrong = {"input": WORDS, "voice": "no-such-voice-of-mine"}
    refused = httpx2.post(two.gateway + SPEECH, json=wrong, headers={"authorization": f"Bearer {token}"}, timeout=60)
    assert refused.status_code >= 400
    request_id = refused.headers["x-request-id"]
    until(lambda: any(span.attributes.get("atelier.request_id") == request_id for span in two.receiver.spans))
    told = b"".join(two.receiver.bodies)
    for secret in (b"Nobody", b"no-such-voice", b"a-tenant-of-ours", token.encode()):
        assert secret not in told


def test_who_is_refused_is_told_by_the_code_of_the_error(two: Two) -> None:
    refused = httpx2.post(two.gateway + SPEECH, json=PROMPT)
    request_id = refused.headers["x-request-id"]
    until(lambda: any(span.attributes.get("atelier.request_id") == request_id for span in two.receiver.spans))
    (span,) = (span for span in two.receiver.spans if span.attributes.get("atelier.request_id") == request_id)
    assert span.attributes["error.type"] == "unauthenticated"
    assert span.attributes["http.response.status_code"] == 401
