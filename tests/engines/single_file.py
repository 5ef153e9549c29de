"""A folder of Stable Diffusion XL as one file, in the names that its authors gave to the weights.

Most fine-tunes are shared so. Facts about the names: https://github.com/Stability-AI/generative-models.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

Weights = dict[str, torch.Tensor]

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_BIG_G = {
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_VAE_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def write_single_file(folder: Path, file: Path) -> Path:
    """`folder`: with two resnets on each of three levels of the UNet, as SDXL has."""
    parts = {
        "model.diffusion_model.": {_unet_name(name): weight for name, weight in _weights(folder / "unet").items()},
        "first_stage_model.": dict(_vae_weight(*item) for item in _weights(folder / "vae").items()),
        "conditioner.embedders.0.transformer.": _clip(_weights(folder / "text_encoder")),
        "conditioner.embedders.1.model.": _big_g(_weights(folder / "text_encoder_2")),
    }
    whole = {prefix + name: weight.contiguous() for prefix, part in parts.items() for name, weight in part.items()}
    save_file(whole, file)
    return file


def _weights(part: Path) -> Weights:
    (file,) = part.glob("*.safetensors")
    return load_file(file)


def _unet_name(name: str) -> str:
    for ours, theirs in _UNET_ENDS.items():
        if name.startswith(ours + "."):
            return theirs + name.removeprefix(ours)
    block, *path = name.split(".")
    if block == "mid_block":
        kind, place, *rest = path
        return ".".join(["middle_block", str(1 if kind == "attentions" else 2 * int(place)), *_inside(kind, rest)])
    level, kind, place, *rest = path
    if block == "down_blocks":
        if kind == "downsamplers":
            return ".".join(["input_blocks", str(3 * int(level) + 3), "0.op", *rest[1:]])
        where = ["input_blocks", str(3 * int(level) + int(place) + 1)]
    elif kind == "upsamplers":
        return ".".join(["output_blocks", str(3 * int(level) + 2), "2", *rest])
    else:
        where = ["output_blocks", str(3 * int(level) + int(place))]
    return ".".join([*where, "1" if kind == "attentions" else "0", *_inside(kind, rest)])


def _inside(kind: str, rest: list[str]) -> list[str]:
    return [_RESNET[rest[0]], *rest[1:]] if kind == "resnets" else rest


def _vae_weight(name: str, weight: torch.Tensor) -> tuple[str, torch.Tensor]:
    side, *path = name.split(".")
    if path[0] == "mid_block" and path[1] == "attentions":
        part = next(ours for ours in _VAE_ATTENTION if ".".join(path[3:]).startswith(ours + "."))
        is_matrix = part != "group_norm" and weight.ndim == 2
        return f"{side}.mid.attn_1.{_VAE_ATTENTION[part]}.{path[-1]}", weight[..., None, None] if is_matrix else weight
    renamed = ".".join(path).replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    if path[0] == "mid_block":
        return f"{side}.mid.block_{int(path[2]) + 1}.{renamed.split('.', 3)[3]}", weight
    if path[0] in {"down_blocks", "up_blocks"}:
        way = path[0].removesuffix("_blocks")
        level = int(path[1]) if way == "down" else 3 - int(path[1])
        rest = renamed.split(".", 4)
        inside = f"{way}sample.{rest[4]}" if path[2].endswith("samplers") else f"block.{rest[3]}.{rest[4]}"
        return f"{side}.{way}.{level}.{inside}", weight
    return f"{side}.{renamed}", weight


def _clip(weights: Weights) -> Weights:
    return {
        name if name.startswith("text_model.") else f"text_model.{name}": weight for name, weight in weights.items()
    }


def _big_g(weights: Weights) -> Weights:
    """OpenCLIP's names: one matrix for queries, keys and values, and the projection the other way round."""
    plain = {name.removeprefix("text_model."): weight for name, weight in weights.items()}
    made = {
        "token_embedding.weight": plain.pop("embeddings.token_embedding.weight"),
        "positional_embedding": plain.pop("embeddings.position_embedding.weight"),
        "text_projection": plain.pop("text_projection.weight").T,
        "ln_final.weight": plain.pop("final_layer_norm.weight"),
        "ln_final.bias": plain.pop("final_layer_norm.bias"),
    }
    for name, weight in plain.items():
        layer, path = name.removeprefix("encoder.layers.").split(".", 1)
        where = f"transformer.resblocks.{layer}."
        if path.startswith(("self_attn.k_proj", "self_attn.v_proj")):
            continue
        if path.startswith("self_attn.q_proj"):
            kind = path.rpartition(".")[2]
            joined = [plain[name.replace("q_proj", f"{letter}_proj")] for letter in "qkv"]
            made[f"{where}attn.in_proj_{kind}"] = torch.cat(joined)
        else:
            part, _, kind = path.rpartition(".")
            made[f"{where}{_BIG_G[part]}.{kind}"] = weight
    return made
