"""Programs that the gateway is measured with, fetched once into build/bench/: nothing is installed on the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(__file__).resolve().parents[1] / "build" / "bench"

_LIBRARIES = BUILD / "debian" / "usr" / "lib" / "x86_64-linux-gnu"


@dataclass(frozen=True)
class Program:
    """A program and the environment that it needs."""

    path: Path
    env: Mapping[str, str]


def set_up_wrk() -> Program:
    """The load generator (https://github.com/wg/wrk)."""
    return _from_debian("usr/bin/wrk", "wrk", "libluajit-5.1-2")


def set_up_nginx() -> Program:
    return _from_debian("usr/sbin/nginx", "nginx")


def set_up_litellm() -> Program:
    """LiteLLM's proxy (https://docs.litellm.ai/docs/proxy/prod)."""
    return _from_pypi("litellm", "litellm[proxy]==1.106.2")


def set_up_py_spy() -> Program:
    """The sampling profiler (https://github.com/benfred/py-spy)."""
    return _from_pypi("py-spy", "py-spy==0.4.3")


def set_up_valgrind() -> Program:
    """Runs a program on a processor of its own making, and counts (https://valgrind.org)."""
    program = _from_debian("usr/bin/valgrind", "valgrind")
    return Program(
        program.path, {**program.env, "VALGRIND_LIB": str(BUILD / "debian" / "usr" / "libexec" / "valgrind")}
    )


def _from_pypi(program: str, requirement: str) -> Program:
    """In an environment of its own, so that its libraries stay apart from ours."""
    home = BUILD / program
    path = home / "bin" / program
    if not path.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin" / "pip", "install", "--quiet", requirement], check=True)
    return Program(path, dict(os.environ))


def _from_debian(program: str, *packages: str) -> Program:
    path = BUILD / "debian" / program
    if not path.exists():
        folder = BUILD / "packages"
        folder.mkdir(parents=True, exist_ok=True)
        _download(packages, folder)
        for name in packages:
            for package in folder.glob(f"{name}_*.deb"):
                subprocess.run(["dpkg", "-x", package, BUILD / "debian"], check=True)
    return Program(path, {**os.environ, "LD_LIBRARY_PATH": str(_LIBRARIES)})


def _download(packages: tuple[str, ...], folder: Path) -> None:
    """The package lists are fetched first only where those that are here are out of date."""
    command = ["apt-get", "download", *packages]
    if subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode:
        subprocess.run(["apt-get", "update"], check=True, capture_output=True)
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
