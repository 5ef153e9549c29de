"""The measurements in print: medians, each round's figures, and the ratios beside what they should be."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from contenders import Contender
from load import Run, Stream
from measures import THINK_MS, Runs
from processes import tree


def captions(runs: Runs) -> Iterator[str]:
    for number in sorted({connections for _, connections in runs}):
        yield f"\n{number} connections{'':<9}requests a second   median ms      p99 ms   each round"
        for (name, connections), rounds in runs.items():
            if connections == number:
                yield (
                    f"  {name:<18}{_median(rounds, 'per_second'):>16,.0f}{_median(rounds, 'median'):>14.3f}"
                    f"{_median(rounds, 'p99'):>12.2f}   {_each(rounds, 'per_second')}{_faults(rounds)}"
                )


def ratios(runs: Runs) -> Iterator[str]:
    """The gateway beside the others; each round's ratio is of runs that came one after another."""
    yield ""
    for rival, least in (("litellm", 50), ("nginx", 0.12)):
        if ("gateway", 64) in runs and (rival, 64) in runs:
            pairs = zip(runs["gateway", 64], runs[rival, 64], strict=True)
            found = [ours.per_second / max(theirs.per_second, 1e-9) for ours, theirs in pairs]
            yield _ratio(f"64 connections: requests a second, of {rival}'s", found, f"at least {least}")
    for ours, rival, target in (
        ("gateway", "litellm", "at most 0.05"),
        ("gateway", "nginx", "at most 3.5"),
        ("gateway", "nginx asking", "none"),
        ("nginx asking", "nginx", "none: what one more trip costs"),
    ):
        if (ours, 1) in runs and (rival, 1) in runs:
            found = list(map(_added, runs[ours, 1], runs[rival, 1], runs["direct", 1]))
            yield _ratio(f"1 connection: median that {ours} adds, of what {rival} adds", found, target)
    for rival, least in (("litellm", 50), ("nginx", 0.12)):
        if ("gateway", 64) in runs and (rival, 64) in runs:
            pairs = zip(runs["gateway", 64], runs[rival, 64], strict=True)
            found = [theirs.cost[rival] / max(ours.cost["gateway"], 1e-9) for ours, theirs in pairs]
            what = f"64 connections: requests per second of processor, of {rival}'s"
            yield _ratio(what, found, f"as above, {least}; less disturbed")


def _added(ours: Run, theirs: Run, bare: Run) -> float:
    return (ours.median - bare.median) / (theirs.median - bare.median)


def _ratio(what: str, found: Sequence[float], target: str) -> str:
    each = " ".join(f"{ratio:.3g}" for ratio in found)
    return f"{what:<72}{statistics.median(found):>8.3g}   (target: {target}; each round {each})"


def costs(runs: Runs) -> Iterator[str]:
    yield "\nmicroseconds of processor time for a request, and cores that others on this machine kept busy"
    for (name, connections), rounds in sorted(runs.items(), key=lambda item: item[0][1]):
        yield f"  {connections:>3} {name:<13}{cost(rounds)}"


def cost(rounds: Sequence[Run]) -> str:
    """Of each process that took part, per request."""
    spent = (f"{name} {statistics.median(run.cost[name] for run in rounds):.0f}" for name in rounds[0].cost)
    return f"{', '.join(spent)} µs; others {_median(rounds, 'others'):.2f} cores"


def pictures(runs: Runs, way: str) -> Iterator[str]:
    yield f"\npictures of 1 MB {way:<12}pictures a second   median ms   added ms   each round"
    for (name, connections), rounds in runs.items():
        bare = _median(runs["direct", connections], "median")
        median = _median(rounds, "median")
        yield (
            f"  {connections} connections {name:<10}{_median(rounds, 'per_second'):>16,.0f}{median:>12.2f}"
            f"{median - bare:>11.2f}   {_each(rounds, 'per_second')}{_faults(rounds)}"
        )


def streams(found: dict[str, list[Stream]]) -> Iterator[str]:
    yield "\nstreams of 50 events, ms from the stand-in's sending   first (p90)   added to the first   later events"
    bare = statistics.median(one.first for one in found["direct"])
    for name, each in found.items():
        first = sorted(one.first for one in each)
        median = statistics.median(first)
        later = statistics.median(one.median for one in each)
        target = "   (target: within 2)" if name == "gateway" else ""
        yield (
            f"  {name:<44}{median:>10.2f} ({first[int(len(first) * 0.9)]:.2f}){median - bare:>14.2f}"
            f"{later:>16.2f}{target}"
        )


def processes(runs: Runs, contenders: Sequence[Contender]) -> Iterator[str]:
    counted = len(tree(contenders[-1].pids[0]))
    yield f"\nthe gateway with one process and with two ({counted} processes in all), 64 connections"
    for contender in contenders:
        rounds = runs[contender.name, 64]
        yield (
            f"  {contender.name:<14}{_median(rounds, 'per_second'):>10,.0f} requests a second, p99 "
            f"{_median(rounds, 'p99'):.1f} ms; {cost(rounds)}; each round {_each(rounds, 'per_second')}"
        )


def too_much(rounds: Sequence[Run], capacity: float) -> Iterator[str]:
    yield (
        f"\ntwice the load that the gateway can serve ({capacity:,.0f} a second): {rounds[0].connections} connections, "
        f"each asks again {THINK_MS} ms after its answer"
    )
    for run in rounds:
        every = run.answered + run.refused
        yield (
            f"  answered {run.answered} ({run.per_second:,.0f} a second), refused {run.refused} "
            f"({100 * run.refused / max(1, every):.0f} %), broken {run.broken}; median {run.median:.0f} ms, "
            f"p99 {run.p99:.0f} ms (target: under 1000)"
        )


def memory(contenders: Sequence[Contender]) -> Iterator[str]:
    yield "\npeak resident memory: " + ", ".join(
        f"{c.name} {c.peak_megabytes():.0f} MB" for c in contenders if c.name != "direct"
    )


def metering(runs: Runs, contenders: Sequence[Contender]) -> Iterator[str]:
    """Everything was on: what was answered has been metered."""
    for contender in contenders:
        if contender.rows is not None:
            answered = sum(
                run.answered for (name, _), rounds in runs.items() if name == contender.name for run in rounds
            )
            yield f"{contender.name}: {answered:,} captions measured, {contender.rows():,} usage records in PostgreSQL"


def _faults(rounds: Sequence[Run]) -> str:
    refused, broken = sum(run.refused for run in rounds), sum(run.broken for run in rounds)
    return f"   ! {refused} refused, {broken} broken" if refused or broken else ""


def _each(rounds: Sequence[Run], field: str) -> str:
    return " ".join(f"{getattr(run, field):.0f}" for run in rounds)


def _median(rounds: Sequence[Run], field: str) -> float:
    return float(statistics.median(getattr(run, field) for run in rounds))
