"""Models of transformers' image-text-to-text kind: SmolVLM2, Qwen3-VL and others with a chat template."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    DynamicCache,
)
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

from atelier.contracts.image_to_text import Detail, ImageToTextRequest
from atelier.engines.vision_language.model import Inputs, Seen
from atelier.errors import InvalidRequest
from atelier.media.device import choose_precision
from atelier.media.weights import open_whole
from atelier.media.wording import end_marks

DESCRIBE: dict[Detail, str] = {
    "low": "Describe this image in one sentence.",
    "auto": "Describe this image.",
    "high": "Describe this image in detail.",
}
"""What is asked where the request asks nothing."""

MOST_PIXELS = 1536 * 1536
"""A larger picture is made smaller first: tokens grow with pixels, and those who write wait while it is read."""


@dataclass(frozen=True)
class ChatModel:
    """At most one picture is looked at in a step, so that those who write do not stand still for long."""

    network: Any
    processor: Any
    device: torch.device
    precision: torch.dtype
    ends: frozenset[int]
    positions: int
    repeating: float
    looks: int = 1

    @property
    def tokenizer(self) -> Any:
        return self.processor.tokenizer

    def inputs(self, picture: Image.Image, request: ImageToTextRequest) -> Inputs:
        """Raises InvalidRequest for a picture whose shape it cannot take."""
        picture = within(picture, MOST_PIXELS)
        asked = {"type": "text", "text": request.question or DESCRIBE[request.detail]}
        messages = [{"role": "user", "content": [{"type": "image", "image": picture}, asked]}]
        try:
            inputs = self.processor.apply_chat_template(
                messages,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                sanitize_control_tokens=True,  # a question that holds a mark of the template stays plain text
                processor_kwargs={},
            )
        except ValueError as problem:
            width, height = picture.size
            raise InvalidRequest(
                f"image: this model cannot look at a picture of {width}x{height} pixels; send one that is less narrow",
                field="image",
            ) from problem
        inputs.pop("attention_mask", None)  # nothing is padded: a mask of ones would only cost time
        return {name: self._placed(value) for name, value in inputs.items()}

    def look(self, newcomers: Sequence[Inputs]) -> list[Seen]:
        (inputs,) = newcomers
        # The library's own hook: every architecture has its way, and `generate` asks it here too. The places are
        # (1, tokens), or (kinds, 1, tokens) where pictures have rows too.
        places = self.network._prepare_position_ids_for_generation(inputs["input_ids"], inputs)
        cache = DynamicCache(config=self.network.config)
        answer = self.network(**inputs, position_ids=places, past_key_values=cache, use_cache=True, logits_to_keep=1)
        return [Seen(answer.logits[0, -1], cache, places[..., -1:] + 1)]

    def write(
        self, newest: torch.Tensor, places: torch.Tensor, mask: torch.Tensor | None, cache: DynamicCache
    ) -> torch.Tensor:
        answer = self.network(
            input_ids=newest, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True
        )
        logits: torch.Tensor = answer.logits[:, -1]
        return logits

    def _placed(self, value: torch.Tensor) -> torch.Tensor:
        return value.to(self.device, self.precision if value.is_floating_point() else value.dtype)


def within(picture: Image.Image, pixels: int) -> Image.Image:
    """The picture in its own shape, of `pixels` at most."""
    width, height = picture.size
    scale = (pixels / (width * height)) ** 0.5
    if scale >= 1:
        return picture
    return picture.resize((max(1, int(width * scale)), max(1, int(height * scale))), Image.Resampling.BICUBIC)


def open_chat_model(folder: Path, device: torch.device, precision_name: str) -> ChatModel:
    """Raises the library's own errors, ValueError for what is not such a model."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    published = torch.float16 if config.dtype == torch.float16 else torch.bfloat16
    precision = choose_precision(device, precision_name, published)
    network = open_whole(AutoModelForImageTextToText, folder, precision)
    taken = inspect.signature(network.forward).parameters
    if config.is_encoder_decoder or "position_ids" not in taken or "past_key_values" not in taken:
        raise ValueError(f"{config.model_type} does not write token by token")
    processor = _processor(folder, config)
    if not (processor.chat_template or processor.tokenizer.chat_template):
        raise ValueError("there is no chat template")
    text = config.get_text_config(decoder=True)
    settings = network.generation_config
    return ChatModel(
        network,
        processor,
        device,
        precision,
        end_marks(settings.eos_token_id if settings.eos_token_id is not None else text.eos_token_id),
        text.max_position_embeddings,
        settings.repetition_penalty or 1.0,
    )


class _NoVideos(dict[str, Any]):
    """Stands where a processor has its part for videos; a dictionary, for the library writes its settings as JSON."""

    num_frames = fps = None


def _processor(folder: Path, config: Any) -> Any:
    """The processor that belongs to `config`, without its part for videos, which would need torchvision."""
    kind = PROCESSOR_MAPPING[type(config)]
    parts = kind.get_attributes()
    if "video_processor" not in parts:
        return AutoProcessor.from_pretrained(folder, local_files_only=True)

    class OfPictures(kind):  # type: ignore[misc, valid-type]
        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            checked = super().check_argument_for_proper_class
            return None if isinstance(argument, _NoVideos) else checked(argument_name, argument)

    made: dict[str, Any] = {"video_processor": _NoVideos()}
    for part, auto in (("image_processor", AutoImageProcessor), ("tokenizer", AutoTokenizer)):
        made[part] = auto.from_pretrained(folder, local_files_only=True)
    settings, _ = kind.get_processor_dict(folder, local_files_only=True)
    return OfPictures.from_args_and_dict([made[part] for part in parts], settings)
