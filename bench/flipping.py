"""`atelier gateway` that counts its requests for a moment, or does not, as chance has it: for bench/metrics.py.

What a moment's requests took of the processor is written down at its end, in the file that BENCH_FLIPS names (with the
process's number behind it): 1 or 0, whether they were counted; how many they were; seconds in all; and of these in
counting, less what the clock itself takes.
"""

from __future__ import annotations

import os
import random
import time

from atelier.cli import main
from atelier.gateway import app, metrics

MOMENT_SECONDS = 0.2


class Flipping(metrics.Metrics):
    def __init__(self) -> None:
        super().__init__()
        self._counts, self._served, self._counting = True, 0, 0
        self._clock = min(_clock_takes() for _ in range(2000))
        self._file = open(f"{os.environ['BENCH_FLIPS']}.{os.getpid()}", "w", buffering=1)  # noqa: PTH123, SIM115
        self._end, self._began = time.monotonic() + MOMENT_SECONDS, time.process_time()

    def count(self, *labels: object, **told: object) -> None:
        if self._counts:
            began = time.thread_time_ns()
            super().count(*labels, **told)  # type: ignore[arg-type]
            self._counting += time.thread_time_ns() - began - self._clock
        self._served += 1
        if time.monotonic() > self._end:
            self._flip()

    def _flip(self) -> None:
        spent = time.process_time() - self._began
        self._file.write(f"{self._counts:d} {self._served} {spent:.6f} {self._counting / 1e9:.6f}\n")
        # Not in turn: bursts that come as regularly would all fall on the same side.
        self._counts, self._served, self._counting = random.random() < 0.5, 0, 0
        self._end, self._began = time.monotonic() + MOMENT_SECONDS, time.process_time()


def _clock_takes() -> int:
    began = time.thread_time_ns()
    return time.thread_time_ns() - began


# On import: gateway processes that this one starts import it again, and run no `main`.
app.Metrics = Flipping  # type: ignore[misc]

if __name__ == "__main__":
    main()
