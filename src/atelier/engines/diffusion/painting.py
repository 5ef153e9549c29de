"""One request on its way to pictures: what its run holds between two steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from atelier.contracts.base import Usage
from atelier.contracts.engine import Picture, PicturesMade, Run
from atelier.contracts.images import Loras
from atelier.engines.diffusion.masking import Kept
from atelier.engines.diffusion.schedule import Schedule


@dataclass(frozen=True)
class Conditioning:
    """What the UNet is told beside the latents, a row for each of n images.

    text: (n, tokens, width). pooled: (n, width). sizes: (n, 6), the size conditioning of SDXL.
    """

    text: torch.Tensor
    pooled: torch.Tensor
    sizes: torch.Tensor

    @staticmethod
    def joined(parts: Sequence[Conditioning]) -> Conditioning:
        """The rows of all of them, in order."""
        return Conditioning(
            torch.cat([part.text for part in parts]),
            torch.cat([part.pooled for part in parts]),
            torch.cat([part.sizes for part in parts]),
        )


@dataclass
class Work:
    """What a run of n images holds on the device.

    latents: (n, channels, height / 8, width / 8). negative: None where guidance is off. preview_steps: after which
    steps a preview is due. tokens: read of the prompts. enlarged_to: (width, height) of the pictures, where
    they are made larger than what was drawn. kept: what a mask leaves as it is. loras: taken of the model's adapters.
    """

    latents: torch.Tensor
    schedule: Schedule
    positive: Conditioning
    negative: Conditioning | None
    guidance_scale: float
    seeds: Sequence[int]
    preview_steps: Sequence[int]
    tokens: int
    revised_prompt: str | None
    enlarged_to: tuple[int, int] | None = None
    kept: Kept | None = None
    loras: Loras = ()
    pictures: list[Picture] = field(default_factory=list)

    @property
    def is_guided(self) -> bool:
        return self.negative is not None

    @property
    def is_finished(self) -> bool:
        return len(self.pictures) == len(self.seeds)

    @property
    def progress(self) -> float:
        """A decoded image counts as much as a step."""
        return (self.schedule.taken + len(self.pictures)) / (len(self.schedule) + len(self.seeds))

    def result(self) -> PicturesMade:
        return PicturesMade(self.pictures, self.revised_prompt, Usage(steps=len(self.schedule), tokens=self.tokens))


@dataclass(eq=False)
class Painting(Run):
    """`work` is None once the run is closed."""

    work: Work | None = None

    @property
    def open_work(self) -> Work:
        assert self.work is not None, "a closed run was stepped"
        return self.work


class Company:
    """The runs that step together: their conditioning is joined when one comes or goes, not at every step."""

    def __init__(self) -> None:
        self._runs: list[Painting] = []
        self._conditioning: Conditioning | None = None

    def conditioning(self, runs: Sequence[Painting]) -> Conditioning:
        """Rows: all images without their prompts (where guided), then all images with them."""
        if self._conditioning is None or not self._is(runs):
            works = [run.open_work for run in runs]
            negatives = [work.negative for work in works if work.negative is not None]
            self._runs = list(runs)
            self._conditioning = Conditioning.joined([*negatives, *(work.positive for work in works)])
        return self._conditioning

    def _is(self, runs: Sequence[Painting]) -> bool:
        return len(runs) == len(self._runs) and all(a is b for a, b in zip(runs, self._runs, strict=True))
