"""The program that turns text into Kokoro's tokens: it runs alone, in a process of its own.

    python -I reading.py

kokoro-onnx reads text with phonemizer and espeak-ng, which are under the GPL-3: no other process of ours loads them.

The first line of stdin is JSON: a vocabulary (phoneme → token), or null for kokoro-onnx's own; the answer is `true`.
Each line after it is an object of text and language (espeak-ng's code). Each answer is one line: a list of pieces
[tokens, seconds of silence after it], or null where the text could not be read.

espeak-ng keeps state from text to text and loses memory, so each text is read by a forked child that ends with it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from kokoro_onnx.chunker import pause_after, split_phonemes
from kokoro_onnx.tokenizer import Tokenizer
from phonemizer import phonemize

SECONDS = 20  # for one text; the longest takes a tenth of one
SENTENCE_PAUSE, CLAUSE_PAUSE = 0.25, 0.1  # kokoro-onnx's own

Pieces = list[tuple[list[int], float]]


class Reader:
    def __init__(self, vocabulary: dict[str, int] | None) -> None:
        self._tokenizer = Tokenizer(vocab=vocabulary)
        self._ready: set[str] = set()

    def prepare(self, language: str) -> None:
        """Have espeak-ng load the language, once, so that no child has to."""
        if language not in self._ready:
            self._ready.add(language)
            self.read("a", language)

    def read(self, text: str, language: str) -> Pieces:
        # As Tokenizer.phonemize, but words of another language come without its code, which would be spoken.
        phonemes = phonemize(
            text.strip(), language, preserve_punctuation=True, with_stress=True, language_switch="remove-flags"
        )
        known = self._tokenizer.known(phonemes)
        pieces = split_phonemes(" ".join(known.split()))
        pauses = [*(pause_after(piece, SENTENCE_PAUSE, CLAUSE_PAUSE) for piece in pieces[:-1]), 0.0]
        return [
            (self._tokenizer.tokenize(piece), pause)
            for piece, pause in zip(pieces, pauses, strict=False)
            if any(phoneme.isalpha() for phoneme in piece)  # punctuation alone is nothing to speak
        ]


def main() -> None:
    if not hasattr(os, "fork"):
        raise SystemExit("this needs Linux or macOS")
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    reader = Reader(json.loads(sys.stdin.buffer.readline()))
    _answer(answers, True)
    for line in sys.stdin.buffer:
        order = json.loads(line)
        reader.prepare(order["language"])
        child = os.fork()
        if child == 0:
            _read_and_exit(answers, reader, order)
        _, status = os.waitpid(child, 0)
        if status != 0:
            _answer(answers, None)


def _answer(answers: int, content: object) -> None:
    with os.fdopen(os.dup(answers), "wb") as out:
        out.write(json.dumps(content).encode() + b"\n")


def _read_and_exit(answers: int, reader: Reader, order: dict[str, Any]) -> None:
    """The child's whole life. Its exit status says whether it has answered."""
    try:
        signal.alarm(SECONDS)
        _answer(answers, reader.read(**order))
    except BaseException:
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
