"""What /metrics of a gateway or a worker tells, read by the library's own parser."""

from __future__ import annotations

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from atelier.gateway.auth import make_token


class Numbers:
    """types: of every family, by its name as queries know it."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self.types = {f"{f.name}_total" if f.type == "counter" else f.name: f.type for f in families}
        self.samples: list[Sample] = [sample for family in families for sample in family.samples]
        self.text = text

    def sum(self, name: str, **labels: str) -> float:
        """Of all samples of that name with these labels, whatever others they have; 0 where there are none."""
        return sum(sample.value for sample in self._found(name, labels))

    def has(self, name: str, **labels: str) -> bool:
        return bool(self._found(name, labels))

    def values(self, name: str, label: str) -> set[str]:
        """Which values a label has."""
        return {sample.labels[label] for sample in self._found(name, {})}

    def labels(self, family: str) -> set[str]:
        """The names of the labels of a family, but for a histogram's own."""
        own = {"_bucket", "_count", "_sum", ""}
        return {
            label
            for sample in self.samples
            if sample.name.removeprefix(family) in own
            for label in sample.labels
            if label != "le"
        }

    def _found(self, name: str, labels: dict[str, str]) -> list[Sample]:
        return [s for s in self.samples if s.name == name and labels.items() <= s.labels.items()]


def gateway_numbers(url: str, secret: str) -> Numbers:
    """With an administrator's token."""
    return numbers(url, make_token(secret, "acme", seconds=60, roles=["admin"]))


def numbers(url: str, bearer: str | None = None) -> Numbers:
    headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
    answer = httpx2.get(f"{url}/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    return Numbers(answer.text)
