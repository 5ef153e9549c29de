"""Metrics of several gateway processes on one port: each writes its own to files, and each tells the sum of all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The library looks for it when it is imported; without it numbers are kept in memory, which is quicker."""


def keep_metrics() -> None:
    """Before the library is imported: whatever the environment says, this process keeps its metrics to itself."""
    os.environ.pop(FOLDER, None)


def share_metrics(folder: Path) -> None:
    """The processes that are started from now on share `folder`, which is theirs alone, and emptied. Raises OSError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    os.environ[FOLDER] = str(folder)


def forget_process(pid: int) -> None:
    """One of them has ended: how things stood with it is dropped. What it counted stays: a sum may never fall."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid, os.environ[FOLDER])  # type: ignore[no-untyped-call]
