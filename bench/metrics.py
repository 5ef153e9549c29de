"""What metrics cost the gateway: under steady load it counts twenty requests, leaves out the next twenty, and so on.

    python bench/metrics.py                    # one process, then two: about three minutes
    python bench/metrics.py --seconds 10 --processes 1

Stretches that follow each other meet the same machine; how sure the difference between them is is told with it. What
counting itself took of the processor, in the same gateway under the same load, hardly depends on who else uses the
machine. A Prometheus reads /metrics every five seconds meanwhile.
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
from typing import NamedTuple

import contenders
import measures
from contenders import Contender
from flipping import STRETCH
from load import load
from measures import CAPTION

CONNECTIONS = 64
SCRAPE_SECONDS = 5.0
MOST_PERCENT = 3.0


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
        print(
            f"\n{processes} gateway process(es), {CONNECTIONS} connections, {run.per_second:,.0f} requests a second; "
            f"others kept {run.others:.2f} cores busy"
        )
        _print([_stretches(file.read_text().splitlines()[skip:]) for file, skip in warm.items()])


class Stretch(NamedTuple):
    """Microseconds of processor time a request, in all and to count it."""

    counted: bool
    spent: float
    counting: float


def _stretches(lines: list[str]) -> list[Stretch]:
    return [
        Stretch(counted == "1", float(spent), float(counting)) for counted, spent, counting in map(str.split, lines)
    ]


def _print(processes: list[list[Stretch]]) -> None:
    found = [stretch for stretches in processes for stretch in stretches]
    spent = statistics.mean(stretch.spent for stretch in found if not stretch.counted)
    counting = statistics.mean(stretch.counting for stretch in found if stretch.counted)
    more = sorted(_differences(processes))
    # Of a median, whatever the differences are distributed like: ranks two standard deviations around the middle.
    middle, reach = len(more) // 2, round(len(more) ** 0.5)
    low, high = more[max(0, middle - reach)], more[min(len(more) - 1, middle + reach)]
    print(
        f"  {len(found):,} stretches of {STRETCH} requests; {spent:.1f} µs of processor time a request without "
        "counting\n"
        f"  counting takes {counting:.2f} µs of it: {100 * counting / spent:.2f} % (target: under {MOST_PERCENT:g} %)\n"
        f"  with counting beside without: {100 * statistics.median(more) / spent:+.1f} %, surely between "
        f"{100 * low / spent:+.1f} and {100 * high / spent:+.1f} %",
        flush=True,
    )


def _differences(processes: list[list[Stretch]]) -> Iterator[float]:
    """Of each counted stretch and the mean of the two around it: what grows or falls slowly is then no difference."""
    for found in processes:
        for before, between, after in zip(found, found[1:], found[2:], strict=False):
            if between.counted:
                yield between.spent - (before.spent + after.spent) / 2


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
