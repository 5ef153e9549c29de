"""Programs that engines run in processes of their own, as the system sees them."""

from __future__ import annotations

from pathlib import Path

from atelier.contracts.engine import Engine


def children(process: int | str = "self") -> set[int]:
    """Process ids of a process's children; of our own, if no other is named."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def environment_of_program(engine: Engine) -> bytes:
    """What the one process that the engine starts when it is loaded was given. The engine is unloaded again."""
    before = children()
    engine.load()
    try:
        (pid,) = children() - before
        return Path(f"/proc/{pid}/environ").read_bytes()
    finally:
        engine.unload()
