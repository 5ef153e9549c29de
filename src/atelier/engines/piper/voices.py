"""Which voice speaks: from OpenAI's names, Piper's own and language tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atelier.errors import InvalidRequest
from atelier.media.naming import shorter_tags, unknown

OPENAI_VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
    *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
)
"""They stand for the voices of the language, one after the other."""


@dataclass(frozen=True)
class Voice:
    """number: its place in the folder. language: a tag in lower case. speakers: name → number, where it has several."""

    number: int
    name: str
    language: str
    sample_rate: int
    speakers: Mapping[str, int]


@dataclass(frozen=True)
class Choice:
    """`voice`: the name in the answer. `number` and `speaker`: what Piper calls it; None: its only speaker."""

    voice: str
    language: str
    number: int
    speaker: int | None
    sample_rate: int
    warning: str | None = None


class Voices:
    """The voices of a model: American ones first, then British and other English ones."""

    def __init__(self, voices: Sequence[Voice]) -> None:
        ordered = sorted(voices, key=_place)
        self._choices = [choice for voice in ordered for choice in _speakers(voice)]

    @property
    def names(self) -> tuple[str, ...]:
        """What `voice` may be: OpenAI's names, then the voices' own."""
        return (*OPENAI_VOICES, *(choice.voice for choice in self._choices))

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(sorted({choice.language for choice in self._choices}))

    def choose(self, voice: str | None, language: str | None) -> Choice:
        """Raises InvalidRequest for what is not known, and for a voice of another language."""
        able = self._choices if language is None else self._of(language)
        if voice is None:
            return able[0]
        if voice.lower() in OPENAI_VOICES:
            alike = [choice for choice in able if choice.language == able[0].language]
            return alike[OPENAI_VOICES.index(voice.lower()) % len(alike)]
        named = next((choice for choice in self._choices if choice.voice.lower() == voice.lower()), None)
        if named is None:
            raise unknown("voice", voice, self.names)
        if named not in able:
            raise InvalidRequest(
                f"language: the voice {named.voice} speaks {named.language} alone; leave one of the two out",
                field="language",
            )
        return named

    def _of(self, tag: str) -> list[Choice]:
        """Of the language that `tag` names: of its region, else of any."""
        for shorter in shorter_tags(tag):
            able = [choice for choice in self._choices if choice.language == shorter]
            able = able or [choice for choice in self._choices if choice.language.partition("-")[0] == shorter]
            if able:
                return able
        raise unknown("language", tag, self.languages)


def _place(voice: Voice) -> tuple[bool, bool, str]:
    return voice.language != "en-us", not voice.language.startswith("en"), voice.name


def _speakers(voice: Voice) -> list[Choice]:
    named: dict[str, int | None] = {f"{voice.name}:{name}": number for name, number in voice.speakers.items()}
    named = named or {voice.name: None}
    return [Choice(name, voice.language, voice.number, speaker, voice.sample_rate) for name, speaker in named.items()]
