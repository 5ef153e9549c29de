"""Measures `atelier-mini-whisper` as the product runs it: espeak-ng's wav files in, words wrong out, as JSON.

python training/evaluate_whisper.py [--folder src/atelier/models/mini/whisper]
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from atelier.contracts.engine import ModelSource, Run
from atelier.contracts.speech_to_text import TranscriptionRequest, TranscriptionResult
from atelier.engines.whisper import WhisperEngine
from speech import COLOUR_WORDS, SPEEDS, UNHEARD, VOICES, WORDS, Narrator
from world import NUMBERS, held_out_scenes, sentence

FINISHED = Path(__file__).parents[1] / "src/atelier/models/mini/whisper"
STRANGERS = ("ballad", "cedar", "fable", "marin", "sage", "en-gb-x-rp", "en-029")
"""More voices that training never heard, and that nobody promised to understand."""

_TOGETHER = 8  # recordings in a batch


@dataclass(frozen=True)
class Saying:
    """Something to say, and how."""

    text: str
    voice: str
    speed: float


def sayings(texts: Sequence[str], voices: Sequence[str], count: int, seed: int = 0) -> list[Saying]:
    """`count` of them: texts, voices and speeds each in turn, from a shuffled pack of texts."""
    chance = random.Random(seed)
    pack = chance.sample(texts, len(texts))
    return [
        Saying(pack[number % len(pack)], voices[number % len(voices)], SPEEDS[number // len(voices) % len(SPEEDS)])
        for number in range(count)
    ]


def every_way(texts: Iterable[str], voices: Sequence[str]) -> list[Saying]:
    """Each text in each voice at each speed."""
    return [Saying(text, voice, speed) for text in texts for voice in voices for speed in SPEEDS]


def held_out_sentences() -> list[str]:
    return [sentence(scene) for scene in held_out_scenes()]


def series(count: int, seed: int = 3) -> list[str]:
    """Numbers or colours in a row: "red, green, blue"."""
    chance = random.Random(seed)
    return [", ".join(chance.sample(chance.choice((NUMBERS, COLOUR_WORDS)), 3)) for _ in range(count)]


def load(folder: Path = FINISHED) -> WhisperEngine:
    engine = WhisperEngine(ModelSource("atelier-mini-whisper", folder=folder, device="cpu"))
    engine.load()
    return engine


def transcribe(engine: WhisperEngine, recordings: Sequence[bytes], *, words: bool = False) -> list[TranscriptionResult]:
    """What the product hears in each recording, in their order."""
    heard: list[TranscriptionResult] = []
    for first in range(0, len(recordings), _TOGETHER):
        part = recordings[first : first + _TOGETHER]
        runs = [engine.start(TranscriptionRequest(audio=audio, words=words)) for audio in part]
        heard += [_finished(engine, run, runs) for run in runs]
    return heard


def _finished(engine: WhisperEngine, run: Run, together: Sequence[Run]) -> TranscriptionResult:
    while not run.done:
        engine.step([each for each in together if not each.done])
        if run.error:
            raise run.error
    engine.close(run)
    result = run.outputs[-1]
    assert isinstance(result, TranscriptionResult)
    return result


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words put in, left out and mistaken that lead from `said` to `heard` (Levenshtein's distance)."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, start=1):
        diagonal, row[0] = row[0], number
        for place, other in enumerate(heard, start=1):
            diagonal, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, diagonal + (word != other))
    return row[-1]


def word_error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """Words wrong as a share of the words said, over all (said, heard)."""
    split = [(words_of(said), words_of(heard)) for said, heard in pairs]
    return sum(edits(said, heard) for said, heard in split) / sum(len(said) for said, _ in split)


def listen(engine: WhisperEngine, narrator: Narrator, said: Sequence[Saying]) -> list[tuple[str, str]]:
    """(said, heard) of each."""
    recordings = [narrator.record(each.text, each.voice, each.speed) for each in said]
    results = transcribe(engine, recordings)
    return [(each.text, result.text) for each, result in zip(said, results, strict=True)]


def measure(engine: WhisperEngine, narrator: Narrator) -> dict[str, object]:
    sentences = held_out_sentences()
    groups = {
        "held-out sentences": sayings(sentences, VOICES, 150),
        f"held-out sentences, unheard voice ({UNHEARD})": every_way(sentences[::3], [UNHEARD]),
        "numbers alone": every_way(NUMBERS, VOICES[:5]),
        "colours alone": every_way(COLOUR_WORDS, VOICES[:5]),
        "three numbers or colours in a row": sayings(series(48), VOICES[:4], 48),
        "all words alone, unheard voice": every_way(WORDS, [UNHEARD]),
        **{f"held-out sentences, {voice} (unheard)": sayings(sentences, [voice], 18) for voice in STRANGERS},
    }
    return {name: _scores(said, listen(engine, narrator, said)) for name, said in groups.items()}


def _scores(said: Sequence[Saying], pairs: list[tuple[str, str]]) -> dict[str, object]:
    by_speed = {
        str(speed): [pair for each, pair in zip(said, pairs, strict=True) if each.speed == speed] for speed in SPEEDS
    }
    wrong = [(expected, heard) for expected, heard in pairs if words_of(expected) != words_of(heard)]
    return {
        "utterances": len(pairs),
        "word error rate": round(word_error_rate(pairs), 4),
        "by speed": {speed: round(word_error_rate(some), 4) for speed, some in by_speed.items()},
        "without a mistake": round(1 - len(wrong) / len(pairs), 4),
        "mistaken": [f"{expected} -> {heard}" for expected, heard in wrong[:5]],
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--folder", type=Path, default=FINISHED)
    narrator = Narrator()
    print(json.dumps(measure(load(options.parse_args().folder), narrator), indent=2))
    narrator.close()


if __name__ == "__main__":
    main()
