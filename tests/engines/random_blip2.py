"""A small BLIP-2 with random weights: every part of the real thing, different for each seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import transformers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
    Blip2QFormerConfig,
    Blip2VisionConfig,
    GPT2Tokenizer,
    OPTConfig,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

NATIVE_SIDE = 112
"""Width and height in pixels to which it scales its pictures."""

_PATCH = 14
_QUERIES = 16
_WIDTH, _LAYERS = 128, 4
_POSITIONS = 2048  # tokens of picture, question and answer together, as in the published models

# The places of the first four are OPT's.
_START, _PADDING, _END, _UNKNOWN, _IMAGE = "<s>", "<pad>", "</s>", "<unk>", "<image>"
_NEWLINE = "Ċ"  # as GPT-2 spells it: BLIP-2's captions end with a line
_SPEECH = (
    "a an the one two three many some no every on in under over beside behind near with without and or of by "
    "red orange yellow green blue violet brown black white grey bright dark pale deep soft hard old new small large "
    "round square long short narrow wide quiet loud warm cold empty full open closed broken clean "
    "bird boat book bottle bowl branch bread bridge cat chair child city cloud coat cup dog door dress field fire "
    "fish flower forest garden glass hand harbour hat hill horse house island kitchen ladder lamp leaf lion man map "
    "meadow mirror moon mountain painting paper path person plate rain river road roof room sea ship shore sky snow "
    "star station stone street sun table tower train tree valley wall water wheel window woman workshop "
    "is are stands sits lies runs walks sleeps looks holds carries waits shines falls grows turns sings reads rests"
)
_ENDINGS = "sea sky sun snow moon star river shore street window garden field forest"
_WORDS, _LAST_WORDS = _SPEECH.split(), _ENDINGS.split()
_TOKENS = [_START, _PADDING, _END, _UNKNOWN, *sorted(ByteLevel.alphabet()), *(f"Ġ{word}" for word in _WORDS)]
_VOCABULARY = {token: place for place, token in enumerate([*_TOKENS, _IMAGE])}

# Plain initial weights repeat one token, whatever the picture. These gains make picture, place and word count.
_PICTURE_GAIN, _PLACE_GAIN, _WORD_GAIN = 2.0, 6.0, 3.0
_LAST = 20.0  # how strongly a last word calls for the end of the line, three times as much as for another of its kind
_NEVER, _SELDOM = -50.0, -10.0  # added to the logits of what is no word, and of the end of the line


def build_random_blip2(folder: Path, seed: int = 0) -> Path:
    """Write one to `folder`, in the published layout; equal seeds give equal weights.

    2.1 million parameters, 9 MB. Its captions are English words strung together at random, yet they depend on
    picture and question as those of a trained model do.
    """
    transformers.utils.logging.disable_progress_bar()
    _model(seed).save_pretrained(folder)
    _processor().save_pretrained(folder)
    return folder


def _processor() -> Blip2Processor:
    pictures = BlipImageProcessorPil(size={"height": NATIVE_SIDE, "width": NATIVE_SIDE})
    tokenizer = GPT2Tokenizer(
        vocab=_VOCABULARY,
        merges=[],
        bos_token=_END,  # not a slip: OPT begins its texts with the sign that GPT-2 ends them with
        eos_token=_END,
        unk_token=_UNKNOWN,
        pad_token=_PADDING,
        add_bos_token=True,
        model_max_length=_POSITIONS,
    )
    return Blip2Processor(pictures, tokenizer, num_query_tokens=_QUERIES)


def _model(seed: int) -> Blip2ForConditionalGeneration:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Blip2ForConditionalGeneration(_config())
        with torch.no_grad():
            _make_talkative(model)
    return model


def _config() -> Blip2Config:
    return Blip2Config(
        vision_config=Blip2VisionConfig(
            image_size=NATIVE_SIDE,
            patch_size=_PATCH,
            hidden_size=_WIDTH,
            intermediate_size=2 * _WIDTH,
            num_hidden_layers=_LAYERS,
            num_attention_heads=4,
            initializer_range=0.1,
        ),
        qformer_config=Blip2QFormerConfig(
            vocab_size=len(_VOCABULARY),
            hidden_size=_WIDTH,
            intermediate_size=2 * _WIDTH,
            num_hidden_layers=_LAYERS,
            num_attention_heads=4,
            initializer_range=0.1,
        ),
        text_config=OPTConfig(
            vocab_size=len(_VOCABULARY),
            hidden_size=_WIDTH,
            word_embed_proj_dim=_WIDTH,
            ffn_dim=2 * _WIDTH,
            num_hidden_layers=_LAYERS,
            num_attention_heads=4,
            max_position_embeddings=_POSITIONS,
            init_std=0.1,
            bos_token_id=_VOCABULARY[_END],
            eos_token_id=_VOCABULARY[_NEWLINE],
            pad_token_id=_VOCABULARY[_PADDING],
        ),
        num_query_tokens=_QUERIES,
        image_token_index=_VOCABULARY[_IMAGE],
    )


def _make_talkative(model: Blip2ForConditionalGeneration) -> None:
    """Set by hand what training would have taught: to look at the picture, to use words, and to come to an end."""
    model.query_tokens.normal_()
    model.language_projection.weight.mul_(_PICTURE_GAIN)
    decoder = model.language_model.model.decoder
    decoder.embed_positions.weight.mul_(_PLACE_GAIN)
    embeddings, norm = decoder.embed_tokens.weight, decoder.final_layer_norm
    embeddings.mul_(_WORD_GAIN)
    # Input and output share their embeddings, so that a word calls for itself again; random signs break the echo.
    norm.weight.copy_(torch.randn(_WIDTH).sign())
    # Component 0 is the same in every state, and so the bias of each token; component 1 remembers a last word.
    norm.weight[:2], norm.bias[0] = torch.tensor([0.0, 0.1]), 1.0
    embeddings[:, :2] = torch.tensor([_NEVER, 0.0])
    embeddings[_places(_WORDS), 0] = 0.0
    embeddings[_places(_LAST_WORDS), 1] = _LAST
    embeddings[_VOCABULARY[_NEWLINE], :2] = torch.tensor([_SELDOM, 3 * _LAST])


def _places(words: Sequence[str]) -> list[int]:
    return [_VOCABULARY[f"Ġ{word}"] for word in words]
