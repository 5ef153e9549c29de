"""What is wrong with a setting, in words: where it stands, the field at fault, and the closest one that there is."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

_MUST_BE = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a number that has an end",
    "bool": "true or false",
    "string": "text",
    "list": "a list",
    "tuple": "a list",
    "dict": "a table",
    "model": "a table",
    "path": "a path",
}
"""By the first word of the error's type."""

_BOUNDS = {
    "greater_than_equal": "must be at least {ge:g}",
    "greater_than": "must be more than {gt:g}",
    "less_than_equal": "must be at most {le:g}",
    "less_than": "must be less than {lt:g}",
    "string_pattern_mismatch": "must have the form {pattern}",
    "string_too_short": "must not be empty",
    "missing": "is missing",
}


def place(loc: Sequence[int | str]) -> str:
    """As a person finds it: `plans.pro.limits, entry 2, per`. Entries are counted from one."""
    words, before = "", None
    for part in loc:
        between = "" if before is None else "." if isinstance(before, str) and isinstance(part, str) else ", "
        words += f"{between}entry {part + 1}" if isinstance(part, int) else f"{between}{part}"
        before = part
    return words


def in_words(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong, without where: the text of our own checks, or one that is as short. No secret is in it."""
    kind = error["type"]
    if kind == "extra_forbidden":
        return _no_such_field(str(error["loc"][-1]), _fields_at(model, error["loc"][:-1]))
    if kind == "value_error":
        return error["msg"].removeprefix("Value error, ")
    bounds = error.get("ctx", {})
    if kind == "literal_error":
        return f"must be {bounds['expected']}{_got(error['input'])}"
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**bounds) + (_got(error["input"]) if bounds else "")
    wanted = _MUST_BE.get(kind.partition("_")[0])
    return f"must be {wanted}" if wanted else error["msg"].removeprefix("Input ")


def _no_such_field(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known)}"
    return f"there is no field {name[:60]!r}; {hint}"


def _fields_at(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """The names of the fields of what stands there. Below a list or a table are its elements."""
    found: Any = model
    for part in loc:
        is_field = isinstance(found, type) and issubclass(found, BaseModel)
        found = found.model_fields[part].annotation if is_field else _element(found)
    return list(found.model_fields)


def _element(annotation: Any) -> Any:
    """Of list[X], tuple[X, ...] and dict[str, X]: X."""
    *_, last = (argument for argument in get_args(annotation) if argument is not Ellipsis)
    return last


def _got(value: object) -> str:
    shown = isinstance(value, str | int | float) and len(repr(value)) <= 60
    return f" (got {value!r})" if shown else ""
