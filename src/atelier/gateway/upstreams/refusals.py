"""What an attempt that brought no answer means: for the caller, for the upstream's circuit, and for another attempt."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import aiohttp

from atelier.errors import AtelierError, Overloaded, TooSlow, Unavailable, UpstreamFailed
from atelier.gateway.upstreams.connection import Response
from atelier.gateway.upstreams.pool import AWAY_SECONDS
from atelier.gateway.upstreams.upstream import Times, Upstream
from atelier.wire.exchange import ErrorAnswer, error_from

MOST_REPEATS = 2
BUSY_SECONDS = 1.0
"""How long an upstream is left alone that is busy and does not say for how long."""

MOST_BUSY_SECONDS = 3600.0

_MOST_BYTES = 64 * 1024
_BAD_GATEWAY = frozenset({502, 503, 504})
_KEY_IS_WRONG = frozenset({401, 402, 403})
_NOT_THERE = frozenset({404, 405})

Verdict = Literal["good", "doubtful", "bad"]
"""doubtful: it may be the request's own fault, so that a run of it says less than its share."""


@dataclass(frozen=True, slots=True)
class Failure:
    """error: what the caller is told if nothing else serves. repeats: how many more attempts it allows.

    free: outside the budget, for no upstream had any work of it. same: of the same upstream, where there is no other.
    """

    error: AtelierError
    verdict: Verdict = "bad"
    repeats: int = 0
    free: bool = False
    same: bool = False


def unanswered(upstream: Upstream, problem: BaseException, times: Times, *, begin_is_late: bool) -> Failure | None:
    """What it means that a request was not answered; None for what is no trouble of the upstream's.

    Every service computes and changes nothing, so that to repeat a request is never wrong. But one that was sent
    whole may have cost time on a device, or may itself be what killed its worker: it is repeated once at most.
    """
    service = upstream.service
    if isinstance(problem, aiohttp.ConnectionTimeoutError | aiohttp.ClientConnectorError):
        upstream.status = "unhealthy"  # until a probe finds otherwise
        away = Unavailable(f"{service} cannot be reached just now; try again soon", retry_after=AWAY_SECONDS)
        return Failure(away, repeats=MOST_REPEATS, free=True)
    if isinstance(problem, TimeoutError):
        if begin_is_late:
            return Failure(TooSlow(f"{service} did not begin its answer within {times.first_byte:g} s"), repeats=1)
        return Failure(too_slow(service, times))
    error = UpstreamFailed(f"{service} broke off without an answer; try again", retry_after=AWAY_SECONDS)
    if isinstance(problem, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError | ConnectionError):
        return Failure(error, repeats=1, same=True)
    return Failure(error) if isinstance(problem, aiohttp.ClientError) else None


def too_slow(service: str, times: Times) -> TooSlow:
    return TooSlow(f"{service} took longer than {times.request:g} s")


async def refused(upstream: Upstream, response: Response, now: float) -> Failure:
    """What an answer with another status than a good one means."""
    status, wait = response.status, _retry_after(response.field(b"retry-after") or "")
    answer = await _error_answer(response)
    error = error_from(answer, status=status, retry_after=wait, foreign=upstream.foreign)
    if error.code in {"model_missing", "licence_forbids"}:  # another may have it, or one that is allowed
        return Failure(error, "good", repeats=MOST_REPEATS)
    if status == 429 or (status == 503 and (wait is not None or isinstance(error, Overloaded))):
        wait = min(wait or BUSY_SECONDS, MOST_BUSY_SECONDS)
        upstream.not_before = now + wait
        busy = error if isinstance(error, Overloaded) else Overloaded(f"{upstream.service} is busy; try again soon")
        busy.retry_after = wait
        return Failure(busy, "good", repeats=MOST_REPEATS)
    if status in _BAD_GATEWAY:
        return Failure(error, "doubtful" if isinstance(error, TooSlow) else "bad", repeats=_repeats(status, error))
    if status >= 500:
        # Workers of ours word their faults: without a word it is what stands before them, and lost the one that had it.
        lost = answer.error.code is None and not upstream.foreign
        return Failure(error, "doubtful", repeats=int(lost), same=lost)
    if status in _KEY_IS_WRONG or status < 400:
        return Failure(error, repeats=MOST_REPEATS)
    return Failure(error, "good", repeats=MOST_REPEATS if status in _NOT_THERE and upstream.foreign else 0)


def _repeats(status: int, error: AtelierError) -> int:
    if isinstance(error, TooSlow):  # a worker of ours says that the request's own time is up
        return 0
    return 1 if status == 504 else MOST_REPEATS


async def _error_answer(response: Response) -> ErrorAnswer:
    try:
        data = await response.read(_MOST_BYTES)
    except (aiohttp.ClientError, ConnectionError):
        data = b""
    try:
        return ErrorAnswer.parse(data)
    except UpstreamFailed:
        return ErrorAnswer()


def _retry_after(value: str) -> float | None:
    """Seconds, from a number of them or a date (RFC 9110, 10.2.3)."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time()) if value else None
    except ValueError:
        return None
