"""uvicorn's HTTP protocol, whose event loop does not go to sleep while one request alone is served, and a moment after.

Such a request waits for Redis and for its upstream in turn, a tenth of a millisecond each. To put a core to sleep and
to wake it takes as long again, and afterwards the processor runs slower for a while: looking again and again takes no
more of its time, and the answer comes a quarter sooner. Where several requests are served there is always something to
do; and where an answer takes long, as most of a model do, sleeping is right.
"""

from __future__ import annotations

import os
from time import monotonic
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from atelier.corked import CorkedProtocol

SERVING_SECONDS = 0.001
"""From the beginning of a request: what admission takes, and an upstream that answers at once."""

AFTER_SECONDS = 0.0002
"""From its end: who asks one thing after another asks the next by then."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WakefulProtocol(CorkedProtocol):
    """For `uvicorn.Config(http=…)`, where others who serve the request have a core of their own to run on."""

    _awake_until = 0.0
    _is_awake = False

    def _start(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start(cycle, app)
        self._stay_awake(SERVING_SECONDS)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._stay_awake(AFTER_SECONDS)

    def _stay_awake(self, seconds: float) -> None:
        if len(self.tasks) > 1:  # of all connections
            return
        self._awake_until = monotonic() + seconds
        if not self._is_awake:
            self._is_awake = True
            self.loop.call_soon(self._look_again)

    def _look_again(self) -> None:
        """A loop that has something to call does not wait for what comes in."""
        self._is_awake = len(self.tasks) < 2 and monotonic() < self._awake_until
        if self._is_awake:
            self.loop.call_soon(self._look_again)
