"""Which words a model does not know, and what is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from atelier.contracts.image_to_text import ImageToTextRequest
from atelier.contracts.images import ImageToImageRequest, TextToImageRequest
from atelier.worker.residency import ModelPlan
from atelier.worker.vocabulary import remarks, unknown_words
from stepping import paint_plan


@pytest.fixture
def plan() -> ModelPlan:
    """Of a model named `paint`, whose note is "squares"."""
    return replace(paint_plan(), words=frozenset({"a", "red", "square"}))


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("a red square", []),
        ("A RED, square!", []),
        ("a red-square", []),
        ("", []),
        ("two red squares; two!", ["two", "squares"]),
        ("Mona's café_Übung", ["mona's", "café", "übung"]),
        ("ein Fuchs 狐 4", ["ein", "fuchs", "狐", "4"]),
    ],
)
def test_words_are_told_from_what_stands_around_them(plan: ModelPlan, text: str, unknown: list[str]) -> None:
    assert unknown_words(text, plan.words) == unknown


def test_the_field_the_words_and_the_models_note_are_named(plan: ModelPlan) -> None:
    asked = TextToImageRequest(prompt="a red fox, a dog", negative_prompt="blur", style="watercolor")
    assert remarks(plan, asked) == ["prompt: fox, dog mean nothing to paint. squares"]
    question = ImageToTextRequest(image=b"x", question="a fox")
    assert remarks(plan, question) == ["question: fox means nothing to paint. squares"]


def test_a_long_list_is_cut(plan: ModelPlan) -> None:
    asked = TextToImageRequest(prompt=" ".join(f"w{number}" for number in range(500)) + " " + "x" * 90)
    [said] = remarks(plan, asked)
    assert said == "prompt: w0, w1, w2, w3, w4, w5, w6, w7, … mean nothing to paint. squares"
    assert remarks(plan, TextToImageRequest(prompt="x" * 90)) == [f"prompt: {'x' * 24} means nothing to paint. squares"]


def test_nothing_asked_and_any_word_known_need_no_remark(plan: ModelPlan) -> None:
    assert remarks(plan, ImageToImageRequest(image=b"x")) == []
    assert remarks(plan, ImageToTextRequest(image=b"x")) == []
    assert remarks(paint_plan(), TextToImageRequest(prompt="a fox")) == []
