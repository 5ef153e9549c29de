"""The engine's side of the synthesizer: starts the process, tells it what to say and takes the samples."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import espeakng_loader
import numpy as np

from atelier.engines.espeak.synthesizer import HEADER
from atelier.engines.espeak.voices import Voice
from atelier.errors import Internal, ModelMissing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PROGRAM = Path(__file__).with_name("synthesizer.py")
_FAILED = (1, b"")


class ProcessGone(Exception):
    """The synthesizer ended or closed its pipes."""


@dataclass(frozen=True)
class Abilities:
    """`sample_rate` in hertz; every voice; the names of the variants that change a voice's sound."""

    sample_rate: int
    voices: tuple[Voice, ...]
    variants: tuple[str, ...]


class Speaker:
    """A running synthesizer. It is started by the first call that needs it, and again if it is gone."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Abilities:
        """Raises ModelMissing where espeak-ng does not start."""
        self.stop()
        # A session of its own: Ctrl-C in the worker's terminal must not end it in the middle of a sentence.
        self._process = subprocess.Popen(  # noqa: S603  (our own file; what tenants send goes through its stdin)
            [sys.executable, "-I", "-S", str(_PROGRAM), *_library_and_data()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return _abilities(self._answer(self._process)[1])
        except ProcessGone:
            self.stop()
            raise ModelMissing(
                "espeak-ng cannot be started here; install it again with pip install 'atelier[espeak]' "
                "on Linux or macOS"
            ) from None

    def stop(self) -> None:
        """End the process; without one nothing happens."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def say(self, text: str, *, voice: str, rate: int, pause: bool) -> NDArray[np.int16]:
        """Samples of shape (n,). `rate` in words a minute; `pause`: with the silence that follows the text.

        Raises Internal where espeak-ng fails on this text.
        """
        order = json.dumps({"text": text, "voice": voice, "rate": rate, "pause": pause}).encode() + b"\n"
        try:
            status, body = self._exchange(order)
        except ProcessGone:
            status, body = self._exchange_with_new(order)
        if status != 0:
            raise Internal("the voice failed on a sentence of this text; try it with other words or another voice")
        return np.frombuffer(body, np.int16)

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
        try:
            _pipe(process.stdin).write(order)
            _pipe(process.stdin).flush()
        except OSError:
            raise ProcessGone from None
        return self._answer(process)

    @staticmethod
    def _answer(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
        header = _pipe(process.stdout).read(HEADER.size)
        if len(header) < HEADER.size:
            raise ProcessGone
        status, length = HEADER.unpack(header)
        body = _pipe(process.stdout).read(length)
        if len(body) < length:
            raise ProcessGone
        return status, body


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _library_and_data() -> tuple[str, str]:
    try:
        return espeakng_loader.get_library_path(), espeakng_loader.get_data_path()
    except RuntimeError:
        raise ModelMissing("espeak-ng's data is missing; pip install --force-reinstall espeakng-loader") from None


def _abilities(body: bytes) -> Abilities:
    found = json.loads(body)
    voices = (
        Voice(entry["name"], entry["identifier"], tuple((code, priority) for code, priority in entry["languages"]))
        for entry in found["voices"]
    )
    return Abilities(found["sample_rate"], tuple(voices), tuple(found["variants"]))
