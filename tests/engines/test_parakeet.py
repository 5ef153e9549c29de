"""Parakeet: a random model with the published export's files and shapes, held against onnx-asr's own call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx_asr
import pytest
from tiny_parakeet import build_tiny_parakeet

from atelier.contracts.engine import ModelSource, Run
from atelier.contracts.speech_to_text import TranscribedSegment, TranscriptionRequest, TranscriptionResult
from atelier.engines.parakeet import KIND, LONGEST_WINDOW, PAUSE, ParakeetEngine
from atelier.errors import InvalidRequest, ModelMissing, UnreadableMedia
from atelier.media.recording import Recording
from atelier.media.voice import SpeechWindows, Window
from sounds import Samples, babble, encoded, silence


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_parakeet(tmp_path_factory.mktemp("models") / "parakeet")


@pytest.fixture(scope="module")
def engine(folder: Path) -> ParakeetEngine:
    return loaded(folder)


def loaded(folder: Path | None) -> ParakeetEngine:
    engine = ParakeetEngine(ModelSource("tiny", folder, revision="r1", device="cpu", note="random"))
    engine.load()
    return engine


def speech(*pitches: float) -> Samples:
    """One passage of speech per pitch, each in a window of its own."""
    parts = [np.concatenate([babble(2.5, pitch=pitch), silence(3)]) for pitch in pitches]
    return np.concatenate([silence(1), *parts])


def request(samples: Samples, **settings: object) -> TranscriptionRequest:
    return TranscriptionRequest.model_validate({"audio": encoded(samples), **settings})


def finish(engine: ParakeetEngine, runs: Sequence[Run]) -> list[TranscriptionResult]:
    while going := [run for run in runs if not run.done]:
        assert len({run.key for run in going}) == 1
        engine.step(going)
        for run in going:
            if run.error:
                raise run.error
    for run in runs:
        engine.close(run)
    return [result for run in runs if isinstance(result := run.outputs[-1], TranscriptionResult)]


def recognise(engine: ParakeetEngine, *requests: TranscriptionRequest) -> list[TranscriptionResult]:
    return finish(engine, [engine.start(each) for each in requests])


def spoken_windows(samples: Samples) -> list[Window]:
    windows = SpeechWindows(Recording(encoded(samples)), longest=LONGEST_WINDOW, pause=PAUSE)
    found = []
    while not windows.ended:
        found.append(windows.next())
    return [window for window in found if window is not None]


def test_it_writes_what_the_library_writes(engine: ParakeetEngine, folder: Path) -> None:
    samples = speech(110, 150, 200)
    (result,) = recognise(engine, request(samples, words=True))
    windows = spoken_windows(samples)
    library = onnx_asr.load_model(KIND, folder, providers=["CPUExecutionProvider"])
    timed = library.with_timestamps()
    assert len(windows) == len(result.segments) == 3
    for window, segment in zip(windows, result.segments, strict=True):
        heard = window.samples.astype(np.float32) / 32768
        assert segment.text == f" {library.recognize(heard)}"
        theirs = timed.recognize(heard)
        assert segment.words is not None
        assert "".join(word.word for word in segment.words) == "".join(theirs.tokens or []).replace(" ", "")
        assert (
            segment.start
            == segment.words[0].start
            == pytest.approx(window.start + (theirs.timestamps or [])[0], abs=0.01)
        )
        assert segment.avg_logprob == pytest.approx(float(np.mean(theirs.logprobs or [])))
        times = [time for word in segment.words for time in (word.start, word.end)]
        assert round(window.start, 2) <= min(times) <= max(times) <= round(window.end, 2)
        starts = [word.start for word in segment.words]
        assert starts == sorted(starts)
        assert all(0 < (word.probability or 0) <= 1 for word in segment.words)
    assert result.text == "".join(segment.text for segment in result.segments).strip()
    assert len({segment.text for segment in result.segments}) == 3
    assert (result.language, result.duration) == ("und", len(samples) / 16_000)


def test_company_changes_nothing(engine: ParakeetEngine) -> None:
    requests = [request(speech(110, 150)), request(speech(200), words=True), request(silence(40), language="pt-BR")]
    assert recognise(engine, *requests) == [recognise(engine, each)[0] for each in requests]


def test_partials_add_up(engine: ParakeetEngine) -> None:
    run = engine.start(request(speech(110, 150)))
    while not run.done:
        engine.step([run])
    *partials, result = run.outputs
    assert isinstance(result, TranscriptionResult)
    assert [partial.segment for partial in partials if isinstance(partial, TranscribedSegment)] == result.segments
    assert all(segment.words is None for segment in result.segments)
    assert run.progress == 1
    assert result.usage.audio_seconds == result.usage.units == result.duration


def test_what_it_cannot_do_is_refused_or_told(engine: ParakeetEngine) -> None:
    for settings, field in (({"task": "translate"}, "task"), ({"language": "ja"}, "language")):
        with pytest.raises(InvalidRequest) as refused:
            engine.start(request(silence(1), **settings))
        assert refused.value.field == field
    run = engine.start(request(silence(1), hotwords="Dashwood"))
    assert run.warnings == ["this recogniser takes neither prompt nor hotwords: they were left out"]
    with pytest.raises(UnreadableMedia):
        engine.start(TranscriptionRequest(audio=b"not a recording"))


def test_the_small_export_serves_where_it_is_there(folder: Path, tmp_path: Path) -> None:
    assert loaded(folder).info().precision == "float32"
    both = build_tiny_parakeet(build_tiny_parakeet(tmp_path / "both"), suffix=".int8", seed=1)
    assert loaded(both).info().precision == "int8"
    info = loaded(both).info()
    assert (info.model, info.revision, info.device, info.note) == ("tiny", "r1", "cpu", "random")
    assert {"en", "de", "uk"} <= set(info.languages)


def test_unloading_gives_it_back(folder: Path) -> None:
    engine = loaded(folder)
    engine.load()
    engine.unload()
    with pytest.raises(ModelMissing, match="not loaded"):
        engine.start(request(silence(1)))


@pytest.mark.parametrize("damage", ["cut short", "missing", "of another width"])
def test_damaged_files_are_told_in_words(tmp_path: Path, damage: str) -> None:
    folder = build_tiny_parakeet(tmp_path / "parakeet")
    encoder = folder / "encoder-model.onnx"
    if damage == "cut short":
        encoder.write_bytes(encoder.read_bytes()[:-500])
    elif damage == "missing":
        encoder.unlink()
    else:
        (folder / "config.json").write_text('{"model_type": "nemo-conformer-tdt", "features_size": 80}')
    with pytest.raises(ModelMissing, match="download it again") as refused:
        loaded(folder)
    assert str(tmp_path) not in refused.value.message


def test_no_folder_or_device_is_told(folder: Path, tmp_path: Path) -> None:
    for place in (None, tmp_path):
        with pytest.raises(ModelMissing, match="tiny is not installed"):
            loaded(place)
    with pytest.raises(ModelMissing, match="cuda:1, for which ONNX Runtime lacks its part"):
        ParakeetEngine(ModelSource("tiny", folder, device="cuda:1")).load()
