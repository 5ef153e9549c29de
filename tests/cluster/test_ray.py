"""The workers on Ray Serve. What needs a cluster is in inside_ray.py, and runs apart: in a network of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_on_a_cluster_of_two_nodes() -> None:
    inside = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "tests/cluster/inside_ray.py"]
    command = [sys.executable, "scripts/own_network.py", *inside]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
