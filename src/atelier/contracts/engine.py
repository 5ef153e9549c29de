"""The engine protocol: start, step, finish. Every modality advances in steps, so that one scheduler serves all."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from atelier.contracts.base import Contract, Event, Usage
from atelier.contracts.sampling import Sampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Picture:
    """Pixels as uint8 of shape (height, width, 3), RGB. `seed` made them."""

    pixels: NDArray[np.uint8]
    seed: int | None = None


@dataclass(frozen=True)
class PicturePreview:
    """What the first image of a run looks like after `step` of `steps`."""

    picture: Picture
    index: int
    step: int
    steps: int


@dataclass(frozen=True)
class PicturesMade:
    pictures: Sequence[Picture]
    revised_prompt: str | None = None
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Sound:
    """Mono samples as int16 of shape (n,). `characters`: how many of the text are spoken up to here."""

    samples: NDArray[np.int16]
    sample_rate: int
    characters: int


@dataclass(frozen=True)
class SpeechMade:
    """Every `Sound` was given out before; this ends them."""

    voice: str
    language: str
    usage: Usage = field(default_factory=Usage)


RawEvent = PicturePreview | PicturesMade | Sound | SpeechMade | Event
"""What engines give out. Pictures and sound are not encoded yet: that happens off the engine's thread."""


@dataclass
class Run:
    """One request on its way through an engine.

    key: runs with equal keys may share a step. progress: 0 to 1. outputs: given out since the last look, in
    order; the scheduler empties it. done: set with the last output. error: fails this run alone.

    """

    key: Hashable
    progress: float = 0.0
    outputs: list[RawEvent] = field(default_factory=list)
    done: bool = False
    error: Exception | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class EngineInfo:
    """What /health and /v1/models say of a loaded engine. `note` is for people ("a miniature")."""

    model: str
    revision: str | None = None
    device: str = "cpu"
    precision: str = "float32"
    note: str | None = None
    voices: Sequence[str] = ()
    languages: Sequence[str] = ()
    loras: Sequence[str] = ()


@dataclass(frozen=True)
class ModelSource:
    """What an engine is built from: `Engine(source)`.

    model: the catalog's id. folder: where the weights lie, or the one file that they are; None where the library brings
    them. device: `cpu`, `cuda`, `cuda:1`, or `auto` (a GPU where there is one). note: passed on to `EngineInfo`.
    one_size: it draws well at its native size only, so that other sizes are made from that one. precision: `float32`,
    `bfloat16`, `float16`, or `auto` (what suits the device). quantization: `int8` holds the weights in a byte each.
    base: the folder of the model that it is laid over. parts: part of the model → the folder that takes its place.
    loras: the folder of LoRA files for it. sampling: what suits it, where its weights do not say.
    """

    model: str
    folder: Path | None = None
    revision: str | None = None
    device: str = "auto"
    note: str | None = None
    one_size: bool = False
    precision: str = "auto"
    quantization: Literal["none", "int8"] = "none"
    base: Path | None = None
    parts: Mapping[str, Path] = field(default_factory=dict)
    loras: Path | None = None
    sampling: Sampling = field(default_factory=Sampling)


class Engine(Protocol):
    """Runs one model. All calls come from one thread; none of them knows HTTP, tenants or other engines."""

    def load(self) -> None:
        """Weights to the device; calling it again changes nothing. Raises ModelMissing or ImportError in words."""

    def unload(self) -> None:
        """Give the memory back."""

    def info(self) -> EngineInfo: ...

    def cost(self, request: Contract) -> float:
        """The share of the engine's capacity that a run of `request` takes; runs up to a sum of 1 go together."""

    def start(self, request: Contract) -> Run:
        """Cheap: encode, prepare; no loop. Raises InvalidRequest for what only the model can know."""

    def step(self, runs: Sequence[Run]) -> None:
        """Advance all by one step, as one batch. `runs` have equal keys and are not done."""

    def close(self, run: Run) -> None:
        """The run ended, was cancelled or failed: free what it holds. Called once for every started run."""
