"""BLIP-2: captions for pictures, and answers to questions about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.nn.functional import pad
from transformers import Blip2ForConditionalGeneration, Blip2Processor, DynamicCache

from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.engines.vision_language.model import Inputs, Seen
from atelier.media.caches import rows_of
from atelier.media.device import choose_precision
from atelier.media.weights import open_whole
from atelier.media.wording import end_marks


@dataclass(frozen=True)
class Blip2Model:
    """A loaded model. Its pictures are all of one size and its prompts short: it looks at eight as fast as at one."""

    network: Any
    processor: Blip2Processor
    device: torch.device
    precision: torch.dtype
    ends: frozenset[int]
    positions: int
    repeating: float
    looks: int = 8

    @property
    def tokenizer(self) -> Any:
        return self.processor.tokenizer

    def inputs(self, picture: Image.Image, request: ImageToTextRequest) -> Inputs:
        """The prompt is the picture's place, one token for each query, then a beginning or the question."""
        config = self.network.config
        words = [config.text_config.bos_token_id]
        if request.question is not None:
            # Special tokens stay plain text here: a question that holds "<image>" must not make a second picture.
            text = f"Question: {request.question} Answer:"
            words = self.tokenizer(text, split_special_tokens=True).input_ids
        prompt = [config.image_token_index] * config.num_query_tokens + words
        pixels = self.processor.image_processor(picture, return_tensors="pt").pixel_values
        return {
            "input_ids": torch.tensor([prompt], device=self.device),
            "pixel_values": pixels.to(self.device, self.precision),
        }

    def look(self, newcomers: Sequence[Inputs]) -> list[Seen]:
        """Shorter prompts are padded on the left, and the padding is masked."""
        lengths = [inputs["input_ids"].shape[1] for inputs in newcomers]
        longest = max(lengths)
        prompts = torch.cat(
            [pad(inputs["input_ids"], (longest - inputs["input_ids"].shape[1], 0)) for inputs in newcomers]
        )
        starts = torch.tensor([[longest - length] for length in lengths], device=self.device)
        places = torch.arange(longest, device=self.device) - starts
        cache = DynamicCache(config=self.network.config.text_config)
        answer = self.network.language_model(
            inputs_embeds=self._embedded(prompts, torch.cat([inputs["pixel_values"] for inputs in newcomers])),
            attention_mask=(places >= 0).long() if len(set(lengths)) > 1 else None,
            position_ids=places.clamp(min=0),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return [
            Seen(
                logits,
                rows_of(cache, slice(row, row + 1), slice(-length, None)),
                torch.tensor([[length]], device=self.device),
            )
            for row, (logits, length) in enumerate(zip(answer.logits[:, -1], lengths, strict=True))
        ]

    def write(
        self, newest: torch.Tensor, places: torch.Tensor, mask: torch.Tensor | None, cache: DynamicCache
    ) -> torch.Tensor:
        answer = self.network.language_model(
            input_ids=newest, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True
        )
        logits: torch.Tensor = answer.logits[:, -1]
        return logits

    def _embedded(self, prompts: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
        """What the language model reads: the words, and where the picture's tokens stand, what is seen in it."""
        words = self.network.get_input_embeddings()(prompts)
        seen = self.network.get_image_features(pixels).pooler_output.to(words.dtype)
        where = (prompts == self.network.config.image_token_index)[..., None]
        return words.masked_scatter(where, seen)


def open_blip2(folder: Path, device: torch.device, precision_name: str) -> Blip2Model:
    """Raises the library's own errors, and ValueError where it would make up what is missing."""
    precision = choose_precision(device, precision_name)
    network = open_whole(Blip2ForConditionalGeneration, folder, precision)
    language = network.language_model
    if language.config.is_encoder_decoder:
        raise ValueError(f"{language.config.model_type} does not write token by token")
    processor = Blip2Processor.from_pretrained(folder, local_files_only=True)
    if processor.tokenizer.convert_tokens_to_ids("<image>") != network.config.image_token_index:
        raise ValueError("the tokenizer is not this model's")  # or none: the library makes an empty one up
    settings = language.generation_config
    return Blip2Model(
        network,
        processor,
        device,
        precision,
        end_marks(settings.eos_token_id),
        language.config.max_position_embeddings,
        settings.repetition_penalty or 1.0,
    )
