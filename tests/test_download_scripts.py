"""scripts/download-ai-models: sets up, then hands everything to `atelier models download`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = "scripts/download-ai-models.sh"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the script whose setup and command only say that they were called, and how."""
    for folder in ("scripts", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / SCRIPT, tmp_path / SCRIPT)
    (tmp_path / "scripts/setup.py").write_text("print('set up')")
    command = tmp_path / ".venv/bin/atelier"
    command.write_text('#!/bin/sh\necho "$ATELIER_HOME" "$@"\n')
    command.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "home", "said"),
    [
        ((), None, "{root}/data models download --tier full"),
        (("--tier", "small"), "/srv/data", "/srv/data models download --tier small"),
        (
            ("a/b", "--accept-licence", "MIT; and more"),
            None,
            "{root}/data models download a/b --accept-licence MIT; and more",
        ),
    ],
)
def test_it_sets_up_and_downloads(checkout: Path, words: tuple[str, ...], home: str | None, said: str) -> None:
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable} | ({"ATELIER_HOME": home} if home else {})
    done = subprocess.run(
        [checkout / SCRIPT, *words], cwd="/", env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines() == ["set up", said.format(root=checkout)]


def test_a_setup_that_fails_ends_it(checkout: Path) -> None:
    (checkout / "scripts/setup.py").write_text("import sys; sys.exit('no venv')")
    done = subprocess.run(
        [checkout / SCRIPT], env={"PYTHON": sys.executable}, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
