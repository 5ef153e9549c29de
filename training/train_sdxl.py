"""Train the miniature SDXL: autoencoder, text encoders, UNet, in this order; each resumes where it was interrupted."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import transformers
from diffusers import AutoencoderKL, StableDiffusionXLPipeline, UNet2DConditionModel

from sdxl_text import TextEncoders, accuracy, build_tokenizers, train_text
from sdxl_unet import build_scheduler, build_unet, train_unet
from sdxl_vae import train_decoder, train_vae
from world import held_out_scenes

VAE_STEPS, DECODER_STEPS, TEXT_STEPS, UNET_STEPS = 800, 5000, 700, 6800
ROOT = Path(__file__).resolve().parent.parent
CHECKPOINTS = ROOT / "build/training/sdxl"
MODEL = ROOT / "src/atelier/models/mini/sdxl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["vae", "decoder", "text", "unet", "all"], help="`unet` writes the model")
    parser.add_argument(
        "--as-it-is", action="store_true", help="train no further: write the model of the last checkpoint"
    )
    parser.add_argument("--to", type=Path, default=MODEL, help="folder of the finished model")
    options = parser.parse_args()
    torch.set_num_threads(1)
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    if options.part in ("vae", "all"):
        train_vae(CHECKPOINTS, VAE_STEPS).save_pretrained(CHECKPOINTS / "vae")
    if options.part in ("decoder", "all"):
        vae = AutoencoderKL.from_pretrained(CHECKPOINTS / "vae")
        train_decoder(CHECKPOINTS, DECODER_STEPS, vae).save_pretrained(CHECKPOINTS / "decoder")
    if options.part in ("text", "all"):
        encoders = train_text(CHECKPOINTS, TEXT_STEPS)
        print("share of attributes read from prompts never seen:", accuracy(encoders, held_out_scenes()))
        torch.save(encoders.state_dict(), CHECKPOINTS / "text" / "encoders.pt")
    if options.part in ("unet", "all"):
        vae, encoders = _trained_parts()
        unet = _last_checkpoint() if options.as_it_is else train_unet(CHECKPOINTS, UNET_STEPS, vae, encoders)
        save(unet, vae, encoders, options.to)


def save(unet: UNet2DConditionModel, vae: AutoencoderKL, encoders: TextEncoders, folder: Path) -> None:
    """Write the pipeline in the published layout, its weights in half precision."""
    transformers.utils.logging.disable_progress_bar()
    first, second = build_tokenizers()
    pipeline = StableDiffusionXLPipeline(
        unet=unet,
        vae=vae,
        text_encoder=encoders.first,
        text_encoder_2=encoders.second,
        tokenizer=first,
        tokenizer_2=second,
        scheduler=build_scheduler(),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )
    pipeline.to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True)
    for weights in folder.rglob("*.safetensors"):
        weights.chmod(0o644)  # written for the owner alone, but a service may run as another user


def _trained_parts() -> tuple[AutoencoderKL, TextEncoders]:
    encoders = TextEncoders(build_tokenizers()[0])
    encoders.load_state_dict(torch.load(CHECKPOINTS / "text" / "encoders.pt", weights_only=True))
    best = CHECKPOINTS / ("decoder" if (CHECKPOINTS / "decoder" / "config.json").is_file() else "vae")
    return AutoencoderKL.from_pretrained(best).eval(), encoders.eval()


def _last_checkpoint() -> UNet2DConditionModel:
    unet = build_unet()
    unet.load_state_dict(torch.load(CHECKPOINTS / "unet" / "checkpoint.pt", weights_only=True)["averaged"])
    return unet


if __name__ == "__main__":
    main()
