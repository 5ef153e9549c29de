"""What Ray Serve adds to a request, and what replicas bring: measured against the plain worker, turn by turn.

    python bench/ray.py [--seconds 5] [--rounds 3]

The engine is a stand-in (tests/slow_speech.py). First it takes no time: one caller, and the median of what a request
takes. Then a step takes 50 ms, as on a device that four share at a time: callers enough for all, and requests a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# This file has the name of the library that it measures: its own folder comes last.
sys.path = [str(ROOT / "src"), str(ROOT / "tests"), *(path for path in sys.path if path != str(ROOT / "bench"))]

import aiohttp  # noqa: E402
import uvicorn  # noqa: E402

from ray_cluster import HEAD_PORT, SERVICE, cluster, deploy  # noqa: E402
from slow_speech import AT_ONCE, SECONDS, slow_host  # noqa: E402

PLAIN_PORT = 18200
PATH = "/v1/audio/speech"
REPLICAS = (1, 2, 4)
STEP_SECONDS = 0.05
WORDS = 5
CALLERS_EACH = 2 * AT_ONCE
"""So that as many wait as run."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=5.0, help="of a turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plain", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        serve_plainly()
    elif not options.inside:
        own = [sys.executable, str(ROOT / "scripts" / "own_network.py"), sys.executable, __file__, "--inside"]
        os.execv(sys.executable, [*own, *sys.argv[1:]])
    else:
        added(options.rounds, options.seconds, proxy="Ray's proxy in Python")
        added(options.rounds, options.seconds, proxy="HAProxy", RAY_SERVE_ENABLE_HA_PROXY="1")
        gained(options.rounds, options.seconds)


def serve_plainly() -> None:
    from atelier.run import worker_app
    from atelier.settings import load_settings

    settings = load_settings()
    app = worker_app(settings, [SERVICE], slow_host(settings, [SERVICE], 1.0))
    uvicorn.run(app, port=PLAIN_PORT, log_config=None, access_log=False)


def added(rounds: int, seconds: float, *, proxy: str, **environment: str) -> None:
    """One caller, an engine that takes no time."""
    with measured({SECONDS: "0", **environment}) as plain:
        deploy(num_replicas=1, autoscaling_config=None)
        urls = {"plain": plain, "Ray": f"http://127.0.0.1:{HEAD_PORT}/{SERVICE}"}
        took: defaultdict[str, list[float]] = defaultdict(list)
        for name, turn in turns(urls, rounds, seconds, callers=dict.fromkeys(urls, 1), words=1):
            took[name].append(1000 * statistics.median(turn))
        say_each(f"One caller, {proxy}: median of a request, ms", took)
        each = [ray - plain for ray, plain in zip(took["Ray"], took["plain"], strict=True)]
        print(f"  added: {statistics.median(each):.2f} ms ({min(each):.2f} to {max(each):.2f})\n", flush=True)


def gained(rounds: int, seconds: float) -> None:
    """Callers enough for all replicas, an engine that takes its time without the processor."""
    with measured({SECONDS: str(STEP_SECONDS)}) as plain:
        urls, callers = {"plain": plain}, {"plain": CALLERS_EACH}
        for number in REPLICAS:
            deploy(name=f"of-{number}", cpus=0.1, num_replicas=number, autoscaling_config=None)
            name = f"Ray, {number} replica{'s' * (number > 1)}"
            urls[name], callers[name] = f"http://127.0.0.1:{HEAD_PORT}/of-{number}", CALLERS_EACH * number
        rates: defaultdict[str, list[float]] = defaultdict(list)
        for name, turn in turns(urls, rounds, seconds, callers=callers, words=WORDS):
            rates[name].append(len(turn) / seconds)
        most = AT_ONCE / (WORDS * STEP_SECONDS)
        say_each(f"Requests a second, {CALLERS_EACH} callers for each replica, which can do {most:.0f} at most", rates)
        for name in urls:
            each = [rate / plain for rate, plain in zip(rates[name], rates["plain"], strict=True)]
            print(
                f"  {name:18} {statistics.median(each):.2f} times the plain worker's",
                f"({min(each):.2f} to {max(each):.2f})",
            )


@contextmanager
def measured(environment: Mapping[str, str]) -> Iterator[str]:
    """A cluster and a plain worker beside it; the worker's URL."""
    with tempfile.TemporaryDirectory() as home, cluster(Path(home), cpus=4, **environment):
        process = subprocess.Popen([sys.executable, __file__, "--plain"])
        try:
            yield f"http://127.0.0.1:{PLAIN_PORT}"
        finally:
            process.terminate()
            process.wait()


def turns(
    urls: Mapping[str, str], rounds: int, seconds: float, *, callers: Mapping[str, int], words: int
) -> Iterator[tuple[str, Sequence[float]]]:
    """A B A B …: what disturbs the machine for a while disturbs all. Seconds that each request of a turn took."""
    for url in urls.values():
        asyncio.run(load(url, 4, 1.0, words))  # what happens once is not what a request costs
    for _ in range(rounds):
        for name, url in urls.items():
            yield name, asyncio.run(load(url, callers[name], seconds, words))


async def load(url: str, callers: int, seconds: float, words: int) -> list[float]:
    """Callers that ask again as soon as they are answered. Ends the program where an answer is not a good one."""
    body = json.dumps({"input": " word" * words, "response_format": "pcm"})
    headers = {"content-type": "application/json"}
    took: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:
        await until_it_is_there(session, url)
        end = time.perf_counter() + seconds

        async def ask() -> None:
            while (began := time.perf_counter()) < end:
                async with session.post(url + PATH, data=body) as answer:
                    if answer.status != 200 or len(await answer.read()) != 480 * words:
                        sys.exit(f"{url} answers {answer.status}: {(await answer.text())[:500]}")
                if time.perf_counter() < end:
                    took.append(time.perf_counter() - began)

        await asyncio.gather(*(ask() for _ in range(callers)))
    return took


async def until_it_is_there(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with session.get(f"{url}/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


def say_each(title: str, found: Mapping[str, Sequence[float]]) -> None:
    print(title)
    for name, values in found.items():
        each = ", ".join(f"{value:.2f}" for value in values)
        print(f"  {name:18} {statistics.median(values):8.2f}   (turns: {each})")


if __name__ == "__main__":
    main()
