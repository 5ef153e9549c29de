"""One request, however often it is sent: the interface that every store of kept answers has, and its refusals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from atelier.errors import KeyReused, TooSlow
from atelier.gateway.answers.fingerprints import HEADER
from atelier.gateway.answers.stored import MOST_KEPT_BYTES, StoredAnswer


class Turn(Protocol):
    """The right to run a request. One of the two ends it; what comes after does nothing, and neither ever fails."""

    async def keep(self, answer: StoredAnswer) -> None:
        """The answer that was given. One that did not succeed gives the turn up: nothing was made, nothing is owed."""

    async def give_up(self) -> None:
        """There is no answer to keep: a repeat runs, at once where it waits."""


class Idempotency(Protocol):
    """Who runs a request that is sent more than once, and the answer for the others."""

    async def begin(self, tenant: str, key: str, fingerprint: bytes) -> StoredAnswer | Turn:
        """A Turn for the first; while that runs the others wait for its answer, and later ones get it as it is kept.

        key: as `idempotency_key` makes it. Raises KeyReused for another fingerprint under the same key and for an
        answer that was too large to keep or made room for later ones, TooSlow where the first takes longer than a
        request may, Unavailable where the answers cannot be looked up.
        """

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a request that was answered. answer: None if it was too large or made room for later ones."""

    fingerprint: bytes
    answer: StoredAnswer | None

    def given_again(self, fingerprint: bytes) -> StoredAnswer:
        """Raises KeyReused."""
        require_same(self.fingerprint, fingerprint)
        if self.answer is None:
            raise _conflict(
                "the request with this key was answered, and the answer is not kept: it had over "
                f"{MOST_KEPT_BYTES / 1e6:.0f} MB, or later ones took its room; use another key to run it again"
            )
        return self.answer


def require_same(first: bytes, second: bytes) -> None:
    """Raises KeyReused where two fingerprints under one key differ."""
    if first != second:
        raise _conflict("was used for a different request; use a new key for each, and the same only to repeat it")


def waited_too_long() -> TooSlow:
    return TooSlow(f"{HEADER}: the first request with this key is still running; repeat it later with the same key")


def _conflict(why: str) -> KeyReused:
    problem = KeyReused(f"{HEADER}: {why}", field=HEADER)
    # OpenAI's clients take a 409 for a lock that is soon free, and would send the same again.
    problem.headers["x-should-retry"] = "false"
    return problem
