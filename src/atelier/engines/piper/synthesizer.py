"""The program that holds Piper: it runs alone, in a process of its own, and speaks what it is told on its stdin.

    python -I synthesizer.py NETWORK...

piper-tts and the espeak-ng in it are under the GPL-3: no other process of ours loads them.

Each NETWORK is a voice's .onnx file, with its configuration (.onnx.json) beside it. Each line of stdin is a JSON
object: text, voice (which NETWORK, from 0), speaker (a number, or null for the voice's own), speed. Each answer on
stdout is a header of two native ints, status and length, and that many bytes: mono float32 samples, or nothing where
status is not 0. Before the first line it answers once: with JSON of the voices, or with status 1 and the name of the
one that is bad. It ends where a child dies in the middle of an answer.

A network throws dice, and ONNX Runtime has no way to put them back; espeak-ng keeps state from text to text. So this
process only loads them, and for each line it forks a child that is thrown away afterwards: every text meets the same
dice. That is why a network has one thread: others would not live on in a child.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from mmap import mmap
from pathlib import Path
from typing import Any

HEADER = struct.Struct("=iI")
SECONDS = 120  # for one sentence; the longest takes a few on a slow processor
SEED = 0


def main() -> None:
    if not hasattr(os, "fork"):
        raise SystemExit("this needs Linux or macOS")
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    voices: list[Any] = []
    described: list[dict[str, Any]] = []
    for number, path in enumerate(map(Path, sys.argv[1:])):
        try:
            config = json.loads(path.with_name(f"{path.name}.json").read_bytes())
            voices.append(_opened(path, config))
            described.append(_described(number, path, config))
        except ImportError:
            raise  # no fault of the voice
        except Exception:  # onnxruntime has a class of its own for every way a file can be broken
            _answer(answers, 1, path.stem.encode())
            return
    _answer(answers, 0, json.dumps(described).encode())
    begun = mmap(-1, 1)  # shared with the child: whether its answer has
    for line in sys.stdin.buffer:
        begun[0] = 0
        child = os.fork()
        if child == 0:
            _speak_and_exit(answers, begun, voices, json.loads(line))
        _, status = os.waitpid(child, 0)
        if status != 0 and begun[0]:
            return  # nothing can follow half an answer: it would be taken for the rest
        if status != 0:
            _answer(answers, 1)


def _opened(path: Path, config: dict[str, Any]) -> Any:
    """Piper's voice, with espeak-ng ready. Raises ValueError for one whose text other libraries read."""
    import onnxruntime
    from piper import PiperVoice
    from piper.config import PhonemeType, PiperConfig

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    onnxruntime.set_seed(SEED)
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    voice = PiperVoice(session, PiperConfig.from_dict(config))
    if voice.config.phoneme_type not in {PhonemeType.ESPEAK, PhonemeType.TEXT}:
        raise ValueError(f"phonemes of the kind {voice.config.phoneme_type}")
    voice.use_tashkeel = False  # Arabic's own network has threads, so that it must begin in the child
    voice.phonemes_to_ids(voice.phonemize("a")[0])
    voice.use_tashkeel = True
    return voice


def _described(number: int, path: Path, config: dict[str, Any]) -> dict[str, Any]:
    """The fields of `voices.Voice`."""
    code = config.get("language", {}).get("code") or config["espeak"]["voice"]
    return {
        "number": number,
        "name": path.stem,
        "language": code.lower().replace("_", "-"),
        "sample_rate": config["audio"]["sample_rate"],
        "speakers": config.get("speaker_id_map", {}) if config["num_speakers"] > 1 else {},
    }


def _answer(answers: int, status: int, body: bytes = b"") -> None:
    with os.fdopen(os.dup(answers), "wb") as out:
        out.write(HEADER.pack(status, len(body)) + body)


def _speak_and_exit(answers: int, begun: mmap, voices: list[Any], order: dict[str, Any]) -> None:
    """The child's whole life. Its exit status says whether it has answered."""
    try:
        signal.alarm(SECONDS)
        spoken = _spoken(voices[order["voice"]], order)
        begun[0] = 1
        _answer(answers, 0, spoken)
    except BaseException:
        os._exit(1)
    os._exit(0)


def _spoken(voice: Any, order: dict[str, Any]) -> bytes:
    from piper.config import SynthesisConfig

    asked = SynthesisConfig(speaker_id=order["speaker"], length_scale=voice.config.length_scale / order["speed"])
    return b"".join(chunk.audio_float_array.tobytes() for chunk in voice.synthesize(order["text"], asked))


if __name__ == "__main__":
    main()
