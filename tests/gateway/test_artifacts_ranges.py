"""What the header Range asks for."""

from __future__ import annotations

import pytest

from atelier.errors import RangeNotSatisfiable
from atelier.gateway.artifacts.byte_range import parse_range


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 6)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes=8-99999999999999999", (8, 10)),
        (" Bytes = 1-1 ", (1, 2)),
    ],
)
def test_a_part_of_the_file(header: str, part: tuple[int, int]) -> None:
    assert parse_range(header, 10) == part


@pytest.mark.parametrize(
    "header",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=0-1,3-4",
        "lines=0-1",
        "bytes=٣-٤",
        "bytes=9" * 999,
    ],
)
def test_the_whole_file_answers_what_is_malformed_or_several_parts(header: str) -> None:
    assert parse_range(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_part_outside_the_file_is_refused_with_its_size(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as refused:
        parse_range(header, 10)
    assert refused.value.headers == {"content-range": "bytes */10"}


def test_an_empty_file_has_no_parts() -> None:
    assert parse_range("bytes=0-", 0) is None
