"""Part of a file: what the header Range asks for (RFC 9110, section 14)."""

from __future__ import annotations

import re

from atelier.errors import RangeNotSatisfiable

_ONE = re.compile(
    r"\s*bytes\s*=\s*(?:(?P<first>\d{1,18})-(?P<last>\d{1,18})?|-(?P<suffix>\d{1,18}))\s*", re.ASCII | re.IGNORECASE
)


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """(first byte, byte after the last) of a file of so many bytes.

    None where the whole file is the answer: for a malformed header, as the RFC has it, and for several ranges at once.
    Raises RangeNotSatisfiable for a part that lies outside the file.
    """
    found = _ONE.fullmatch(header)
    if found is None or size == 0:
        return None
    if found["suffix"] is not None:
        first, end = max(0, size - int(found["suffix"])), size
    else:
        first, end = int(found["first"]), min(size, int(found["last"] or size) + 1)
        if found["last"] is not None and int(found["last"]) < first:
            return None
    if first >= size:
        problem = RangeNotSatisfiable(f"Range: the file has {size} bytes")
        problem.headers["content-range"] = f"bytes */{size}"
        raise problem
    return first, end
