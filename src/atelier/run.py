"""The two kinds of server process: a worker for some services, and the gateway."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from atelier.awake import WakefulProtocol, usable_cores
from atelier.corked import CorkedProtocol
from atelier.gateway.shared_metrics import forget_process, keep_metrics, share_metrics
from atelier.home import prepare_home
from atelier.ports import BACKLOG, doors, listening
from atelier.settings import Settings, SettingsProblem
from atelier.telemetry import configure_logs
from atelier.tracing import check_tracing, start_tracing

if TYPE_CHECKING:
    from atelier.worker.host import Host

SUPERVISED = "ATELIER_SUPERVISED"
"""Set by `atelier serve`: stdin is a pipe from it, and its end means that the supervisor is gone."""

PROCESSES_FILE = "ATELIER_PROCESSES_FILE"
"""Where the supervisor writes how its processes are, for gateway processes that one of ours starts."""

_GRACE_SECONDS = 5
_GARBAGE_THRESHOLDS = (50_000, 20, 100)
"""A request leaves next to no cycles behind: to look for them every 700 objects takes a twentieth of its time."""
_OFFLINE = {
    # Models come from folders: no library may look for one on the network.
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Start-up without the garbage collector: what is made then stays for good and need never be looked through.

    It takes a fifth off the time that the gateway needs to be there.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*_GARBAGE_THRESHOLDS)
        gc.enable()


def worker_host(
    settings: Settings, services: Sequence[str], *, share: float = 1.0, on_crash: Callable[[], None] | None = None
) -> Host:
    """The inside of a worker. share: how much of its device it may fill. Raises SettingsProblem for absent models."""
    from atelier.machine import SHARE_FOR_MODELS, memory_bytes
    from atelier.models.catalog import plans
    from atelier.worker.host import Host
    from atelier.worker.memory import MemoryRules

    whole = memory_bytes(settings.device) * SHARE_FOR_MODELS * share
    memory = MemoryRules(
        budget=int(settings.memory_gb * 1e9 if settings.memory_gb else whole),
        idle_seconds=settings.idle_minutes * 60 if settings.idle_minutes else None,
        pinned=frozenset(settings.pinned_models),
        preload=settings.preload,
    )
    return Host(
        plans(settings, services),
        aliases=settings.aliases,
        most_waiting=settings.most_waiting,
        seconds=settings.request_seconds,
        memory=memory,
        on_crash=on_crash,
    )


def worker_app(settings: Settings, services: Sequence[str], host: Host) -> ASGIApp:
    """What answers for it."""
    from atelier.worker.app import create_app

    # The gateway may send a file as base64, a third larger than it came.
    return create_app(
        host, services, most_body_bytes=settings.most_body_mb * 1_400_000, metrics_token=settings.metrics_token,
        metrics_port=settings.worker_port(services[0]),
    )  # fmt: skip


@_undisturbed()
def _worker_app(settings: Settings, services: Sequence[str]) -> ASGIApp:
    return worker_app(settings, services, worker_host(settings, services, on_crash=_end_process))


@_undisturbed()
def _gateway_app(settings: Settings, secret: str, processes: Path | None) -> ASGIApp:
    from atelier.gateway.app import create_app

    return create_app(settings, secret, processes=processes)


def run_worker(settings: Settings, services: Sequence[str]) -> None:
    """Serve until stopped. Raises SettingsProblem for ports in use and models that are not there."""
    configure_logs(settings.log_level)
    keep_metrics()
    start_tracing("worker")
    prepare_libraries(settings)
    sockets = [listening(settings.host, settings.worker_port(service), service) for service in services]
    _serve(_worker_app(settings, services), sockets)


def run_gateway(settings: Settings, secret: str, *, processes: Path | None = None) -> None:
    """Serve until stopped. Raises SettingsProblem for a port in use or a back end that cannot be used."""
    configure_logs(settings.log_level)
    keep_metrics()
    check_tracing(os.environ)
    from atelier.gateway.app import check_settings
    from atelier.state.database import prepare_database
    from atelier.state.redis_reach import prepare_redis

    if settings.gateway_processes > 1 and settings.redis_url is None:
        raise SettingsProblem(
            "ATELIER_GATEWAY_PROCESSES: several processes need REDIS_URL: without it each would hold the limits alone"
        )
    prepare_home(settings.home)
    check_settings(settings)
    prepare_database(settings)
    prepare_redis(settings, structlog.get_logger().warning)
    sockets = doors(listening(settings.host, settings.gateway_port(), "gateway"))
    if settings.gateway_processes == 1:
        start_tracing("gateway")
        _serve(_gateway_app(settings, secret, processes), sockets, _gateway_protocol())
        return
    # Only who holds the port may empty the folder.
    share_metrics(settings.home / "run" / f"metrics-{settings.gateway_port()}")
    os.environ[PROCESSES_FILE] = str(processes or "")
    config = _config(
        "atelier.run:gateway_process",
        protocol=_gateway_protocol(),
        factory=True,
        workers=settings.gateway_processes,
    )
    _end_with_supervisor_in_background()
    _GatewayProcesses(config, sockets=sockets).run()


class _GatewayProcesses(Multiprocess):
    """Those that have ended are taken out of the metrics."""

    def init_processes(self) -> None:
        super().init_processes()
        self._seen: set[int | None] = {process.pid for process in self.processes}

    def keep_subprocess_alive(self) -> None:
        """Called twice a second. Some are ended elsewhere, too: by SIGHUP, for instance."""
        super().keep_subprocess_alive()
        running = {process.pid for process in self.processes}
        for pid in self._seen - running:
            if pid is not None:
                forget_process(pid)
        self._seen = running


def gateway_process() -> ASGIApp:
    """The app of one of several gateway processes: what uvicorn calls in each."""
    from atelier.gateway.secret import required_secret
    from atelier.settings import load_settings

    settings = load_settings()
    configure_logs(settings.log_level)
    start_tracing("gateway")
    processes = os.environ.get(PROCESSES_FILE)
    return _gateway_app(settings, required_secret(settings), Path(processes) if processes else None)


def _config(app: ASGIApp | str, *, protocol: type[CorkedProtocol] = CorkedProtocol, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        # Longer than the gateway's pool keeps a connection: it must not send into one that is just being closed.
        timeout_keep_alive=75,
        backlog=BACKLOG,
        # Forwarded headers are believed of a proxy on this machine only.
        proxy_headers=True,
        http=protocol,
        ws="none",
        **more,
    )


def _gateway_protocol() -> type[CorkedProtocol]:
    """With one core, who stays awake keeps Redis and the upstreams from running."""
    return WakefulProtocol if usable_cores() > 1 else CorkedProtocol


def _serve(app: ASGIApp, sockets: list[socket.socket], protocol: type[CorkedProtocol] = CorkedProtocol) -> None:
    _end_with_supervisor_in_background()
    uvicorn.Server(_config(app, protocol=protocol)).run(sockets=sockets)


def _end_with_supervisor_in_background() -> None:
    if os.environ.get(SUPERVISED):
        threading.Thread(target=_end_with_supervisor, daemon=True).start()


def prepare_libraries(settings: Settings) -> None:
    """Before any of them is imported: they read these when they start."""
    threads = settings.threads or max(1, (os.cpu_count() or 2) // 2)
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, str(threads))
    for name, value in _OFFLINE.items():
        os.environ.setdefault(name, value)


def _end_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _end_with_supervisor() -> None:
    """No orphan is left, even where the supervisor was killed without a chance to say so."""
    while os.read(sys.stdin.fileno(), 1):
        continue
    _end_process()
    threading.Event().wait(_GRACE_SECONDS + 5)
    os._exit(1)
