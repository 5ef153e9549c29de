"""Chatterbox: the whole engine on a tiny model in the published layout, judged against chatterbox-tts's own call."""

from __future__ import annotations

import io
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from atelier.contracts.engine import ModelSource, Sound, SpeechMade
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.errors import AtelierError, InvalidRequest, ModelMissing
from atelier.media.sentences import Sentence

pytest.importorskip("conformer", reason="needs chatterbox-tts: docs/speech.md says how it is installed")

from tiny_chatterbox import SAMPLE_RATE, ChatterboxTTS, build_tiny_chatterbox, noise, small

from atelier.engines.chatterbox import SEED, ChatterboxEngine
from atelier.engines.chatterbox.spectrum import fbank

pytestmark = pytest.mark.usefixtures("one_thread")

CLOSE = 1e-4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    return build_tiny_chatterbox(tmp_path_factory.mktemp("chatterbox") / "model")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[ChatterboxEngine]:
    engine = ChatterboxEngine(ModelSource("chatterbox", folder, device="cpu"))
    with small():
        engine.load()
    yield engine
    engine.unload()


@pytest.fixture(scope="module")
def library(folder: Path) -> Any:
    with small():
        return ChatterboxTTS.from_local(folder, "cpu")


def own(library: Any, text: str) -> NDArray[np.float32]:
    torch.manual_seed(SEED)
    samples: NDArray[np.float32] = library.generate(text)[0].numpy()
    return samples


def same(sound: Sound, wanted: NDArray[np.float32]) -> bool:
    return sound.samples.shape == wanted.shape and bool(np.abs(sound.samples / 32767 - wanted).max() < CLOSE)


def test_sentences_are_as_the_library_speaks_them_alone_and_in_company(engine: ChatterboxEngine, library: Any) -> None:
    """Two in the model's own voice, and between them one in a cloned voice; all with the watermark."""
    run = engine.start(SpeechRequest(text="Open the door. Come in!"))
    other = engine.start(SpeechRequest(text="Who is there?", reference=noise(6.5, seed=3)))
    before = torch.get_rng_state()
    engine.step([run, other])
    engine.step([run])
    assert (run.error, other.error, run.done, other.done) == (None, None, True, True)
    assert torch.equal(torch.get_rng_state(), before), "the dice of others lie as they lay"

    first, second, made = run.outputs
    assert isinstance(first, Sound)
    assert isinstance(second, Sound)
    assert made == SpeechMade("default", "en", made.usage) if isinstance(made, SpeechMade) else False
    wanted = own(library, "Open the door.")
    assert same(first, np.concatenate([wanted, np.zeros(SAMPLE_RATE // 4, np.float32)]))
    assert same(second, own(library, "Come in!"))
    assert library.watermarker.get_watermark(first.samples[: len(wanted)] / 32767, SAMPLE_RATE).mean() > 0.9

    library.prepare_conditionals(io.BytesIO(noise(6.5, seed=3)))
    cloned, made = other.outputs
    assert isinstance(cloned, Sound)
    assert isinstance(made, SpeechMade)
    assert made.voice == "reference"
    assert same(cloned, own(library, "Who is there?"))
    for ended in (run, other):
        engine.close(ended)


@pytest.mark.parametrize(
    ("fields", "complaint", "field"),
    [
        ({"language": "fr"}, "fr is not known here", "language"),
        ({"voice": "nobody"}, "nobody is not known here", "voice"),
        ({"reference": noise(2)}, "send 6 to 30 seconds of speech; this recording has 2.0 s", "reference"),
        ({"reference": b"no recording"}, "reference", "reference"),
    ],
)
def test_what_the_model_cannot_do_is_refused(
    engine: ChatterboxEngine, fields: dict[str, Any], complaint: str, field: str
) -> None:
    with pytest.raises(AtelierError, match=complaint) as refusal:
        engine.start(SpeechRequest(text="Hello.", **fields))
    assert refusal.value.field == field
    with pytest.raises(InvalidRequest, match="nothing to speak"):
        engine.start(SpeechRequest(text="..."))


@pytest.mark.parametrize("silent", [" " * 300, "." * 300])
def test_a_piece_without_words_gets_none_of_the_librarys_own(engine: ChatterboxEngine, silent: str) -> None:
    """For an empty text it would say that it needs some; here such a piece has no samples."""
    run = engine.start(SpeechRequest(text="Hello."))
    run.sentences = [Sentence(silent, 6, True)]
    engine.step([run])
    assert isinstance(run.error, InvalidRequest)
    assert "nothing to speak" in run.error.message


class Burglar:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("/tmp/burglar-was-here"),)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [("none there", "is not installed"), ("one lacks", r"lacks conds\.pt"), ("code", "hold more than weights")],
)
def test_files_that_cannot_be_used(folder: Path, tmp_path: Path, damage: str, complaint: str) -> None:
    model = tmp_path / "model"
    model.mkdir()
    if damage != "none there":
        for file in folder.iterdir():
            (model / file.name).symlink_to(file)
        (model / "conds.pt").unlink()
    if damage == "code":
        (model / "conds.pt").write_bytes(pickle.dumps(Burglar()))
    with small(), pytest.raises(ModelMissing, match=complaint) as refusal:
        ChatterboxEngine(ModelSource("chatterbox", model, device="cpu")).load()
    assert str(tmp_path) not in refusal.value.message
    assert not Path("/tmp/burglar-was-here").exists()
    shutil.rmtree(model)


def test_the_features_of_a_voice_are_kaldis() -> None:
    """Of a chirp, as torchaudio 2.11 computes them."""
    time = torch.arange(16_000) / 16_000
    chirp = (torch.sin(2 * torch.pi * (200 * time + 3000 * time * time)) * 0.5)[None]
    bands = fbank(chirp, num_mel_bins=80)
    assert bands.shape == (98, 80)
    assert bands[10, [5, 40, 70]].tolist() == pytest.approx([-13.7270, -13.2988, -15.9424], abs=1e-3)
    assert bands[50, [5, 40, 70]].tolist() == pytest.approx([-15.9424, -13.1126, -8.0243], abs=1e-3)
