"""How the code of web/ is to look, where no linter says it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MOST_LINES = 250
WHO_FETCHES = {"web/lib/client/ask.ts", "web/lib/ai/call.ts", "web/lib/ai/provider-pictures.ts"}
"""The browser's one call, the server's one call, and pictures that another provider only links to."""


def sources(*folders: str) -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return (ROOT / name for name in listed.splitlines() if name.endswith((".ts", ".tsx")))


def test_no_component_is_long() -> None:
    lines = {file: len(file.read_text().splitlines()) for file in sources("web/app", "web/components", "web/lib")}
    assert lines
    assert not {str(file): count for file, count in lines.items() if count > MOST_LINES and file.name[-5:] != ".d.ts"}


def test_one_place_fetches_on_each_side() -> None:
    files = sources("web/app", "web/components", "web/lib")
    found = {str(file.relative_to(ROOT)) for file in files if " fetch(" in file.read_text()}
    assert found <= WHO_FETCHES
