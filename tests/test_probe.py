"""`atelier probe`: what it says of servers that are well, not well, slow, strange or not there."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from command import Cli
from servers import running


def told(request: Request) -> Response:
    status = request.path_params["status"]
    return JSONResponse({"status": status}, status_code=int(request.query_params.get("code", 200)))


def drips(_: Request) -> Response:
    """Always a little more, so that no time-out of a socket ends it."""

    def bytes_one_by_one() -> Iterator[bytes]:
        for _ in range(900):
            time.sleep(0.1)
            yield b" "

    return StreamingResponse(bytes_one_by_one())


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    routes = [Route("/health/{status}", told), Route("/drips", drips)]
    routes += [
        Route("/plain", lambda _: PlainTextResponse("fine")),
        Route("/gone", lambda _: Response(status_code=404)),
    ]
    routes += [Route("/elsewhere", lambda _: Response(status_code=307, headers={"location": "/plain"}))]
    with running(Starlette(routes=routes)) as url:
        yield url


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@pytest.mark.parametrize(
    ("path", "said"),
    [("health/healthy", "healthy"), ("health/degraded", "degraded"), ("plain", "answers 200")],
)
def test_a_server_that_is_well(cli: Cli, site: str, path: str, said: str) -> None:
    done = cli("probe", f"{site}/{path}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{site}/{path}: {said} (")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("health/starting", "starting"),
        ("health/unhealthy?code=503", "answers 503, unhealthy"),
        ("health/healthy?code=500", "answers 500, healthy"),
        ("gone", "answers 404"),
        ("elsewhere", "answers 307"),
    ],
)
def test_a_server_that_is_not_well(cli: Cli, site: str, path: str, said: str) -> None:
    done = cli("probe", f"{site}/{path}")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"atelier: {site}/{path}: {said}\n")


def test_a_slow_answer_is_not_waited_for(cli: Cli, site: str) -> None:
    started = time.monotonic()
    done = cli("probe", f"{site}/drips", "--timeout", "0.5")
    assert (done.returncode, done.stderr) == (1, f"atelier: {site}/drips: no answer within 0.5 s\n")
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:9/health", "nothing listens there"),
        ("ftp://127.0.0.1/", "is not an address such as http://127.0.0.1:8000/health"),
        ("http://", "is not an address such as http://127.0.0.1:8000/health"),
        ("http://127.0.0.1:99999/", "has a port that there is not"),
    ],
)
def test_an_address_where_nothing_is(cli: Cli, url: str, said: str) -> None:
    done = cli("probe", url)
    assert (done.returncode, done.stderr) == (1, f"atelier: {url}: {said}\n")


def test_it_is_listed_with_the_other_commands(cli: Cli) -> None:
    assert "probe" in cli.said("--help")
    assert "--timeout" in cli.said("probe", "--help")


def test_it_imports_next_to_nothing() -> None:
    code = (
        "import sys; from atelier.cli import main\n"
        "try: main(['probe', 'http://127.0.0.1:9/'])\n"
        "except SystemExit: pass\n"
        "print(sorted(sys.modules.keys() & {'typer', 'rich', 'pydantic', 'aiohttp', 'sqlalchemy', 'asyncio'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
