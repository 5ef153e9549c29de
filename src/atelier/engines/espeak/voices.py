"""Which voice speaks: from OpenAI's names, espeak-ng's codes and names, and language tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from atelier.media.naming import shorter_tags, unknown

DEFAULT_LANGUAGE = "en-us"

OPENAI_VOICES: Mapping[str, str] = {
    "alloy": "m1",
    "ash": "Reed",
    "ballad": "michel",
    "cedar": "Henrique",
    "coral": "f2",
    "echo": "m2",
    "fable": "grandpa",
    "marin": "f4",
    "nova": "f3",
    "onyx": "announcer",
    "sage": "f1",
    "shimmer": "f5",
    "verse": "RicishayMax2",
}
"""OpenAI's voice names, and the variant of espeak-ng that stands in for each, in whatever language is asked for.

Chosen among the ones that a speech recogniser understands best, to differ in pitch and timbre.
"""

WITHOUT_DICTIONARY = frozenset({"fo", "kaa", "xex"})
"""Listed by espeak-ng 1.52, but the wheel has no pronunciation for them: they would be silent."""

PREFERRED: Mapping[str, str] = {
    "en": DEFAULT_LANGUAGE,
    "zh-hant-hk": "yue",
    "zh-hk": "yue",
    "zh-mo": "yue",
    "nn": "nb",
    "iw": "he",
    "in": "id",
    "sh": "hr",
}
"""Language tags that espeak-ng does not list, or would give to another voice."""


@dataclass(frozen=True)
class Voice:
    """A voice as espeak-ng lists it: (language code, priority) pairs, 1 being the highest priority."""

    name: str
    identifier: str
    languages: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Choice:
    """What speaks: `order` for espeak-ng, `voice` and `language` for people. `warning`: what was not followed."""

    order: str
    voice: str
    language: str
    warning: str | None = None


class Voices:
    """Every voice, by code, by name and by language."""

    def __init__(self, voices: Iterable[Voice], variants: Iterable[str]) -> None:
        self._variants = {variant.lower(): variant for variant in variants}
        self._by_code: dict[str, Voice] = {}
        self._by_language: dict[str, str] = {}
        priorities: dict[str, int] = {}
        for voice in voices:
            code = self._code_of(voice)
            if code in WITHOUT_DICTIONARY:
                continue
            self._by_code[code] = voice
            for language, priority in voice.languages:
                if priority < priorities.get(language.lower(), 256):
                    self._by_language[language.lower()], priorities[language.lower()] = code, priority
        self._by_language |= {tag: code for tag, code in PREFERRED.items() if code in self._by_code}
        self._by_name = {voice.name.lower(): code for code, voice in self._by_code.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """What `voice` may be, but for espeak-ng's long names and variants: OpenAI's names, then the codes."""
        return (*OPENAI_VOICES, *self.languages)

    @property
    def languages(self) -> tuple[str, ...]:
        """The code of every voice, which is also a language tag."""
        return tuple(sorted(self._by_code))

    def choose(self, voice: str | None, language: str | None) -> Choice:
        """Raises InvalidRequest for what is not known. A voice of a language speaks that language, whatever
        `language` says; a difference is a warning."""
        if voice is None or voice.lower() in OPENAI_VOICES:
            variant = None if voice is None else OPENAI_VOICES[voice.lower()]
            return self._choice(DEFAULT_LANGUAGE if language is None else self._of_language(language), variant)
        wanted, _, suffix = voice.partition("+")
        code = self._of_voice(wanted.strip(), voice)
        warning = None if language is None else self._difference(code, language)
        return self._choice(code, self._variant(suffix, voice) if "+" in voice else None, warning)

    def _choice(self, code: str, variant: str | None, warning: str | None = None) -> Choice:
        suffix = f"+{variant}" if variant else ""
        return Choice(self._by_code[code].identifier + suffix, code + suffix, code, warning)

    def _code_of(self, voice: Voice) -> str:
        """Its first language; where another voice has that already, the last part of its identifier."""
        code = voice.languages[0][0].lower()
        return voice.identifier.rpartition("/")[2].lower() if code in self._by_code else code

    def _of_language(self, tag: str) -> str:
        """The code for an IETF tag: itself, or with its last parts left off (RFC 4647, lookup)."""
        for shorter in shorter_tags(tag):
            code = self._by_language.get(shorter) or (shorter if shorter in self._by_code else None)
            if code is not None:
                return code
        raise unknown("language", tag, [*self._by_language, *self._by_code])

    def _of_voice(self, wanted: str, voice: str) -> str:
        low = wanted.lower().replace("_", "-")
        for code in (
            low if low in self._by_code else None,
            self._by_name.get(wanted.lower()),
            self._by_language.get(low),
        ):
            if code is not None:
                return code
        raise unknown("voice", voice, [*self.names, *(found.name for found in self._by_code.values())])

    def _variant(self, suffix: str, voice: str) -> str:
        try:
            return self._variants[suffix.strip().lower()]
        except KeyError:
            base = voice.partition("+")[0]
            raise unknown("voice", voice, [f"{base}+{variant}" for variant in self._variants.values()]) from None

    def _difference(self, code: str, language: str) -> str | None:
        spoken = {tag.lower().partition("-")[0] for tag, _ in self._by_code[code].languages}
        asked = language.lower().replace("_", "-").partition("-")[0]
        if asked in spoken or self._by_language.get(asked) == code:
            return None
        return f"the voice {code} speaks its own language; language {language} was not followed"
