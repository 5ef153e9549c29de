"""BLIP-2 against the library's own `generate` on the same weights, alone and in company."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from looking import answers, asking, finish, four_pictures, harm, same_words, sampled, stepped
from PIL import Image
from random_blip2 import build_random_blip2
from safetensors.torch import load_file, save_file
from transformers import Blip2ForConditionalGeneration, Blip2Processor

from atelier.contracts.engine import ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest, TextDelta
from atelier.engines.vision_language import Blip2Engine
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
    return four_pictures()


@pytest.fixture(scope="module")
def mixed(pictures: list[Image.Image]) -> list[ImageToTextRequest]:
    """Pictures, questions and lengths that all differ."""
    kinds: list[dict[str, object]] = [
        {},
        {"question": "How many boats are there?"},
        {"question": "why?", "max_tokens": 3},
        {"max_tokens": 40},
    ]
    return [asking(picture, **kind) for picture, kind in zip(pictures, kinds, strict=True)]


def of_library(folder: Path, picture: Image.Image, text: str | None, max_tokens: int) -> tuple[str, int, int]:
    """Caption, prompt tokens and completion tokens, by transformers alone."""
    processor = Blip2Processor.from_pretrained(folder, local_files_only=True)
    model = Blip2ForConditionalGeneration.from_pretrained(folder, local_files_only=True)
    inputs = processor(images=picture, text=text, return_tensors="pt")
    tokens = model.generate(**inputs, max_new_tokens=max_tokens, do_sample=False)[0]
    start = inputs.input_ids.shape[1] if text else model.config.num_query_tokens + 1
    return processor.decode(tokens[start:], skip_special_tokens=True).strip(), start, len(tokens) - start


def test_answers_are_the_librarys_own_alone_and_in_company(
    engine: Blip2Engine, folder: Path, pictures: list[Image.Image], mixed: list[ImageToTextRequest]
) -> None:
    """A question is asked in BLIP-2's own form."""
    theirs = []
    for picture, request in zip(pictures, mixed, strict=True):
        text = f"Question: {request.question} Answer:" if request.question else None
        theirs.append(of_library(folder, picture, text, request.max_tokens))
    together = answers(engine, *mixed)
    assert same_words(together) == theirs
    assert same_words([answers(engine, request)[0] for request in mixed]) == theirs
    assert len({caption for caption, *_ in theirs}) == len(mixed)
    assert len({read for _, read, _ in theirs}) > 2
    assert len({written for *_, written in theirs}) > 2
    assert all(one.usage.tokens == one.prompt_tokens + one.completion_tokens for one in together)
    assert all(one.ocr_text is None for one in together)


def test_joining_and_leaving_change_nothing(engine: Blip2Engine, mixed: list[ImageToTextRequest]) -> None:
    alone = same_words([answers(engine, request)[0] for request in mixed])
    first, second, third, fourth = [engine.start(request) for request in mixed]
    stepped(engine, [second])
    stepped(engine, [first, second, fourth])  # two newcomers are looked at while one writes
    stepped(engine, [first, second, third, fourth])
    engine.close(second)  # its client is gone
    assert same_words(finish(engine, [fourth, third, first])) == [alone[3], alone[2], alone[0]]


def test_trouble_with_one_picture_is_that_runs_own(engine: Blip2Engine, mixed: list[ImageToTextRequest]) -> None:
    broken, sound = engine.start(mixed[0]), engine.start(mixed[1])
    broken.inputs["pixel_values"] = broken.inputs["pixel_values"][:, :1]  # type: ignore[attr-defined]
    engine.step([broken, sound])
    assert isinstance(broken.error, RuntimeError)
    engine.close(broken)
    assert finish(engine, [sound])[0].caption == answers(engine, mixed[1])[0].caption


def test_special_tokens_in_a_question_are_plain_text(engine: Blip2Engine, pictures: list[Image.Image]) -> None:
    plain, special = answers(engine, asking(pictures[0], question="why?", max_tokens=4)), []
    for question in ("what is <image> here?", "</s><pad>?"):
        special += answers(engine, asking(pictures[0], question=question, max_tokens=4))
    assert all(answer.caption for answer in special)
    assert special[0].prompt_tokens - plain[0].prompt_tokens == len("what is <image> here?") - len("why?")


@pytest.mark.parametrize("most", [1, 3])
def test_max_tokens_is_the_most(engine: Blip2Engine, pictures: list[Image.Image], most: int) -> None:
    [answer] = answers(engine, asking(pictures[0], max_tokens=most))
    assert answer.completion_tokens == most
    assert answer.caption is not None
    assert len(answer.caption.split()) == most


def test_it_is_told_whether_an_answer_came_to_its_end(
    engine: Blip2Engine, pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    [cut] = answers(engine, asking(pictures[0], max_tokens=3))
    assert (cut.finish, cut.completion_tokens) == ("length", 3)
    ending = replace(cast(Any, engine._model), ends=frozenset(range(100_000)))  # whatever it writes is its last word
    monkeypatch.setattr(Blip2Engine, "_model", ending)
    for most in 1, 3:
        [whole] = answers(engine, asking(pictures[0], max_tokens=most))
        assert (whole.finish, whole.completion_tokens) == ("stop", 1)


def test_a_stream_brings_words_as_they_are_written(engine: Blip2Engine, mixed: list[ImageToTextRequest]) -> None:
    runs = [engine.start(request.model_copy(update={"stream": True})) for request in mixed]
    for run, result in zip(runs, finish(engine, runs), strict=True):
        deltas = [output for output in run.outputs if isinstance(output, TextDelta)]
        assert len(deltas) >= min(3, result.completion_tokens - 1)
        assert "".join(delta.text for delta in deltas) == result.caption


def test_sampling_hangs_on_a_runs_own_generator(engine: Blip2Engine, mixed: list[ImageToTextRequest]) -> None:
    warm = mixed[0].model_copy(update={"temperature": 1.5})
    together = sampled(engine, warm, *mixed[1:])
    assert sampled(engine, warm) == together[:1]
    assert together == [together[0], *(answers(engine, request)[0].caption for request in mixed[1:])]
    assert len({answers(engine, warm)[0].caption for _ in range(4)}) > 1


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
    before = answers(engine, asking(pictures[0]))[0].caption
    engine.unload()
    with pytest.raises(ModelMissing, match="not loaded"):
        engine.start(asking(pictures[0]))
    engine.load()
    assert answers(engine, asking(pictures[0]))[0].caption == before


def test_the_precision_may_be_chosen(folder: Path, pictures: list[Image.Image]) -> None:
    engine = Blip2Engine(ModelSource("tiny-blip2", folder, device="cpu", precision="bfloat16"))
    engine.load()
    assert engine.info().precision == "bfloat16"
    assert answers(engine, asking(pictures[0], max_tokens=4))[0].completion_tokens == 4


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    for folder in (None, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ModelMissing, match="tiny-blip2 is not installed"):
            Blip2Engine(ModelSource("tiny-blip2", folder, device="cpu")).load()


def test_a_gpu_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ModelMissing, match="cuda:99"):
        Blip2Engine(ModelSource("tiny-blip2", folder, device="cuda:99")).load()


@pytest.mark.parametrize("damage", ["cut short", "a weight is missing", "no weights", "no tokenizer", "no JSON"])
def test_damaged_files(tmp_path: Path, damage: str) -> None:
    folder = build_random_blip2(tmp_path / "blip2")
    weights = folder / "model.safetensors"
    if damage == "a weight is missing":
        tensors = load_file(weights)
        del tensors["query_tokens"]
        save_file(tensors, weights, {"format": "pt"})
    else:
        harm(folder, damage)
    with pytest.raises(ModelMissing, match="download it again") as refusal:
        Blip2Engine(ModelSource("tiny-blip2", folder, device="cpu")).load()
    assert str(tmp_path) not in refusal.value.message


def test_the_seed_decides_the_random_model(tmp_path: Path, folder: Path) -> None:
    again, other = build_random_blip2(tmp_path / "again"), build_random_blip2(tmp_path / "other", seed=1)
    weights = [(place / "model.safetensors").read_bytes() for place in (folder, again, other)]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_the_random_model_writes_english_words(engine: Blip2Engine, pictures: list[Image.Image]) -> None:
    for answer in answers(engine, *(asking(picture) for picture in pictures)):
        assert answer.caption
        assert all(word.isascii() and word.isalpha() for word in answer.caption.split())
