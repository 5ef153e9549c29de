"""Vision-language models against the library's own greedy `generate` on the same weights, alone and in company."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from looking import answers, finish, four_pictures, harm, same_words, sampled, stepped
from looking import asking as asking_briefly
from PIL import Image
from random_vision_language import build_random_qwen3_vl, build_random_smolvlm
from transformers import AutoModelForImageTextToText, AutoTokenizer

from atelier.contracts.engine import ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest, TextDelta
from atelier.engines.vision_language import VisionLanguageEngine
from atelier.engines.vision_language.chat import within
from atelier.errors import InvalidRequest, ModelMissing, UnreadableMedia

pytestmark = pytest.mark.usefixtures("one_thread")

asking = partial(asking_briefly, max_tokens=30)

BUILDERS: dict[str, Callable[[Path], Path]] = {
    "smolvlm": build_random_smolvlm,
    "qwen3_vl": build_random_qwen3_vl,
    "sliding": lambda folder: build_random_smolvlm(folder, window=24),
}


@pytest.fixture(scope="module", params=list(BUILDERS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return BUILDERS[request.param](tmp_path_factory.mktemp("models") / request.param)


@pytest.fixture(scope="module")
def engine(folder: Path) -> VisionLanguageEngine:
    return loaded(folder)


def loaded(folder: Path) -> VisionLanguageEngine:
    engine = VisionLanguageEngine(ModelSource("tiny", folder, revision="r1", device="cpu", note="random"))
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
        {"question": "why?", "max_tokens": 9},
        {"question": "what?"},
        {"detail": "high"},
    ]
    return [asking(picture, **kind) for picture, kind in zip(pictures, kinds, strict=True)]


def of_library(engine: VisionLanguageEngine, folder: Path, request: ImageToTextRequest) -> tuple[str, int, int]:
    """Caption, prompt tokens and completion tokens by `generate` on what the processor makes of the request."""
    run = engine.start(request)
    inputs = run.inputs | {"attention_mask": torch.ones_like(run.inputs["input_ids"])}  # type: ignore[attr-defined]
    model = AutoModelForImageTextToText.from_pretrained(folder, local_files_only=True)
    tokens = model.generate(**inputs, max_new_tokens=request.max_tokens, do_sample=False)[0]
    start = inputs["input_ids"].shape[1]
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return tokenizer.decode(tokens[start:], skip_special_tokens=True).strip(), start, len(tokens) - start


def test_answers_are_the_librarys_own_alone_and_in_company(
    engine: VisionLanguageEngine, folder: Path, mixed: list[ImageToTextRequest]
) -> None:
    theirs = [of_library(engine, folder, request) for request in mixed]
    alone = [answers(engine, request)[0] for request in mixed]
    together = answers(engine, *mixed)
    assert same_words(alone) == same_words(together) == theirs
    assert len({caption for caption, *_ in theirs}) == len(mixed)
    assert len({length for *_, length in theirs}) > 1
    assert all(one.usage.tokens == one.prompt_tokens + one.completion_tokens for one in together)


def test_joining_leaving_and_pausing_change_nothing(
    engine: VisionLanguageEngine, mixed: list[ImageToTextRequest]
) -> None:
    alone = [answers(engine, request)[0].caption for request in mixed]
    first, second, third, fourth = [engine.start(request) for request in mixed]
    for runs in ([first], [first, third], [first, third], [third, first], [first, third, fourth]):
        stepped(engine, [run for run in runs if not run.done])
    stepped(engine, [run for run in (third, fourth) if not run.done])  # the first one's client does not read
    engine.close(third)  # its client is gone
    assert [one.caption for one in finish(engine, [fourth, second, first])] == [alone[3], alone[1], alone[0]]
    assert engine._company is None or not engine._company.runs


def test_at_most_one_picture_is_looked_at_in_a_step(
    engine: VisionLanguageEngine, mixed: list[ImageToTextRequest]
) -> None:
    runs = [engine.start(request) for request in mixed]
    for step in range(1, len(runs) + 1):
        engine.step(runs)
        assert [len(run.tokens) for run in runs] == [max(0, step - place) for place in range(4)]  # type: ignore[attr-defined]
    for run in runs:
        engine.close(run)


def test_a_stream_brings_words_as_they_are_written(
    engine: VisionLanguageEngine, mixed: list[ImageToTextRequest]
) -> None:
    runs = [engine.start(request.model_copy(update={"stream": True})) for request in mixed]
    results = finish(engine, runs)
    for run, result in zip(runs, results, strict=True):
        deltas = [output for output in run.outputs if isinstance(output, TextDelta)]
        assert len(deltas) > 2
        assert "".join(delta.text for delta in deltas) == result.caption
        tokens = [delta.delivered.tokens for delta in deltas]
        assert tokens == sorted(tokens)
        assert result.prompt_tokens < tokens[0] <= tokens[-1] <= result.usage.tokens
        assert not any(delta.text.endswith("\ufffd") for delta in deltas[:-1])  # half a letter
    assert [one.caption for one in results] == [one.caption for one in answers(engine, *mixed)]


def test_marks_of_the_template_in_a_question_are_plain_text(
    engine: VisionLanguageEngine, pictures: list[Image.Image]
) -> None:
    mark = "<|im_end|><end_of_utterance><image><|image_pad|>"
    plain, marked = (engine.start(asking(pictures[0], question=words)) for words in ("x?", f"x{mark}?"))
    assert len(marked.prompt) - len(plain.prompt) == len(mark)  # type: ignore[attr-defined]
    assert finish(engine, [marked])[0].caption


def test_sampling_hangs_on_a_runs_own_generator(engine: VisionLanguageEngine, mixed: list[ImageToTextRequest]) -> None:
    warm = mixed[0].model_copy(update={"temperature": 1.5})
    together = sampled(engine, warm, *mixed[1:])
    assert sampled(engine, warm) == together[:1]
    assert [answers(engine, request)[0].caption for request in mixed][1:] == together[1:]
    assert answers(engine, mixed[0])[0].caption != together[0]


def test_trouble_with_one_picture_is_that_runs_own(
    engine: VisionLanguageEngine, mixed: list[ImageToTextRequest]
) -> None:
    broken, sound = engine.start(mixed[0]), engine.start(mixed[1])
    broken.inputs["pixel_values"] = broken.inputs["pixel_values"][:, :1]  # type: ignore[attr-defined]
    engine.step([broken, sound])
    assert isinstance(broken.error, RuntimeError | ValueError)
    engine.close(broken)
    assert finish(engine, [sound])[0].caption == answers(engine, mixed[1])[0].caption


def test_what_cannot_be_taken_is_refused(engine: VisionLanguageEngine, pictures: list[Image.Image]) -> None:
    with pytest.raises(UnreadableMedia) as unreadable:
        engine.start(ImageToTextRequest(image=b"not a picture"))
    assert unreadable.value.field == "image"
    with pytest.raises(InvalidRequest, match="shorter question") as refusal:
        engine.start(asking(pictures[0], question="x" * 600))
    assert refusal.value.field == "question"


def test_a_large_picture_is_made_smaller_first() -> None:
    small = Image.new("RGB", (300, 200))
    assert within(small, 60_000) is small
    assert within(Image.new("RGB", (8000, 4000)), 2_000_000).size == (2000, 1000)
    assert within(Image.new("RGB", (30_000, 1)), 100).size == (1732, 1)


def test_a_picture_too_narrow_for_the_model_is_refused(tmp_path: Path) -> None:
    engine = loaded(build_random_qwen3_vl(tmp_path / "qwen"))
    with pytest.raises(InvalidRequest, match="1000x2 pixels; send one that is less narrow") as refusal:
        engine.start(asking(Image.new("RGB", (1000, 2))))
    assert refusal.value.field == "image"


def test_info_and_unloading(engine: VisionLanguageEngine, folder: Path, mixed: list[ImageToTextRequest]) -> None:
    info = engine.info()
    assert (info.model, info.revision, info.device, info.precision, info.note) == (
        "tiny",
        "r1",
        "cpu",
        "float32",
        "random",
    )
    other = VisionLanguageEngine(ModelSource("tiny", folder, device="cpu"))
    with pytest.raises(ModelMissing, match="not loaded"):
        other.start(mixed[0])
    other.load()
    other.unload()
    with pytest.raises(ModelMissing, match="not loaded"):
        other.start(mixed[0])


def test_the_precision_may_be_chosen(folder: Path, mixed: list[ImageToTextRequest]) -> None:
    engine = VisionLanguageEngine(ModelSource("tiny", folder, device="cpu", precision="bfloat16"))
    engine.load()
    assert engine.info().precision == "bfloat16"
    assert all(one.completion_tokens for one in answers(engine, *mixed))


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    for place in (None, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ModelMissing, match="tiny is not installed"):
            VisionLanguageEngine(ModelSource("tiny", place, device="cpu")).load()


@pytest.mark.parametrize("damage", ["cut short", "no weights", "no tokenizer", "no template", "no JSON", "a pickle"])
def test_damaged_files(tmp_path: Path, damage: str) -> None:
    folder = build_random_smolvlm(tmp_path / "smolvlm")
    harm(folder, damage)
    with pytest.raises(ModelMissing, match="download it again") as refusal:
        VisionLanguageEngine(ModelSource("tiny", folder, device="cpu")).load()
    assert str(tmp_path) not in refusal.value.message
