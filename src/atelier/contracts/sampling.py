"""Steps and guidance: what a model is best at, and what of a request's own wishes it can take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atelier.contracts.images import ImageSettings


@dataclass(frozen=True)
class Sampled:
    """What one request gets. warnings: sentences about wishes that it does not."""

    steps: int
    guidance_scale: float
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Sampling:
    """steps, guidance_scale: where a request names none. fixed: distilled for exactly these, so that it takes no
    others; a guidance_scale of 0 then means that it does without guidance, and without negative prompts."""

    steps: int = 30
    guidance_scale: float = 7.5
    fixed: bool = False

    def of(self, request: ImageSettings) -> Sampled:
        """The steps and guidance of `request`: its own where it names them and the model takes them."""
        if self.fixed:
            return Sampled(self.steps, self.guidance_scale, self._untaken(request))
        steps, guidance_scale = request.num_inference_steps, request.guidance_scale
        return Sampled(
            self.steps if steps is None else steps,
            self.guidance_scale if guidance_scale is None else guidance_scale,
        )

    def _untaken(self, request: ImageSettings) -> list[str]:
        warnings = []
        if request.num_inference_steps not in {None, self.steps}:
            warnings.append(f"num_inference_steps: this model always takes {self.steps}; leave it out")
        if request.guidance_scale is not None and max(request.guidance_scale, 1) != max(self.guidance_scale, 1):
            usual = f"always takes {self.guidance_scale:g}" if self.guidance_scale > 1 else "is not guided"
            warnings.append(f"guidance_scale: this model {usual}; leave it out")
        if request.negative_prompt and self.guidance_scale <= 1:
            warnings.append("negative_prompt: this model is not guided and did not read it; say what to show instead")
        return warnings
