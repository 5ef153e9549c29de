"""espeak-ng: the whole engine with the real library, judged by its samples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from atelier.catalog import SERVICES
from atelier.contracts.engine import ModelSource, Sound, SpeechMade
from atelier.contracts.text_to_speech import SpeechRequest
from atelier.engines.espeak import EspeakEngine, speaker, synthesizer
from atelier.engines.espeak.voices import OPENAI_VOICES
from atelier.errors import Internal, InvalidRequest
from atelier.media.programs import HEADER
from child_processes import children, environment_of_program

RATE = 22_050
TEXT = "The workshop opens at nine in the morning. Every visitor may try the tools! Do you want to come with us?"
IN_OTHER_LANGUAGES = {
    "de": "Die Werkstatt öffnet um neun. Jeder darf die Werkzeuge ausprobieren.",
    "fr": "L'atelier ouvre à neuf heures. Chacun peut essayer les outils.",
    "ru": "Мастерская открывается в девять. Каждый может попробовать.",
    "zh-CN": "工作坊早上九点开门。每位参观者都可以试用这些工具。",
    "hi": "कार्यशाला सुबह नौ बजे खुलती है। हर आगंतुक औज़ार आज़मा सकता है।",
    "ar": "تفتح الورشة في التاسعة صباحا. هل تريد أن تأتي معنا؟",
    "ja": "こうぼうは くじに あきます。どうぞ おこしください。",
}


@pytest.fixture(scope="module")
def engine():
    engine = EspeakEngine(ModelSource("espeak-ng"))
    engine.load()
    yield engine
    engine.unload()


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
    return np.concatenate([sound.samples for sound in sounds(run)])


def heard(engine, text=TEXT, **fields):
    return samples(speak(engine, text, **fields))


def seconds(engine, text=TEXT, **fields):
    return len(heard(engine, text, **fields)) / RATE


def answered(process):
    """The status of the next answer, which is read to its end."""
    status, length = HEADER.unpack(process.stdout.read(HEADER.size))
    process.stdout.read(length)
    return status


CUT_SHORT = """
import os, sys
del sys.argv[0]
program, parent = {"__name__": "program"}, os.getpid()
with open(sys.argv[0]) as source:
    exec(source.read(), program)
whole = program["_answer"]
def answer(status, body=b""):
    if os.getpid() == parent:
        return whole(status, body)
    header = program["HEADER"].pack(status, len(body))
    sys.stdout.buffer.write((header + body)[:-len(header)])
    sys.stdout.buffer.flush()
    os.kill(os.getpid(), 9)
program["_answer"] = answer
program["main"]()
"""
"""Runs the synthesizer, but whoever speaks is killed before the end of the answer: another header would just fit."""


class CutShort(speaker.Speaker):
    """Whose first synthesizer never says anything to its end."""

    starts = 0

    def _begin(self, command):
        self.starts += 1
        python, *options, program, library, data = command
        cut = ["-c", CUT_SHORT] if self.starts == 1 else []
        return super()._begin([python, *options, *cut, program, library, data])


def resident(pid):
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class TestOutputs:
    def test_one_sentence_a_step_then_the_end(self, engine):
        run = engine.start(SpeechRequest(text=TEXT))
        for count, end in enumerate((43, 76, 104), start=1):
            assert not run.done
            engine.step([run])
            assert len(sounds(run)) == count
            assert sounds(run)[-1].characters == end
            assert run.progress == pytest.approx(end / len(TEXT), abs=0.02)
        assert run.done
        assert run.progress == 1
        assert isinstance(run.outputs[-1], SpeechMade)
        assert run.outputs[-1].usage.characters == len(TEXT)
        assert run.outputs[-1].usage.audio_seconds == pytest.approx(len(samples(run)) / RATE)

    def test_sounds_are_mono_int16_at_the_rate_they_say(self, engine):
        for sound in sounds(speak(engine)):
            assert sound.samples.dtype == np.int16
            assert sound.samples.ndim == 1
            assert sound.sample_rate == RATE

    def test_several_runs_share_a_step(self, engine):
        runs = [engine.start(SpeechRequest(text=TEXT, voice=voice)) for voice in ("en-us", "de", "nova")]
        assert len({run.key for run in runs}) == 1
        engine.step(runs)
        assert [len(sounds(run)) for run in runs] == [1, 1, 1]
        assert sum(engine.cost(SpeechRequest(text=TEXT)) for _ in runs) <= 1

    def test_a_closed_run_speaks_no_more(self, engine):
        run = engine.start(SpeechRequest(text=TEXT))
        engine.step([run])
        engine.close(run)
        engine.step([run])
        assert len(sounds(run)) == 1
        assert not run.done

    def test_info_names_voices_and_languages(self, engine):
        info = engine.info()
        assert {"alloy", "en-us", "de", "cmn", "pt-br"} <= set(info.voices)
        assert {"en-us", "de", "cmn", "pt-br"} <= set(info.languages)
        assert len(info.languages) > 130
        assert info.note is None


class TestSound:
    @pytest.mark.parametrize("voice", ["en-us", *OPENAI_VOICES])
    def test_is_loud_enough_not_clipped_and_does_not_click(self, engine, voice):
        run = speak(engine, voice=voice)
        whole = samples(run).astype(int)
        assert 8_000 < np.abs(whole).max() < 32_767
        assert 1_500 < np.sqrt(np.mean(whole**2)) < 8_000
        for sound in sounds(run):
            assert np.abs(sound.samples[[0, -1]]).max() <= 32

    def test_holds_its_energy_where_speech_does(self, engine):
        whole = heard(engine).astype(float)
        power = np.abs(np.fft.rfft(whole)) ** 2
        frequencies = np.fft.rfftfreq(len(whole), 1 / RATE)
        assert power[(frequencies > 80) & (frequencies < 4_000)].sum() > 0.9 * power.sum()

    def test_speaks_at_a_human_pace_with_pauses_between_sentences(self, engine):
        words = len(TEXT.split())
        assert 0.25 < seconds(engine) / words < 0.5
        for sound in sounds(speak(engine))[:-1]:
            silent = len(sound.samples) - np.flatnonzero(np.abs(sound.samples) > 64)[-1]
            assert 0.2 < silent / RATE < 0.5
        last = sounds(speak(engine))[-1].samples
        assert (len(last) - np.flatnonzero(np.abs(last) > 64)[-1]) / RATE < 0.1

    @pytest.mark.parametrize("voice", ["en-us", "alloy", "coral", "nova", "echo"])
    def test_is_understood_by_a_recogniser(self, engine, voice):
        phrases = (
            "good morning everybody",
            "seven hundred elephants",
            "please open the window",
            "my brother plays football",
            "strawberry ice cream",
        )
        recognise = recogniser(phrases)
        understood = [recognise(heard(engine, phrase, voice=voice)) == phrase for phrase in phrases]
        assert sum(understood) >= 4


class TestSpeed:
    def test_every_step_faster_is_shorter(self, engine):
        lengths = [seconds(engine, speed=percent / 100) for percent in range(25, 401, 25)]
        assert all(slower > faster for slower, faster in pairwise(lengths))

    @pytest.mark.parametrize("speed", [0.25, 0.4, 0.5, 0.75, 1.5, 2, 2.5, 3, 4])
    def test_length_follows_the_speed(self, engine, speed):
        assert seconds(engine, speed=speed) * speed == pytest.approx(seconds(engine), rel=0.08)

    @pytest.mark.parametrize("speed", [0.25, 4])
    def test_the_extremes_are_as_loud_and_as_high(self, engine, speed):
        changed, usual = heard(engine, speed=speed), heard(engine)
        assert np.abs(changed).max() == pytest.approx(np.abs(usual).max(), rel=0.3)
        assert centroid(changed) == pytest.approx(centroid(usual), rel=0.3)


class TestSameAgain:
    """The same request gives the same bytes. f3 has breath in it: noise, which espeak-ng draws by the clock."""

    WANTED = {"text": TEXT, "voice": "en-us+f3"}

    def test_whatever_was_spoken_before(self, engine):
        first = heard(engine, **self.WANTED)
        for history in ({"voice": "de", "speed": 3}, {"voice": "cmn+whisper"}, {"text": "Hi."}, self.WANTED):
            heard(engine, **({"text": TEXT} | history))
            assert np.array_equal(heard(engine, **self.WANTED), first)

    def test_whatever_is_spoken_between(self, engine):
        alone = [heard(engine, voice=voice) for voice in ("en-us+f3", "de", "onyx")]
        runs = [engine.start(SpeechRequest(text=TEXT, voice=voice)) for voice in ("en-us+f3", "de", "onyx")]
        for turn in range(3):
            engine.step(runs[turn % 2 :])
            engine.step(runs[: turn % 2])
        assert all(run.done for run in runs)
        assert all(np.array_equal(samples(run), wanted) for run, wanted in zip(runs, alone, strict=True))

    def test_in_another_process_at_another_second(self, engine):
        first, begun = heard(engine, **self.WANTED), int(time.time())
        while int(time.time()) == begun:
            time.sleep(0.02)
        other = EspeakEngine(ModelSource("espeak-ng"))
        assert np.array_equal(heard(other, **self.WANTED), first)
        other.unload()


class TestVoices:
    def test_every_openai_voice_sounds_different(self, engine):
        spoken = {voice: heard(engine, "Good morning.", voice=voice).tobytes() for voice in OPENAI_VOICES}
        assert len(set(spoken.values())) == len(OPENAI_VOICES) == 13
        assert len({f"{centroid(heard(engine, voice=voice)):.0f}" for voice in OPENAI_VOICES}) == 13

    def test_every_listed_voice_has_a_voice(self, engine):
        silent = [code for code in engine.info().languages if seconds(engine, "banana 123", voice=code) < 0.3]
        assert silent == []

    @pytest.mark.parametrize(
        ("voice", "language", "said_voice", "said_language"),
        [
            (None, None, "en-us", "en-us"),
            (None, "en", "en-us", "en-us"),
            (None, "de-AT", "de", "de"),
            (None, "pt-BR", "pt-br", "pt-br"),
            (None, "pt", "pt", "pt"),
            (None, "zh", "cmn", "cmn"),
            (None, "zh_CN", "cmn", "cmn"),
            (None, "zh-HK", "yue", "yue"),
            ("nova", None, "en-us+f3", "en-us"),
            ("Nova", "fr", "fr-fr+f3", "fr-fr"),
            ("de", None, "de", "de"),
            ("EN-GB", None, "en-gb", "en-gb"),
            ("pt-br+F2", None, "pt-br+f2", "pt-br"),
            ("en-us+mr serious", None, "en-us+Mr serious", "en-us"),
            ("english (america)", None, "en-us", "en-us"),
            ("zh", None, "cmn", "cmn"),
            ("yue-latn-jyutping", None, "yue-latn-jyutping", "yue-latn-jyutping"),
        ],
    )
    def test_who_speaks(self, engine, voice, language, said_voice, said_language):
        run = speak(engine, "One two.", voice=voice, language=language)
        assert (run.outputs[-1].voice, run.outputs[-1].language) == (said_voice, said_language)
        assert run.warnings == []
        assert np.array_equal(samples(run), heard(engine, "One two.", voice=said_voice))

    def test_a_voice_keeps_its_language_and_says_so(self, engine):
        run = speak(engine, "One two.", voice="de", language="en")
        assert run.outputs[-1].language == "de"
        assert len(run.warnings) == 1
        assert "language en" in run.warnings[0]

    def test_languages_differ(self, engine):
        spoken = {language: heard(engine, "1984", language=language).tobytes() for language in IN_OTHER_LANGUAGES}
        assert len(set(spoken.values())) == len(IN_OTHER_LANGUAGES)

    @pytest.mark.parametrize("language", IN_OTHER_LANGUAGES)
    def test_other_scripts_are_cut_and_spoken(self, engine, language):
        run = speak(engine, IN_OTHER_LANGUAGES[language], language=language)
        assert len(sounds(run)) == 2
        assert all(len(sound.samples) > RATE / 2 and np.abs(sound.samples).max() > 8_000 for sound in sounds(run))

    @pytest.mark.parametrize(
        ("fields", "field", "hint"),
        [
            ({"voice": "aloy"}, "voice", "alloy"),
            ({"voice": "en-uk"}, "voice", "en-gb"),
            ({"voice": "en-us+f33"}, "voice", "en-us+f3"),
            ({"voice": "en-us+"}, "voice", "GET /v1/models"),
            ({"voice": "../../etc/passwd"}, "voice", "GET /v1/models"),
            ({"voice": "fo"}, "voice", "GET /v1/models"),
            ({"language": "xx"}, "language", "GET /v1/models"),
            ({"language": "kaa"}, "language", "ka"),
            ({"reference": b"RIFF"}, "reference", "leave it out"),
        ],
    )
    def test_who_is_not_known(self, engine, fields, field, hint):
        with pytest.raises(InvalidRequest) as caught:
            engine.start(SpeechRequest(text=TEXT, **fields))
        assert caught.value.field == field
        assert hint in caught.value.message


class TestText:
    def test_a_long_text_is_spoken_whole(self, engine):
        parts = [f"Part {number} of this long story is about {number * 7} tools. " for number in range(110)]
        text = "".join(parts).strip()
        assert len(text) > 4_700
        run = speak(engine, text)
        ends = [sound.characters for sound in sounds(run)]
        assert len(ends) == len(parts)
        assert ends == sorted(set(ends))
        assert ends[-1] == len(text)
        alone = sum(seconds(engine, part) for part in parts)
        pauses = len(samples(run)) / RATE - alone
        assert 0.2 < pauses / (len(parts) - 1) < 0.4

    def test_a_long_sentence_is_cut_without_losing_anything(self, engine):
        text = "so we went on, " * 60 + "and then we stopped."
        run = speak(engine, text)
        assert len(sounds(run)) == 4
        assert sounds(run)[-1].characters == len(text)
        assert len(samples(run)) / RATE == pytest.approx(60 * seconds(engine, "so we went on, we"), rel=0.25)

    @pytest.mark.parametrize(
        ("sent", "same"),
        [
            ("hello \x0120Sthere", "hello  20Sthere"),
            ("hello \x01+80Pthere", "hello  +80Pthere"),
            ("hello\x1bthere\x07", "hello there"),
            ("\ue03chello there\uf8ff", "hello there"),
        ],
    )
    def test_control_characters_command_nothing(self, engine, sent, same):
        assert np.array_equal(heard(engine, sent), heard(engine, same))

    def test_markup_is_read_out_as_text(self, engine):
        assert seconds(engine, "<break time='9s'/> hello") < 4
        assert seconds(engine, "<prosody volume='silent'>hello</prosody>") > 2 * seconds(engine, "hello")
        assert seconds(engine, "[[h@'loU w'3:ld]]") > 1.5 * seconds(engine, "hello world")

    @pytest.mark.parametrize("text", ["...", "?! …", "(—)", "<", "\x01", "。。", "- - -\n\n- - -"])
    def test_nothing_to_speak_is_refused(self, engine, text):
        with pytest.raises(InvalidRequest) as caught:
            speak(engine, text)
        assert caught.value.field == "text"

    def test_silent_parts_of_a_text_do_no_harm(self, engine):
        run = speak(engine, "... ?!\n\nHello. " + ". " * 400 + "Good bye.")
        assert sounds(run)[-1].characters == len("... ?!\n\nHello. " + ". " * 400 + "Good bye.")
        assert len(samples(run)) / RATE > seconds(engine, "Hello.") + seconds(engine, "Good bye.")

    def test_a_name_of_an_emoji_is_spoken(self, engine):
        assert seconds(engine, "🙂") > 0.5


class TestProcess:
    def test_a_killed_synthesizer_is_started_again(self):
        before = children()
        engine = EspeakEngine(ModelSource("espeak-ng"))
        wanted = heard(engine)
        (pid,) = children() - before
        os.kill(pid, 9)
        assert np.array_equal(heard(engine), wanted)
        engine.unload()
        assert children() <= before

    def test_it_has_none_of_the_workers_secrets(self, monkeypatch):
        monkeypatch.setenv("JWT_SECRET", "of-the-worker")
        assert b"of-the-worker" not in environment_of_program(EspeakEngine(ModelSource("espeak-ng")))

    def test_half_an_answer_is_followed_by_no_other(self):
        """What came after it would be taken for samples, and the rest be waited for without end."""
        command = [sys.executable, "-I", "-S", synthesizer.__file__, *speaker._library_and_data()]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert answered(process) == 0
            order = {"text": TEXT * 20, "voice": "gmw/en-US", "rate": 175, "pause": False}
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            assert HEADER.unpack(process.stdout.read(HEADER.size))[0] == 0
            [child] = children(process.pid)  # it says more than a pipe holds, so it is in the middle of it
            os.kill(child, 9)
            rest, _ = process.communicate()
        assert not rest.endswith(HEADER.pack(1, 0))

    def test_an_answer_that_a_killed_child_cut_short_is_asked_for_again(self):
        said = []
        for speaks in (speaker.Speaker(), CutShort()):
            speaks.start()
            said.append(speaks.say("Hello.", voice="gmw/en-US", rate=175, pause=False))
            speaks.stop()
        assert np.array_equal(*said)
        assert speaks.starts == 2

    def test_load_and_unload_may_be_repeated(self):
        before = children()
        engine = EspeakEngine(ModelSource("espeak-ng"))
        engine.unload()
        engine.load()
        engine.load()
        assert len(children() - before) == 1
        engine.unload()
        engine.unload()
        assert children() <= before

    def test_a_failing_sentence_fails_alone(self):
        speaks = speaker.Speaker()
        with pytest.raises(Internal):
            speaks.say("Hello.", voice="nobody", rate=175, pause=False)
        assert len(speaks.say("Hello.", voice="gmw/en-US", rate=175, pause=False)) > RATE / 4
        speaks.stop()

    def test_memory_does_not_grow(self):
        before = children()
        engine = EspeakEngine(ModelSource("espeak-ng"))
        heard(engine, "你好 hello.", voice="cmn")
        (pid,) = children() - before
        begun = resident(pid)
        for _ in range(40):
            heard(engine, "你好 hello.", voice="cmn", speed=4)
        assert resident(pid) - begun < 1_000_000
        engine.unload()

    def test_it_ends_when_the_worker_dies(self):
        program = (
            "import os; from pathlib import Path\n"
            "from atelier.contracts.engine import ModelSource\n"
            "from atelier.engines.espeak import EspeakEngine\n"
            "EspeakEngine(ModelSource('espeak-ng')).load()\n"
            "print(Path(f'/proc/self/task/{os.getpid()}/children').read_text().strip(), flush=True)\n"
            "os.kill(os.getpid(), 9)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=False)
        pid, until = int(done.stdout), time.monotonic() + 20
        while running(pid) and time.monotonic() < until:
            time.sleep(0.02)
        assert not running(pid)


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("speed", [0.25, 1, 4])
@pytest.mark.parametrize(
    "text",
    [
        "w",
        "W. " * 9,
        "a\n\n" * 9,
        "37" * 20,
        "7%" * 20,
        "🔃7" * 9,
        "กขค" * 6,
        "ᎎ" * 20,
        "ѷ" * 20,
        TEXT,
        *IN_OTHER_LANGUAGES.values(),
    ],
)
def test_no_text_lasts_longer_than_the_catalog_reckons(engine, text, speed):
    run = speak(engine, text, language="fi" if text[0] in "ᎎѷ" else None, speed=speed)
    request = SpeechRequest(text=text, speed=speed)
    assert run.samples / RATE <= SERVICES["text-to-speech"].estimate(request).audio_seconds


def centroid(sound):
    """The middle of the spectrum, in hertz."""
    power = np.abs(np.fft.rfft(sound.astype(float))) ** 2
    return float((power * np.fft.rfftfreq(len(sound), 1 / RATE)).sum() / power.sum())


def recogniser(phrases):
    """A function from samples to the phrase that pocketsphinx takes them for, or None."""
    pocketsphinx = pytest.importorskip("pocketsphinx")
    model = Path(pocketsphinx.get_model_path("en-us"))
    decoder = pocketsphinx.Decoder(
        hmm=str(model / "en-us"), lm=None, dict=str(model / "cmudict-en-us.dict"), loglevel="FATAL"
    )
    decoder.add_jsgf_string("phrases", f"#JSGF V1.0; grammar g; public <phrase> = {' | '.join(phrases)};")
    decoder.activate_search("phrases")
    silence = np.zeros(8_000, np.int16)

    def recognise(sound):
        resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = RATE
        frames = [piece.to_ndarray()[0] for piece in [*resampler.resample(frame), *resampler.resample(None)]]
        decoder.start_utt()
        decoder.process_raw(np.concatenate([silence, *frames, silence]).tobytes(), full_utt=True)
        decoder.end_utt()
        return decoder.hyp().hypstr if decoder.hyp() else None

    return recognise
