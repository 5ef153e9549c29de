"""Load put on a server, and what came of it: wrk for requests, a plain socket for streams."""

from __future__ import annotations

import json
import re
import resource
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from contenders import Contender
from processes import cpu_seconds, machine_busy_seconds
from programs import set_up_wrk
from standin import EVENTS


@dataclass(frozen=True)
class Call:
    """A POST that is sent again and again."""

    path: str
    body: str


@dataclass
class Run:
    """What one round of load came to. Latencies in milliseconds; cost: microseconds of processor time per request."""

    connections: int
    per_second: float
    median: float
    p99: float
    refused: int
    broken: int
    answered: int
    cost: dict[str, float] = field(default_factory=dict)
    others: float = 0.0
    """Cores that the rest of the machine kept busy meanwhile."""


def load(
    contender: Contender,
    call: Call,
    *,
    connections: int,
    seconds: float,
    standin: Contender,
    think_ms: float = 0,
) -> Run:
    """`connections` that each ask again as soon as they are answered, or so much later on average."""
    groups = {contender.name: contender.pids, "standin": standin.pids, **contender.with_it}
    before = {name: cpu_seconds(pids) for name, pids in groups.items()}
    busy, own, began = machine_busy_seconds(), _children_seconds(), time.monotonic()
    run = _wrk(contender, call, connections, seconds, think_ms)
    took = time.monotonic() - began
    used = {name: cpu_seconds(pids) - before[name] for name, pids in groups.items()}
    used["wrk"] = _children_seconds() - own
    asked = max(1, run.answered + run.refused)
    run.cost = {name: 1e6 * spent / asked for name, spent in used.items()}
    run.others = max(0.0, (machine_busy_seconds() - busy - sum(used.values())) / took)
    return run


def _wrk(contender: Contender, call: Call, connections: int, seconds: float, think_ms: float) -> Run:
    program = set_up_wrk()
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_script(call, contender.headers, think_ms))
        script.flush()
        command = [
            str(program.path),
            "-t1",
            f"-c{connections}",
            f"-d{seconds:.0f}s",
            "--timeout=30s",
            "-s",
            script.name,
        ]
        printed = subprocess.run(
            [*command, contender.url + call.path], env=program.env, check=True, capture_output=True, text=True
        ).stdout
    told = json.loads(printed[printed.index("{") :])
    return Run(connections=connections, **told)


def _script(call: Call, headers: Mapping[str, str], think_ms: float) -> str:
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{call.body}]==]"]
    for name, value in {"content-type": "application/json", **headers}.items():
        lines.append(f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}")
    if think_ms:
        lines.append(f"function delay() return math.random(0, {round(2 * think_ms)}) end")
    return "\n".join(lines) + _REPORT


_REPORT = """
function done(summary, latency, requests)
  local seconds, errors = summary.duration / 1e6, summary.errors
  local good = summary.requests - errors.status
  io.write(string.format(
    '{"per_second": %f, "median": %f, "p99": %f, "refused": %d, "broken": %d, "answered": %d}',
    good / seconds, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, good))
end
"""


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ask(contender: Contender, call: Call) -> bytes:
    """One answer, as it comes over the wire."""
    with _connection(contender) as connection:
        connection.sendall(_request(contender, call))
        answer = b""
        while received := connection.recv(1 << 20):
            answer += received
        return answer


@dataclass
class Stream:
    """How late the events of one stream came, in milliseconds after the stand-in had sent them."""

    first: float
    median: float
    events: int


def stream(contender: Contender, call: Call) -> Stream:
    """One stream, read as it comes."""
    late: list[float] = []
    answer = b""
    with _connection(contender) as connection:
        connection.sendall(_request(contender, call))
        while received := connection.recv(1 << 16):
            now = time.monotonic_ns()
            answer += received
            sent = [int(moment) for moment in _SENT.findall(answer)]
            late += [(now - moment) / 1e6 for moment in sent[len(late) :]]
    if len(late) != EVENTS:
        raise ValueError(f"{contender.name} passed on {len(late)} of {EVENTS} events: {answer[:500]!r}")
    return Stream(late[0], statistics.median(late), len(late))


_SENT = re.compile(rb'"content":\s*"(\d+) "')


def _connection(contender: Contender) -> socket.socket:
    where = urlsplit(contender.url)
    connection = socket.create_connection((where.hostname, where.port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _request(contender: Contender, call: Call) -> bytes:
    headers = {"host": "bench", "content-type": "application/json", "connection": "close", **contender.headers}
    headers["content-length"] = str(len(call.body))
    lines = [f"POST {call.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return ("\r\n".join(lines) + call.body).encode()
