"""Piper: the whole engine with the real text side and tiny voices, judged against piper-tts's own call."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_piper import RATE, build_tiny_piper

from atelier.contracts.engine import ModelSource, Run, Sound, SpeechMade
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.engines.piper import PiperEngine, synthesizer
from atelier.engines.piper.synthesizer import HEADER
from atelier.errors import InvalidRequest, ModelMissing
from child_processes import environment_of_program

CLOSE = 1e-4
SENTENCES = ("The workshop opens at nine, in the morning.", "Every visitor may try the tools!", "Do you want to come?")
TEXT = " ".join(SENTENCES)

# Piper's own call, each text in a fresh process: what is asked comes as JSON, and the samples go out.
LIBRARY = """
import json, os, sys
import numpy as np, onnxruntime
from piper import PiperVoice, SynthesisConfig
out = os.dup(1); os.dup2(2, 1)
network, text, settings = json.loads(sys.stdin.read())
onnxruntime.set_seed(0)
chunks = PiperVoice.load(network).synthesize(text, SynthesisConfig(**settings))
os.write(out, np.concatenate([chunk.audio_float_array for chunk in chunks]).tobytes())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three voices as `rhasspy/piper-voices` has them, in folders below each other; one has two speakers."""
    root = tmp_path_factory.mktemp("piper") / "voices"
    build_tiny_piper(root / "en/en_US/tone/medium", "en_US-tone-medium", espeak="en-us")
    build_tiny_piper(root / "en/en_GB/pair/low", "en_GB-pair-low", espeak="en-gb-x-rp", speakers=("ada", "bob"), seed=1)
    return build_tiny_piper(root, "de_DE-ton-medium", espeak="de", seed=2)


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[PiperEngine]:
    engine = PiperEngine(ModelSource("piper", folder))
    engine.load()
    yield engine
    engine.unload()


def library(folder: Path, voice: str, text: str, **settings: object) -> NDArray[np.float32]:
    [network] = folder.rglob(f"{voice}.onnx")
    order = json.dumps([str(network), text, settings])
    done = subprocess.run([sys.executable, "-c", LIBRARY], input=order.encode(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.float32)


def speak(engine: PiperEngine, text: str = TEXT, **fields: Any) -> Run:
    run = engine.start(SpeechRequest(text=text, **fields))
    while not run.done and run.error is None:
        engine.step([run])
    engine.close(run)
    if run.error is not None:
        raise run.error
    return run


def sounds(run: Run) -> list[Sound]:
    return [output for output in run.outputs if isinstance(output, Sound)]


def heard(engine: PiperEngine, text: str = TEXT, **fields: Any) -> NDArray[np.float64]:
    return np.concatenate([sound.samples for sound in sounds(speak(engine, text, **fields))]) / 32767


def same(left: NDArray[Any], right: NDArray[Any]) -> bool:
    return left.shape == right.shape and bool(np.abs(left - right).max() < CLOSE)


@pytest.mark.parametrize(
    ("asked", "own"),
    [
        ((SENTENCES[0], {}), ("en_US-tone-medium", {})),
        (
            ("Anna kam um 9 Uhr; es war schön.", {"language": "de", "speed": 1.6}),
            ("de_DE-ton-medium", {"length_scale": 1 / 1.6}),
        ),
        ((SENTENCES[1], {"voice": "en_gb-pair-low:bob"}), ("en_GB-pair-low", {"speaker_id": 1})),
    ],
)
def test_a_sentence_is_as_piper_itself_speaks_it(
    engine: PiperEngine, folder: Path, asked: tuple[str, dict[str, Any]], own: tuple[str, dict[str, object]]
) -> None:
    (text, fields), (voice, settings) = asked, own
    assert same(heard(engine, text, **fields), library(folder, voice, text, **settings))


def test_sentences_are_steps_with_pauses_and_the_same_whatever_is_spoken_between(engine: PiperEngine) -> None:
    run, other = engine.start(SpeechRequest(text=TEXT)), engine.start(SpeechRequest(text="Guten Tag.", language="de"))
    for count, sentence in enumerate(SENTENCES, start=1):
        engine.step([run] if other.done else [run, other])
        assert len(sounds(run)) == count
        pause = np.zeros(RATE // 4 if count < len(SENTENCES) else 0)
        assert same(sounds(run)[-1].samples / 32767, np.concatenate([heard(engine, sentence), pause[:5512]]))
        assert run.progress == pytest.approx(sounds(run)[-1].characters / len(TEXT))
    made = run.outputs[-1]
    assert isinstance(made, SpeechMade)
    assert run.done
    assert (made.voice, made.language, made.usage.characters) == ("en_US-tone-medium", "en-us", len(TEXT))
    assert made.usage.audio_seconds == sum(len(sound.samples) for sound in sounds(run)) / RATE


def test_speeds_beyond_the_voices_own_are_stretched(engine: PiperEngine) -> None:
    fast = len(heard(engine, SENTENCES[0], speed=2.0))
    assert len(heard(engine, SENTENCES[0], speed=4.0)) == pytest.approx(fast / 2, abs=2)


def test_which_voice_speaks(engine: PiperEngine) -> None:
    assert engine.info().languages == ("de-de", "en-gb", "en-us")
    assert set(engine.info().voices) > {"alloy", "de_DE-ton-medium", "en_GB-pair-low:ada", "en_US-tone-medium"}

    def speaks(voice: str | None, language: str | None) -> str:
        return engine.start(SpeechRequest(text="Hi.", voice=voice, language=language)).choice.voice

    assert speaks(None, None).startswith("en_")
    assert speaks(None, "de-AT") == speaks("nova", "de") == "de_DE-ton-medium"
    assert {speaks("alloy", "en-GB"), speaks("ash", "en-GB")} == {"en_GB-pair-low:ada", "en_GB-pair-low:bob"}
    for fields, field in (({"voice": "bob"}, "voice"), ({"language": "fr"}, "language")):
        with pytest.raises(InvalidRequest, match="is not known here") as refusal:
            engine.start(SpeechRequest(text="Hi.", **fields))
        assert refusal.value.field == field
    with pytest.raises(InvalidRequest, match="speaks de-de alone"):
        speaks("de_DE-ton-medium", "en")


def test_what_cannot_be_spoken_is_refused(engine: PiperEngine) -> None:
    with pytest.raises(InvalidRequest, match="nothing to speak"):
        speak(engine, "…")


def test_text_holds_no_commands(engine: PiperEngine) -> None:
    """[[ would begin phonemes for Piper."""
    assert len(heard(engine, "The note [[aaa]] says so.")) > len(heard(engine, "The note says so."))
    assert same(heard(engine, "The note [[[aaa]] says so."), heard(engine, "The note [ [ [aaa]] says so."))


def test_piper_is_in_no_process_but_its_own_and_comes_back(engine: PiperEngine) -> None:
    before = heard(engine, SENTENCES[2])
    loaded = "import sys; sys.path.insert(0, sys.argv[1]); import atelier.engines.piper; print('piper' in sys.modules)"
    source = str(Path(sys.modules["atelier"].__file__ or "").parents[1])
    told = subprocess.run([sys.executable, "-c", loaded, source], capture_output=True, check=True, text=True)
    assert told.stdout.strip() == "False"
    [process] = _children()
    os.kill(process, 9)
    assert same(heard(engine, SENTENCES[2]), before)


def _children(process: int | None = None) -> list[int]:
    """Processes that run Piper, of `process` or our own."""
    process = process or os.getpid()
    own = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in own if b"synthesizer.py" in Path(f"/proc/{child}/cmdline").read_bytes()]


def test_the_process_has_none_of_the_workers_secrets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "of-the-worker")
    assert b"of-the-worker" not in environment_of_program(PiperEngine(ModelSource("piper", folder)))


def _program(folder: Path, *options: str) -> subprocess.Popen[bytes]:
    [network] = folder.rglob("en_US-tone-medium.onnx")
    command = [sys.executable, "-I", *options, synthesizer.__file__, str(network)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _answer(process: subprocess.Popen[bytes], *, whole: bool = True) -> int:
    assert process.stdout is not None
    status, length = HEADER.unpack(process.stdout.read(HEADER.size))
    if whole:
        process.stdout.read(length)
    return int(status)


def test_half_an_answer_is_followed_by_no_other(folder: Path) -> None:
    """What came after it would be taken for samples, and the rest be waited for without end."""
    with _program(folder) as process:
        assert process.stdin is not None
        assert _answer(process) == 0
        order = {"text": "The workshop opens at nine. " * 50, "voice": 0, "speaker": None, "speed": 1}
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        assert _answer(process, whole=False) == 0  # more than a pipe holds: the child is in the middle of it
        [child] = _children(process.pid)
        os.kill(child, 9)
        rest, _ = process.communicate()
    assert not rest.endswith(HEADER.pack(1, 0))


def test_libraries_that_do_not_load_are_no_damaged_voice(folder: Path) -> None:
    with _program(folder, "-S") as process:
        assert process.communicate()[0] == b""


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("no folder", "is not installed"),
        ("no configuration", r"lacks xx-y-low\.onnx\.json"),
        ("cut short", "the voice xx-y-low is damaged"),
        ("other phonemes", "the voice xx-y-low is damaged, incomplete, of another kind"),
    ],
)
def test_voices_that_cannot_be_used(tmp_path: Path, damage: str, complaint: str) -> None:
    if damage != "no folder":
        config = {"phoneme_type": "pinyin"} if damage == "other phonemes" else {}
        network = build_tiny_piper(tmp_path / "v", "xx-y-low", espeak="en-us", **config) / "xx-y-low.onnx"
        if damage == "no configuration":
            network.with_name("xx-y-low.onnx.json").unlink()
        if damage == "cut short":
            network.write_bytes(network.read_bytes()[:500])
    with pytest.raises(ModelMissing, match=complaint) as refusal:
        PiperEngine(ModelSource("piper", tmp_path / "v")).load()
    assert str(tmp_path) not in refusal.value.message
