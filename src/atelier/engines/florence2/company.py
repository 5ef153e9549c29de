"""Answers that are written together: the beams of all of them are rows of one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import DynamicCache, EncoderDecoderCache

from atelier.contracts.engine import Run
from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.engines.florence2.model import Florence2Model
from atelier.engines.florence2.search import Search
from atelier.media.caches import left_mask, rows_of, side_by_side


@dataclass(kw_only=True, eq=False)
class Looking(Run):
    """A request on its way.

    pixels: of the picture, until it was looked at. size: its width and height as sent. most: tokens of the answer.
    written, seen: what its beams remember of the answer and of the prompt, while it stands alone. said: how much of
    the text has been given out.
    """

    request: ImageToTextRequest
    pixels: torch.Tensor | None
    prompt: list[int]
    size: tuple[int, int]
    most: int
    search: Search
    chance: torch.Generator
    written: DynamicCache | None = None
    seen: DynamicCache | None = None
    said: str = ""


class Company:
    """Those who take the next step together. Shorter ones are padded on the left, and the padding is masked."""

    def __init__(self, runs: Sequence[Looking]) -> None:
        self.runs = list(runs)
        written, seen = [run.written for run in runs if run.written], [run.seen for run in runs if run.seen]
        assert len(written) == len(seen) == len(self.runs)
        self._cache = EncoderDecoderCache(side_by_side(written), side_by_side(seen))
        for run in runs:
            run.written = run.seen = None

    def write(self, model: Florence2Model) -> torch.Tensor:
        """Read the newest token of every beam; returns (beams, vocabulary), what each would write next."""
        newest = [[beam.tokens[-1]] for run in self.runs for beam in run.search.beams]
        lengths = self._rows([run.search.written for run in self.runs])  # the start is in the cache, the newest is not
        seen = left_mask(self._rows([len(run.prompt) for run in self.runs]), model.device)
        mask = left_mask([length + 1 for length in lengths], model.device) if len(set(lengths)) > 1 else None
        return model.write(
            torch.tensor(newest, device=model.device),
            torch.tensor(lengths, device=model.device),
            (mask, seen),
            self._cache,
        )

    def follow(self, came_from: Sequence[Sequence[int]]) -> None:
        """Every beam goes on from the one that it came from: a number within its own run, for each run."""
        first, rows = 0, []
        for run, own in zip(self.runs, came_from, strict=True):
            rows += [first + row for row in own]
            first += run.search.width
        if rows != list(range(first)):
            self._cache.self_attention_cache.reorder_cache(torch.tensor(rows))

    def part(self, staying: Sequence[Looking] = ()) -> None:
        """Give every run its own memory back; that of those who are not `staying` is shared with nobody."""
        first = 0
        for run in self.runs:
            rows, apart = slice(first, first + run.search.width), run not in staying
            first = rows.stop
            run.written = rows_of(self._cache.self_attention_cache, rows, slice(-run.search.written, None), apart)
            run.seen = rows_of(self._cache.cross_attention_cache, rows, slice(-len(run.prompt), None), apart)

    def _rows(self, of_runs: Sequence[int]) -> list[int]:
        return [value for run, value in zip(self.runs, of_runs, strict=True) for _ in range(run.search.width)]
