"""BLIP-2: captions for pictures, and answers to questions about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import Blip2ForConditionalGeneration, Blip2Processor, LogitsProcessorList

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult, TextDelta
from atelier.errors import InvalidRequest, ModelMissing
from atelier.media.image import read_image
from atelier.media.quantization import in_words as precision_in_words
from atelier.media.quantization import quantize
from atelier.media.weights import choose_device, choose_precision, folder_of, give_back, in_words, open_whole
from atelier.media.wording import GumbelSampling, end_marks, own_chance, until_end

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
        self._device = choose_device(source.device)
        self._precision = choose_precision(self._device, source.precision)
        self._loaded: _Loaded | None = None

    def load(self) -> None:
        """Raises ModelMissing: no such folder, files that cannot be used, or no such device."""
        if self._loaded is not None:
            return
        folder = folder_of(self._source, self._device)
        with in_words(self._source):
            loaded = _open(folder, self._precision)
            quantize(self._source, loaded.model)
        loaded.model.to(self._device)
        self._loaded = loaded

    def unload(self) -> None:
        self._loaded = None
        give_back(self._device)

    def info(self) -> EngineInfo:
        return EngineInfo(
            model=self._source.model,
            revision=self._source.revision,
            device=str(self._device),
            precision=precision_in_words(self._source, self._precision),
            note=self._source.note,
        )

    def cost(self, request: Contract) -> float:
        return 1 / TOGETHER

    def start(self, request: Contract) -> Run:
        """Raises UnreadableMedia and TooLarge naming `image`, InvalidRequest where the words do not fit the model."""
        assert isinstance(request, ImageToTextRequest)
        pixels = self._ready.processor(images=read_image(request.image), return_tensors="pt").pixel_values
        return _Describing(
            key=(request.question, request.max_tokens, request.temperature),
            request=request,
            pixels=pixels.to(self._device, self._precision),
            prompt=self._prompt(request),
            chance=own_chance(self._device),
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
        return [until_end(row, end_marks(ends)) for row in rows[:, len(prompt) :].tolist()]

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


def _open(folder: Path, precision: torch.dtype) -> _Loaded:
    """Raises the library's own errors, and ValueError where it would make up what is missing."""
    model = open_whole(Blip2ForConditionalGeneration, folder, precision)
    processor = Blip2Processor.from_pretrained(folder, local_files_only=True)
    if processor.tokenizer.convert_tokens_to_ids("<image>") != model.config.image_token_index:
        raise ValueError("the tokenizer is not this model's")  # or none: the library makes an empty one up
    return _Loaded(model, processor)
