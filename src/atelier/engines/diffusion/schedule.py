"""One run's way from noise to picture: a scheduler of its own, so that runs at different steps share the model."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import torch
from diffusers.utils.torch_utils import randn_tensor


class Schedule:
    """The steps of one run of `len(generators)` images.

    Works with any of diffusers' schedulers: those of several model calls a step, those that look back, and those
    that add noise, for which each image has its own generator.
    """

    def __init__(
        self,
        prototype: Any,
        steps: int,
        generators: list[torch.Generator],
        device: torch.device,
        strength: float = 1.0,
    ) -> None:
        """`strength`: the share of the steps that are taken, from the end; rounded down, as diffusers does."""
        self._scheduler = copy.deepcopy(prototype)
        self._scheduler.set_timesteps(steps, device=device)
        skipped = (steps - min(int(steps * strength), steps)) * self._scheduler.order
        if hasattr(self._scheduler, "set_begin_index"):
            self._scheduler.set_begin_index(skipped)
        self._timesteps = self._scheduler.timesteps[skipped:]
        self.generators = generators
        self._extras = _step_arguments(self._scheduler, generators)
        self._added: torch.Tensor | None = None
        self.taken = 0

    def __len__(self) -> int:
        return len(self._timesteps)

    @property
    def done(self) -> bool:
        return self.taken >= len(self)

    @property
    def times(self) -> torch.Tensor:
        """Where the next step starts, once for each image: shape (n,)."""
        return self._timesteps[self.taken].expand(len(self.generators))

    def noise(self, shape: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> torch.Tensor:
        """Pure noise at the level of the first step, `shape` of one image: (n, *shape)."""
        return self._draw(shape, device, dtype) * self._scheduler.init_noise_sigma

    def add_noise(self, latents: torch.Tensor) -> torch.Tensor:
        """`latents` (n, channels, height, width) brought to the noise level of the first step."""
        self._added = self._draw(tuple(latents.shape[1:]), latents.device, latents.dtype)
        return self._scheduler.add_noise(latents, self._added, self.times)

    def add_noise_again(self, latents: torch.Tensor) -> torch.Tensor:
        """`latents` with the noise of `add_noise` at the level of the step to come; as they are after the last."""
        return latents if self.done else self._scheduler.add_noise(latents, self._added, self.times)

    def scaled(self, latents: torch.Tensor) -> torch.Tensor:
        """What the UNet takes in at this step."""
        return self._scheduler.scale_model_input(latents, self._timesteps[self.taken])

    def advance(self, prediction: torch.Tensor, latents: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """One step: the next latents, and the best guess of the last ones (the next, where there is no other)."""
        made = self._scheduler.step(prediction, self._timesteps[self.taken], latents, **self._extras)
        self.taken += 1
        guess = getattr(made, "pred_original_sample", None)
        return made.prev_sample, made.prev_sample if guess is None else guess

    def _draw(self, shape: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> torch.Tensor:
        return randn_tensor((len(self.generators), *shape), generator=self.generators, device=device, dtype=dtype)


def _step_arguments(scheduler: Any, generators: list[torch.Generator]) -> dict[str, Any]:
    """What else its `step` takes: the generators, and the eta of DDIM, which diffusers' pipelines set to 0."""
    offered = {"generator": generators, "eta": 0.0}
    wanted = inspect.signature(scheduler.step).parameters
    return {name: value for name, value in offered.items() if name in wanted}
