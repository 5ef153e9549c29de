"""The kit, copied into an app as web/README.md says: what it imports is there, with two packages beside Next's own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGES = ["jose", "zod"]
OF_EVERY_NEXT_APP = ["next", "react", "react-dom", "@types/node", "@types/react", "@types/react-dom", "typescript"]
OF_THE_PAGE = {"swr", "clsx", "lucide-react"}
IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*['"]([^'"]+)['"]""")


@pytest.fixture
def app(web: Path, tmp_path: Path) -> Path:
    """A bare Next.js app with the kit in it."""
    for package in [*OF_EVERY_NEXT_APP, *PACKAGES]:
        there = tmp_path / "node_modules" / package
        there.parent.mkdir(parents=True, exist_ok=True)
        there.symlink_to(web / "node_modules" / package)
    shutil.copy(web / "tsconfig.json", tmp_path / "tsconfig.json")
    (tmp_path / "next-env.d.ts").write_text('/// <reference types="next" />\n')
    (tmp_path / "package.json").write_text(json.dumps({"type": "module"}))
    [commands] = re.findall(r"<!-- lift -->\n```sh\n(.*?)```", (web / "README.md").read_text(), re.DOTALL)
    subprocess.run(["sh", "-euc", commands], cwd=web, env={"APP": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True)
    return tmp_path


def test_the_kit_needs_two_packages(app: Path, node: Callable[..., str]) -> None:
    assert (app / "app/api/ai/generate-image/route.ts").exists()
    assert node("node_modules/typescript/bin/tsc", "--noEmit", cwd=app) == ""


def test_something_that_is_missing_would_be_seen(app: Path, node: Callable[..., str]) -> None:
    (app / "lib" / "origin.ts").unlink()
    with pytest.raises(AssertionError, match=r"lib/route\.ts.*'\./origin'"):
        node("node_modules/typescript/bin/tsc", "--noEmit", cwd=app)


def test_the_page_needs_what_the_readme_says(web: Path) -> None:
    page = web / "app/(signed-in)/dashboard/marketing/social/create-image"
    files, packages = imported_from(web, list(page.rglob("*.ts*")))
    assert packages - {"next", "react", "server-only"} == OF_THE_PAGE
    beside = {str(file.relative_to(web)).rpartition("/")[0] for file in files if not file.is_relative_to(page)}
    assert beside <= {"components/ui", "components/pictures", "lib/client", "lib/ai", "lib"}


def imported_from(web: Path, files: list[Path]) -> tuple[set[Path], set[str]]:
    """Every file that these lead to, and the packages that all of them name."""
    seen: set[Path] = set()
    packages: set[str] = set()
    while files:
        file = files.pop()
        if file in seen:
            continue
        seen.add(file)
        for name in IMPORTED.findall(file.read_text()):
            if name.startswith(("./", "../", "@/")):
                base = web / name[2:] if name.startswith("@/") else file.parent / name
                files.append(
                    next(found for end in (".ts", ".tsx") if (found := Path(f"{base}{end}").resolve()).exists())
                )
            elif not name.startswith("node:"):
                packages.add("/".join(name.split("/")[: 2 if name.startswith("@") else 1]))
    return seen, packages
