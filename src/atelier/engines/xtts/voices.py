"""Whose voice speaks, and in which language: from OpenAI's names, the model's speakers and language tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from atelier.media.naming import shorter_tags, unknown

OPENAI_VOICES: Mapping[str, str] = {
    "alloy": "Claribel Dervla",
    "ash": "Craig Gutsy",
    "ballad": "Aaron Dreschner",
    "cedar": "Damien Black",
    "coral": "Daisy Studious",
    "echo": "Andrew Chipper",
    "fable": "Viktor Eka",
    "marin": "Ana Florence",
    "nova": "Nova Hogarth",
    "onyx": "Viktor Menelaos",
    "sage": "Gracie Wise",
    "shimmer": "Tammie Ema",
    "verse": "Royston Min",
}
"""OpenAI's voice names, and the speaker of XTTS-v2 that stands in for each. Every speaker speaks every language."""

DEFAULT_LANGUAGE = "en"
WIDER: Mapping[str, str] = {"zh": "zh-cn"}
"""Language tags without a region, and what is spoken for them."""


class Voices:
    """The speakers of a model, and its languages."""

    def __init__(self, speakers: Iterable[str], languages: Iterable[str]) -> None:
        self._speakers = {name.lower(): name for name in speakers}
        self.languages = tuple(languages)

    @property
    def names(self) -> tuple[str, ...]:
        """What `voice` may be: OpenAI's names, then the speakers'."""
        return (*OPENAI_VOICES, *sorted(self._speakers.values()))

    def speaker(self, voice: str | None) -> str:
        """Raises InvalidRequest for a voice that is not known. A model that lacks a usual speaker has another."""
        if voice is None or voice.lower() in OPENAI_VOICES:
            usual = OPENAI_VOICES[(voice or "alloy").lower()]
            return self._speakers.get(usual.lower()) or next(iter(self._speakers.values()))
        if voice.lower() not in self._speakers:
            raise unknown("voice", voice, self.names)
        return self._speakers[voice.lower()]

    def language(self, tag: str | None) -> str:
        """Raises InvalidRequest for a language that the model does not speak."""
        for shorter in shorter_tags(tag or DEFAULT_LANGUAGE):
            code = WIDER.get(shorter, shorter)
            if code in self.languages:
                return code
        raise unknown("language", tag or DEFAULT_LANGUAGE, self.languages)
