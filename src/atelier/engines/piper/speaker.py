"""The engine's side of Piper's process: starts it, tells it what to say and takes the samples."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atelier.engines.piper.voices import Voice
from atelier.errors import ModelMissing
from atelier.media.programs import ProcessGone, SpeakingProgram

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PROGRAM = Path(__file__).with_name("synthesizer.py")


class Speaker(SpeakingProgram):
    """Piper's process, with the voices of `networks`."""

    def __init__(self, model: str, networks: Sequence[Path]) -> None:
        super().__init__()
        self._model, self._networks = model, networks

    def start(self) -> tuple[Voice, ...]:
        """Raises ImportError where piper-tts is absent, ModelMissing where a voice cannot be loaded."""
        if find_spec("piper") is None:
            raise ImportError("piper is not installed", name="piper")
        try:
            status, body = self._begin([sys.executable, "-I", str(_PROGRAM), *map(str, self._networks)])
        except ProcessGone:
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

    def say(self, text: str, voice: int, speaker: int | None, speed: float) -> NDArray[np.float32]:
        """Samples of shape (n,) between -1 and 1; none where there is nothing to speak.

        Raises Internal where Piper fails on this text.
        """
        order = {"text": text, "voice": voice, "speaker": speaker, "speed": speed}
        return np.frombuffer(self._spoken(order), np.float32)
