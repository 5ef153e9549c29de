"""The examples of web/README.md, as they stand there, against a running `atelier serve`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from serving import Served


@pytest.mark.parametrize("example", ["openai-sdk.ts", "vercel-ai-sdk.ts"])
def test_a_round_by_somebody_elses_client(
    example: str, served: Served, node: Callable[..., str], web: Path, tmp_path: Path
) -> None:
    printed = node(
        web / "examples" / example, cwd=tmp_path, AI_GATEWAY_URL=served.url, AI_GATEWAY_KEY=served.token("examples")
    )
    shows, heard = printed.splitlines()
    # They draw by any seed, and of one in twenty-five the miniature makes another shape.
    assert re.fullmatch(r"shows: a small red \w+ on the left of a blue background", shows)
    assert len(heard.removeprefix("heard: ").split()) > 3
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "sentence.mp3").read_bytes().startswith(b"ID3")
