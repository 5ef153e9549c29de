"""The command `atelier`, as a process of its own or in this one, with a data folder and settings of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from atelier.cli import main

SECRET = "c" * 40

_OWN = ("ATELIER_", "JWT_", "MODEL_", "DATABASE_")
"""What settings of this process's begin with: the command's are its own."""


class _Command:
    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        raise NotImplementedError

    def said(self, *words: str) -> str:
        """What a run that goes well prints."""
        done = self(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def json(self, *words: str) -> Any:
        return json.loads(self.said(*words, "--json"))


class CliHere(_Command):
    """Runs the command in this process, which is many times faster."""

    def __init__(self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str], environment: dict[str, str]):
        self._capture = capture
        for name in [name for name in os.environ if name.startswith(_OWN)]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        umask = os.umask(0o022)  # the command sets its own
        self._capture.readouterr()
        try:
            main(words)
            ended: object = 0
        except SystemExit as end:
            ended = end.code
        finally:
            os.umask(umask)
        out, err = self._capture.readouterr()
        if isinstance(ended, str):
            err += ended
        return subprocess.CompletedProcess(words, ended if isinstance(ended, int) else 1, out, err)


class Cli(_Command):
    """Runs the command; `environment` are settings for all of its runs."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(_OWN)}
        self.environment |= {"ATELIER_HOME": str(home), "JWT_SECRET": SECRET, **environment}

    def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "atelier", *words]
        return subprocess.run(
            command, env={**self.environment, **environment}, capture_output=True, text=True, check=False, timeout=60
        )
