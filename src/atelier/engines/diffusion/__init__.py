"""Pictures by diffusers: Stable Diffusion XL batched while it runs (`engine`), other pipelines by their own call
(`pipelines`)."""

from atelier.engines.diffusion.engine import DiffusionEngine
from atelier.engines.diffusion.pipelines import PipelineEngine

__all__ = ["DiffusionEngine", "PipelineEngine"]
