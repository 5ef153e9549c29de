"""How soon the gateway answers /health while every worker is busy, and how soon it is imported.

    atelier serve &
    python bench/health.py --token "$(atelier token --tenant demo)"

Each round times requests with the workers idle and then busy, so that the ratio is of one run on one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

import aiohttp

ASKED = 100
BUSY = 3  # requests kept in flight at each service


def main() -> None:
    options = _options()
    bare, whole = _imports(options.rounds)
    print(f"import of the gateway: median {_ms(whole - bare)} over python's own {_ms(bare)}")
    idle, busy = asyncio.run(_measure(options.url, options.token, options.rounds))
    for name, times in (("idle", idle), ("busy", busy)):
        print(f"/health, workers {name}: median {_ms(statistics.median(times))}, p99 {_ms(_p99(times))}")
    print(f"ratio of medians, busy to idle: {statistics.median(busy) / statistics.median(idle):.2f}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--token", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


async def _measure(url: str, token: str, rounds: int) -> tuple[list[float], list[float]]:
    idle: list[float] = []
    busy: list[float] = []
    async with aiohttp.ClientSession() as session:
        for _ in range(rounds):
            idle += await _ask(session, url)
            with _all_busy(url, token):
                busy += await _ask(session, url)
            await asyncio.sleep(1)
    return idle, busy


async def _ask(session: aiohttp.ClientSession, url: str) -> list[float]:
    times = []
    for _ in range(ASKED):
        started = time.perf_counter()
        async with session.get(f"{url}/health") as answer:
            await answer.read()
        times.append(time.perf_counter() - started)
        await asyncio.sleep(0.01)
    return times


@contextmanager
def _all_busy(url: str, token: str) -> Iterator[None]:
    """Every worker has work until the block ends. Another process asks for it: its time is not what is measured."""
    ready = multiprocessing.Event()
    asking = multiprocessing.Process(target=_keep_busy, args=(url, token, ready), daemon=True)
    asking.start()
    ready.wait(60)
    try:
        yield
    finally:
        asking.terminate()
        asking.join()


def _keep_busy(url: str, token: str, ready: Event) -> None:
    asyncio.run(_ask_for_work(url, token, ready))


async def _ask_for_work(url: str, token: str, ready: Event) -> None:
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {token}"}) as session:
        await _work(session, url, ready)


async def _work(session: aiohttp.ClientSession, url: str, ready: Event) -> None:
    """What is to be heard and read is made here first."""
    speech = await _bytes(session, url, {"text": "This goes on and on. " * 40})
    start = aiohttp.FormData
    works = [
        lambda: session.post(f"{url}/v1/images/generations", json={"prompt": "x", "num_inference_steps": 150}),
        lambda: session.post(f"{url}/v1/audio/speech", json={"input": "This goes on and on. " * 200}),
        lambda: session.post(f"{url}/v1/audio/transcriptions", data=_form(start(), "file", speech)),
        lambda: session.post(f"{url}/v1/ocr", data=_form(start(), "image", _page())),
    ]
    tasks = [asyncio.create_task(_repeat(work)) for work in works for _ in range(BUSY)]
    await asyncio.sleep(1.5)
    ready.set()
    await asyncio.gather(*tasks)


async def _repeat(work) -> None:  # type: ignore[no-untyped-def]
    while True:
        async with work() as answer:
            body = await answer.read()
            if answer.status >= 400:
                sys.exit(f"a service refused: {body[:200].decode()}")


async def _bytes(session: aiohttp.ClientSession, url: str, body: dict[str, str]) -> bytes:
    async with session.post(f"{url}/api/text-to-speech", json=body) as answer:
        made = await answer.json()
    async with session.get(made["audio_url"]) as answer:
        return await answer.read()


def _form(form: aiohttp.FormData, name: str, data: bytes) -> aiohttp.FormData:
    form.add_field(name, data, filename=name)
    return form


def _page() -> bytes:
    import io

    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", (1200, 1600), "white")
    for row in range(40):
        ImageDraw.Draw(sheet).text((50, 40 * row), "a line of text that is to be read again and again", fill="black")
    sink = io.BytesIO()
    sheet.save(sink, "PNG")
    return sink.getvalue()


def _imports(rounds: int) -> tuple[float, float]:
    """(seconds of a bare python, seconds with the gateway imported), medians taken in turn."""
    bare, whole = [], []
    for _ in range(rounds + 2):
        bare.append(_run("pass"))
        whole.append(_run("import atelier.gateway.app"))
    return statistics.median(bare), statistics.median(whole)


def _run(code: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def _p99(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99) - 1]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


if __name__ == "__main__":
    main()
