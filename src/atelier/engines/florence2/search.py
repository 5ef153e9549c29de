"""Beam search for one answer, a token at a time: what `generate` finds for a batch of one, and how far it agrees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from transformers import (
    ForcedBOSTokenLogitsProcessor,
    ForcedEOSTokenLogitsProcessor,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
)

from atelier.media.wording import end_marks

_HOPELESS = -1e9
"""The score of a beam that only fills a place."""


@dataclass(frozen=True)
class Beam:
    """tokens: written so far, without the decoder's start. chances: the logarithm of each token's chance."""

    tokens: list[int]
    chances: list[float]
    score: float


class Search:
    """`beams` are the ways in which the answer may go on, the likeliest first; `ended` those that came to an end.

    most: tokens that the answer may have. sampling: draws the next token instead, so that one beam is enough.
    """

    def __init__(
        self, settings: GenerationConfig, most: int, device: torch.device, sampling: LogitsProcessor | None = None
    ) -> None:
        self.width = 1 if sampling else int(settings.num_beams or 1)
        self.beams = [Beam([], [], 0.0 if place == 0 else _HOPELESS) for place in range(self.width)]
        self.ended: list[Beam] = []
        self.done = False
        self._most = most
        self._start = settings.decoder_start_token_id
        self._ends = end_marks(settings.eos_token_id)
        self._forced = settings.forced_eos_token_id is not None
        self._kept = max(2, 1 + len(self._ends)) * self.width  # enough, even if every beam's best token is its end
        self._first_end_is_enough = self.width == 1 or settings.early_stopping is True
        self._to_the_longest = settings.early_stopping == "never"
        self._penalty = 1.0 if settings.length_penalty is None else float(settings.length_penalty)
        self._rules = _rules(settings, most, device)
        if sampling:
            self._rules.append(sampling)

    @property
    def written(self) -> int:
        return len(self.beams[0].tokens)

    def has_ended(self, beam: Beam) -> bool:
        """By itself, and not because it may not be longer."""
        return beam.tokens[-1] in self._ends and not (self._forced and len(beam.tokens) >= self._most)

    @property
    def agreed(self) -> list[int]:
        """The tokens that every beam which may become the answer begins with."""
        hopeful = [beam.tokens for beam in (*self.beams, *self.ended) if beam.score > _HOPELESS * 1e-4]
        shared = 0
        for tokens in zip(*hopeful, strict=False):
            if len(set(tokens)) > 1:
                break
            shared += 1
        return hopeful[0][:shared]

    def candidates(self, chances: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """From the logarithms of all tokens' chances, (width, vocabulary), the best continuations in their order.

        Scores, places in the flattened table, and the logarithm of each one's own chance.
        """
        read = torch.tensor([[self._start, *beam.tokens] for beam in self.beams], device=chances.device)
        scores = torch.tensor([[beam.score] for beam in self.beams], device=chances.device)
        best, places = (self._rules(read, chances) + scores).flatten().topk(self._kept)
        return best, places, chances.flatten()[places]

    def advance(self, scores: Sequence[float], places: Sequence[int], own: Sequence[float], words: int) -> list[int]:
        """Take `candidates` in; returns which beam each of the new ones goes on from. words: of the vocabulary."""
        came_from = [place // words for place in places]
        found = [
            Beam([*self.beams[row].tokens, place % words], [*self.beams[row].chances, chance], score)
            for score, row, place, chance in zip(scores, came_from, places, own, strict=True)
        ]
        over = [self._is_over(beam) for beam in found]
        going = sorted(range(len(found)), key=lambda index: over[index])[: self.width]
        self._end(beam for beam, ends in list(zip(found, over, strict=True))[: self.width] if ends)
        self.beams = [found[index] for index in going]
        self.done = all(over) or not self._may_improve()
        return [came_from[index] for index in going]

    def _is_over(self, beam: Beam) -> bool:
        return self.has_ended(beam) or len(beam.tokens) >= self._most

    def _end(self, beams: Iterator[Beam]) -> None:
        weighed = [Beam(one.tokens, one.chances, one.score / len(one.tokens) ** self._penalty) for one in beams]
        self.ended = sorted([*self.ended, *weighed], key=lambda beam: -beam.score)[: self.width]

    def _may_improve(self) -> bool:
        if len(self.ended) < self.width:
            return True
        length = self._most if self._to_the_longest and self._penalty > 0 else self.written
        best = self.beams[0].score / length**self._penalty
        return not self._first_end_is_enough and best > self.ended[-1].score


def _rules(settings: GenerationConfig, most: int, device: torch.device) -> LogitsProcessorList:
    """What the model was published to be kept from and made to write; `most` tokens are the longest answer."""
    rules = LogitsProcessorList()
    if settings.no_repeat_ngram_size:
        rules.append(NoRepeatNGramLogitsProcessor(settings.no_repeat_ngram_size))
    if settings.forced_bos_token_id is not None:
        rules.append(ForcedBOSTokenLogitsProcessor(settings.forced_bos_token_id))
    if settings.forced_eos_token_id is not None:
        rules.append(ForcedEOSTokenLogitsProcessor(most + 1, settings.forced_eos_token_id, str(device)))
    return rules
