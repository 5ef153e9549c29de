"""The program that holds espeak-ng: it runs alone, in a process of its own, and speaks what it is told on its stdin.

    python -I -S synthesizer.py LIBRARY DATA

Each line of stdin is a JSON object: text, voice (an identifier, perhaps with +variant), rate (words a minute), pause
(whether the pause that follows the text belongs to it). Each answer on stdout is a header of two native ints, status
and length, and that many bytes: mono int16 samples, or nothing where status is not 0. Before the first line it
answers once with JSON: what espeak-ng can do. It ends where a child dies in the middle of an answer.

espeak-ng keeps its state in globals that no call resets, seeds its noise from the clock, and loses memory for every
text that mixes languages. So this process only initialises it, with a fixed seed, and never speaks: for each line it
forks a child that is thrown away afterwards. Every text meets the same state, and text that makes espeak-ng crash or
hang costs one child.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys
from mmap import mmap
from pathlib import Path
from typing import Any

HEADER = struct.Struct("=iI")
SECONDS = 20  # for one text; the longest takes a tenth of one

_SYNCHRONOUS, _DO_NOT_EXIT = 2, 0x8000
_RATE, _CHARACTER, _UTF8, _END_PAUSE = 1, 1, 1, 0x1000
_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class _Voice(ctypes.Structure):
    """espeak_VOICE of espeak-ng's speak_lib.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


class Synthesizer:
    """espeak-ng, initialised. `speak` may be called once in a process; see above."""

    def __init__(self, library: str, data: str) -> None:
        self._library = ctypes.CDLL(library)
        self._spoken: list[bytes] = []
        self._callback = _SYNTH_CALLBACK(self._keep)
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._data = data
        self.sample_rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DO_NOT_EXIT)
        if self.sample_rate <= 0:
            raise SystemExit("espeak-ng found no data")
        self._library.espeak_SetSynthCallback(self._callback)
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))

    def abilities(self) -> dict[str, Any]:
        """Its sample rate in hertz, its voices and its variants."""
        listed = self._library.espeak_ListVoices(None)
        voices: list[dict[str, Any]] = []
        while listed[len(voices)]:
            voices.append(_described(listed[len(voices)].contents))
        variants = sorted(path.name for path in Path(self._data, "voices", "!v").iterdir())
        return {"sample_rate": self.sample_rate, "voices": voices, "variants": variants}

    def speak(self, text: str, voice: str, rate: int, pause: bool) -> bytes:
        """Mono int16 samples. Raises RuntimeError with espeak-ng's number where it refuses."""
        self._check(self._library.espeak_SetVoiceByName(voice.encode()))
        self._check(self._library.espeak_SetParameter(_RATE, rate, 0))
        # Without espeakSSML and espeakPHONEMES: markup is text like any other.
        flags = _UTF8 | (_END_PAUSE if pause else 0)
        data = text.encode()
        size = ctypes.c_size_t(len(data) + 1)
        self._check(self._library.espeak_Synth(data, size, 0, _CHARACTER, 0, flags, None, None))
        return b"".join(self._spoken)

    def _keep(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            self._spoken.append(ctypes.string_at(samples, count * 2))
        return 0

    @staticmethod
    def _check(status: int) -> None:
        if status != 0:
            raise RuntimeError(str(status))


def _described(voice: _Voice) -> dict[str, Any]:
    """`languages`: code and priority; espeak-ng packs them as (priority byte, C string) until priority 0."""
    languages, address = [], voice.languages
    while priority := ctypes.string_at(address, 1)[0]:
        code = ctypes.string_at(address + 1)
        languages.append((code.decode(), priority))
        address += len(code) + 2
    return {"name": voice.name.decode().strip(), "identifier": voice.identifier.decode(), "languages": languages}


def _answer(status: int, body: bytes = b"") -> None:
    sys.stdout.buffer.write(HEADER.pack(status, len(body)) + body)
    sys.stdout.buffer.flush()


def _speak_and_exit(synthesizer: Synthesizer, begun: mmap, line: bytes) -> None:
    """The child's whole life. Its exit status says whether it has answered."""
    try:
        signal.alarm(SECONDS)
        spoken = synthesizer.speak(**json.loads(line))
        begun[0] = 1
        _answer(0, spoken)
    except BaseException:
        os._exit(1)
    os._exit(0)


def main() -> None:
    if not hasattr(os, "fork"):
        raise SystemExit("this needs Linux or macOS")
    _, library, data = sys.argv
    synthesizer = Synthesizer(library, data)
    _answer(0, json.dumps(synthesizer.abilities()).encode())
    begun = mmap(-1, 1)  # shared with the child: whether its answer has
    for line in sys.stdin.buffer:
        begun[0] = 0
        child = os.fork()
        if child == 0:
            _speak_and_exit(synthesizer, begun, line)
        _, status = os.waitpid(child, 0)
        if status != 0 and begun[0]:
            return  # nothing can follow half an answer: it would be taken for the rest
        if status != 0:
            _answer(1)


if __name__ == "__main__":
    main()
