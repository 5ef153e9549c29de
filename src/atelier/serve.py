"""`atelier serve`: the gateway and the workers as supervised child processes of one command."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import aiohttp
from pydantic_core import from_json, to_json

from atelier.catalog import SERVICES, processes
from atelier.ports import check_free
from atelier.run import SUPERVISED
from atelier.settings import Settings, SettingsProblem

LOOPBACK = "127.0.0.1"
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 30.0
STEADY_SECONDS = 60.0
"""A child that ran so long is steady: its next crash waits the first wait again."""

STOP_SECONDS = 10.0
MOST_LOG_BYTES = 10_000_000
WORKER_NICENESS = 10
"""Workers step back for the gateway, which must answer while every one of them is busy."""


@dataclass
class ChildState:
    """What /health shows of a process. restarts: how often it had to be started again."""

    state: Literal["starting", "running", "restarting", "stopped"] = "starting"
    restarts: int = 0
    pid: int | None = None
    last_exit: int | None = None
    next_start_in: float | None = None


@dataclass(eq=False)
class Child:
    """One supervised process. services: what it serves; empty for the gateway."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    services: Sequence[str] = ()
    niceness: int = 0
    state: ChildState = field(default_factory=ChildState)
    process: asyncio.subprocess.Process | None = None


class Supervisor:
    """Keeps its children running until it is told to stop."""

    def __init__(self, children: Sequence[Child], home: Path) -> None:
        self.children = children
        self._home = home
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Returns when stopped, with every child ended."""
        await asyncio.gather(*(self._keep(child) for child in self.children))

    async def _keep(self, child: Child) -> None:
        wait = FIRST_WAIT_SECONDS
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                await self._start(child)
                await self._until_exit_or_stop(child)
            except OSError as problem:  # no memory, no process, no disk: as if it had ended at once
                say(f"{child.name} could not be started: {problem.strerror}")
            if self._stopping.is_set():
                break
            if time.monotonic() - started > STEADY_SECONDS:
                wait = FIRST_WAIT_SECONDS
            await self._pause(child, wait)
            wait = min(LONGEST_WAIT_SECONDS, wait * 2)
        await self._end(child)

    async def _start(self, child: Child) -> None:
        with self._open_log(child) as log:
            child.process = await asyncio.create_subprocess_exec(
                *child.command,
                stdin=subprocess.PIPE,  # its end tells the child that we are gone
                stdout=log,
                stderr=log,
                env={**child.environment, SUPERVISED: "1"},
                start_new_session=True,  # Ctrl-C reaches us alone, and we end the children in order
            )
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.process.pid, child.niceness)
        child.state.state, child.state.pid, child.state.next_start_in = "running", child.process.pid, None
        self._publish()

    async def _until_exit_or_stop(self, child: Child) -> None:
        assert child.process is not None
        waits = [asyncio.ensure_future(child.process.wait()), asyncio.ensure_future(self._stopping.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

    async def _pause(self, child: Child, seconds: float) -> None:
        ended = child.process.returncode if child.process else None
        child.state.state, child.state.last_exit = "restarting", ended
        child.state.pid, child.state.next_start_in = None, seconds
        child.state.restarts += 1
        self._publish()
        say(f"{child.name} ended (exit {ended}); starting it again in {seconds:.0f} s. "
            f"Its log: {self._log_path(child)}")  # fmt: skip
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _end(self, child: Child) -> None:
        if child.process and child.process.returncode is None:
            child.process.terminate()
            try:
                await asyncio.wait_for(child.process.wait(), STOP_SECONDS)
            except TimeoutError:
                child.process.kill()
                await child.process.wait()
        child.state.state, child.state.pid = "stopped", None
        self._publish()

    def _publish(self) -> None:
        """Write how every service's process is, whole or not at all: the gateway reads it."""
        states = {service: asdict(child.state) for child in self.children for service in child.services}
        part = processes_file(self._home).with_suffix(".part")
        with contextlib.suppress(OSError):  # a full disk must not end what runs
            part.write_bytes(to_json(states))
            part.replace(processes_file(self._home))

    def _log_path(self, child: Child) -> Path:
        return self._home / "logs" / f"{child.name}.log"

    def _open_log(self, child: Child) -> BinaryIO:
        path = self._log_path(child)
        if path.exists() and path.stat().st_size > MOST_LOG_BYTES:
            path.replace(path.with_suffix(".old.log"))
        return path.open("ab")


def processes_file(home: Path) -> Path:
    return home / "run" / "processes.json"


_SECRETS = {"JWT_SECRET", "JWT_SECRET_PREVIOUS"}


def children_of(settings: Settings, secret: str) -> list[Child]:
    """The gateway, and one worker for each process of the catalog.

    Workers ask nobody for credentials: whatever address the gateway listens on, they stay on loopback, and the
    secret is not for them.
    """
    atelier = [sys.executable, "-m", "atelier"]
    shared = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    shared["ATELIER_HOME"] = str(settings.home)
    inside = shared | {"ATELIER_HOST": LOOPBACK}
    gateway = Child(
        "gateway",
        [*atelier, "gateway", "--processes", str(processes_file(settings.home))],
        shared | {"JWT_SECRET": secret} | _previous(settings),
    )
    workers = [
        Child(
            name,
            [*atelier, "worker", *(service.name for service in hosted)],
            inside,
            services=[service.name for service in hosted],
            niceness=WORKER_NICENESS,
        )
        for name, hosted in processes().items()
    ]
    return [gateway, *workers]


def _previous(settings: Settings) -> dict[str, str]:
    previous = settings.previous_secret()
    return {"JWT_SECRET_PREVIOUS": previous} if previous else {}


def check_models(settings: Settings) -> None:
    """Raises SettingsProblem for a model that no worker could find: now, and not in the workers again and again."""
    from atelier.models.catalog import plans

    if settings.model_name:
        raise SettingsProblem(
            "MODEL_NAME: names the model of one worker, and this starts them all. Use ATELIER_MODELS, such as "
            f"""'{{"speech-to-text": "{settings.model_name}"}}'."""
        )
    for hosted in processes().values():
        plans(settings, [service.name for service in hosted])


def check_ports(settings: Settings) -> None:
    """Raises SettingsProblem naming the first port that is in use."""
    check_free(settings.host, settings.gateway_port(), "gateway")
    for service in SERVICES:
        check_free(LOOPBACK, settings.worker_port(service), service)


Announce = Callable[[float, Sequence[str]], None]
"""(seconds since the start, what could not be brought up in sentences)"""


def serve(settings: Settings, secret: str, announce: Announce, *, tenant: str) -> None:
    """Run until Ctrl-C or SIGTERM, with `tenant` there from the start.

    `announce` is called once every service is up, or has said why it cannot be.
    """
    from atelier.state.redis_reach import prepare_redis

    check_models(settings)
    check_ports(settings)
    prepare_tenant(settings, tenant)
    prepare_redis(settings, say)
    asyncio.run(_serve(settings, secret, announce))


def prepare_tenant(settings: Settings, tenant: str) -> None:
    """The tables, and a tenant that every token printed here can name. Raises SettingsProblem."""
    asyncio.run(_prepare_tenant(settings, tenant))


async def _prepare_tenant(settings: Settings, tenant: str) -> None:
    from atelier.state.database import open_database
    from atelier.state.tenants import ensure_tenant

    database = await open_database(settings.database_location())
    try:
        async with database.begin() as connection:
            await ensure_tenant(connection, tenant)
    finally:
        await database.dispose()


async def _serve(settings: Settings, secret: str, announce: Announce) -> None:
    supervisor = Supervisor(children_of(settings, secret), settings.home)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop)
    watch = asyncio.create_task(_announce_when_up(settings, announce))
    try:
        await supervisor.run()
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)


async def _announce_when_up(settings: Settings, announce: Announce) -> None:
    started, told = time.monotonic(), False
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while True:
            services = await _services(session, f"{settings.gateway_url()}/health")
            late = [name for name, service in services.items() if service["status"] != "healthy"]
            problems = {name: _problems(services[name]) for name in late}
            if services and all(problems.values()):
                announce(time.monotonic() - started, [f"{name}: {said}" for name, said in problems.items()])
                return
            if not told and time.monotonic() - started > 20:
                told = True
                say(f"Still waiting for {', '.join(late) or 'the gateway'}; see the logs in {settings.home / 'logs'}.")
            await asyncio.sleep(0.25)


async def _services(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """What /health says of each service; nothing while the gateway does not answer."""
    try:
        async with session.get(url) as response:
            services: dict[str, Any] = from_json(await response.read())["services"]
            return services
    except (aiohttp.ClientError, TimeoutError, ValueError, KeyError):
        return {}


def _problems(service: Mapping[str, Any]) -> str:
    """Why a service will not come up by waiting; empty while a model of it is still loading."""
    if any(model["state"] in {"waiting", "loading"} for model in service["models"]):
        return ""
    return "; ".join(model["problem"] for model in service["models"] if "problem" in model)


def say(text: str) -> None:
    """A line for the person at the terminal."""
    with contextlib.suppress(OSError):  # the terminal may be gone; what runs goes on
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
