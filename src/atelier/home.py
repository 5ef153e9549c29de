"""The data folder: made where it is missing, closed to other users, and checked before anything is started."""

from __future__ import annotations

import os
from pathlib import Path

from atelier.settings import SettingsProblem

PARTS = ("logs", "run", "models", "artifacts")


def prepare_home(home: Path) -> None:
    """Raises SettingsProblem where the folder cannot be made or written."""
    try:
        if not home.exists():
            home.mkdir(parents=True, mode=0o700)
        for part in PARTS:
            (home / part).mkdir(exist_ok=True, mode=0o700)
        probe = home / "run" / f"writable-{os.getpid()}"  # others may look at the same moment
        probe.write_text("")
        probe.unlink()
    except OSError as problem:
        raise SettingsProblem(
            f"The data folder {home} cannot be written ({problem.strerror}). "
            "Set ATELIER_HOME to a folder of yours, or give this user the right to write there."
        ) from None
