"""How limits are told to callers: the fields of an answer, and the words of a refusal."""

from __future__ import annotations

from collections.abc import Sequence

from atelier.errors import RateLimited, whole_seconds
from atelier.gateway.limits.applying import MILLION, Applying, Limit

LEASE_RETRY_SECONDS = 1.0
"""Nobody knows when a running request will be done; a slot is worth asking for again soon."""


def limit_headers(applying: Applying, reply: Sequence[int]) -> list[tuple[bytes, bytes]]:
    """`RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-11), and OpenAI's of the tightest limit
    of requests. reply: see place.Counters."""
    if not applying.limits:
        return []
    items, at = [], 2
    for begin, each, windowed, end in applying.items:
        left, window = max(0, reply[at]) // each, f";t={-(-reply[at + 1] // MILLION)}" if windowed else ""
        items.append(f"{begin}{left}{window}{end}")
        at += 3
    headers = [(b"ratelimit-policy", applying.policy), (b"ratelimit", ", ".join(items).encode())]
    if requests := applying.requests:
        tightest = requests[0] if len(requests) == 1 else min(requests, key=lambda index: reply[2 + index * 3])
        headers += [
            (b"x-ratelimit-limit-requests", b"%d" % applying.limits[tightest].most),
            (b"x-ratelimit-remaining-requests", b"%d" % max(0, reply[2 + tightest * 3])),
            (b"x-ratelimit-reset-requests", _clock_words(-(-reply[3 + tightest * 3] // MILLION)).encode()),
        ]
    return headers


def refusal(applying: Applying, reply: Sequence[int]) -> RateLimited:
    """What a caller hears whose request does not fit: of the limits that it does not fit into the slowest."""
    full = [
        (_wait(limit, resets), limit)
        for limit, resets, took in zip(applying.limits, reply[3::3], reply[4::3], strict=True)
        if took < 0
    ]
    wait, limit = max(full, key=lambda found: found[0])
    problem = RateLimited(f"Rate limit exceeded: {limit.words()}; try again in {_wait_words(wait)}", retry_after=wait)
    problem.measure = limit.measure
    problem.headers = {name.decode(): value.decode() for name, value in limit_headers(applying, reply)}
    return problem


def _wait(limit: Limit, resets: int) -> float:
    if limit.measure == "concurrent":
        return LEASE_RETRY_SECONDS
    # A limit of zero never frees a place: its whole window is the honest answer.
    return resets / MILLION or limit.window_seconds


def _wait_words(seconds: float) -> str:
    whole = whole_seconds(seconds)
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if whole >= 2 * size:
            return f"{-(-whole // size)} {name}"
    return f"{whole} s"


def _clock_words(seconds: int) -> str:
    """As OpenAI writes it: 12s, 6m0s, 1h0m0s."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
