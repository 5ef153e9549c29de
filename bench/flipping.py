"""`atelier gateway` that counts its requests for a while, then does not, then does again: for bench/metrics.py.

What a stretch of requests took of the processor is written down at its end, in the file that BENCH_FLIPS names (with
the process's number behind it): 1 or 0, whether they were counted, and microseconds a request.
"""

from __future__ import annotations

import os
import time

from atelier.cli import main
from atelier.gateway import app, metrics

STRETCH = 20


class Flipping(metrics.Metrics):
    def __init__(self) -> None:
        super().__init__()
        self._counts, self._left = True, STRETCH
        self._began = time.process_time_ns()
        self._file = open(f"{os.environ['BENCH_FLIPS']}.{os.getpid()}", "w", buffering=1)  # noqa: PTH123, SIM115

    def count(self, *labels: object, **told: object) -> None:
        if self._counts:
            super().count(*labels, **told)  # type: ignore[arg-type]
        self._left -= 1
        if not self._left:
            self._flip()

    def _flip(self) -> None:
        now = time.process_time_ns()
        self._file.write(f"{self._counts:d} {(now - self._began) / 1000 / STRETCH:.3f}\n")
        self._counts, self._left, self._began = not self._counts, STRETCH, time.process_time_ns()


# On import: gateway processes that this one starts import it again, and run no `main`.
app.Metrics = Flipping  # type: ignore[misc]

if __name__ == "__main__":
    main()
