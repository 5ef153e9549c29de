"""The small world and its judge."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from judge import ATTRIBUTES, look, score
from world import (
    BACKGROUNDS,
    COLOURS,
    POSITIONS,
    SHAPES,
    SIDE,
    Scene,
    draw,
    held_out_scenes,
    is_held_out,
    questions,
    scenes,
    sentence,
    training_scenes,
    wording,
)

SCENE = Scene("circle", "red", "blue", "small", "left")


def test_a_tenth_of_all_scenes_is_held_out() -> None:
    assert len(SHAPES) >= 6
    assert len(COLOURS) >= 8
    assert len(BACKGROUNDS) >= 6
    held_out, rest = set(held_out_scenes()), set(training_scenes())
    assert held_out | rest == set(scenes())
    assert not held_out & rest
    assert 0.08 < len(held_out) / len(scenes()) < 0.12
    assert all(scene.colour != scene.background for scene in scenes())
    for name, values in {"shape": SHAPES, "colour": COLOURS, "background": BACKGROUNDS, "position": POSITIONS}.items():
        assert {getattr(scene, name) for scene in held_out} == set(values)


def test_which_scenes_are_held_out_never_changes() -> None:
    assert sorted(sentence(scene) for scene in held_out_scenes())[:2] == [
        "a large black cross in the middle of a pink background",
        "a large black star on the right of a pink background",
    ]


def test_the_judge_is_right_about_what_the_world_draws() -> None:
    chance = random.Random(1)
    for scene in chance.sample(scenes(), 150):
        assert look(draw(scene, chance)) == scene


def test_the_judge_is_right_about_small_and_blurred_pictures() -> None:
    chance = random.Random(2)
    asked = chance.sample(scenes(), 60)
    for scene in asked:
        small = draw(scene, chance).resize((64, 64), Image.Resampling.BOX)
        assert look(small) == scene
    large = [scene for scene in asked if scene.size == "large"]
    blurred = [look(draw(scene, chance).filter(ImageFilter.GaussianBlur(2))) for scene in large]
    assert sum(seen == scene for seen, scene in zip(blurred, large, strict=True)) >= 0.9 * len(large)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_the_judge_sees_what_is_wrong(attribute: str) -> None:
    other = {"shape": "star", "colour": "yellow", "background": "pink", "size": "large", "position": "right"}[attribute]
    seen = look(draw(replace(SCENE, **{attribute: other}), random.Random(3)))
    assert score(seen, SCENE) == {name: name != attribute for name in ATTRIBUTES}


def test_the_judge_sees_nothing_where_nothing_is() -> None:
    assert look(Image.new("RGB", (SIDE, SIDE), BACKGROUNDS["pink"])) is None
    assert score(None, SCENE) == dict.fromkeys(ATTRIBUTES, False)


def test_equal_seeds_draw_equal_pictures() -> None:
    one, same, other = (np.asarray(draw(SCENE, random.Random(seed))) for seed in (4, 4, 5))
    assert (one == same).all()
    assert (one != other).any()


def test_it_is_put_into_words() -> None:
    assert sentence(SCENE) == "a small red circle on the left of a blue background"
    chance = random.Random(6)
    said = {wording(SCENE, chance) for _ in range(300)}
    assert len(said) > 40
    assert all("circle" in words for words in said)
    assert any(words.startswith("a blue background with") for words in said)
    assert ("what colour is the shape?", "red") in questions(SCENE)


def test_training_draws_none_of_the_held_out_scenes() -> None:
    assert not any(is_held_out(scene) for scene in training_scenes())
