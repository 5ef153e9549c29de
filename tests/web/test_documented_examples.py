"""What the documentation shows of web/ is what lies there, and is run by other tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SHOWN = re.compile(r"<!-- (web/\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
PAGES = [ROOT / "web" / "README.md", ROOT / "docs" / "database.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_shows_the_file_itself(page: Path) -> None:
    shown = SHOWN.findall(page.read_text())
    assert shown
    for file, text in shown:
        assert text == (ROOT / file).read_text(), f"{page.name} and {file} differ"


def test_every_example_is_shown() -> None:
    shown = {file for page in PAGES for file, _ in SHOWN.findall(page.read_text())}
    assert {str(file.relative_to(ROOT)) for file in (ROOT / "web" / "examples").iterdir()} <= shown
