"""What the gateway costs: requests a second and added time, beside plain nginx and LiteLLM's proxy.

    python bench/gateway.py                        # everything: about ten minutes
    python bench/gateway.py --quick --only gateway,nginx
    python bench/gateway.py --profile              # where the gateway's time goes

All stand in front of the same stand-in upstream (bench/standin.py) and are asked in turn, round after round, so that
ratios are of one run on one machine. What it needs is fetched into build/bench/ the first time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import contenders
from contenders import Contender
from hotspots import Sampling
from load import Call, Run, ask, load
from standin import CAPTIONER

CONNECTIONS = (1, 16, 64, 256)
CONTENDERS = ("direct", "nginx", "gateway", "litellm")

_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
_MESSAGES = (
    '[{"role":"user","content":[{"type":"text","text":"What is it?"},'
    f'{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{_PIXEL}"}}}}]}}]'
)
CAPTION = Call("/v1/chat/completions", f'{{"model":"{CAPTIONER}","messages":{_MESSAGES}}}')

Runs = dict[tuple[str, int], list[Run]]
"""The rounds of each contender at so many connections."""


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="atelier-bench-")))
        folder.chmod(0o755)
        upstream = stack.enter_context(contenders.standin(folder))
        if options.profile:
            _profile(
                stack.enter_context(contenders.gateway(upstream.url, folder, state=options.state)), upstream, options
            )
            return
        entered = _enter(stack, options, upstream, folder)
        for contender in entered:
            _check(contender)
        runs = _rounds(entered, upstream, options)
        _report(runs, entered)
        _print_cost(runs, entered)
        _print_memory(entered)
        _print_rows(runs, entered)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="two short rounds, for trying")
    parser.add_argument("--only", type=_names, default=CONTENDERS, help="contenders, with commas between")
    parser.add_argument("--connections", type=_numbers, default=CONNECTIONS, help="numbers, with commas between")
    parser.add_argument("--state", choices=contenders.STATES, default="production", help="where the gateway keeps it")
    parser.add_argument("--profile", action="store_true", help="where the gateway's time goes at 64 connections")
    parser.add_argument("--seconds", type=float, default=None, help="of each round")
    parser.add_argument("--rounds", type=int, default=None)
    options = parser.parse_args()
    options.seconds = options.seconds or (2 if options.quick else 5)
    options.rounds = options.rounds or (2 if options.quick else 5)
    return options


def _names(text: str) -> tuple[str, ...]:
    wanted = text.split(",")
    if unknown := set(wanted) - set(CONTENDERS):
        raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(CONTENDERS)}")
    return tuple(name for name in CONTENDERS if name in wanted or name == "direct")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _enter(stack: ExitStack, options: argparse.Namespace, upstream: Contender, folder: Path) -> list[Contender]:
    start: Mapping[str, Callable[[], Contender]] = {
        "direct": lambda: upstream,
        "nginx": lambda: stack.enter_context(contenders.nginx(upstream.url, folder)),
        "gateway": lambda: stack.enter_context(contenders.gateway(upstream.url, folder, state=options.state)),
        "litellm": lambda: stack.enter_context(contenders.litellm(upstream.url, folder)),
    }
    return [start[name]() for name in options.only]


def _check(contender: Contender) -> None:
    """What is fast must also be right."""
    answer = ask(contender, CAPTION)
    if b"a red square on a white page" not in answer:
        sys.exit(f"{contender.name} does not pass on the answer: {answer[:1000].decode(errors='replace')}")


def _rounds(entered: Sequence[Contender], upstream: Contender, options: argparse.Namespace) -> Runs:
    """A B C A B C …: what disturbs the machine for a while disturbs all."""
    runs: Runs = {}
    for contender in entered:
        load(contender, CAPTION, connections=16, seconds=1, standin=upstream)
    for connections in options.connections:
        for _ in range(options.rounds):
            for contender in entered:
                run = load(contender, CAPTION, connections=connections, seconds=options.seconds, standin=upstream)
                runs.setdefault((contender.name, connections), []).append(run)
                _warn(contender, run)
    return runs


def _profile(contender: Contender, upstream: Contender, options: argparse.Namespace) -> None:
    """Warm first: what happens once is not what a request costs."""
    _check(contender)
    load(contender, CAPTION, connections=64, seconds=2, standin=upstream)
    sampling = Sampling(contender.pids[0], seconds=10)
    run = load(contender, CAPTION, connections=64, seconds=12, standin=upstream)
    print(f"{run.per_second:,.0f} requests a second while sampled; {_costs([run])}\n")
    for line in sampling.report():
        print(line)


def _warn(contender: Contender, run: Run) -> None:
    if run.refused or run.broken:
        print(f"! {contender.name} at {run.connections}: {run.refused} refused, {run.broken} broken", file=sys.stderr)


def _report(runs: Runs, entered: Sequence[Contender]) -> None:
    for connections in sorted({connections for _, connections in runs}):
        print(f"\n{connections} connections{'':<9}requests a second   median ms      p99 ms   each round")
        for contender in entered:
            rounds = runs[contender.name, connections]
            each = " ".join(f"{run.per_second:.0f}" for run in rounds)
            print(
                f"  {contender.name:<18}{_median(rounds, 'per_second'):>16,.0f}{_median(rounds, 'median'):>14.3f}"
                f"{_median(rounds, 'p99'):>12.2f}   {each}"
            )
    print()
    for line in _ratios(runs):
        print(line)


def _ratios(runs: Runs) -> Iterator[str]:
    """The gateway beside the others; each round's ratio is of runs that came one after another."""
    for rival, least in (("litellm", 50), ("nginx", 0.12)):
        if ("gateway", 64) in runs and (rival, 64) in runs:
            pairs = zip(runs["gateway", 64], runs[rival, 64], strict=True)
            ratios = [ours.per_second / theirs.per_second for ours, theirs in pairs]
            yield _ratio(f"64 connections: requests a second, of {rival}'s", ratios, f"at least {least}")
    for rival, most in (("litellm", 0.05), ("nginx", 3.5)):
        if ("gateway", 1) in runs and (rival, 1) in runs:
            trios = zip(runs["gateway", 1], runs[rival, 1], runs["direct", 1], strict=True)
            ratios = [(ours.median - bare.median) / (theirs.median - bare.median) for ours, theirs, bare in trios]
            yield _ratio(f"1 connection: median added, of what {rival} adds", ratios, f"at most {most}")


def _ratio(what: str, ratios: Sequence[float], target: str) -> str:
    each = " ".join(f"{ratio:.3g}" for ratio in ratios)
    return f"{what:<52}{statistics.median(ratios):>8.3g}   (target: {target}; each round {each})"


def _print_cost(runs: Runs, entered: Sequence[Contender]) -> None:
    print("\nmicroseconds of processor time for a request, and cores that others on this machine kept busy")
    for connections in sorted({connections for _, connections in runs}):
        for contender in entered:
            rounds = runs[contender.name, connections]
            print(f"  {connections:>3} {contender.name:<12}{_costs(rounds)}")


def _costs(rounds: Sequence[Run]) -> str:
    cost = (f"{name} {statistics.median(run.cost[name] for run in rounds):.0f}" for name in rounds[0].cost)
    return f"{', '.join(cost)} µs; others {_median(rounds, 'others'):.2f} cores"


def _print_memory(entered: Sequence[Contender]) -> None:
    print("\npeak resident memory: " + ", ".join(f"{c.name} {c.peak_megabytes():.0f} MB" for c in entered))


def _print_rows(runs: Runs, entered: Sequence[Contender]) -> None:
    """Everything was on: what was answered has been metered."""
    for contender in entered:
        if contender.rows is not None:
            answered = sum(
                run.answered for (name, _), rounds in runs.items() for run in rounds if name == contender.name
            )
            print(f"{contender.name}: {answered} measured answers, {contender.rows()} usage records in PostgreSQL")


def _median(rounds: Sequence[Run], field: str) -> float:
    return statistics.median(getattr(run, field) for run in rounds)


if __name__ == "__main__":
    main()
