"""How `atelier serve` starts its children."""

from __future__ import annotations

from pathlib import Path

from atelier.serve import children_of
from atelier.settings import Settings


def test_only_the_gateway_is_open_to_others_and_only_it_has_the_secret(tmp_path: Path) -> None:
    children = children_of(Settings(home=tmp_path, host="0.0.0.0"), "the secret")
    gateway, *workers = children
    assert (gateway.name, gateway.environment["JWT_SECRET"]) == ("gateway", "the secret")
    assert len(workers) == 4
    for worker in workers:
        assert worker.environment["ATELIER_HOST"] == "127.0.0.1"
        assert "JWT_SECRET" not in worker.environment
