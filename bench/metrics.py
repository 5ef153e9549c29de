"""What metrics cost the gateway: under steady load it counts twenty requests, leaves out the next twenty, and so on.

    python bench/metrics.py                    # one process, then two: about three minutes
    python bench/metrics.py --seconds 10 --processes 1

Stretches that follow each other meet the same machine, so that thousands of such pairs tell a difference of a percent
even while others use it. A Prometheus reads /metrics every five seconds meanwhile, of both alike.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import contenders
import measures
from contenders import Contender
from flipping import STRETCH
from load import load
from measures import CAPTION

CONNECTIONS = 64
SCRAPE_SECONDS = 5.0
MOST_PERCENT = 3.0

Pair = tuple[float, float]
"""Microseconds of processor time a request: counted, and not."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, choices=(1, 2), help="of the gateway; none: first one, then two")
    parser.add_argument("--state", choices=contenders.STATES, default="production")
    options = parser.parse_args()
    for processes in [options.processes] if options.processes else [1, 2]:
        _measure(options.seconds, options.state, processes)


def _measure(seconds: float, state: str, processes: int) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atelier-bench-")))
        folder.chmod(0o755)
        upstream = stack.enter_context(contenders.standin(folder))
        gateway = stack.enter_context(
            contenders.gateway(upstream.url, folder, state=state, processes=processes, flips=folder / "flips")
        )
        stack.enter_context(_scraped(gateway))
        measures.check(gateway)
        load(gateway, CAPTION, connections=CONNECTIONS, seconds=3, standin=upstream)
        warm = {file: len(file.read_text().splitlines()) for file in folder.glob("flips.*")}
        run = load(gateway, CAPTION, connections=CONNECTIONS, seconds=seconds, standin=upstream)
        pairs = [pair for file, skip in warm.items() for pair in _pairs(file.read_text().splitlines()[skip:])]
        print(
            f"\n{processes} gateway process(es), {CONNECTIONS} connections, {run.per_second:,.0f} requests a second; "
            f"others {run.others:.2f} cores"
        )
        _print(pairs)


def _pairs(lines: list[str]) -> Iterator[Pair]:
    """Each counted stretch with the mean of the two around it: what grows or falls slowly is then no difference."""
    found = [(line.split()[0] == "1", float(line.split()[1])) for line in lines]
    for (_, before), (counted, between), (_, after) in zip(found, found[1:], found[2:], strict=False):
        around = (before + after) / 2
        yield (between, around) if counted else (around, between)


def _print(pairs: list[Pair]) -> None:
    without = statistics.median(none for _, none in pairs)
    more = sorted(counted - none for counted, none in pairs)
    median = statistics.median(more)
    # Of a median, whatever the differences are distributed like: ranks two standard deviations around the middle.
    reach = round(len(more) ** 0.5)
    low, high = more[max(0, len(more) // 2 - reach)], more[min(len(more) - 1, len(more) // 2 + reach)]
    print(
        f"  {len(pairs):,} stretches of {STRETCH} requests: {without:.1f} µs of processor time a request uncounted, "
        f"{median:+.2f} µs counted ({low:+.2f} to {high:+.2f})\n"
        f"  metrics cost {100 * median / without:+.2f} % ({100 * low / without:+.2f} to {100 * high / without:+.2f}; "
        f"target: under {MOST_PERCENT:g} %)",
        flush=True,
    )


@contextmanager
def _scraped(gateway: Contender) -> Iterator[None]:
    done = threading.Event()
    token = {"authorization": f"Bearer {contenders.METRICS_TOKEN}"}
    request = urllib.request.Request(f"{gateway.url}/metrics", headers=token)

    def scrape() -> None:
        while not done.wait(SCRAPE_SECONDS):
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


if __name__ == "__main__":
    main()
