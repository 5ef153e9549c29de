"""Programs that engines run in processes of their own, and the orders and answers of those that speak."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from atelier.errors import Internal

HEADER = struct.Struct("=iI")
"""Before each answer: its status, 0 where all is well, and how many bytes follow."""

_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "OMP_NUM_THREADS")


def environment(*more: str) -> dict[str, str]:
    """What such a program needs of the worker's environment, without its secrets. more: variables of its own."""
    return {name: os.environ[name] for name in (*_KEPT, *more) if name in os.environ}


class ProcessGone(Exception):
    """The process ended or closed its pipes."""


class SpeakingProgram(ABC):
    """A process that speaks. It is started again by the next sentence if it is gone."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> object:
        """Start the program, by `_begin`."""

    def stop(self) -> None:
        """End the process; without one nothing happens."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _begin(self, command: Sequence[str]) -> tuple[int, bytes]:
        """Status and body of its first answer. Raises ProcessGone where it has none."""
        self.stop()
        # A session of its own: Ctrl-C in the worker's terminal must not end it in the middle of a sentence.
        self._process = subprocess.Popen(  # noqa: S603  (our own file; what tenants send goes through its stdin)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,
        )
        try:
            return _answer(self._process)
        except ProcessGone:
            self.stop()
            raise

    def _spoken(self, order: Mapping[str, object]) -> bytes:
        """Samples; none where there is nothing to speak. Raises Internal where the program fails on this text."""
        line = json.dumps(order).encode() + b"\n"
        try:
            status, samples = self._exchange(line)
        except ProcessGone:
            status, samples = self._exchange_with_new(line)
        if status != 0:
            raise Internal("the voice failed on a sentence of this text; try it with other words or another voice")
        return samples

    def _exchange_with_new(self, line: bytes) -> tuple[int, bytes]:
        self.start()
        try:
            return self._exchange(line)
        except ProcessGone:
            return 1, b""

    def _exchange(self, line: bytes) -> tuple[int, bytes]:
        process = self._process
        if process is None:
            raise ProcessGone
        assert process.stdin is not None
        try:
            process.stdin.write(line)
            process.stdin.flush()
        except OSError:
            raise ProcessGone from None
        return _answer(process)


def _answer(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    assert process.stdout is not None
    header = process.stdout.read(HEADER.size)
    if len(header) < HEADER.size:
        raise ProcessGone
    status, length = HEADER.unpack(header)
    body = process.stdout.read(length)
    if len(body) < length:
        raise ProcessGone
    return status, body
