"""Cutting a text into what is spoken in one go, in the punctuation of many scripts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from atelier.errors import InvalidRequest

LONGEST = 300

_CLOSERS = r"[\"'”’»›)\]}]*+"
_ENDS = re.compile(
    rf"(?<![.!?…])[.!?…]++{_CLOSERS}(?=\s)\s*"  # Latin, Greek, Cyrillic, …: only before a space (3.14, example.com)
    r"|[。！？｡．]+[」』”’）》]*\s*"  # Chinese and Japanese
    r"|[।॥؟۔።፧။៖‽⁇⁈⁉]+\s*"  # Devanagari, Arabic, Urdu, Ethiopic, Burmese, Khmer
    r"|[\n\u2028\u2029]\s*"
)
_PAUSES = re.compile(r"[,;:–—]\s+|[،؛、，；：]\s*")
_SPACES = re.compile(r"\s+")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘«])(?:\w|\d\d|(?:\w\.)+\w|"
    r"mrs?|ms|dr|prof|sr|sra|jr|st|vs|nr|no|ca|bzw|etc|vol|fig|approx|mme|mlle|hon|rev|gen)\.$",
    re.IGNORECASE,
)
_LINE_BREAKS = dict.fromkeys("\n\u2028\u2029", "\n")

_PARAGRAPH, _STOP, _BREATH = 0.5, 0.25, 0.1  # seconds of silence


@dataclass(frozen=True)
class Sentence:
    """`end`: how many characters of the whole text are spoken with it. `pause`: whether silence follows."""

    text: str
    end: int
    pause: bool


def sentences(text: str, longest: int = LONGEST) -> list[Sentence]:
    """All of `text` in pieces of at most `longest` characters, each with the white space that follows it.

    Sentences are kept whole where they fit; longer ones are cut at punctuation, else at spaces, else anywhere.
    What has nothing to speak is joined to what stands before it.
    """
    found: list[Sentence] = []
    start = 0
    for end, pause in _join(text, list(_cuts(text, longest)), longest):
        found.append(Sentence(text[start:end], end, pause and end < len(text)))
        start = end
    return found


def halves(sentence: Sentence) -> list[Sentence]:
    """The same in pieces of at most half its length, the last of them with the pause of the whole."""
    begin = sentence.end - len(sentence.text)
    parts = sentences(sentence.text, max(len(sentence.text) // 2, 1))
    moved = [Sentence(part.text, begin + part.end, part.pause) for part in parts]
    return [*moved[:-1], Sentence(moved[-1].text, sentence.end, sentence.pause)]


def silence_after(sentence: Sentence) -> float:
    """Seconds of silence that follow it in speech at its own pace: none inside a sentence that was cut at a space."""
    if not sentence.pause:
        return 0.0
    spoken = sentence.text.rstrip()
    if any(sign in _LINE_BREAKS for sign in sentence.text[len(spoken) :]):
        return _PARAGRAPH
    return _BREATH if _PAUSES.search(spoken[-1:] + " ") else _STOP


def speakable(text: str) -> bool:
    """Whether there is a letter, a mark, a number or a symbol in it."""
    return any(unicodedata.category(character)[0] in "LMNS" for character in text)


def nothing_to_speak() -> InvalidRequest:
    """The refusal of a text without words."""
    return InvalidRequest("text: there is nothing to speak in it; send words or numbers in this language", field="text")


def plain(text: str) -> str:
    """`text` with a space for every character that a voice may take for a command of its own.

    Those are the control characters (for espeak-ng 0x01 begins a change of pitch, speed or volume) and the private
    use area.
    """
    return "".join(_LINE_BREAKS.get(sign) or (" " if _commands(sign) else sign) for sign in text)


def _commands(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Co", "Cs"}


def _cuts(text: str, longest: int) -> Iterator[tuple[int, bool]]:
    """Where pieces end, and whether a pause follows."""
    start = 0
    for end in [*_sentence_ends(text), len(text)]:
        while end - start > longest:
            start, pause = _cut_within(text, start, longest)
            yield start, pause
        if end > start:
            yield end, True
            start = end


def _sentence_ends(text: str) -> Iterator[int]:
    for match in _ENDS.finditer(text):
        if match[0][0] not in ".!?…" or not _goes_on(text, match):
            yield match.end()


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """Whether the sentence goes on after this stop: an abbreviation, an initial, "24." or a small letter."""
    if "\n" in match[0]:
        return False
    following = text[match.end() : match.end() + 1]
    return following.islower() or bool(_ABBREVIATION.search(text[max(0, match.start() - 12) : match.start() + 1]))


def _cut_within(text: str, start: int, longest: int) -> tuple[int, bool]:
    window = text[start : start + longest]
    for pattern, pause in ((_ENDS, True), (_PAUSES, True), (_SPACES, False)):
        ends = [match.end() for match in pattern.finditer(window) if match.end() > longest // 3]
        if ends:
            return start + ends[-1], pause
    end = start + longest
    while end > start + 1 and unicodedata.category(text[end])[0] == "M":  # not between a letter and its mark
        end -= 1
    return end, False


def _join(text: str, cuts: list[tuple[int, bool]], longest: int) -> Iterator[tuple[int, bool]]:
    """Without the cuts that would leave a piece with nothing to speak, as long as the whole stays short enough."""
    start = previous = 0
    held: tuple[int, bool] | None = None
    for end, pause in cuts:
        if held is not None:
            fits = end - start <= longest
            silent = not speakable(text[previous:end]) or not speakable(text[start:previous])
            if not (fits and silent):
                yield held
                start = previous
        held, previous = (end, pause), end
    if held is not None:
        yield held
