"""BLIP-2: captions for pictures, and answers to questions about them."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors import SafetensorError
from transformers import Blip2ForConditionalGeneration, Blip2Processor, LogitsProcessor, LogitsProcessorList

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult, TextDelta
from atelier.errors import InvalidRequest, ModelMissing
from atelier.media.image import read_image

TOGETHER = 8
"""Pictures of one step. Past eight they wait longer for each other's last word than they gain."""


@dataclass(kw_only=True)
class _Describing(Run):
    """pixels: (1, 3, side, side). prompt: the tokens before the answer, one placeholder for each query first."""

    request: ImageToTextRequest
    pixels: torch.Tensor | None
    prompt: list[int]
    chance: torch.Generator


@dataclass(frozen=True)
class _Loaded:
    model: Blip2ForConditionalGeneration
    processor: Blip2Processor


class Blip2Engine:
    """One step describes up to eight pictures that share prompt, length and temperature, in one batch."""

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        name = source.device
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        self._device = torch.device(name)
        # BLIP-2 is published in both; half the bits are twice as fast on a GPU and slower on a CPU.
        self._precision = torch.float16 if self._device.type == "cuda" else torch.float32
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        """Raises ModelMissing: no such folder, files that cannot be used, or no such device."""
        if self._loaded is not None:
            return
        if self._source.folder is None or not (self._source.folder / "config.json").is_file():
            raise ModelMissing(f"{self._source.model} is not installed; download it, then restart this service")
        if self._device.type == "cuda" and (self._device.index or 0) >= torch.cuda.device_count():
            raise ModelMissing(
                f"{self._source.model} is set to run on {self._device}, which this machine lacks; use auto or cpu"
            )
        try:
            loaded = _open(self._source.folder, self._precision)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, SafetensorError) as problem:
            raise ModelMissing(
                f"{self._source.model} could not be loaded: its files are damaged, incomplete or of another kind of "
                "model; download it again"
            ) from problem
        loaded.model.to(self._device)
        self._loaded = loaded

    def unload(self) -> None:
        self._loaded = None
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device=str(self._device),
            precision=str(self._precision).removeprefix("torch."),
            note=self._source.note,
        )

    def cost(self, request: Contract) -> float:
        return 1 / TOGETHER

    def start(self, request: Contract) -> Run:
        """Raises UnreadableMedia and TooLarge naming `image`, InvalidRequest where the words do not fit the model."""
        assert isinstance(request, ImageToTextRequest)
        pixels = self._ready.processor(images=read_image(request.image), return_tensors="pt").pixel_values
        chance = torch.Generator(self._device)
        chance.seed()
        return _Describing(
            key=(request.question, request.max_tokens, request.temperature),
            request=request,
            pixels=pixels.to(self._device, self._precision),
            prompt=self._prompt(request),
            chance=chance,
        )

    def step(self, runs: Sequence[Run]) -> None:
        describing = [run for run in runs if isinstance(run, _Describing)]
        for run, answer in zip(describing, self._generate(describing), strict=True):
            self._finish(run, answer)

    def close(self, run: Run) -> None:
        assert isinstance(run, _Describing)
        run.pixels = None

    @property
    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        return self._loaded

    def _prompt(self, request: ImageToTextRequest) -> list[int]:
        """The tokens that the language model reads: the picture's place, then a beginning or the question."""
        config, tokenizer = self._ready.model.config, self._ready.processor.tokenizer
        words = [config.text_config.bos_token_id]
        if request.question is not None:
            # Special tokens stay plain text here: a question that holds "<image>" must not make a second picture.
            text = f"Question: {request.question} Answer:"
            words = tokenizer(text, split_special_tokens=True).input_ids
        prompt = [config.image_token_index] * config.num_query_tokens + words
        excess = len(prompt) + request.max_tokens - config.text_config.max_position_embeddings
        if excess > 0:
            field = "max_tokens" if request.question is None else "question"
            raise InvalidRequest(
                f"{field}: picture, question and answer take {excess} tokens more than the model can hold; "
                "ask a shorter question or lower max_tokens",
                field=field,
            )
        return prompt

    def _generate(self, runs: Sequence[_Describing]) -> list[list[int]]:
        """The tokens of each answer, its end included."""
        prompt, request = runs[0].prompt, runs[0].request
        sampling = [GumbelSampling(request.temperature, [run.chance for run in runs])] if request.temperature else []
        with torch.inference_mode():
            rows = self._ready.model.generate(
                pixel_values=torch.cat([run.pixels for run in runs if run.pixels is not None]),
                input_ids=torch.tensor([prompt] * len(runs), device=self._device),
                max_new_tokens=request.max_tokens,
                do_sample=False,
                num_beams=1,
                logits_processor=LogitsProcessorList(sampling),
            )
        ends = self._ready.model.language_model.generation_config.eos_token_id
        return [_until(row, ends) for row in rows[:, len(prompt) :].tolist()]

    def _finish(self, run: _Describing, answer: list[int]) -> None:
        caption = self._ready.processor.tokenizer.decode(answer, skip_special_tokens=True).strip()
        usage = Usage(tokens=len(run.prompt) + len(answer))
        if run.request.stream:
            run.outputs.append(TextDelta(text=caption, delivered=usage))
        run.outputs.append(
            ImageToTextResult(
                model=self._source.model,
                caption=caption,
                prompt_tokens=len(run.prompt),
                completion_tokens=len(answer),
                usage=usage,
            )
        )
        run.progress, run.done, run.pixels = 1.0, True, None


class GumbelSampling(LogitsProcessor):  # type: ignore[misc]
    """Sampling with a generator for each row, so that a picture's words do not hang on who else is in its batch.

    The largest of logits with Gumbel noise added is a sample of their softmax; transformers then takes the largest.
    """

    def __init__(self, temperature: float, generators: Sequence[torch.Generator]) -> None:
        self._temperature = temperature
        self._generators = generators

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        noise = torch.empty_like(scores)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        return scores / self._temperature - noise.log()


def _open(folder: Path, precision: torch.dtype) -> _Loaded:
    """Raises the library's own errors, and ValueError where it would make up what is missing."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    model, report = Blip2ForConditionalGeneration.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=precision, output_loading_info=True
    )
    if report["missing_keys"] or report["mismatched_keys"]:
        raise ValueError(f"no weights for {sorted(report['missing_keys'])}")
    processor = Blip2Processor.from_pretrained(folder, local_files_only=True)
    if processor.tokenizer.convert_tokens_to_ids("<image>") != model.config.image_token_index:
        raise ValueError("the tokenizer is not this model's")  # or none: the library makes an empty one up
    return _Loaded(model, processor)


def _until(tokens: list[int], ends: Any) -> list[int]:
    """The tokens up to the first that ends an answer; what follows it is padding."""
    closing = {ends} if isinstance(ends, int) else set(ends or ())
    for place, token in enumerate(tokens):
        if token in closing:
            return tokens[: place + 1]
    return tokens
