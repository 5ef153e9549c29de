"""Florence-2 against the library's own `generate` and its reading of it, on the same weights, alone and in company."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from looking import answers, asking, finish, four_pictures, harm, same_words, sampled, stepped
from PIL import Image
from random_florence2 import build_random_florence2
from transformers import AutoProcessor, Florence2ForConditionalGeneration, GenerationConfig

from atelier.contracts.engine import ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult, TextDelta
from atelier.engines.florence2 import Florence2Engine
from atelier.engines.florence2.search import Beam, Search
from atelier.errors import InvalidRequest, ModelMissing, UnreadableMedia

pytestmark = pytest.mark.usefixtures("one_thread")

SHORT = "<CAPTION>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_random_florence2(tmp_path_factory.mktemp("models") / "florence2")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Florence2Engine:
    engine = Florence2Engine(ModelSource("tiny-florence2", folder, revision="r1", device="cpu", note="random"))
    engine.load()
    return engine


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    return four_pictures()


@pytest.fixture(scope="module")
def mixed(pictures: list[Image.Image]) -> list[ImageToTextRequest]:
    """Captions, questions and pages, of different lengths."""
    kinds: list[dict[str, object]] = [
        {"detail": "low", "max_tokens": 9},
        {"question": "What is it?"},
        {"question": "<OD>"},
        {"task": "ocr"},
    ]
    return [asking(picture, **fields) for picture, fields in zip(pictures, kinds, strict=True)]


class Library:
    """transformers alone, one picture at a time, as its documentation has it."""

    def __init__(self, folder: Path) -> None:
        self._processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        self._model = Florence2ForConditionalGeneration.from_pretrained(folder, local_files_only=True)

    def answer(self, picture: Image.Image, text: str, most: int = 24) -> tuple[Any, int, int]:
        """The task's answer, and how many tokens were read and written."""
        inputs = self._processor(text=text, images=picture, return_tensors="pt")
        tokens = self._model.generate(**inputs, max_new_tokens=most)
        written = self._processor.batch_decode(tokens, skip_special_tokens=False)[0]
        found = self._processor.post_process_generation(written, task=text, image_size=picture.size)
        return found[text], inputs.input_ids.shape[1], tokens.shape[1] - 1


@pytest.fixture(scope="module")
def library(folder: Path) -> Library:
    return Library(folder)


@pytest.mark.parametrize(
    ("detail", "task"),
    [("low", SHORT), ("auto", "<DETAILED_CAPTION>"), ("high", "<MORE_DETAILED_CAPTION>")],
)
def test_captions_of_every_detail_are_the_librarys_own(
    engine: Florence2Engine, library: Library, pictures: list[Image.Image], detail: str, task: str
) -> None:
    for picture in pictures:
        [answer] = answers(engine, asking(picture, detail=detail))
        assert (answer.caption, answer.prompt_tokens, answer.completion_tokens) == library.answer(picture, task)
        assert answer.usage.tokens == answer.prompt_tokens + answer.completion_tokens
        assert answer.ocr_text is answer.ocr_lines is None


def test_lines_and_their_corners_are_the_librarys_own(
    engine: Florence2Engine, library: Library, pictures: list[Image.Image]
) -> None:
    several = 0
    for picture in pictures:
        [answer] = answers(engine, asking(picture, task="ocr"))
        theirs, *counts = library.answer(picture, "<OCR_WITH_REGION>", most=127)
        assert answer.ocr_lines is not None
        assert [line.text for line in answer.ocr_lines] == theirs["labels"]
        boxes = [[number for corner in line.box for number in corner] for line in answer.ocr_lines]
        assert boxes == theirs["quad_boxes"]
        assert [answer.prompt_tokens, answer.completion_tokens] == counts
        assert answer.ocr_text == "\n".join(theirs["labels"])
        assert answer.caption is None
        assert all(0 < line.confidence < 1 for line in answer.ocr_lines)
        several += len(answer.ocr_lines) > 1
    assert several > 1


def alone_and(together: list[ImageToTextResult], alone: list[ImageToTextResult]) -> None:
    """Equal but for the last digits of confidences, which depend on the shape of a batch."""
    assert same_words(together) == same_words(alone)
    for one, other in zip(together, alone, strict=True):
        for ours, theirs in zip(one.ocr_lines or [], other.ocr_lines or [], strict=True):
            assert (ours.text, ours.box) == (theirs.text, theirs.box)
            assert ours.confidence == pytest.approx(theirs.confidence, abs=2e-4)


def test_company_changes_nothing(
    engine: Florence2Engine, library: Library, pictures: list[Image.Image], mixed: list[ImageToTextRequest]
) -> None:
    together = answers(engine, *mixed)
    alone_and(together, [answers(engine, request)[0] for request in mixed])
    assert same_words(together[:1]) == [library.answer(pictures[0], SHORT, most=9)]
    assert together[3].ocr_lines
    assert len({one.completion_tokens for one in together}) > 2


def test_joining_and_leaving_change_nothing(engine: Florence2Engine, mixed: list[ImageToTextRequest]) -> None:
    alone = [answers(engine, request)[0] for request in mixed]
    warm = engine.start(mixed[1].model_copy(update={"temperature": 1.0}))
    first, second, third, fourth = [engine.start(request) for request in mixed]
    for runs in ([fourth], [fourth, first], [first, fourth, warm, second], [second, third, warm, fourth]):
        stepped(engine, runs)  # in the last the first one's client does not read
    engine.close(warm)  # its client is gone
    alone_and(finish(engine, [third, first, fourth, second]), [alone[2], alone[0], alone[3], alone[1]])
    assert engine._company is None or not engine._company.runs


def test_trouble_with_one_picture_is_that_runs_own(engine: Florence2Engine, mixed: list[ImageToTextRequest]) -> None:
    broken, sound = engine.start(mixed[0]), engine.start(mixed[1])
    broken.pixels = broken.pixels[:, :1]  # type: ignore[attr-defined]
    engine.step([broken, sound])
    assert isinstance(broken.error, RuntimeError)
    engine.close(broken)
    assert same_words(finish(engine, [sound])) == same_words(answers(engine, mixed[1]))


def test_the_models_own_tasks_can_be_asked_for_by_name(
    engine: Florence2Engine, library: Library, pictures: list[Image.Image]
) -> None:
    run = engine.start(asking(pictures[0], question=SHORT))
    (result,) = finish(engine, [run])
    assert (result.caption, run.warnings) == (library.answer(pictures[0], SHORT)[0], [])


def test_a_free_question_is_answered_with_a_warning(engine: Florence2Engine, pictures: list[Image.Image]) -> None:
    run = engine.start(asking(pictures[0], question="How many boats?"))
    assert run.warnings == [
        "question: that question is not one of this model's own tasks, so that its answer may be wrong"
    ]


def test_special_tokens_in_a_question_are_plain_text(engine: Florence2Engine, pictures: list[Image.Image]) -> None:
    plain, special = (
        answers(engine, asking(pictures[0], question=question))[0]
        for question in ("what is here?", "what is <image></s> here?")
    )
    assert special.prompt_tokens - plain.prompt_tokens == len("<image></s> ")


def test_a_page_with_too_much_text_says_so(engine: Florence2Engine, pictures: list[Image.Image]) -> None:
    run = engine.start(asking(pictures[0], task="ocr"))
    finish(engine, [run])
    assert run.warnings == ["the picture holds more text than this model can write at once: its end is missing"]


@pytest.mark.parametrize("most", [3, 200])
def test_it_is_told_whether_an_answer_came_to_its_end(
    engine: Florence2Engine, pictures: list[Image.Image], most: int
) -> None:
    [answer] = answers(engine, asking(pictures[0], max_tokens=most))
    assert answer.finish == "length", "the random model never ends by itself"
    search = Search(
        GenerationConfig(eos_token_id=2, forced_eos_token_id=2, decoder_start_token_id=2), most, torch.device("cpu")
    )
    assert not search.has_ended(Beam([7], [0.0], 0.0))
    assert search.has_ended(Beam([7, 2], [0.0] * 2, 0.0))
    assert not search.has_ended(Beam([*[7] * (most - 1), 2], [0.0] * most, 0.0)), "it was made to"


def test_a_stream_brings_words_once_all_beams_agree(engine: Florence2Engine, pictures: list[Image.Image]) -> None:
    runs = [engine.start(asking(picture, stream=True)) for picture in pictures]
    early = 0
    for run, result in zip(runs, finish(engine, runs), strict=True):
        deltas = [output for output in run.outputs if isinstance(output, TextDelta)]
        assert "".join(delta.text for delta in deltas) == result.caption
        tokens = [delta.delivered.tokens for delta in deltas]
        assert tokens == sorted(tokens)
        assert result.prompt_tokens < tokens[0] <= tokens[-1] <= result.usage.tokens
        early += len(deltas) > 1
    assert early > 1


def test_sampling_hangs_on_a_runs_own_generator(engine: Florence2Engine, mixed: list[ImageToTextRequest]) -> None:
    warm = mixed[1].model_copy(update={"temperature": 1.5})
    together = sampled(engine, warm, *mixed[1:])
    assert sampled(engine, warm) == together[:1]
    assert together[1:] == [answers(engine, request)[0].caption for request in mixed[1:]]
    assert together[0] != together[1]


def test_what_is_no_picture_is_refused(engine: Florence2Engine) -> None:
    with pytest.raises(UnreadableMedia) as refusal:
        engine.start(ImageToTextRequest(image=b"not a picture"))
    assert refusal.value.field == "image"


def test_a_question_too_long_for_the_model_is_refused(engine: Florence2Engine, pictures: list[Image.Image]) -> None:
    with pytest.raises(InvalidRequest, match="ask a shorter one") as refusal:
        engine.start(asking(pictures[0], question="x" * 300))
    assert refusal.value.field == "question"


def test_info_and_unloading(folder: Path, pictures: list[Image.Image]) -> None:
    engine = Florence2Engine(ModelSource("tiny-florence2", folder, revision="r1", device="cpu", note="random"))
    with pytest.raises(ModelMissing, match="not loaded"):
        engine.start(asking(pictures[0]))
    engine.load()
    info = engine.info()
    assert (info.model, info.revision, info.device, info.precision, info.note) == (
        "tiny-florence2",
        "r1",
        "cpu",
        "float32",
        "random",
    )
    engine.unload()
    with pytest.raises(ModelMissing, match="not loaded"):
        engine.start(asking(pictures[0]))


def test_the_precision_may_be_chosen(folder: Path, pictures: list[Image.Image]) -> None:
    engine = Florence2Engine(ModelSource("tiny-florence2", folder, device="cpu", precision="bfloat16"))
    engine.load()
    assert engine.info().precision == "bfloat16"
    assert answers(engine, asking(pictures[0], max_tokens=4))[0].completion_tokens <= 4


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    for place in (None, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ModelMissing, match="tiny-florence2 is not installed"):
            Florence2Engine(ModelSource("tiny-florence2", place, device="cpu")).load()


@pytest.mark.parametrize("damage", ["cut short", "no weights", "no tokenizer", "no JSON", "a pickle"])
def test_damaged_files(tmp_path: Path, damage: str) -> None:
    folder = build_random_florence2(tmp_path / "florence2")
    harm(folder, damage)
    with pytest.raises(ModelMissing, match="download it again") as refusal:
        Florence2Engine(ModelSource("tiny-florence2", folder, device="cpu")).load()
    assert str(tmp_path) not in refusal.value.message
