"""The miniature BLIP-2: what it says about pictures of the small world is true."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from looking import answers
from PIL import Image
from transformers import Blip2Processor

from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.engines.vision_language import Blip2Engine
from captions import agreement, parse
from evaluate_blip2 import MODEL, answer_scores, caption_scores, captions_of, drawn, open_engine, said
from world import Scene, is_held_out, sentence

MANY = 40


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def engine() -> Blip2Engine:
    return open_engine()


@pytest.fixture(scope="module")
def samples() -> list[tuple[Scene, Image.Image]]:
    """Pictures of scenes that training never saw."""
    samples = drawn(MANY, seed=40)
    assert all(is_held_out(scene) for scene, _ in samples)
    return samples


def test_captions_say_what_is_there(engine: Blip2Engine, samples: list[tuple[Scene, Image.Image]]) -> None:
    captions = captions_of([picture for _, picture in samples], engine)
    scores = caption_scores(captions, [scene for scene, _ in samples])
    assert scores["shape and colour"] >= 0.95, captions
    assert scores["background"] >= 0.95, captions
    assert scores["size"] >= 0.95, captions
    assert scores["position"] >= 0.95, captions
    assert scores["all five"] >= 0.9, captions


def test_questions_are_answered(engine: Blip2Engine, samples: list[tuple[Scene, Image.Image]]) -> None:
    scores = answer_scores(engine, samples[:12])
    assert scores["all"] >= 0.95, scores


def test_a_question_as_people_type_it(engine: Blip2Engine, samples: list[tuple[Scene, Image.Image]]) -> None:
    scene, picture = samples[0]
    for question in ("What colour is the shape?", "what colour is the shape", "What color is it?"):
        assert said(engine, [_png(picture)], question) == [scene.colour]


def test_any_words_can_be_asked(engine: Blip2Engine, samples: list[tuple[Scene, Image.Image]]) -> None:
    """The vocabulary holds every byte, so that nothing is unknown; answers end by themselves."""
    question = "Où est l'étoile ☆, 先生? <image></s>\n"
    request = ImageToTextRequest(image=_png(samples[0][1]), question=question, max_tokens=200)
    (result,) = answers(engine, request)
    assert result.caption is not None
    assert result.completion_tokens < 200


def test_the_tokenizer_gives_texts_back() -> None:
    tokenizer = Blip2Processor.from_pretrained(MODEL, local_files_only=True).tokenizer
    for text in ("a small red circle on the left of a blue background", "Ünïcødé ☆ 先生\n\0", "  two  spaces "):
        assert tokenizer.decode(tokenizer(text, split_special_tokens=True).input_ids[1:]) == text
    spoken = tokenizer(" a small red circle on the left of a blue background").input_ids
    assert len(spoken) == 12  # the beginning, and one for each word


def test_a_caption_means_a_scene() -> None:
    scene = Scene("circle", "orange", "blue", "small", "left")
    assert all(agreement(sentence(scene), scene).values())
    assert parse("a blue ring on a black background") == {"shape": "ring", "colour": "blue", "background": "black"}
    assert not any(agreement("", scene).values())
    wrong = agreement("a large orange circle on the left of a green background", scene)
    assert wrong == {"shape": True, "colour": True, "background": False, "size": False, "position": True}


def test_the_model_is_small() -> None:
    assert sum(file.stat().st_size for file in Path(MODEL).iterdir()) < 12_000_000


def _png(picture: Image.Image) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    return sink.getvalue()
