"""How far a text is from another: for words wrong and characters wrong."""

from __future__ import annotations

from collections.abc import Sequence


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein's distance: the fewest insertions, deletions and substitutions from one to the other."""
    row = list(range(len(heard) + 1))
    for i, expected in enumerate(said, start=1):
        diagonal, row[0] = row[0], i
        for j, found in enumerate(heard, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (expected != found))
    return row[-1]


def share_wrong(said: Sequence[str], heard: Sequence[str]) -> float:
    """Edits as a share of what was said: the word error rate of words, the character error rate of characters."""
    return edits(said, heard) / len(said)
