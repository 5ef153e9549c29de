"""`atelier gateway` that counts its requests for a while, then does not, then does again: for bench/metrics.py.

What a stretch of requests took of the processor is written down at its end, in the file that BENCH_FLIPS names (with
the process's number behind it): 1 or 0, whether they were counted, microseconds a request, and how many of these went
into counting (the clock's own included).
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
        self._counts, self._left, self._counting = True, STRETCH, 0
        self._began = time.process_time_ns()
        self._file = open(f"{os.environ['BENCH_FLIPS']}.{os.getpid()}", "w", buffering=1)  # noqa: PTH123, SIM115

    def count(self, *labels: object, **told: object) -> None:
        if self._counts:
            began = time.thread_time_ns()
            super().count(*labels, **told)  # type: ignore[arg-type]
            self._counting += time.thread_time_ns() - began
        self._left -= 1
        if not self._left:
            self._flip()

    def _flip(self) -> None:
        now = time.process_time_ns()
        spent, counting = (each / 1000 / STRETCH for each in (now - self._began, self._counting))
        self._file.write(f"{self._counts:d} {spent:.3f} {counting:.3f}\n")
        self._counts, self._left, self._counting = not self._counts, STRETCH, 0
        self._began = time.process_time_ns()


# On import: gateway processes that this one starts import it again, and run no `main`.
app.Metrics = Flipping  # type: ignore[misc]

if __name__ == "__main__":
    main()
