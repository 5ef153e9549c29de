"""XTTS: the whole engine on a tiny model in the published layout, judged against coqui-tts's own calls."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from atelier.contracts.engine import ModelSource, Sound, SpeechMade
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.errors import InvalidRequest, ModelMissing, UnreadableMedia
from atelier.media import spectrum
from atelier.media.sound import SoundEncoder
from atelier.models.catalog import plans
from atelier.settings import Settings

pytest.importorskip("coqpit", reason="needs coqui-tts: pip install 'atelier[xtts]'")

from tiny_xtts import MOST_TOKENS, SPEAKERS, build_tiny_xtts, save_checkpoint

from atelier.engines.xtts import SEED, XttsEngine
from atelier.engines.xtts.library import Xtts, XttsConfig
from atelier.engines.xtts.voices import OPENAI_VOICES
from atelier.worker.app import create_app
from atelier.worker.host import Host
from atelier.worker.residency import ModelPlan, Resident
from running_gateway import opened
from servers import running

pytestmark = pytest.mark.usefixtures("one_thread")

RATE = 24_000
CLOSE = 1e-4
TEXT = "Open the door. Come in!"
SENTENCES = ("Open the door.", "Come in!")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_xtts(tmp_path_factory.mktemp("xtts") / "model")


@pytest.fixture(scope="module")
def engine(folder, one_thread):
    engine = XttsEngine(ModelSource("xtts", folder, device="cpu"))
    engine.load()
    yield engine
    engine.unload()


@pytest.fixture(scope="module")
def library(folder, tmp_path_factory, one_thread):
    """coqui-tts itself, on a copy of the folder: it writes over the checkpoint."""
    copy = tmp_path_factory.mktemp("library") / "model"
    shutil.copytree(folder, copy)
    config = XttsConfig()
    config.load_json(str(copy / "config.json"))
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(copy))
    return model


def speak(engine, text=TEXT, **fields):
    """The finished run of a request."""
    run = engine.start(SpeechRequest(text=text, **fields))
    while not run.done and run.error is None:
        engine.step([run])
    engine.close(run)
    if run.error is not None:
        raise run.error
    return run


def sounds(run):
    return [output for output in run.outputs if isinstance(output, Sound)]


def samples(run):
    return np.concatenate([sound.samples for sound in sounds(run)]) / 32767


def spoken_by(library, text, *, voice="Claribel Dervla", language="en", speed=1.0, chunk=20, known=None):
    """The pieces that coqui-tts's own `inference_stream` gives."""
    speaker = library.speaker_manager.speakers[voice]
    latent, embedding = known or (speaker["gpt_cond_latent"], speaker["speaker_embedding"])
    drawn = {
        name: getattr(library.config, name)
        for name in ("temperature", "length_penalty", "repetition_penalty", "top_k", "top_p")
    }
    torch.manual_seed(SEED)
    pieces = library.inference_stream(text, language, latent, embedding, chunk, speed=speed, **drawn)
    return [piece.numpy() for piece in pieces]


def same(left, right):
    return left.shape == right.shape and np.abs(left - right).max() < CLOSE


def recording(seconds, rate=22_050):
    """A wav of a voice-like hum, and its samples between -1 and 1."""
    time = np.arange(int(seconds * rate)) / rate
    hum = sum(np.sin(2 * np.pi * 140 * n * time + n) / n for n in range(1, 12)) * (0.6 + 0.4 * np.sin(9 * time))
    whole = (hum / np.abs(hum).max() * 20_000).astype(np.int16)
    encoder = SoundEncoder("wav", rate, streamed=False)
    encoder.encode(whole)
    return encoder.finish(), whole.astype(np.float32) / 32768


class TestFaithful:
    """A sentence is what coqui-tts's own `inference_stream` makes of it."""

    @pytest.mark.parametrize(
        ("text", "fields"),
        [
            (SENTENCES[0], {}),
            (SENTENCES[1], {"voice": "Craig Gutsy", "speed": 1.3}),
            ("Guten Tag, 2 Freunde.", {"language": "de"}),
            ("你好。", {"language": "zh-cn"}),
            ("こんにちは", {"language": "ja"}),
        ],
    )
    def test_a_sentence_is_as_the_library_speaks_it(self, engine, library, text, fields):
        (wanted,) = spoken_by(library, text, chunk=0, **fields)
        assert np.abs(wanted).max() > 0.01
        assert same(samples(speak(engine, text, **fields)), wanted)

    def test_a_stream_gives_the_same_pieces(self, engine, library):
        wanted = spoken_by(library, SENTENCES[0])
        assert len(wanted) > 1
        given = sounds(speak(engine, SENTENCES[0], stream=True))
        assert [len(sound.samples) for sound in given] == [*map(len, wanted), 0]
        assert all(same(sound.samples / 32767, piece) for sound, piece in zip(given, wanted, strict=False))

    def test_sentences_are_joined_by_silence(self, engine, library):
        given = sounds(speak(engine))
        wanted = [spoken_by(library, sentence, chunk=0)[0] for sentence in SENTENCES]
        assert same(given[0].samples / 32767, np.concatenate([wanted[0], np.zeros(RATE // 4)]))
        assert same(given[1].samples / 32767, wanted[1])

    def test_a_cloned_voice(self, engine, library):
        wav, heard = recording(7)
        sound = torch.from_numpy(heard)[None]
        latent = library.get_gpt_cond_latents(sound, 22_050, library.config.gpt_cond_len, 4)
        known = latent, library.get_speaker_embedding(sound, 22_050)
        (wanted,) = spoken_by(library, SENTENCES[0], chunk=0, known=known)
        run = speak(engine, SENTENCES[0], reference=wav)
        assert same(samples(run), wanted)
        assert run.outputs[-1].voice == "reference"
        assert not same(samples(run), samples(speak(engine, SENTENCES[0])))

    def test_a_voice_that_is_remembered_speaks_the_same(self, engine, monkeypatch):
        wav, other = recording(7)[0], recording(8)[0]
        first = samples(speak(engine, "Hi.", reference=wav))
        learnt = []
        monkeypatch.setattr(engine, "_learn", lambda run, learn=engine._learn: learnt.append(run) or learn(run))
        assert np.array_equal(samples(speak(engine, "Hi.", reference=wav, voice="mine")), first)
        assert learnt == []
        assert not same(samples(speak(engine, "Hi.", reference=other)), first)
        assert len(learnt) == 1

    def test_those_that_speak_now_and_then_are_remembered(self, engine, monkeypatch):
        monkeypatch.setattr("atelier.engines.xtts.MOST_LEARNT", 2)
        often, once, new = (recording(seconds)[0] for seconds in (7, 8, 9))
        for wav in (often, once, often, new):
            speak(engine, "Hi.", reference=wav)
        assert hashlib.sha256(often).digest() in engine._learnt
        assert hashlib.sha256(once).digest() not in engine._learnt

    def test_through_gateway_and_worker_each_voice_is_as_the_engine_alone_speaks_it(self, engine, folder, tmp_path):
        service = ("text-to-speech",)
        source = ModelSource("xtts", folder, device="cpu")
        host = Host([ModelPlan(source, "atelier.engines.xtts:XttsEngine", "xtts", service, service, clones=True)])
        consent = {"consent": "Speak with my voice as you like.", "consent_by": "Ann", "consent_at": "2026-01-31"}
        spoken = []
        with (
            running(create_app(host, service, most_body_bytes=3_000_000)) as worker,
            opened(tmp_path, upstreams={service[0]: [worker]}) as gateway,
        ):
            for name, seconds in (("Ann", 7), ("Ben", 8)):
                wav, _ = recording(seconds)
                made = gateway.post("/api/voices", data={"name": name, **consent}, files={"reference": wav})
                assert made.status_code == 201, made.text
                asked = {"input": SENTENCES[1], "voice": name, "response_format": "wav", "stream": False}
                answer = gateway.post("/v1/audio/speech", json=asked)
                assert answer.status_code == 200, answer.text
                spoken.append(np.frombuffer(answer.content[44:], np.int16))
                alone = np.concatenate([s.samples for s in sounds(speak(engine, SENTENCES[1], reference=wav))])
                assert np.array_equal(spoken[-1], alone)
        assert not np.array_equal(*(one[:4000] for one in spoken))

    def test_alone_or_among_others_is_the_same(self, engine):
        asked = [
            SpeechRequest(text=TEXT, stream=True),
            SpeechRequest(text="Who is there?", voice="echo"),
            SpeechRequest(text="Nobody.", language="fr", stream=True),
        ]
        alone = []
        for request in asked:
            run = engine.start(request)
            while not run.done:
                engine.step([run])
            alone.append(samples(run))
        runs = [engine.start(request) for request in asked]
        assert len({run.key for run in runs}) == 1
        while any(not run.done for run in runs):
            torch.rand(3)  # whatever else throws PyTorch's dice
            engine.step([run for run in runs if not run.done])
        assert all(np.array_equal(samples(run), wanted) for run, wanted in zip(runs, alone, strict=True))


class TestOutputs:
    def test_one_sentence_a_step_then_the_end(self, engine):
        run = engine.start(SpeechRequest(text=TEXT))
        for count, end in enumerate((15, 23), start=1):
            assert not run.done
            engine.step([run])
            assert [sound.characters for sound in sounds(run)][-1] == end
            assert len(sounds(run)) == count
        assert run.done
        assert run.progress == 1
        made = run.outputs[-1]
        assert isinstance(made, SpeechMade)
        assert made.usage.characters == len(TEXT)
        assert made.usage.audio_seconds == pytest.approx(len(samples(run)) / RATE)

    def test_the_first_piece_of_a_stream_comes_before_the_sentence_is_spoken(self, engine):
        run = engine.start(SpeechRequest(text=TEXT, stream=True))
        engine.step([run])
        (first,) = sounds(run)
        assert (first.samples.dtype, first.sample_rate, first.characters) == (np.int16, RATE, 0)
        assert 0.1 < len(first.samples) / RATE < 0.3
        engine.close(run)
        engine.step([run])
        assert len(sounds(run)) == 1

    def test_speeds_beyond_the_networks_are_stretched(self, engine):
        usual = len(samples(speak(engine, SENTENCES[1], speed=2)))
        assert len(samples(speak(engine, SENTENCES[1], speed=4, stream=True))) == pytest.approx(usual / 2, abs=4)


class TestVoices:
    @pytest.mark.parametrize(
        ("voice", "language", "said_voice", "said_language"),
        [
            (None, None, "Claribel Dervla", "en"),
            ("nova", "pt-BR", "Nova Hogarth", "pt"),
            ("ASH", "zh", "Craig Gutsy", "zh-cn"),
            ("alma maría", "en_GB", "Alma María", "en"),
            ("verse", None, "Claribel Dervla", "en"),  # the tiny model lacks its speaker
        ],
    )
    def test_who_speaks(self, engine, voice, language, said_voice, said_language):
        run = engine.start(SpeechRequest(text="Hi.", voice=voice, language=language))
        assert (run.speaker, run.language) == (said_voice, said_language)

    @pytest.mark.parametrize(
        ("fields", "field", "hint"),
        [
            ({"voice": "aloy"}, "voice", "alloy"),
            ({"voice": "Craig Gutsi"}, "voice", "Craig Gutsy"),
            ({"language": "sv"}, "language", "GET /v1/models"),
        ],
    )
    def test_who_is_not_known(self, engine, fields, field, hint):
        with pytest.raises(InvalidRequest) as caught:
            engine.start(SpeechRequest(text=TEXT, **fields))
        assert caught.value.field == field
        assert hint in caught.value.message

    @pytest.mark.parametrize(("seconds", "told"), [(3, "3.0"), (31, "more")])
    def test_a_reference_of_another_length_is_refused(self, engine, seconds, told):
        with pytest.raises(InvalidRequest, match=f"reference: send 6 to 30 seconds.*{told}"):
            engine.start(SpeechRequest(text=TEXT, reference=recording(seconds)[0]))

    def test_a_reference_that_is_no_recording(self, engine):
        with pytest.raises(UnreadableMedia) as caught:
            engine.start(SpeechRequest(text=TEXT, reference=b"not sound"))
        assert caught.value.field == "reference"

    def test_info_names_voices_and_17_languages(self, engine):
        info = engine.info()
        assert set(info.voices) == {*OPENAI_VOICES, *SPEAKERS}
        assert len(info.languages) == 17
        assert (info.device, info.precision) == ("cpu", "float32")


class TestText:
    def test_a_sentence_that_grows_too_long_is_cut(self, engine):
        text = "Call 1234567890 and 1234567890 now."
        assert len(engine._ready.model.tokenizer.encode(text.lower(), lang="en")) > MOST_TOKENS
        given = sounds(speak(engine, text))
        assert len(given) > 1
        assert given[-1].characters == len(text)

    def test_sentences_are_as_short_as_the_language_wants(self, engine):
        text = "这是一个很长的句子，" * 20
        assert (
            max(len(sentence.text) for sentence in engine.start(SpeechRequest(text=text, language="zh")).sentences)
            <= 82
        )

    def test_nothing_to_speak_is_refused(self, engine):
        with pytest.raises(InvalidRequest) as caught:
            engine.start(SpeechRequest(text="..."))
        assert caught.value.field == "text"


class Trap:
    """Unpickled by a careless program, it leaves a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


class TestFiles:
    @pytest.fixture
    def copy(self, folder, tmp_path):
        return Path(shutil.copytree(folder, tmp_path / "copy"))

    def refused(self, folder, **source):
        with pytest.raises(ModelMissing) as caught:
            XttsEngine(ModelSource("xtts", folder, **source)).load()
        assert str(folder) not in caught.value.message
        return caught.value.message

    def test_missing_files_are_named(self, copy, tmp_path):
        assert "not installed" in self.refused(None)
        assert "not installed" in self.refused(tmp_path / "nowhere")
        (copy / "speakers_xtts.pth").unlink()
        assert "lacks speakers_xtts.pth" in self.refused(copy)

    def test_a_truncated_checkpoint(self, copy):
        checkpoint = copy / "model.pth"
        checkpoint.write_bytes(checkpoint.read_bytes()[:1_000_000])
        assert "damaged" in self.refused(copy)

    def test_another_kind_of_model(self, copy):
        (copy / "config.json").write_text('{"model": "vits"}')
        assert "another kind" in self.refused(copy)

    @pytest.mark.parametrize("file", ["model.pth", "speakers_xtts.pth"])
    def test_a_pickle_that_runs_code_is_not_opened(self, copy, tmp_path, file):
        mark = tmp_path / "opened"
        torch.save({"model": Trap(mark), "config": {}}, copy / file)
        assert "more than weights" in self.refused(copy)
        (copy / file).write_bytes(pickle.dumps({"model": Trap(mark)}, protocol=2))
        assert "more than weights" in self.refused(copy)
        assert not mark.exists()

    def test_a_gpu_that_is_not_there(self, folder):
        assert "cuda:7" in self.refused(folder, device="cuda:7")

    def test_nothing_is_written_to_the_folder(self, copy):
        config = XttsConfig()
        config.load_json(str(copy / "config.json"))
        weights = torch.load(copy / "model.pth", weights_only=False)["model"]
        save_checkpoint(weights, config, copy / "model.pth")

        def seen():
            return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in copy.iterdir()}

        before = seen()
        for file in (*copy.iterdir(), copy):
            file.chmod(0o555 if file.is_dir() else 0o444)
        XttsEngine(ModelSource("xtts", copy, device="cpu")).load()
        assert seen() == before
        copy.chmod(0o755)

    def test_its_folder_makes_it_the_default(self, tmp_path):
        (tmp_path / "models/coqui/XTTS-v2").mkdir(parents=True)
        assert [plan.source.model for plan in plans(Settings(home=tmp_path), ["text-to-speech"])] == ["coqui/XTTS-v2"]


@pytest.fixture
def chirp():
    time = torch.arange(22_050, dtype=torch.float64) / 22_050
    return (0.5 * torch.sin(2 * torch.pi * (200 * time + 1500 * time * time))).float()[None]


class TestLibrary:
    """The stand-ins for torchaudio: as torchaudio 2.11 computes, and gone once coqui-tts is imported."""

    def test_mel_of_a_reference(self, chirp):
        made = spectrum.MelSpectrogram(
            sample_rate=22_050, n_fft=2048, hop_length=256, win_length=1024, f_max=8000, n_mels=80, norm="slaney"
        )(chirp)
        assert made.shape == (1, 80, 87)
        assert made[0, [30, 33], 40].tolist() == pytest.approx([1.40739643e-6, 7.28078593e-5], rel=1e-3)

    def test_mel_of_the_speaker_encoder(self, chirp):
        made = spectrum.MelSpectrogram(
            sample_rate=16_000, n_fft=512, win_length=400, hop_length=160, window_fn=torch.hamming_window, n_mels=64
        )
        assert list(made.state_dict()) == ["spectrogram.window", "mel_scale.fb"]
        bands = made(chirp)[0, [10, 20, 30, 40], 60].tolist()
        assert bands == pytest.approx([0.0104317982, 0.187573701, 0.0623995326, 0.0136448359], rel=1e-4)

    def test_another_rate(self, chirp):
        made = spectrum.resample(chirp, 22_050, 16_000)
        wanted = [0.00225775409, 0.0388523676, 0.0785655007, 0.386605382, 0.0, -0.46623981]
        assert made.shape == (1, 16_000)
        assert made[0, [0, 1, 2, 1000, 8000, 15_999]].tolist() == pytest.approx(wanted, abs=2e-5)
        assert spectrum.resample(chirp, 16_000, 16_000) is chirp

    def test_nobody_else_sees_them(self):
        program = (
            "import sys, importlib.util; real = importlib.util.find_spec('torchaudio')\n"
            "import atelier.engines.xtts\n"
            "from transformers.utils import is_torchaudio_available\n"
            "assert is_torchaudio_available() == (real is not None)\n"
            "assert not {'torchaudio', 'torchcodec'} & set(sys.modules) or real\n"
        )
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_memory_does_not_grow(folder):
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    service = ("text-to-speech",)
    source = ModelSource("xtts", folder, device="cpu")
    held = Resident(ModelPlan(source, "atelier.engines.xtts:XttsEngine", "xtts", service, service))
    for count in range(1, 13):
        if count % 4 == 1:
            held.unload()
            held.load()
        speak(held.engine, "Hi.", stream=count % 2 == 0)
        if count == 4:
            begun = resident()
    loaded = resident()
    assert loaded < 1.05 * begun
    held.unload()
    assert resident() < loaded - 50_000_000
