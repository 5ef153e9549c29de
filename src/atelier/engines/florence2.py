"""Florence-2: short and long captions, and the text of a picture with its corners."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoProcessor, Florence2ForConditionalGeneration, Florence2Processor, LogitsProcessorList

from atelier.contracts.base import Contract, Usage
from atelier.contracts.engine import EngineInfo, ModelSource, Run
from atelier.contracts.image_to_text import Detail, ImageToTextRequest, ImageToTextResult, OcrLine, TextDelta
from atelier.errors import InvalidRequest, ModelMissing
from atelier.media.image import read_image
from atelier.media.quantization import in_words as precision_in_words
from atelier.media.quantization import quantize
from atelier.media.weights import choose_device, choose_precision, folder_of, give_back, in_words, open_whole
from atelier.media.wording import GumbelSampling, end_marks, own_chance, until_end

TOGETHER = 8
"""Pictures of one step. Past eight they wait longer for each other's last word than they gain."""

MOST_READ = 1024
"""Tokens of a page's text and corners together: a line takes eight for its corners alone."""

CAPTIONS: dict[Detail, str] = {"low": "<CAPTION>", "auto": "<DETAILED_CAPTION>", "high": "<MORE_DETAILED_CAPTION>"}
READING = "<OCR_WITH_REGION>"

_LINE = re.compile(r"(.+?)" + 8 * r"<loc_(\d+)>")
_BINS = 1000  # places are told in thousandths of a side; each stands for its middle
_CLOSED = "that question is not one of this model's own tasks, so that its answer may be wrong"


@dataclass(kw_only=True)
class _Looking(Run):
    """pixels: (1, 3, side, side). prompt: tokens of the picture's places and the task. size: width, height as sent."""

    request: ImageToTextRequest
    pixels: torch.Tensor | None
    prompt: torch.Tensor
    size: tuple[int, int]
    most: int
    chance: torch.Generator


@dataclass(frozen=True)
class _Loaded:
    model: Any
    processor: Florence2Processor
    ends: frozenset[int]


class Florence2Engine:
    """One step answers up to eight pictures in one batch: any captions and questions together, or any pages together.

    A question may be one of the model's own tasks (`<OD>`, `<DENSE_REGION_CAPTION>`, …): places then stand in the
    answer as `<loc_0>` to `<loc_999>`, in thousandths of the picture's width and height.
    """

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
        picture = read_image(request.image)
        pixels = self._ready.processor.image_processor(picture, return_tensors="pt").pixel_values
        most = self._most(request)
        run = _Looking(
            key=(request.task, most, request.temperature),
            request=request,
            pixels=pixels.to(self._device, self._precision),
            prompt=torch.tensor(self._prompt(request), device=self._device),
            size=picture.size,
            most=most,
            chance=own_chance(self._device),
        )
        if request.question and request.question not in self._ready.processor.task_prompts_without_inputs:
            run.warnings.append(f"question: {_CLOSED}")
        return run

    def step(self, runs: Sequence[Run]) -> None:
        looking = [run for run in runs if isinstance(run, _Looking)]
        with torch.inference_mode():
            inputs = self._inputs(looking)
            answers = self._generate(looking, inputs)
            reading = looking[0].request.task == "ocr"
            sure = self._confidences(inputs, answers) if reading else [[] for _ in looking]
        for run, answer, chances in zip(looking, answers, sure, strict=True):
            self._finish(run, answer, chances)

    def close(self, run: Run) -> None:
        assert isinstance(run, _Looking)
        run.pixels = None

    @property
    def _ready(self) -> _Loaded:
        if self._loaded is None:
            raise ModelMissing(f"{self._source.model} is not loaded")
        return self._loaded

    @property
    def _positions(self) -> int:
        return int(self._ready.model.config.text_config.max_position_embeddings)

    def _most(self, request: ImageToTextRequest) -> int:
        """Tokens that the answer may have; the decoder's start takes one place of its positions."""
        return min(MOST_READ if request.task == "ocr" else request.max_tokens, self._positions - 1)

    def _prompt(self, request: ImageToTextRequest) -> list[int]:
        processor = self._ready.processor
        tokenizer, tasks = processor.tokenizer, processor.task_prompts_without_inputs
        task = READING if request.task == "ocr" else request.question or CAPTIONS[request.detail]
        # Special tokens stay plain text here: a question that holds "<image>" must not make a second picture.
        words = tokenizer(tasks.get(task, task), split_special_tokens=True, add_special_tokens=False).input_ids
        picture = [self._ready.model.config.image_token_id] * processor.num_image_tokens
        prompt = [*picture, tokenizer.bos_token_id, *words, tokenizer.eos_token_id]
        if len(prompt) > self._positions:
            raise InvalidRequest(
                f"question: is {len(prompt) - self._positions} tokens longer than the model can hold; "
                "ask a shorter one",
                field="question",
            )
        return prompt

    def _inputs(self, runs: Sequence[_Looking]) -> dict[str, Any]:
        """What the model reads of every run: shorter prompts are padded at their ends, and the padding masked."""
        padding = self._ready.processor.tokenizer.pad_token_id
        mask = pad_sequence([torch.ones_like(run.prompt) for run in runs], batch_first=True)
        return {
            "input_ids": pad_sequence([run.prompt for run in runs], batch_first=True, padding_value=padding),
            "attention_mask": mask,
            "pixel_values": torch.cat([run.pixels for run in runs if run.pixels is not None]),
        }

    def _generate(self, runs: Sequence[_Looking], inputs: dict[str, Any]) -> list[list[int]]:
        """The tokens of each answer, its end included. Without chance it searches as published with the model."""
        chance: dict[str, Any] = {}
        if temperature := runs[0].request.temperature:
            sampling = GumbelSampling(temperature, [run.chance for run in runs])
            chance = {"num_beams": 1, "early_stopping": False, "logits_processor": LogitsProcessorList([sampling])}
        rows = self._ready.model.generate(**inputs, max_new_tokens=runs[0].most, do_sample=False, **chance)
        return [until_end(row[1:], self._ready.ends) for row in rows.tolist()]

    def _confidences(self, inputs: dict[str, Any], answers: Sequence[list[int]]) -> list[list[float]]:
        """The logarithm of each token's chance, from one more look at what was written: beams do not tell it."""
        found = []
        for row, answer in enumerate(answers):
            start = self._ready.model.generation_config.decoder_start_token_id
            written = torch.tensor([[start, *answer]], device=self._device)
            of_row = {name: values[row : row + 1] for name, values in inputs.items()}
            logits = self._ready.model(**of_row, decoder_input_ids=written[:, :-1]).logits[0]
            chances = logits.float().log_softmax(-1).gather(1, written[0, 1:, None])
            found.append(chances[:, 0].tolist())
        return found

    def _finish(self, run: _Looking, answer: list[int], chances: list[float]) -> None:
        tokenizer = self._ready.processor.tokenizer
        usage = Usage(tokens=len(run.prompt) + len(answer))
        caption, lines = None, None
        if run.request.task == "ocr":
            lines = lines_of(tokenizer, answer, chances, run.size)
            if len(answer) >= run.most:
                run.warnings.append("the picture holds more text than this model can write at once: its end is missing")
        else:
            caption = tokenizer.decode(answer, skip_special_tokens=True).strip()
            if run.request.stream:
                run.outputs.append(TextDelta(text=caption, delivered=usage))
        run.outputs.append(
            ImageToTextResult(
                model=self._source.model,
                caption=caption,
                ocr_text=None if lines is None else "\n".join(line.text for line in lines),
                ocr_lines=lines,
                prompt_tokens=len(run.prompt),
                completion_tokens=len(answer),
                usage=usage,
            )
        )
        run.progress, run.done, run.pixels = 1.0, True, None


def lines_of(tokenizer: Any, tokens: Sequence[int], chances: Sequence[float], size: tuple[int, int]) -> list[OcrLine]:
    """The lines of an answer in the order in which the model read them.

    chances: the logarithm of each token's chance; a line's confidence is their mean over its text and corners. size:
    width and height of the picture in pixels.
    """
    spans = list(_spans(tokenizer, tokens))
    text = "".join(piece for piece, _ in spans)
    starts, place = [], 0
    for piece, own in spans:
        starts.append((place, own))
        place += len(piece)
    lines = []
    for match in _LINE.finditer(text):
        content, *bins = match.groups()
        within = [own for start, own in starts if match.start() <= start < match.end()]
        own_chances = torch.tensor([chances[index] for own in within for index in own])
        if content.strip():
            confidence = round(float(own_chances.mean().exp()), 4)
            lines.append(OcrLine(text=content.strip(), box=_corners(bins, size), confidence=confidence))
    return lines


def _spans(tokenizer: Any, tokens: Sequence[int]) -> list[tuple[str, list[int]]]:
    """Pieces of text, each with the places of its tokens: a location is a piece, and so is the text between two."""
    skipped = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
    first, last = (tokenizer.convert_tokens_to_ids(f"<loc_{number}>") for number in (0, _BINS - 1))
    spans: list[tuple[str, list[int]]] = []
    waiting: list[int] = []

    def end_text() -> None:
        if waiting:
            spans.append((tokenizer.decode([tokens[index] for index in waiting]), waiting.copy()))
            waiting.clear()

    for index, token in enumerate(tokens):
        if first <= token <= last:
            end_text()
            spans.append((f"<loc_{token - first}>", [index]))
        elif token not in skipped:
            waiting.append(index)
    end_text()
    return spans


def _corners(bins: Sequence[str], size: tuple[int, int]) -> list[tuple[float, float]]:
    """Four corners in whole pixels, clockwise from the top left."""
    width, height = size
    across = [int((int(place) + 0.5) * width / _BINS) for place in bins[::2]]
    down = [int((int(place) + 0.5) * height / _BINS) for place in bins[1::2]]
    return [(float(x), float(y)) for x, y in zip(across, down, strict=True)]


def _open(folder: Path, precision: torch.dtype) -> _Loaded:
    """Raises the library's own errors, and ValueError where it would make up what is missing."""
    model = open_whole(Florence2ForConditionalGeneration, folder, precision)
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    if processor.tokenizer.convert_tokens_to_ids("<image>") != model.config.image_token_id:
        raise ValueError("the tokenizer is not this model's")  # or none: the library makes an empty one up
    return _Loaded(model, processor, end_marks(model.generation_config.eos_token_id))
