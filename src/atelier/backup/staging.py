"""The folder in which an archive is put together or taken apart: in the data folder, and gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "archive-"
LEFT_SECONDS = 24 * 3600
"""One that is older was left by a process that was killed."""


@contextmanager
def staging(home: Path) -> Iterator[Path]:
    """For this user alone, for it holds secrets; on the disk of the data folder, so that files can be moved there."""
    for left in home.glob(f"{PREFIX}*"):
        if left.stat().st_mtime < time.time() - LEFT_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=home) as made:
        yield Path(made)
