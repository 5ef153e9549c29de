"""Which voice speaks, and in which language: from OpenAI's names, Kokoro's own and language tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from atelier.media.naming import shorter_tags, unknown

LANGUAGES: Mapping[str, str] = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "p": "pt-br",
}
"""The first letter of a voice's name, and the language in espeak-ng's words. The second letter is f or m.

The Japanese and the Chinese voices ("j", "z") are left out: Kokoro learnt them from phonemes that espeak-ng does not
write, so that they would speak gibberish.
"""

PREFERRED: tuple[str, ...] = ("af_heart", "bf_emma", "ef_dora", "ff_siwis", "hf_alpha", "if_sara", "pf_dora")
"""The voice of each language that speaks where none is asked for: the best by the model's own card."""

OPENAI_VOICES: Mapping[str, str] = {
    "alloy": "af_alloy",
    "ash": "am_michael",
    "ballad": "bm_george",
    "cedar": "am_fenrir",
    "coral": "af_bella",
    "echo": "am_echo",
    "fable": "bm_fable",
    "marin": "af_heart",
    "nova": "af_nova",
    "onyx": "am_onyx",
    "sage": "af_sarah",
    "shimmer": "af_sky",
    "verse": "am_puck",
}
"""OpenAI's voice names and the English voice for each; in another language one of the same sex stands in."""

SHORTER: Mapping[str, str] = {"en": "en-us", "fr": "fr-fr", "pt": "pt-br"}
"""Language tags without a region, and what is spoken for them."""


@dataclass(frozen=True)
class Choice:
    """Kokoro's `voice`, and the `language` that it speaks. `warning`: what the caller should know."""

    voice: str
    language: str
    warning: str | None = None


class Voices:
    """The voices of a model, by name and by language."""

    def __init__(self, names: Iterable[str]) -> None:
        spoken = sorted(name for name in names if name[0] in LANGUAGES)
        self._names = sorted(spoken, key=lambda name: name not in PREFERRED)  # the preferred of each language first

    @property
    def names(self) -> tuple[str, ...]:
        """What `voice` may be: OpenAI's names, then Kokoro's."""
        return (*OPENAI_VOICES, *sorted(self._names))

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(sorted({_own_language(name) for name in self._names}))

    def choose(self, voice: str | None, language: str | None) -> Choice:
        """Raises InvalidRequest for what is not known. A voice speaks any of the languages, one of another language
        with an accent, which is a warning."""
        spoken = None if language is None else self._of_tag(language)
        if voice is not None and voice.lower() not in OPENAI_VOICES:
            return self._named(voice, language, spoken)
        wanted = OPENAI_VOICES[voice.lower()] if voice else PREFERRED[0]
        if voice and wanted in self._names and (language is None or _same(language, _own_language(wanted))):
            return Choice(wanted, _own_language(wanted))
        spoken = spoken or self._of_tag(LANGUAGES[PREFERRED[0][0]])
        return Choice(self._like(wanted, spoken), spoken)

    def _named(self, voice: str, language: str | None, spoken: str | None) -> Choice:
        name = next((name for name in self._names if name.lower() == voice.lower()), None)
        if name is None:
            raise unknown("voice", voice, self.names)
        own = _own_language(name)
        if language is None or spoken is None or _same(language, own):
            return Choice(name, own)
        foreign = _base(spoken) != _base(own)
        return Choice(
            name, spoken, f"the voice {name} is of {own}: it speaks {spoken} with an accent" if foreign else None
        )

    def _like(self, wanted: str, language: str) -> str:
        """The first voice of the language, of the same sex as `wanted` where there is one."""
        able = [name for name in self._names if _own_language(name) == language]
        return next((name for name in able if name[1:2] == wanted[1:2]), able[0])

    def _of_tag(self, tag: str) -> str:
        """The language of a tag: its own, or that with its last parts left off (RFC 4647, lookup)."""
        known = self.languages
        for shorter in shorter_tags(tag):
            code = SHORTER.get(shorter, shorter)
            if code in known:
                return code
        raise unknown("language", tag, known)


def _own_language(name: str) -> str:
    return LANGUAGES[name[0]]


def _base(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]


def _same(asked: str, own: str) -> bool:
    """Whether `asked` is `own`, or leaves its region open ("en")."""
    return asked.lower().replace("_", "-") in {own, _base(own)}
