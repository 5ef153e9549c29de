"""BLIP-2 against the library's own `generate` on the same weights, alone and in company."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from random_blip2 import build_random_blip2
from safetensors.torch import load_file, save_file
from transformers import Blip2ForConditionalGeneration, Blip2Processor

from atelier.contracts.engine import ModelSource, Run
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult, TextDelta
from atelier.engines.blip2 import Blip2Engine
from atelier.errors import InvalidRequest, ModelMissing, UnreadableMedia
from atelier.media.wording import GumbelSampling

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_blip2(tmp_path_factory.mktemp("models") / "blip2")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Blip2Engine:
    engine = Blip2Engine(ModelSource("tiny-blip2", folder, revision="r1", device="cpu", note="random"))
    engine.load()
    return engine


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    """Four of them, each of another size."""
    ramp = np.linspace(0, 255, 200, dtype=np.uint8)
    blocks = np.random.default_rng(3).integers(0, 255, (4, 6, 3), dtype=np.uint8)
    return [
        Image.new("RGB", (100, 80), "blue"),
        Image.new("RGB", (31, 257), "red"),
        Image.fromarray(np.stack([np.tile(ramp, (150, 1))] * 3, -1)),
        Image.fromarray(blocks).resize((640, 480), Image.Resampling.NEAREST),
    ]


def encoded(picture: Image.Image) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    return sink.getvalue()


def asking(picture: Image.Image, **fields: object) -> ImageToTextRequest:
    return ImageToTextRequest.model_validate({"image": encoded(picture), **fields})


def result(run: Run) -> ImageToTextResult:
    assert run.done
    assert run.progress == 1
    assert isinstance(run.outputs[-1], ImageToTextResult)
    return run.outputs[-1]


def described(engine: Blip2Engine, *requests: ImageToTextRequest) -> list[ImageToTextResult]:
    runs = [engine.start(request) for request in requests]
    engine.step(runs)
    for run in runs:
        engine.close(run)
    return [result(run) for run in runs]


def of_library(folder: Path, picture: Image.Image, text: str | None, max_tokens: int) -> tuple[str, int, int]:
    """Caption, prompt tokens and completion tokens, by transformers alone."""
    processor = Blip2Processor.from_pretrained(folder, local_files_only=True)
    model = Blip2ForConditionalGeneration.from_pretrained(folder, local_files_only=True)
    inputs = processor(images=picture, text=text, return_tensors="pt")
    tokens = model.generate(**inputs, max_new_tokens=max_tokens, do_sample=False)[0]
    start = inputs.input_ids.shape[1] if text else model.config.num_query_tokens + 1
    return processor.decode(tokens[start:], skip_special_tokens=True).strip(), start, len(tokens) - start


def test_a_caption_is_the_librarys_own(engine: Blip2Engine, folder: Path, pictures: list[Image.Image]) -> None:
    for picture in pictures:
        [answer] = described(engine, asking(picture))
        assert (answer.caption, answer.prompt_tokens, answer.completion_tokens) == of_library(folder, picture, None, 64)
        assert answer.usage.tokens == answer.prompt_tokens + answer.completion_tokens
        assert answer.ocr_text is None


def test_company_changes_nothing(engine: Blip2Engine, pictures: list[Image.Image]) -> None:
    """Answers of different lengths, so that some rows of the batch are padded at the end."""
    alone = [described(engine, asking(picture))[0] for picture in pictures]
    together = described(engine, *(asking(picture) for picture in pictures))
    assert [(one.caption, one.completion_tokens) for one in together] == [
        (one.caption, one.completion_tokens) for one in alone
    ]
    assert len({one.caption for one in together}) == len(pictures)
    assert len({one.completion_tokens for one in together}) > 1


def test_a_question_is_asked_in_blip2s_own_form(engine: Blip2Engine, folder: Path, pictures: list[Image.Image]) -> None:
    question = "How many boats are there?"
    answers = described(engine, *(asking(picture, question=question, max_tokens=12) for picture in pictures))
    for picture, answer in zip(pictures, answers, strict=True):
        assert (answer.caption, answer.prompt_tokens, answer.completion_tokens) == of_library(
            folder, picture, f"Question: {question} Answer:", 12
        )
        assert answer.caption
        assert "Question" not in answer.caption


def test_special_tokens_in_a_question_are_plain_text(engine: Blip2Engine, pictures: list[Image.Image]) -> None:
    plain, special = described(engine, asking(pictures[0], question="why?", max_tokens=4)), []
    for question in ("what is <image> here?", "</s><pad>?"):
        special += described(engine, asking(pictures[0], question=question, max_tokens=4))
    assert all(answer.caption for answer in special)
    assert special[0].prompt_tokens - plain[0].prompt_tokens == len("what is <image> here?") - len("why?")


def test_only_what_shares_prompt_length_and_temperature_shares_a_step(
    engine: Blip2Engine, pictures: list[Image.Image]
) -> None:
    kinds: list[dict[str, object]] = [{}, {"question": "why?"}, {"max_tokens": 5}, {"temperature": 0.5}]
    keys = [engine.start(asking(pictures[0], **kind)).key for kind in kinds]
    assert len(set(keys)) == len(kinds)
    assert engine.start(asking(pictures[1])).key == keys[0]


@pytest.mark.parametrize("most", [1, 3])
def test_max_tokens_is_the_most(engine: Blip2Engine, pictures: list[Image.Image], most: int) -> None:
    [answer] = described(engine, asking(pictures[0], max_tokens=most))
    assert answer.completion_tokens == most
    assert answer.caption is not None
    assert len(answer.caption.split()) == most


def test_a_stream_carries_the_caption_before_the_result(engine: Blip2Engine, pictures: list[Image.Image]) -> None:
    run = engine.start(asking(pictures[0], stream=True))
    engine.step([run])
    delta, answer = run.outputs
    assert isinstance(delta, TextDelta)
    assert isinstance(answer, ImageToTextResult)
    assert delta.text == answer.caption
    assert delta.delivered.tokens == answer.usage.tokens


def test_sampling_hangs_on_a_runs_own_generator(engine: Blip2Engine, pictures: list[Image.Image]) -> None:
    def sampled(runs: list[Run]) -> list[str | None]:
        for seed, run in enumerate(runs):
            run.chance.manual_seed(seed)  # type: ignore[attr-defined]
        engine.step(runs)
        return [result(run).caption for run in runs]

    requests = [asking(picture, temperature=1.5, max_tokens=20) for picture in pictures]
    together = sampled([engine.start(request) for request in requests])
    assert sampled([engine.start(requests[0])]) == together[:1]
    assert together[0] != described(engine, asking(pictures[0], max_tokens=20))[0].caption
    drawn = {described(engine, requests[0])[0].caption for _ in range(4)}
    assert len(drawn) > 1


def test_sampling_follows_the_softmax() -> None:
    logits, temperature, rows = torch.tensor([2.0, 1.0, 0.0, -1.0]), 0.7, 20_000
    sampling = GumbelSampling(temperature, [torch.Generator().manual_seed(row) for row in range(rows)])
    drawn = sampling(torch.empty(0), logits.repeat(rows, 1)).argmax(dim=1).bincount(minlength=4) / rows
    assert torch.allclose(drawn, (logits / temperature).softmax(dim=0), atol=0.015)


def test_what_is_no_picture_is_refused(engine: Blip2Engine) -> None:
    with pytest.raises(UnreadableMedia) as refusal:
        engine.start(ImageToTextRequest(image=b"not a picture"))
    assert refusal.value.field == "image"


def test_a_question_too_long_for_the_model_is_refused(engine: Blip2Engine, pictures: list[Image.Image]) -> None:
    with pytest.raises(InvalidRequest, match="shorter question") as refusal:
        engine.start(asking(pictures[0], question="x" * 3000))
    assert refusal.value.field == "question"


def test_info(engine: Blip2Engine) -> None:
    info = engine.info()
    assert (info.model, info.revision, info.device, info.precision, info.note) == (
        "tiny-blip2",
        "r1",
        "cpu",
        "float32",
        "random",
    )


def test_unloading_and_loading_again(folder: Path, pictures: list[Image.Image]) -> None:
    engine = Blip2Engine(ModelSource("tiny-blip2", folder, device="cpu"))
    with pytest.raises(ModelMissing, match="not loaded"):
        engine.start(asking(pictures[0]))
    engine.load()
    before = described(engine, asking(pictures[0]))[0].caption
    engine.unload()
    with pytest.raises(ModelMissing, match="not loaded"):
        engine.start(asking(pictures[0]))
    engine.load()
    assert described(engine, asking(pictures[0]))[0].caption == before


def test_the_precision_may_be_chosen(folder: Path, pictures: list[Image.Image]) -> None:
    engine = Blip2Engine(ModelSource("tiny-blip2", folder, device="cpu", precision="bfloat16"))
    engine.load()
    assert engine.info().precision == "bfloat16"
    run = engine.start(asking(pictures[0], max_tokens=4))
    engine.step([run])
    assert run.done


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    for folder in (None, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ModelMissing, match="tiny-blip2 is not installed"):
            Blip2Engine(ModelSource("tiny-blip2", folder, device="cpu")).load()


def test_a_gpu_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ModelMissing, match="cuda:99"):
        Blip2Engine(ModelSource("tiny-blip2", folder, device="cuda:99")).load()


@pytest.mark.parametrize("damage", ["cut short", "a weight is missing", "no weights", "no tokenizer", "no JSON"])
def test_damaged_files(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "blip2"
    build_random_blip2(folder)
    weights = folder / "model.safetensors"
    if damage == "cut short":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif damage == "a weight is missing":
        tensors = load_file(weights)
        del tensors["query_tokens"]
        save_file(tensors, weights, {"format": "pt"})
    elif damage == "no weights":
        weights.unlink()
    elif damage == "no tokenizer":
        (folder / "tokenizer.json").unlink()
    else:
        (folder / "config.json").write_text("{")
    with pytest.raises(ModelMissing, match="download it again") as refusal:
        Blip2Engine(ModelSource("tiny-blip2", folder, device="cpu")).load()
    assert str(tmp_path) not in refusal.value.message


def test_the_seed_decides_the_random_model(tmp_path: Path, folder: Path) -> None:
    again, other = build_random_blip2(tmp_path / "again"), build_random_blip2(tmp_path / "other", seed=1)
    weights = [(place / "model.safetensors").read_bytes() for place in (folder, again, other)]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_the_random_model_writes_english_words(engine: Blip2Engine, pictures: list[Image.Image]) -> None:
    for answer in described(engine, *(asking(picture) for picture in pictures)):
        assert answer.caption
        assert all(word.isascii() and word.isalpha() for word in answer.caption.split())
