"""Write the gateway's OpenAPI document to web/lib/ai/openapi.json, from which the web kit's types are made.

python scripts/openapi.py [FILE]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.testclient import TestClient

from atelier.gateway.app import create_app
from atelier.settings import Settings

FILE = Path(__file__).resolve().parents[1] / "web" / "lib" / "ai" / "openapi.json"
NOT_FOR_TENANTS = ("/admin", "/metrics")


def document() -> str:
    """The same text for the same gateway, whatever its version is called."""
    with TemporaryDirectory() as home:
        client = TestClient(create_app(Settings(home=Path(home)), "x" * 32))
        described = client.get("/openapi.json").json()
    described["info"]["version"] = "as installed"
    kept = {path: item for path, item in described["paths"].items() if not path.startswith(NOT_FOR_TENANTS)}
    return json.dumps(described | {"paths": kept}, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) if sys.argv[1:] else FILE).write_text(document())
