"""A machine installs the libraries of what it serves: the worker itself needs none of them."""

from __future__ import annotations

import subprocess
import sys

LIBRARIES = ("PIL", "av", "numpy", "torch", "soundfile", "onnxruntime")


def test_a_worker_starts_without_the_libraries_of_services_that_it_does_not_serve() -> None:
    code = f"import sys\nfor name in {LIBRARIES}: sys.modules[name] = None\nimport atelier.run, atelier.worker.app"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-400:]
