"""scripts/web.py, which `make web` runs: what it tells the app, and when it installs and builds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from servers import running

ROOT = Path(__file__).parent.parent.parent
SECRET = "0123456789abcdef0123456789abcdef"
TELLS = "console.log(JSON.stringify(process.env))"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the script beside an app that is installed and built, and only says what it was told."""
    for folder in ("scripts", "web/node_modules", "web/.next/standalone", "data"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "scripts/web.py", tmp_path / "scripts/web.py")
    for name in ("package-lock.json", "node_modules/.lock-of-these.json", "package.json", "page.tsx"):
        (tmp_path / "web" / name).write_text("{}")
    (tmp_path / "web/.next/standalone/server.js").write_text(TELLS)
    (tmp_path / "web/.next/BUILD_ID").write_text("1")
    return tmp_path


def start(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATELIER_", "JWT_"))}
    return subprocess.run(
        [sys.executable, "scripts/web.py", "start"],
        cwd=checkout,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def healthy(scope: object, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"{}"})  # type: ignore[operator]


def test_where_no_gateway_ever_ran_it_says_how_to_start_one(checkout: Path) -> None:
    done = start(checkout)
    assert done.returncode == 1
    assert "JWT_SECRET: is not set" in done.stderr
    assert "`make serve` in another terminal" in done.stderr


def test_the_app_gets_the_secret_of_the_data_folder(checkout: Path) -> None:
    (checkout / "data" / "jwt_secret").write_text(SECRET + "\n")
    with running(healthy) as url:
        done = start(checkout, AI_GATEWAY_URL=url, HOSTNAME="somewhere")
    told = json.loads(done.stdout)
    assert (told["AI_GATEWAY_URL"], told["JWT_SECRET"], told["PORT"]) == (url, SECRET, "3000")
    assert told["HOSTNAME"] == "127.0.0.1", "this machine alone: a name is enough to sign in"
    assert len(told["SESSION_SECRET"]) == 64
    assert told["SESSION_SECRET"] != SECRET
    assert "No gateway answers" not in done.stderr
    assert "http://localhost:3000" in done.stderr


def test_a_gateway_that_is_away_is_told(checkout: Path) -> None:
    done = start(checkout, JWT_SECRET=SECRET, AI_GATEWAY_URL="http://127.0.0.1:1", PORT="3100")
    assert "No gateway answers at http://127.0.0.1:1: type `make serve`" in done.stderr
    assert json.loads(done.stdout)["PORT"] == "3100"


def test_something_newer_than_the_build_is_built(checkout: Path) -> None:
    (checkout / "web/package.json").write_text('{"scripts": {"build": "echo built anew"}}')
    os.utime(checkout / "web/.next/BUILD_ID", (1, 1))
    done = start(checkout, JWT_SECRET=SECRET)
    assert "Building the web app" in done.stderr
    assert "built anew" in done.stdout
