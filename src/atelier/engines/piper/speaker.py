"""The engine's side of Piper's process: starts it, tells it what to say and takes the samples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atelier.engines.piper.synthesizer import HEADER
from atelier.engines.piper.voices import Voice
from atelier.errors import Internal, ModelMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PROGRAM = Path(__file__).with_name("synthesizer.py")
_FAILED = (1, b"")
_KEPT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")


class ProcessGone(Exception):
    """The process ended or closed its pipes."""


class Speaker:
    """Piper's process, with the voices of `networks`. It is started again by the next sentence if it is gone."""

    def __init__(self, model: str, networks: Sequence[Path]) -> None:
        self._model, self._networks = model, networks
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> tuple[Voice, ...]:
        """Raises ImportError where piper-tts is absent, ModelMissing where a voice cannot be loaded."""
        if find_spec("piper") is None:
            raise ImportError("piper is not installed", name="piper")
        self.stop()
        # A session of its own: Ctrl-C in the worker's terminal must not end it in the middle of a sentence.
        self._process = subprocess.Popen(  # noqa: S603  (our own file; what tenants send goes through its stdin)
            [sys.executable, "-I", str(_PROGRAM), *map(str, self._networks)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},  # without the worker's secrets
            start_new_session=True,
        )
        try:
            status, body = self._answer(self._process)
        except ProcessGone:
            self.stop()
            raise ModelMissing(
                "Piper cannot be started here; install it again with pip install --force-reinstall 'atelier[piper]' "
                "on Linux or macOS"
            ) from None
        if status != 0:
            self.stop()
            raise ModelMissing(
                f"{self._model} could not be loaded: the voice {body.decode()} is damaged, incomplete, of another kind "
                "of model, or reads its text by a library that Atelier does not bring; download it again"
            )
        return tuple(Voice(**described) for described in json.loads(body))

    def stop(self) -> None:
        """End the process; without one nothing happens."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def say(self, text: str, voice: int, speaker: int | None, speed: float) -> NDArray[np.float32]:
        """Samples of shape (n,) between -1 and 1; none where there is nothing to speak.

        Raises Internal where Piper fails on this text.
        """
        order = json.dumps({"text": text, "voice": voice, "speaker": speaker, "speed": speed}).encode() + b"\n"
        try:
            status, body = self._exchange(order)
        except ProcessGone:
            status, body = self._exchange_with_new(order)
        if status != 0:
            raise Internal("the voice failed on a sentence of this text; try it with other words or another voice")
        return np.frombuffer(body, np.float32)

    def _exchange_with_new(self, order: bytes) -> tuple[int, bytes]:
        self.start()
        try:
            return self._exchange(order)
        except ProcessGone:
            return _FAILED

    def _exchange(self, order: bytes) -> tuple[int, bytes]:
        process = self._process
        if process is None:
            raise ProcessGone
        assert process.stdin is not None
        try:
            process.stdin.write(order)
            process.stdin.flush()
        except OSError:
            raise ProcessGone from None
        return self._answer(process)

    @staticmethod
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
