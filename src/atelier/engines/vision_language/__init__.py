"""Vision-language models of transformers' image-text-to-text kind (SmolVLM2, Qwen3-VL, …): one token a step.

Read `engine.py` first: `model.py` opens a folder and words a request, `company.py` lets several runs write together.
"""

from atelier.engines.vision_language.engine import VisionLanguageEngine

__all__ = ["VisionLanguageEngine"]
