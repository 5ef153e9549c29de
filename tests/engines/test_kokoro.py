"""Kokoro: the whole engine with the real text side and a stand-in network, judged against kokoro-onnx's own call."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import espeakng_loader
import httpx2
import numpy as np
import openai
import pytest
from kokoro_onnx import Kokoro
from tiny_kokoro import TOKEN_SAMPLES, VOICES, build_tiny_kokoro

from atelier.contracts.engine import ModelSource, Sound, SpeechMade
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.engines.kokoro import KokoroEngine
from atelier.engines.kokoro.voices import LANGUAGES, OPENAI_VOICES
from atelier.errors import InvalidRequest, ModelMissing
from atelier.models.catalog import plans
from atelier.settings import Settings
from atelier.worker.app import create_app
from atelier.worker.host import Host
from child_processes import children, environment_of_program
from servers import running, until

RATE = 24_000
CLOSE = 1e-4
TEXT = "The workshop opens at nine, in the morning. Every visitor may try the tools! Do you want to come with us?"
SENTENCES = (
    "The workshop opens at nine, in the morning.",
    "Every visitor may try the tools!",
    "Do you want to come with us?",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_tiny_kokoro(tmp_path_factory.mktemp("kokoro") / "model")


@pytest.fixture(scope="module")
def engine(folder):
    engine = KokoroEngine(ModelSource("kokoro", folder))
    engine.load()
    yield engine
    engine.unload()


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """kokoro-onnx itself, on the same weights in its own layout."""
    folder = build_tiny_kokoro(tmp_path_factory.mktemp("library") / "model", archive=True)
    return Kokoro(str(folder / "kokoro-v1.0.onnx"), str(folder / "voices-v1.0.bin"))


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


def heard(engine, text=TEXT, **fields):
    return samples(speak(engine, text, **fields))


def same(left, right):
    return left.shape == right.shape and np.abs(left - right).max() < CLOSE


class TestFaithful:
    """A sentence is what kokoro-onnx's own `create` makes of it."""

    @pytest.mark.parametrize("sentence", [*SENTENCES, "Hi.", "It costs 3.14 dollars: cheap; isn't it?", "no end"])
    def test_a_sentence_is_as_the_library_speaks_it(self, engine, library, sentence):
        wanted, rate = library.create(sentence, "af_heart")
        assert rate == RATE
        assert same(heard(engine, sentence), wanted)

    @pytest.mark.parametrize("speed", [0.5, 0.8, 1.3, 2.0])
    def test_at_its_speeds(self, engine, library, speed):
        wanted, _ = library.create(SENTENCES[0], "am_puck", speed)
        assert same(heard(engine, SENTENCES[0], voice="am_puck", speed=speed), wanted)

    @pytest.mark.parametrize(
        ("language", "voice", "text"),
        [
            ("en-gb", "bf_emma", "The colour of the aluminium tray."),
            ("es", "ef_dora", "El taller abre a las nueve."),
            ("fr-fr", "ff_siwis", "L'atelier ouvre à neuf heures."),
        ],
    )
    def test_in_its_languages(self, engine, library, language, voice, text):
        wanted, _ = library.create(text, voice, lang=language)
        assert same(heard(engine, text, language=language), wanted)

    def test_more_phonemes_than_the_network_takes_at_once(self, engine, library):
        text = "987654321, " * 26 + "and out."
        wanted, _ = library.create(text, "af_heart")
        assert len(wanted) > 510 * TOKEN_SAMPLES
        assert same(heard(engine, text), wanted)

    def test_sentences_are_joined_by_silence(self, engine, library):
        spoken = sounds(speak(engine))
        assert len(spoken) == len(SENTENCES)
        for sound, sentence, pause in zip(spoken, SENTENCES, (RATE // 4, RATE // 4, 0), strict=True):
            wanted, _ = library.create(sentence, "af_heart")
            assert same(sound.samples / 32767, np.concatenate([wanted, np.zeros(pause)]))

    def test_both_layouts_and_both_names_of_the_tokens(self, engine, tmp_path):
        other = KokoroEngine(ModelSource("kokoro", build_tiny_kokoro(tmp_path / "k", archive=True, tokens="tokens")))
        other.load()
        assert same(heard(other), heard(engine))
        other.unload()


class TestOutputs:
    def test_one_sentence_a_step_then_the_end(self, engine):
        run = engine.start(SpeechRequest(text=TEXT))
        for count, end in enumerate((44, 77, 105), start=1):
            assert not run.done
            engine.step([run])
            assert len(sounds(run)) == count
            assert sounds(run)[-1].characters == end
            assert run.progress == pytest.approx(end / len(TEXT))
        assert run.done
        made = run.outputs[-1]
        assert isinstance(made, SpeechMade)
        assert made.usage.characters == len(TEXT)
        assert made.usage.audio_seconds == pytest.approx(len(samples(run)) / RATE)

    def test_sounds_are_mono_int16_at_the_rate_they_say(self, engine):
        for sound in sounds(speak(engine)):
            assert (sound.samples.dtype, sound.samples.ndim, sound.sample_rate) == (np.int16, 1, RATE)

    def test_alone_or_among_others_is_the_same(self, engine):
        wanted = [heard(engine, voice=voice) for voice in ("af_heart", "em_alex", "nova")]
        runs = [engine.start(SpeechRequest(text=TEXT, voice=voice)) for voice in ("af_heart", "em_alex", "nova")]
        assert len({run.key for run in runs}) == 1
        for turn in range(3):
            engine.step(runs[turn:])
            engine.step(runs[:turn])
        assert all(run.done for run in runs)
        assert all(np.array_equal(samples(run), alone) for run, alone in zip(runs, wanted, strict=True))

    def test_a_closed_run_speaks_no_more(self, engine):
        run = engine.start(SpeechRequest(text=TEXT))
        engine.step([run])
        engine.close(run)
        engine.step([run])
        assert len(sounds(run)) == 1
        assert not run.done

    @pytest.mark.parametrize("speed", [0.25, 4.0])
    def test_speeds_beyond_the_networks_are_stretched(self, engine, speed):
        within = min(max(speed, 0.5), 2.0)
        expected = len(heard(engine, speed=within)) * within / speed
        assert len(heard(engine, speed=speed)) == pytest.approx(expected, abs=4)


class TestVoices:
    @pytest.mark.parametrize(
        ("voice", "language", "said_voice", "said_language"),
        [
            (None, None, "af_heart", "en-us"),
            (None, "en-GB", "bf_emma", "en-gb"),
            (None, "fr_CA", "ff_siwis", "fr-fr"),
            ("alloy", None, "af_alloy", "en-us"),
            ("Fable", "en", "bm_fable", "en-gb"),
            ("fable", "en-US", "am_echo", "en-us"),
            ("onyx", "es", "em_alex", "es"),
            ("nova", "es-MX", "ef_dora", "es"),
            ("onyx", "fr", "ff_siwis", "fr-fr"),
            ("BM_George", None, "bm_george", "en-gb"),
            ("bm_george", "en", "bm_george", "en-gb"),
            ("bm_george", "en-us", "bm_george", "en-us"),
        ],
    )
    def test_who_speaks(self, engine, voice, language, said_voice, said_language):
        run = speak(engine, "Banana.", voice=voice, language=language)
        assert (run.outputs[-1].voice, run.outputs[-1].language) == (said_voice, said_language)
        assert run.warnings == []

    def test_a_voice_of_another_language_speaks_with_an_accent(self, engine, library):
        run = speak(engine, "Buenos días.", voice="af_heart", language="es")
        assert run.outputs[-1].language == "es"
        assert "accent" in run.warnings[0]
        assert same(samples(run), library.create("Buenos días.", "af_heart", lang="es")[0])

    def test_every_openai_voice_is_another(self, engine):
        chosen = {speak(engine, "Hi.", voice=voice).outputs[-1].voice for voice in OPENAI_VOICES}
        assert len(chosen) == len(OPENAI_VOICES) == 13

    def test_info_names_voices_and_languages(self, engine):
        info = engine.info()
        assert {"alloy", "af_heart", "ff_siwis"} <= set(info.voices)
        assert "jf_alpha" in VOICES
        assert "jf_alpha" not in info.voices
        assert set(info.languages) == {"en-us", "en-gb", "es", "fr-fr"} < set(LANGUAGES.values())
        assert (info.device, info.precision) == ("cpu", "float32")

    @pytest.mark.parametrize(
        ("fields", "field", "hint"),
        [
            ({"voice": "aloy"}, "voice", "alloy"),
            ({"voice": "af_hart"}, "voice", "af_heart"),
            ({"voice": "jf_alpha"}, "voice", "GET /v1/models"),
            ({"voice": "../../etc/passwd"}, "voice", "GET /v1/models"),
            ({"language": "ja"}, "language", "GET /v1/models"),
            ({"reference": b"RIFF"}, "reference", "leave it out"),
        ],
    )
    def test_who_is_not_known(self, engine, fields, field, hint):
        with pytest.raises(InvalidRequest) as caught:
            engine.start(SpeechRequest(text=TEXT, **fields))
        assert caught.value.field == field
        assert hint in caught.value.message


class TestText:
    def test_words_of_another_language_come_without_its_code(self, engine, library):
        with_codes, _ = library.create("Say नमस्ते now.", "af_heart")  # speaks "(hi)" and "(enus)" too
        codes = len("(hi)(enus)") * TOKEN_SAMPLES
        assert len(heard(engine, "Say नमस्ते now.")) == pytest.approx(len(with_codes) - codes, abs=512)

    def test_a_long_text_is_spoken_whole(self, engine):
        text = "".join(f"Part {number} is about {number * 7} tools. " for number in range(20)).strip()
        run = speak(engine, text)
        assert len(sounds(run)) == 20
        assert sounds(run)[-1].characters == len(text)

    def test_control_characters_command_nothing(self, engine):
        assert np.array_equal(heard(engine, "hello\x1bthere\x07"), heard(engine, "hello there"))

    def test_a_silent_part_of_a_text_does_no_harm(self, engine):
        text = "Hello. " + "^ " * 400 + ". Good bye."
        spoken = sounds(speak(engine, text))
        assert spoken[-1].characters == len(text)
        assert sum(len(sound.samples) > 0 for sound in spoken) == 2

    @pytest.mark.parametrize("text", ["...", "(—)", "\x01", "<", "^ ^.\n\n| |!"])
    def test_nothing_to_speak_is_refused(self, engine, text):
        with pytest.raises(InvalidRequest) as caught:
            speak(engine, text)
        assert caught.value.field == "text"


class TestFiles:
    def refused(self, folder, **source):
        with pytest.raises(ModelMissing) as caught:
            KokoroEngine(ModelSource("kokoro", folder, **source)).load()
        assert str(folder) not in caught.value.message
        return caught.value.message

    def test_no_folder_or_an_empty_one(self, tmp_path):
        assert "not installed" in self.refused(None)
        assert "not installed" in self.refused(tmp_path)

    def test_damaged_files_are_named_as_such(self, tmp_path):
        cut = build_tiny_kokoro(tmp_path / "cut")
        network = cut / "onnx" / "model.onnx"
        network.write_bytes(network.read_bytes()[:200])
        assert "damaged" in self.refused(cut)
        voiceless = build_tiny_kokoro(tmp_path / "voiceless")
        (voiceless / "voices" / "af_heart.bin").write_bytes(b"short")
        assert "damaged" in self.refused(voiceless)
        other = build_tiny_kokoro(tmp_path / "other", tokens="pictures")
        assert "another kind" in self.refused(other)

    def test_pickled_voices_are_not_opened(self, tmp_path):
        folder = build_tiny_kokoro(tmp_path / "k", archive=True)
        marker = tmp_path / "opened"

        class Trap:
            def __reduce__(self):
                return (Path.touch, (marker,))

        with (folder / "voices-v1.0.bin").open("wb") as file:
            np.savez(file, af_heart=np.array([Trap()], dtype=object))
        assert "damaged" in self.refused(folder)
        assert not marker.exists()

    def test_a_gpu_that_is_not_there(self, folder):
        assert "cuda:1" in self.refused(folder, device="cuda:1")

    def test_read_only_files_are_enough(self, tmp_path):
        folder = build_tiny_kokoro(tmp_path / "k")
        for file in (*folder.rglob("*"), folder):
            file.chmod(0o555 if file.is_dir() else 0o444)
        engine = KokoroEngine(ModelSource("kokoro", folder))
        engine.load()
        assert len(heard(engine, "Hi."))
        engine.unload()
        for file in (folder, *folder.rglob("*")):
            file.chmod(0o755)


def test_a_worker_serves_it_once_its_folder_is_there(tmp_path):
    build_tiny_kokoro(tmp_path / "models/hexgrad/Kokoro-82M")
    [plan] = plans(Settings(home=tmp_path), ["text-to-speech"])
    with running(create_app(Host([plan]), ["text-to-speech"], most_body_bytes=10_000)) as url:
        until(lambda: httpx2.get(f"{url}/health").json()["status"] == "healthy")
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        spoken = client.audio.speech.create(input=TEXT, model="hexgrad/Kokoro-82M", voice="nova", response_format="pcm")
    assert len(spoken.content) > 2 * RATE


def resident():
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class TestProcess:
    def test_gpl_code_stays_in_its_own_process(self, engine, folder):
        program = (
            "import sys; from atelier.contracts.engine import ModelSource; from pathlib import Path\n"
            "from atelier.engines.kokoro import KokoroEngine\n"
            f"engine = KokoroEngine(ModelSource('kokoro', Path({str(folder)!r}))); engine.load(); engine.unload()\n"
            "assert not {'phonemizer', 'kokoro_onnx', 'espeakng_loader'} & set(sys.modules)\n"
        )
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

    def test_a_killed_reader_is_started_again(self, folder):
        before = children()
        engine = KokoroEngine(ModelSource("kokoro", folder))
        engine.load()
        engine.load()
        wanted = heard(engine)
        (pid,) = children() - before
        os.kill(pid, 9)
        assert np.array_equal(heard(engine), wanted)
        engine.unload()
        engine.unload()
        assert children() <= before

    def test_it_has_none_of_the_workers_secrets(self, folder, monkeypatch):
        monkeypatch.setenv("JWT_SECRET", "of-the-worker")
        assert b"of-the-worker" not in environment_of_program(KokoroEngine(ModelSource("kokoro", folder)))

    def test_it_is_told_of_another_espeak(self, folder, monkeypatch):
        library = espeakng_loader.get_library_path()
        monkeypatch.setenv("PHONEMIZER_ESPEAK_LIBRARY", library)
        environment = environment_of_program(KokoroEngine(ModelSource("kokoro", folder)))
        assert f"PHONEMIZER_ESPEAK_LIBRARY={library}".encode() in environment.split(b"\0")

    def test_memory_does_not_grow(self, folder):
        engine = KokoroEngine(ModelSource("kokoro", folder))
        for count in range(1, 301):
            if count % 60 == 1:
                engine.unload()
                engine.load()
            heard(engine, "Hi.")
            if count == 30:
                begun = resident()
        engine.unload()
        assert resident() < 1.05 * begun
