"""Words that mean nothing to a model of few words: it answers all the same, and its answer says so."""

from __future__ import annotations

import re
from collections.abc import Collection

from atelier.contracts.base import Contract
from atelier.worker.residency import ModelPlan

_ASKING = ("prompt", "question")
"""The fields in which a request says what it wants. Styles add words of our own later: they do not count."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_MOST_NAMED = 8
_LONGEST_NAMED = 24  # characters of a word


def remarks(plan: ModelPlan, request: Contract) -> list[str]:
    """A sentence for each field of `request` that holds words which the model never learnt."""
    if not plan.words:
        return []
    texts = {field: getattr(request, field, None) or "" for field in _ASKING}
    unknown = {field: unknown_words(text, plan.words) for field, text in texts.items()}
    return [_remark(field, plan, words) for field, words in unknown.items() if words]


def unknown_words(text: str, known: Collection[str]) -> list[str]:
    """The words of `text` that are not in `known`, in lower case, each once and in their order."""
    return [word for word in dict.fromkeys(words_of(text)) if word not in known]


def words_of(text: str) -> list[str]:
    """The words of `text` in lower case and in their order, without punctuation."""
    return _WORD.findall(text.lower())


def _remark(field: str, plan: ModelPlan, words: list[str]) -> str:
    named = ", ".join(word[:_LONGEST_NAMED] for word in words[:_MOST_NAMED])
    named += ", …" if len(words) > _MOST_NAMED else ""
    mean = "means" if len(words) == 1 else "mean"
    return f"{field}: {named} {mean} nothing to {plan.source.model}. {plan.source.note or ''}".rstrip()
