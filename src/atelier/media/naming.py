"""The names that callers give to voices and languages: what is meant by one, and how an unknown one is refused."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from atelier.errors import InvalidRequest

_SEE = "GET /v1/models lists them all"


def shorter_tags(tag: str) -> Iterator[str]:
    """An IETF language tag in lower case, then with its last parts left off, one by one (RFC 4647, lookup)."""
    parts = tag.lower().replace("_", "-").split("-")
    for length in range(len(parts), 0, -1):
        yield "-".join(parts[:length])


def cannot_clone() -> InvalidRequest:
    """The refusal of a recording to speak like, by a model that has voices of its own alone."""
    return InvalidRequest(
        "reference: this model cannot speak with the voice of a recording; leave it out", field="reference"
    )


def unknown(field: str, value: str, known: Iterable[str]) -> InvalidRequest:
    """The refusal of a `value` of `field` that is not among the `known`, with the names that come near."""
    spelled = {name.lower(): name for name in known}
    near = [spelled[name] for name in difflib.get_close_matches(value.lower(), spelled, n=3)]
    hint = f"did you mean {' or '.join(near)}? {_SEE}" if near else _SEE
    return InvalidRequest(f"{field}: {value} is not known here; {hint}", field=field)
