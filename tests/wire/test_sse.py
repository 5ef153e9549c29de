"""Server-sent events survive any chopping of the bytes that carry them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from atelier.wire import sse


async def chunks(data: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    for start, end in pairwise(places):
        yield data[start:end]


@given(st.lists(st.text(max_size=30), max_size=5), st.lists(st.integers(min_value=0), max_size=12), st.booleans())
async def test_what_is_written_is_read(texts: list[str], cuts: list[int], carriage_returns: bool) -> None:
    written = b"".join(sse.encode({"text": text}, name="delta") for text in texts) + sse.DONE
    if carriage_returns:
        written = written.replace(b"\n", b"\r\n")
    read = [event async for event in sse.decode(chunks(written, cuts))]
    assert [event.name for event in read] == ["delta"] * len(texts) + ["message"]
    assert read[-1].data == b"[DONE]"
    assert [event.data for event in read[:-1]] == [
        sse.encode({"text": text}).removeprefix(b"data: ").rstrip(b"\n") for text in texts
    ]


async def test_comments_and_unfinished_events_are_passed_over() -> None:
    data = b": a heartbeat\n\ndata: one\ndata: two\n\ndata: cut"
    assert [event.data async for event in sse.decode(chunks(data, []))] == [b"one\ntwo"]
