"""The tables of the deployment guide, made from the catalog and the settings: `python scripts/guide_tables.py`.

They stand between `<!-- made by scripts/guide_tables.py: NAME -->` and `<!-- end -->`. With --check nothing is written,
and the status is 1 where one is not what it would be.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from atelier.models.catalog import catalog
from atelier.models.entry import ModelEntry
from atelier.models.fit import Machine, fit
from atelier.settings import Settings
from settings_page import described

GUIDE = Path(__file__).resolve().parent.parent / "AI_SERVICES_DEPLOYMENT.md"
GPUS = (8, 12, 16, 24, 48, 80)
"""GB that cards are sold with."""

BLOCK = re.compile(r"(?<=<!-- made by scripts/guide_tables\.py: )(\w+)( -->\n)(.*?)(?=<!-- end -->)", re.DOTALL)


def main() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    made = BLOCK.sub(lambda found: found[1] + found[2] + "\n" + TABLES[found[1]]() + "\n", text)
    if "--check" not in sys.argv[1:]:
        GUIDE.write_text(made, encoding="utf-8")
    elif made != text:
        sys.exit(f"{GUIDE.name}: its tables are not those of the code; type: make docs")


def sizing() -> str:
    return _table(
        ("model", "for", "download", "memory for its weights, GB, about", "smallest card"), map(_sized, _fetched())
    )


def gpus() -> str:
    rows = ((f"{gigabytes} GB", ", ".join(_fit_alone(gigabytes)) or "none") for gigabytes in GPUS)
    return _table(("card", "what fits on it, one model at a time"), rows)


def settings() -> str:
    return _table(("variable", "default", "what it does"), described(Settings))


TABLES = {"sizing": sizing, "gpus": gpus, "settings": settings}


def _fetched() -> list[ModelEntry]:
    return [entry for entry in catalog() if entry.source and entry.memory]


def _sized(entry: ModelEntry) -> tuple[str, ...]:
    memory = ", ".join(f"{gigabytes:g} {precision}" for precision, gigabytes in entry.memory.items())
    return f"`{entry.id}`", ", ".join(entry.services), f"{entry.size:g} GB", memory, _smallest_card(entry)


def _smallest_card(entry: ModelEntry) -> str:
    return next((f"{gigabytes} GB" for gigabytes in GPUS if _on_gpu(entry, gigabytes)), "several, or a processor")


def _fit_alone(gigabytes: int) -> Iterator[str]:
    for entry in _fetched():
        if _on_gpu(entry, gigabytes):
            yield f"`{entry.id.partition('/')[2]}`"


def _on_gpu(entry: ModelEntry, gigabytes: int) -> bool:
    found = fit(entry, Machine(memory=0, gpu_memory=gigabytes))
    return found is not None and found.device == "GPU"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    main()
