"""The engine's side of the synthesizer: starts the process, tells it what to say and takes the samples."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import espeakng_loader
import numpy as np

from atelier.engines.espeak.voices import Voice
from atelier.errors import ModelMissing
from atelier.media.programs import ProcessGone, SpeakingProgram

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PROGRAM = Path(__file__).with_name("synthesizer.py")


@dataclass(frozen=True)
class Abilities:
    """`sample_rate` in hertz; every voice; the names of the variants that change a voice's sound."""

    sample_rate: int
    voices: tuple[Voice, ...]
    variants: tuple[str, ...]


class Speaker(SpeakingProgram):
    """A running synthesizer. It is started by the first call that needs it, and again if it is gone."""

    def start(self) -> Abilities:
        """Raises ModelMissing where espeak-ng does not start."""
        try:
            return _abilities(self._begin([sys.executable, "-I", "-S", str(_PROGRAM), *_library_and_data()])[1])
        except ProcessGone:
            raise ModelMissing(
                "espeak-ng cannot be started here; install it again with pip install 'atelier[espeak]' "
                "on Linux or macOS"
            ) from None

    def say(self, text: str, *, voice: str, rate: int, pause: bool) -> NDArray[np.int16]:
        """Samples of shape (n,). `rate` in words a minute; `pause`: with the silence that follows the text.

        Raises Internal where espeak-ng fails on this text.
        """
        return np.frombuffer(self._spoken({"text": text, "voice": voice, "rate": rate, "pause": pause}), np.int16)


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
