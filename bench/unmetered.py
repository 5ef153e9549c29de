"""`atelier gateway` that counts no request: what bench/metrics.py compares the real one with."""

from __future__ import annotations

from atelier.cli import main
from atelier.gateway import app, metrics


class Unmetered(metrics.Metrics):
    """How things stand is told all the same: no request pays for that."""

    def count(self, *_: object, **__: object) -> None: ...

    def count_lookup(self, *_: object, **__: object) -> None: ...


# On import: gateway processes that this one starts import it again, and run no `main`.
app.Metrics = Unmetered  # type: ignore[misc]

if __name__ == "__main__":
    main()
