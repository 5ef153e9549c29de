"""The types of the web kit are made from the gateway's OpenAPI document: the copy that they are made from is true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_document_that_the_web_kit_has_is_the_gateways(tmp_path: Path) -> None:
    file = tmp_path / "openapi.json"
    subprocess.run([sys.executable, ROOT / "scripts" / "openapi.py", file], check=True, capture_output=True)
    kept = json.loads((ROOT / "web" / "lib" / "ai" / "openapi.json").read_text())
    assert json.loads(file.read_text()) == kept, "run python scripts/openapi.py, and npm run types in web"
