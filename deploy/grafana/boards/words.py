"""Expressions that more than one dashboard needs. $__rate_interval is Grafana's: a time that holds a few scrapes."""

from __future__ import annotations


def per_second(counter: str, by: str, only: str = "") -> str:
    """How fast a counter grows, in sum by labels. only: which series, as in `{service="$service"}`."""
    return f"sum by ({by}) (rate({counter}{only}[$__rate_interval]))"


def quantile(share: float, histogram: str, by: str, only: str = "") -> str:
    """The seconds (or whatever it counts) within which that share of a histogram lies."""
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({histogram}_bucket{only}[$__rate_interval])))"


def mean(histogram: str, by: str, only: str = "") -> str:
    over = f"sum by ({by}) (rate({histogram}_sum{only}[$__rate_interval]))"
    return f"{over} / {per_second(f'{histogram}_count', by, only)}"


def share(part: str, whole: str) -> str:
    """Of 1. Nothing where there is no traffic; 0 where no part of it is meant."""
    return f"({part} or {whole} * 0) / {whole}"
