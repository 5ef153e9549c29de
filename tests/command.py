"""The command `atelier` as a process of its own, with a data folder and settings of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SECRET = "c" * 40


class Cli:
    """Runs the command; `environment` are settings for all of its runs."""

    def __init__(self, home: Path, **environment: str) -> None:
        own = ("ATELIER_", "JWT_", "MODEL_", "DATABASE_")
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(own)}
        self.environment |= {"ATELIER_HOME": str(home), "JWT_SECRET": SECRET, **environment}

    def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "atelier", *words]
        return subprocess.run(
            command, env={**self.environment, **environment}, capture_output=True, text=True, check=False, timeout=60
        )

    def said(self, *words: str) -> str:
        """What a run that goes well prints."""
        done = self(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def json(self, *words: str) -> Any:
        return json.loads(self.said(*words, "--json"))
