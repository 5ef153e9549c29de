"""Cutting text for speech: whole sentences, in many scripts, and the silence that follows each."""

from __future__ import annotations

import time

import pytest

from atelier.media.sentences import LONGEST, Sentence, halves, sentences, silence_after


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two! Three? Four… Five", ["One. ", "Two! ", "Three? ", "Four… ", "Five"]),
        ('He said: "Stop!" Then he left.', ['He said: "Stop!" ', "Then he left."]),
        ('"Stop!" he said. "Now."', ['"Stop!" he said. ', '"Now."']),
        ("Dr. Smith met J. R. Ewing at 3.14 p.m. on May 5.", None),
        ("See example.com for U.S.A. prices, e.g. $3.50.", None),
        ("Am 24. Mai um 1890. Danach nicht.", ["Am 24. Mai um 1890. ", "Danach nicht."]),
        ("1. Saw the wood\n2. Plane it", ["1. Saw the wood\n", "2. Plane it"]),
        ("你好。今天好吗？好！走", ["你好。", "今天好吗？", "好！", "走"]),
        ("「はい。」と言った。", ["「はい。」", "と言った。"]),
        ("नमस्ते। आप कैसे हैं॥ ठीक", ["नमस्ते। ", "आप कैसे हैं॥ ", "ठीक"]),
        ("مرحبا. كيف حالك؟ بخير۔ شكرا", ["مرحبا. ", "كيف حالك؟ ", "بخير۔ ", "شكرا"]),
        ("One line\nanother\u2028third", ["One line\n", "another\u2028", "third"]),
        ("... Well?! -- Yes. ...", ["... Well?! ", "-- Yes. ..."]),
    ],
)
def test_sentences_are_cut_where_they_end(text, pieces):
    assert [sentence.text for sentence in sentences(text)] == (pieces or [text])


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000, "word " * 300, "no stop, " * 200, "go. " * 200 + "x", ". " * 1_000, "กำ" * 400, "é" * 700],
)
def test_pieces_are_never_long_and_never_lose_a_character(text):
    found = sentences(text)
    assert "".join(sentence.text for sentence in found) == text
    assert max(len(sentence.text) for sentence in found) <= LONGEST
    assert [sentence.end for sentence in found][-1] == len(text)
    assert not found[-1].pause


@pytest.mark.parametrize("unit", [".", '."', "\n", " ", ". ", "a.", "。", "'", "!?…"])
def test_no_text_takes_time(unit):
    begun = time.process_time()
    sentences((unit * 50_000)[:49_999] + "x")
    assert time.process_time() - begun < 1


def test_long_sentences_are_cut_at_the_best_place():
    words = "word " * 50
    assert sentences(words + "end, " + words * 4)[0].text == words + "end, "
    assert sentences("a" * 200 + " " + "b" * 250)[0].text == "a" * 200 + " "
    assert not sentences("word " * 100)[0].pause
    assert sentences("word, " * 100)[0].pause


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("One. Two.", [0.25, 0]),
        ("你好。好", [0.25, 0]),
        ("A title\nA line.\n\nAnother", [0.5, 0.5, 0]),
        ("word, " * 100, [0.1, 0]),
        ("word " * 100, [0, 0]),
    ],
)
def test_silence_is_as_long_as_the_punctuation_wants(text, seconds):
    assert [silence_after(sentence) for sentence in sentences(text)] == seconds


def test_halves_are_the_same_text_in_its_place():
    whole = Sentence("one two three, four five. ", 126, True)
    parts = halves(whole)
    assert [part.text for part in parts] == ["one two ", "three, ", "four five. "]
    assert [(part.end, part.pause) for part in parts] == [(108, False), (115, True), (126, True)]
    assert halves(Sentence("ab", 2, False)) == [Sentence("a", 1, False), Sentence("b", 2, False)]
