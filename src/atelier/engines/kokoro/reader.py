"""The engine's side of the reading process: starts it, hands it text and takes tokens."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from atelier.errors import Internal, ModelMissing
from atelier.media.programs import ProcessGone, environment

_PROGRAM = Path(__file__).with_name("reading.py")
_LIBRARIES = ("kokoro_onnx", "phonemizer")
_OTHER_LIBRARY = "PHONEMIZER_ESPEAK_LIBRARY"  # by which kokoro-onnx is told of another espeak-ng than its own
_SECONDS_TO_END = 5.0


@dataclass(frozen=True)
class Piece:
    """What the network speaks in one go: its `tokens`, and the seconds of silence before the next piece."""

    tokens: list[int]
    pause: float


class Reader:
    """A running reading process. It is started by the first call that needs it, and again if it is gone.

    vocabulary: phoneme → token; None: kokoro-onnx's own.
    """

    def __init__(self, vocabulary: Mapping[str, int] | None = None) -> None:
        self._vocabulary = vocabulary
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises ImportError where its libraries are absent, ModelMissing where it does not start."""
        for library in _LIBRARIES:
            if find_spec(library) is None:
                raise ImportError(f"{library} is not installed", name=library)
        self.stop()
        # A session of its own: Ctrl-C in the worker's terminal must not end it in the middle of a sentence.
        self._process = subprocess.Popen(  # noqa: S603  (our own file; what tenants send goes through its stdin)
            [sys.executable, "-I", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(_OTHER_LIBRARY),
            start_new_session=True,
        )
        try:
            self._exchange(self._vocabulary)
        except ProcessGone:
            self.stop()
            raise ModelMissing(
                "the reader of text for Kokoro cannot be started here; install it again with "
                "pip install --force-reinstall 'atelier[kokoro]' on Linux or macOS"
            ) from None

    def stop(self) -> None:
        """End the process; without one nothing happens."""
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.communicate(timeout=_SECONDS_TO_END)  # the end of its stdin ends it, and it tidies up
        except (OSError, subprocess.TimeoutExpired):
            process.kill()
            process.communicate()

    def read(self, text: str, language: str) -> list[Piece]:
        """Pieces that the network can speak; none where there is nothing to speak. `language`: espeak-ng's code.

        Raises Internal where espeak-ng fails on this text.
        """
        order = {"text": text, "language": language}
        try:
            pieces = self._exchange(order)
        except ProcessGone:
            pieces = self._exchange_with_new(order)
        if pieces is None:
            raise Internal("the voice failed on a sentence of this text; try it with other words")
        return [Piece(tokens, pause) for tokens, pause in pieces]

    def _exchange_with_new(self, order: object) -> Any:
        self.start()
        try:
            return self._exchange(order)
        except ProcessGone:
            return None

    def _exchange(self, order: object) -> Any:
        process = self._process
        if process is None:
            raise ProcessGone
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            raise ProcessGone from None
        answer = process.stdout.readline()
        if not answer.endswith(b"\n"):
            raise ProcessGone
        return json.loads(answer)
