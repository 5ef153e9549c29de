"""One process at a time changes what lies in the models folder; others wait for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from atelier.settings import SettingsProblem

LOCK = ".busy.lock"
LOOK_SECONDS = 0.5


@contextlib.contextmanager
def only_one(models_folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Held to the end of `with`; a process that is killed lets go too. `waiting` is called once, before a wait.

    Raises SettingsProblem where the folder cannot be written, and without the library.
    """
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise SettingsProblem("That needs a library (filelock): pip install 'atelier[hub]'") from None
    lock = FileLock(models_folder / LOCK)
    try:
        models_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            waiting()
            lock.acquire(poll_interval=LOOK_SECONDS)
    except OSError as problem:
        raise SettingsProblem(f"The models folder {models_folder} cannot be written ({problem.strerror})") from None
    try:
        yield
    finally:
        lock.release()
