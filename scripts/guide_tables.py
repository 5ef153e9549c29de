"""The tables of the deployment guide, made from the catalog and the settings: `python scripts/guide_tables.py`.

They stand between `<!-- made by scripts/guide_tables.py: NAME -->` and `<!-- end -->`. With --check nothing is written,
and the status is 1 where one is not what it would be.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from atelier.catalog import SERVICES
from atelier.doctor_models import advice
from atelier.models.catalog import catalog
from atelier.models.entry import ModelEntry
from atelier.models.fit import Machine, fit
from atelier.settings import Settings
from settings_page import described

GUIDE = Path(__file__).resolve().parent.parent / "AI_SERVICES_DEPLOYMENT.md"
GPUS = (8, 12, 16, 24, 48, 80)
"""GB that cards are sold with."""

MEMORY = 32
"""GB of main memory that the machine of each has."""

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


def together() -> str:
    """What `atelier doctor` advises for a machine with such a card."""
    return _table(("card", *(service.name for service in SERVICES.values())), map(_advised, (0, *GPUS)))


def tiers() -> str:
    rows = []
    for tier in ("small", "full"):
        entries = [entry for entry in catalog() if tier in entry.tiers]
        rows.append((f"`{tier}`", ", ".join(f"`{entry.id}`" for entry in entries), f"{_sum(entries):.1f} GB"))
    return _table(("tier", "models", "download, about"), rows)


def settings() -> str:
    return _table(("variable", "default", "what it does"), described(Settings))


TABLES = {"sizing": sizing, "together": together, "tiers": tiers, "settings": settings}


def _fetched() -> list[ModelEntry]:
    return [entry for entry in catalog() if entry.source and entry.memory]


def _sized(entry: ModelEntry) -> tuple[str, ...]:
    memory = ", ".join(f"{gigabytes:g} {precision}" for precision, gigabytes in entry.memory.items())
    return f"`{entry.id}`", ", ".join(entry.services), f"{entry.size:g} GB", memory, _smallest_card(entry)


def _smallest_card(entry: ModelEntry) -> str:
    return next((f"{gigabytes} GB" for gigabytes in GPUS if _on_gpu(entry, gigabytes)), "none: a processor")


def _sum(entries: list[ModelEntry]) -> float:
    return sum(entry.size or 0 for entry in entries)


def _advised(gigabytes: int) -> tuple[str, ...]:
    found: dict[str, list[str]] = {service: [] for service in SERVICES}
    for one in advice(Settings(home=Path("nowhere")), Machine(memory=MEMORY, gpu_memory=gigabytes)):
        name = f"`{one.entry.id.rpartition('/')[2]}`" if one.entry else "the miniature"
        if name not in found[one.service]:
            found[one.service].append(name)
    return f"{gigabytes} GB" if gigabytes else "none", *(", ".join(names) for names in found.values())


def _on_gpu(entry: ModelEntry, gigabytes: int) -> bool:
    found = fit(entry, Machine(memory=0, gpu_memory=gigabytes))
    return found is not None and found.device == "GPU"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    main()
