"""A gateway as a process of its own, with real servers behind it: it can be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from ports import free_port, is_free

ROOT = Path(__file__).resolve().parents[1]

WARM_SECONDS = 0.5
"""Of computing, after which a gateway that listens has loaded what it loads when it is first used."""


class GatewayProcess:
    """`start` and `stop` as often as wanted. env: what its settings are read from, beside home and port."""

    def __init__(self, home: Path, env: dict[str, str]) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ATELIER_")}
        own = {"ATELIER_HOME": str(home), "ATELIER_PORT": str(self._port), "ATELIER_CONFIG": str(home / "none.toml")}
        self._env = kept | {"PYTHONPATH": str(ROOT / "src")} | own | env
        self._process: subprocess.Popen[bytes] | None = None
        self._first_mb = self._cold_seconds = 0.0
        self.growth_mb = 0.0

    @property
    def pid(self) -> int | None:
        return self._process and self._process.pid

    def start(self) -> None:
        self.home.mkdir(exist_ok=True, parents=True)
        (self.home / "none.toml").touch()
        self._first_mb = self._cold_seconds = 0.0
        with (self.home / "log").open("ab") as log:
            command = [sys.executable, "-m", "atelier", "gateway"]
            self._process = subprocess.Popen(command, env=self._env, stdout=log, stderr=log, cwd=self.home)

    def stop(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
            self._process = None

    def says(self, wanted: bytes) -> bool:
        """Whether /health answers with `wanted` in it: the name of a model, say."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=2) as answer:
                return wanted in answer.read()
        except urllib.error.HTTPError as problem:  # an unhealthy gateway says how it is, too
            return wanted in problem.read()
        except (urllib.error.URLError, OSError):
            return False

    def look_at_memory(self) -> None:
        """Compares with the first look once the process has been at work for a while."""
        if self._process is None or is_free(self._port):
            return
        folder = Path(f"/proc/{self._process.pid}")
        times = (folder / "stat").read_text().rpartition(")")[2].split()
        computed = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
        self._cold_seconds = self._cold_seconds or computed
        if computed - self._cold_seconds < WARM_SECONDS:
            return
        status = (folder / "status").read_text()
        now = next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))
        self._first_mb = self._first_mb or now
        self.growth_mb = max(self.growth_mb, now - self._first_mb)
