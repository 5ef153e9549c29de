"""From a Florence-2 folder to a model that looks at pictures and writes for many beams at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.nn.functional import embedding
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AutoProcessor,
    DynamicCache,
    EncoderDecoderCache,
    Florence2ForConditionalGeneration,
    Florence2Processor,
    GenerationConfig,
)

from atelier.contracts.image_to_text import Detail, ImageToTextRequest
from atelier.errors import InvalidRequest
from atelier.media.caches import rows_of
from atelier.media.device import choose_precision
from atelier.media.weights import open_whole

MOST_READ = 1024
"""Tokens of a page's text and corners together: a line takes eight for its corners alone."""

CAPTIONS: dict[Detail, str] = {"low": "<CAPTION>", "auto": "<DETAILED_CAPTION>", "high": "<MORE_DETAILED_CAPTION>"}
READING = "<OCR_WITH_REGION>"


@dataclass(frozen=True)
class Seen:
    """logits: (vocabulary,), of the first token. written, seen: what is remembered of the start and of the prompt."""

    logits: torch.Tensor
    written: DynamicCache
    seen: DynamicCache


@dataclass
class _OwnPlaces:
    """BART gives all rows of a batch the same place. Beams of several answers stand at places of their own."""

    places: torch.Tensor | None = None

    def __call__(self, module: Any, _: Any, same: torch.Tensor) -> torch.Tensor:
        return same if self.places is None else embedding(self.places[:, None] + module.offset, module.weight)


@dataclass(frozen=True)
class Florence2Model:
    """A loaded model."""

    network: Any
    processor: Florence2Processor
    device: torch.device
    precision: torch.dtype
    own: _OwnPlaces = field(default_factory=_OwnPlaces)

    @property
    def tokenizer(self) -> Any:
        return self.processor.tokenizer

    @property
    def settings(self) -> GenerationConfig:
        """How it writes, as published with it."""
        return self.network.generation_config

    @property
    def own_tasks(self) -> dict[str, str]:
        """Task → the words that it was taught for it."""
        found: dict[str, str] = self.processor.task_prompts_without_inputs
        return found

    def most(self, request: ImageToTextRequest) -> int:
        """Tokens that the answer may have; the decoder's start takes one place of its positions."""
        return min(MOST_READ if request.task == "ocr" else request.max_tokens, self._positions - 1)

    def pixels(self, picture: Image.Image) -> torch.Tensor:
        """(1, 3, side, side)"""
        found: torch.Tensor = self.processor.image_processor(picture, return_tensors="pt").pixel_values
        return found.to(self.device, self.precision)

    def prompt(self, request: ImageToTextRequest) -> list[int]:
        """Tokens of the picture's places and the task. Raises InvalidRequest for a question that is too long."""
        tasks = self.own_tasks
        task = READING if request.task == "ocr" else request.question or CAPTIONS[request.detail]
        # Special tokens stay plain text here: a question that holds "<image>" must not make a second picture.
        words = self.tokenizer(tasks.get(task, task), split_special_tokens=True, add_special_tokens=False).input_ids
        picture = [self.network.config.image_token_id] * self.processor.num_image_tokens
        prompt = [*picture, self.tokenizer.bos_token_id, *words, self.tokenizer.eos_token_id]
        if len(prompt) > self._positions:
            raise InvalidRequest(
                f"question: is {len(prompt) - self._positions} tokens longer than the model can hold; "
                "ask a shorter one",
                field="question",
            )
        return prompt

    def look(self, pixels: Sequence[torch.Tensor], prompts: Sequence[Sequence[int]]) -> list[Seen]:
        """Read pictures and tasks. Shorter prompts are padded at their ends, and the padding is masked."""
        tokens = [torch.tensor(prompt, device=self.device) for prompt in prompts]
        cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        answer = self.network(
            input_ids=pad_sequence(tokens, batch_first=True, padding_value=self.tokenizer.pad_token_id),
            attention_mask=pad_sequence([torch.ones_like(of) for of in tokens], batch_first=True),
            pixel_values=torch.cat(list(pixels)),
            decoder_input_ids=torch.full((len(tokens), 1), self.settings.decoder_start_token_id, device=self.device),
            past_key_values=cache,
            use_cache=True,
        )
        written, seen = cache.self_attention_cache, cache.cross_attention_cache
        return [
            Seen(
                answer.logits[row, -1],
                rows_of(written, slice(row, row + 1), slice(None)),
                rows_of(seen, slice(row, row + 1), slice(len(prompt))),
            )
            for row, prompt in enumerate(prompts)
        ]

    def write(
        self,
        newest: torch.Tensor,
        places: torch.Tensor,
        masks: tuple[torch.Tensor | None, torch.Tensor],
        cache: EncoderDecoderCache,
    ) -> torch.Tensor:
        """Read the newest token of every row, (rows, 1), each at its place; returns (rows, vocabulary).

        masks: of what is written, and of what is seen.
        """
        written, seen = masks
        width = self.network.config.text_config.d_model
        # What the encoder made of the prompt is in the cache; its shape alone is asked for.
        shape = torch.zeros(1, 1, 1, device=self.device, dtype=self.precision).expand(*seen.shape, width)
        self.own.places = places
        try:
            states = self.network.model.language_model.decoder(
                input_ids=newest,
                attention_mask=written,
                encoder_hidden_states=shape,
                encoder_attention_mask=seen,
                past_key_values=cache,
                use_cache=True,
            ).last_hidden_state
        finally:
            self.own.places = None
        logits: torch.Tensor = self.network.lm_head(states[:, -1])
        return logits

    @property
    def _positions(self) -> int:
        return int(self.network.config.text_config.max_position_embeddings)


def open_florence2(folder: Path, device: torch.device, precision_name: str) -> Florence2Model:
    """Raises the library's own errors, and ValueError where it would make up what is missing."""
    precision = choose_precision(device, precision_name)
    network = open_whole(Florence2ForConditionalGeneration, folder, precision)
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    if processor.tokenizer.convert_tokens_to_ids("<image>") != network.config.image_token_id:
        raise ValueError("the tokenizer is not this model's")  # or none: the library makes an empty one up
    model = Florence2Model(network, processor, device, precision)
    network.model.language_model.decoder.embed_positions.register_forward_hook(model.own)
    return model
