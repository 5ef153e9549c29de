"""How long to go on asking: waits that grow, that the hub may name, and that end when nothing comes any more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TypeVar

import httpx2
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import parse_ratelimit_headers

from atelier.errors import Cancelled

T = TypeVar("T")

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
MOST_FAILURES = 8
"""About two minutes, in the middle of a download."""
MOST_FAILURES_TO_BEGIN = 4
"""About ten seconds: whoever types it is still there to look at the network."""
MOST_ASKED_SECONDS = 600.0
"""A hub that asks for a longer wait than this is taken at its word, and the download ends."""

PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class Patience:
    """Of one file or listing. `say` tells people of a wait that they would notice; `stop` ends every wait.

    most: failures in a row, without a byte between them.
    """

    def __init__(self, stop: threading.Event, say: Callable[[str], None], *, most: int = MOST_FAILURES) -> None:
        self._stop = stop
        self._say = say
        self._most = most
        self._failures = 0
        self._furthest = 0

    def progressed(self, place: int) -> None:
        """A file has come as far as `place`. To fetch the same bytes over and over is no progress."""
        if place > self._furthest:
            self._furthest, self._failures = place, 0

    def check(self) -> None:
        """Raises Cancelled once the download is to stop."""
        if self._stop.is_set():
            raise Cancelled("stopped")

    def try_out(self, work: Callable[[], T]) -> T:
        """What `work` gives, however often it must be asked. Raises its last failure."""
        while True:
            self.check()
            try:
                return work()
            except (httpx2.TransportError, HfHubHTTPError) as problem:
                self.bear(problem)

    def bear(self, problem: httpx2.TransportError | HfHubHTTPError) -> None:
        """Wait after a failure that may pass. Raises one that will not, or when it was too often."""
        seconds = self._wait(problem)
        if seconds >= 5:
            self._say(f"{_what(problem)}; trying again in {seconds:.0f} s")
        if self._stop.wait(seconds):
            self.check()

    def _wait(self, problem: httpx2.TransportError | HfHubHTTPError) -> float:
        self._failures += 1
        asked = asked_seconds(problem.response.headers) if isinstance(problem, HfHubHTTPError) else None
        if not _may_pass(problem) or self._failures > self._most or (asked or 0) > MOST_ASKED_SECONDS:
            raise problem
        return min(FIRST_SECONDS * 2 ** (self._failures - 1), LONGEST_SECONDS) if asked is None else asked


def asked_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the hub asks to wait: Retry-After (seconds, or a date), or the RateLimit field of the IETF's draft."""
    after = headers.get("retry-after", "").strip()
    if after.isdigit():
        return float(after)
    if after:
        try:
            return max(0.0, (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError):
            return None
    limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit is not None and limit.remaining == 0 else None


def _may_pass(problem: httpx2.TransportError | HfHubHTTPError) -> bool:
    if isinstance(problem, HfHubHTTPError):
        return problem.response.status_code in PASSING
    return not isinstance(problem, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError)


def _what(problem: httpx2.TransportError | HfHubHTTPError) -> str:
    if isinstance(problem, HfHubHTTPError):
        return f"the hub is busy ({problem.response.status_code})"
    return f"no connection ({type(problem).__name__})"
