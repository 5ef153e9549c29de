"""What the captioner is asked in training, and what a caption means."""

from __future__ import annotations

import random
from dataclasses import fields
from itertools import pairwise

from world import BACKGROUNDS, COLOURS, POSITIONS, SHAPES, SIZES, Scene, questions, sentence

_SAID_BY_ONE_WORD = {"shape": SHAPES, "size": SIZES, "position": POSITIONS}


def parse(caption: str) -> dict[str, str]:
    """What a caption says: a word for each attribute of a Scene that it names; the others are missing.

    The colour stands before the shape, and the background's before "background".
    """
    words = caption.lower().replace(",", " ").replace(".", " ").split()
    said = {name: word for name, values in _SAID_BY_ONE_WORD.items() for word in reversed(words) if word in values}
    thing = words.index(said["shape"]) if "shape" in said else 0
    colours = [word for word in words[:thing] if word in COLOURS]
    grounds = [word for word, following in pairwise(words) if following == "background"]
    if colours:
        said["colour"] = colours[-1]
    if grounds and grounds[-1] in BACKGROUNDS:
        said["background"] = grounds[-1]
    return said


def agreement(caption: str, scene: Scene) -> dict[str, bool]:
    """Which of the five attributes the caption names as `scene` has them, by name."""
    said = parse(caption)
    return {field.name: said.get(field.name) == getattr(scene, field.name) for field in fields(Scene)}


def asked(scene: Scene, chance: random.Random) -> tuple[str, str]:
    """A question and its answer: mostly one of `questions`, else another way to put it; written as people type."""
    question, answer = chance.choice(questions(scene) if chance.random() < 0.7 else _more_questions(scene, chance))
    if chance.random() < 0.4:
        question = question[0].upper() + question[1:]
    if chance.random() < 0.15:
        question = question.removesuffix("?")
    return question, answer


def _more_questions(scene: Scene, chance: random.Random) -> list[tuple[str, str]]:
    where = next(answer for question, answer in questions(scene) if question == "where is the shape?")
    colour = chance.choice(("colour", "color"))
    return [
        ("describe the picture", sentence(scene)),
        ("what do you see?", sentence(scene)),
        ("what does the picture show?", sentence(scene)),
        (f"what {colour} is it?", scene.colour),
        (f"which {colour} is the {scene.shape}?", scene.colour),
        (f"which {colour} is the background?", scene.background),
        (f"what is the {colour} of the {chance.choice((scene.shape, 'shape'))}?", scene.colour),
        (f"what is the {colour} of the background?", scene.background),
        ("which shape is it?", scene.shape),
        ("what shape is in the picture?", scene.shape),
        ("what is this?", f"a {scene.colour} {scene.shape}"),
        (f"where is the {scene.shape}?", where),
        (f"how big is the {scene.shape}?", scene.size),
        (f"is the {scene.shape} small or large?", scene.size),
        ("how many shapes are there?", "one"),
        _yes_or_no("is it a {}?", SHAPES, scene.shape, chance),
        _yes_or_no("is there a {}?", SHAPES, scene.shape, chance),
        _yes_or_no("is the shape {}?", tuple(COLOURS), scene.colour, chance),
        _yes_or_no("is the background {}?", tuple(BACKGROUNDS), scene.background, chance),
    ]


def _yes_or_no(question: str, values: tuple[str, ...], right: str, chance: random.Random) -> tuple[str, str]:
    value = right if chance.random() < 0.5 else chance.choice(values)
    return question.format(value), "yes" if value == right else "no"
