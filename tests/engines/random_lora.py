"""LoRA files with random weights for a Stable Diffusion XL, in both of the layouts that such files are shared in."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

_RANK = 4
_STRONG = 1.5  # of random numbers: enough to be seen in the picture of a random model
_UNET = (".to_q", ".to_k", ".to_v", ".to_out.0")
_TEXT = (".q_proj", ".k_proj", ".v_proj", ".out_proj")

Layers = dict[str, torch.Tensor]


def write_lora(pipeline: StableDiffusionXLPipeline, folder: Path, name: str, *, seed: int, words: bool = False) -> None:
    """`name` in `folder` as diffusers' training writes it. words: it changes both text encoders too."""
    chance = torch.Generator().manual_seed(seed)
    text = {f"{part}_lora_layers": _layers(getattr(pipeline, part), _TEXT, chance) for part in _ENCODERS if words}
    StableDiffusionXLPipeline.save_lora_weights(
        folder,
        unet_lora_layers=_layers(pipeline.unet, _UNET, chance),
        weight_name=f"{name}.safetensors",
        **text,
    )


def write_kohya_lora(pipeline: StableDiffusionXLPipeline, folder: Path, name: str, *, seed: int) -> None:
    """As kohya's trainer writes it, which most shared files come from: other names, and a scale beside each matrix."""
    layers = _layers(pipeline.unet, _UNET, torch.Generator().manual_seed(seed))
    ends = {"lora_A.weight": "lora_down.weight", "lora_B.weight": "lora_up.weight"}
    written = {}
    for key, weight in layers.items():
        module, end = next((key.removesuffix(f".{end}"), new) for end, new in ends.items() if key.endswith(end))
        place = "lora_unet_" + module.replace(".", "_")
        written |= {f"{place}.{end}": weight, f"{place}.alpha": torch.tensor(_RANK / 2)}
    save_file(written, folder / f"{name}.safetensors")


_ENCODERS = ("text_encoder", "text_encoder_2")


def _layers(model: torch.nn.Module, ends: tuple[str, ...], chance: torch.Generator) -> Layers:
    layers: Layers = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name.endswith(ends):
            wide, high = module.in_features, module.out_features
            layers[f"{name}.lora_A.weight"] = torch.randn(_RANK, wide, generator=chance) * (_STRONG / wide**0.5)
            layers[f"{name}.lora_B.weight"] = torch.randn(high, _RANK, generator=chance) / _RANK**0.5
    return layers
