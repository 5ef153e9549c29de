"""What is measured, side by side on one stand-in: the stand-in itself, plain nginx, this gateway, LiteLLM's proxy."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from processes import answers, peak_megabytes, running
from programs import set_up_litellm, set_up_nginx
from standin import CAPTIONER, PAINTER, free_port

ROOT = Path(__file__).resolve().parents[1]
STATES = ("production", "postgres", "embedded")
"""PostgreSQL and Redis; PostgreSQL alone; neither."""


METRICS_TOKEN = secrets.token_hex(32)


@dataclass
class Contender:
    """url: where it answers. pids: its processes; with_it: those of the servers that it keeps its state in.

    rows: how many usage records there are. seconds_each: what a request takes of it under load, once that is known.
    """

    name: str
    url: str
    pids: tuple[int, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    with_it: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    rows: Callable[[], int] | None = None
    seconds_each: float = 0.0

    def peak_megabytes(self) -> float:
        return peak_megabytes(self.pids)


@contextmanager
def standin(folder: Path) -> Iterator[Contender]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [sys.executable, ROOT / "bench" / "standin.py", "--port", str(port)]
    with running(command, ready=lambda: answers(f"{url}/health"), log=folder / "standin.log") as pid:
        yield Contender("direct", url, (pid,))


@contextmanager
def nginx(upstream: str, folder: Path, *, asks: bool = False) -> Iterator[Contender]:
    """A plain reverse proxy of one worker process that keeps its connections to the upstream.

    asks: before each request it asks another server whether it may, as who admits must: the stand-in, which says yes.
    """
    program, port = set_up_nginx(), free_port()
    name = "nginx asking" if asks else "nginx"
    folder = folder / name.replace(" ", "-")
    folder.mkdir()
    config = folder / "nginx.conf"
    server = upstream.removeprefix("http://")
    config.write_text(_NGINX.format(folder=folder, port=port, upstream=server, asks=_ASKS if asks else ""))
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [program.path, "-p", folder, "-c", config, "-e", folder / "nginx.log"]
    with running(command, ready=lambda: answers(f"{url}/health"), log=folder / "nginx.out", env=program.env) as pid:
        yield Contender(name, url, (pid,))


_NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    keepalive_requests 100000000;
    client_max_body_size 100m;
    upstream standin {{
        server {upstream};
        keepalive 512;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        location / {{
            proxy_pass http://standin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            {asks}
        }}
        location = /may {{
            internal;
            proxy_pass http://standin/may;
            proxy_http_version 1.1;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
        }}
    }}
}}
"""

_ASKS = "auth_request /may;"


@contextmanager
def gateway(
    upstream: str,
    folder: Path,
    *,
    state: str = "production",
    processes: int = 1,
    flips: Path | None = None,
    under: Sequence[str | Path] = (),
) -> Iterator[Contender]:
    """`atelier gateway` of this checkout: tokens, limits, metering and metrics on.

    flips: see flipping.py. under: a program that runs it, and that program's options.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    home = Path(tempfile.mkdtemp(prefix="gateway-", dir=folder))
    with ExitStack() as stack:
        servers = _servers(stack, state)
        env = _environment(home, port, upstream, processes) | servers.env | {"BENCH_FLIPS": str(flips)}
        program = ["-m", "atelier"] if flips is None else [str(ROOT / "bench" / "flipping.py")]
        pid = stack.enter_context(
            running(
                [*under, sys.executable, *program, "gateway"],
                ready=lambda: answers(f"{url}/health", f'"{CAPTIONER}"'.encode()),
                log=home / "log",
                env=env,
                seconds=120,
            )
        )
        name = "gateway" if processes == 1 else f"gateway x{processes}"
        yield Contender(name, url, (pid,), {"authorization": f"Bearer {_token(env)}"}, servers.pids, servers.rows)


def _environment(home: Path, port: int, upstream: str, processes: int) -> dict[str, str]:
    (home / "none.toml").touch()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATELIER_")}
    return kept | {
        "PYTHONPATH": str(ROOT / "src"),
        "JWT_SECRET": secrets.token_hex(32),
        "ATELIER_HOME": str(home),
        "ATELIER_PORT": str(port),
        "ATELIER_CONFIG": str(home / "none.toml"),
        "ATELIER_UPSTREAMS": json.dumps(
            {service: [{"url": upstream}] for service in ("image-to-text", "text-to-image")}
        ),
        # A limit that everyone has, and that nobody reaches here.
        "ATELIER_LIMITS": json.dumps([{"requests": 100_000_000, "per": "hour"}]),
        # As with the others: what goes wrong is logged, and not every request.
        "ATELIER_LOG_LEVEL": "warning",
        "ATELIER_METRICS_TOKEN": METRICS_TOKEN,
        "ATELIER_GATEWAYS": str(processes),
        "ATELIER_GATEWAY_PROCESSES": str(processes),
    }


def _token(env: Mapping[str, str]) -> str:
    command = [sys.executable, "-m", "atelier", "token", "--tenant", "bench", "--create-tenant"]
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class _Servers:
    env: dict[str, str] = field(default_factory=dict)
    pids: dict[str, tuple[int, ...]] = field(default_factory=dict)
    rows: Callable[[], int] | None = None


def _servers(stack: ExitStack, state: str) -> _Servers:
    """Real servers from the wheels that the tests use."""
    servers = _Servers()
    if state == "embedded":
        return servers
    sys.path.insert(0, str(ROOT / "tests"))
    from postgres_server import running_postgres

    postgres, servers.pids["postgres"] = _started(stack, running_postgres)
    database = postgres.new_database()
    servers.env["DATABASE_URL"] = database
    servers.rows = lambda: int(postgres.ask(database, 'SELECT count(*) FROM "AIUsage"')[0][0])
    if state == "production":
        from redis_server import running_redis

        redis, servers.pids["redis"] = _started(stack, partial(running_redis, "everysec"))
        servers.env["REDIS_URL"] = redis.url
    return servers


def _started(stack: ExitStack, server: Callable[[], Any]) -> tuple[Any, tuple[int, ...]]:
    """The server, and the process that its start has left behind."""
    before = _children()
    found = stack.enter_context(server())
    return found, tuple(_children() - before)


def _children() -> set[int]:
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


@contextmanager
def litellm(upstream: str, folder: Path) -> Iterator[Contender]:
    """One process with a master key, as its guide for production says, and without a database."""
    program, port, key = set_up_litellm(), free_port(), f"sk-{secrets.token_hex(16)}"
    config = folder / "litellm.yaml"
    config.write_text(json.dumps(_litellm_config(upstream, key)))  # JSON is YAML
    url = f"http://127.0.0.1:{port}"
    env = {
        **program.env,
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "NO_PROXY": "*",
    }
    command: list[str | Path] = [program.path, "--config", config, "--host", "127.0.0.1", "--port", str(port)]
    with running(
        [*command, "--num_workers", "1", "--telemetry", "False"],
        ready=lambda: answers(f"{url}/health/liveliness"),
        log=folder / "litellm.log",
        env=env,
        seconds=180,
    ) as pid:
        yield Contender("litellm", url, (pid,), {"authorization": f"Bearer {key}"})


def _litellm_config(upstream: str, key: str) -> dict[str, object]:
    where = {"api_base": f"{upstream}/v1", "api_key": "none"}
    models = {CAPTIONER: "chat", PAINTER: "image_generation"}
    return {
        "model_list": [
            {"model_name": name, "litellm_params": {"model": f"openai/{name}", **where}, "model_info": {"mode": mode}}
            for name, mode in models.items()
        ],
        "general_settings": {"master_key": key},
        "litellm_settings": {"set_verbose": False, "json_logs": True, "request_timeout": 600, "telemetry": False},
    }
