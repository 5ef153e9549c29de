"""A long call that takes turns with whoever made it: it goes on for one step at a time, and can be left at any."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Made = TypeVar("Made")


class _Left(BaseException):
    """Raised in the call where nobody waits for its end any more."""


class Turns(Generic[Made]):
    """`call(rest)` runs in a thread of its own, and stops at every `rest()` until the next `go_on`.

    Never more than one of the two threads is running. The thread begins with the first `go_on`.
    """

    def __init__(self, call: Callable[[Callable[[], None]], Made]) -> None:
        self._call = call
        self._its_turn, self._our_turn = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)
        self._made: Made | None = None
        self._problem: BaseException | None = None
        self._left = self._ended = False

    def go_on(self) -> bool:
        """Until the next rest, or the end: whether that is reached. Raises what the call raised."""
        if not self._ended:
            self._take_turn()
        if self._problem is not None:
            raise self._problem
        return self._made is not None

    def _take_turn(self) -> None:
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._its_turn.release()
        self._our_turn.acquire()

    def made(self) -> Made:
        """What the call returned, once it ended."""
        assert self._made is not None, "the call has not ended"
        return self._made

    def leave(self) -> None:
        """End the call where it rests; harmless for one that ended or never began."""
        self._left = True
        if self._thread.is_alive():
            self._its_turn.release()
            self._thread.join()

    def _run(self) -> None:
        try:
            self._made = self._call(self._rest)
        except _Left:
            pass
        except BaseException as problem:
            self._problem = problem
        finally:
            self._ended = True
            self._our_turn.release()

    def _rest(self) -> None:
        self._our_turn.release()
        self._its_turn.acquire()
        if self._left:
            raise _Left
