"""Write down the SHA-256 of every file of the models in this package, which loading compares: `make checksums`.

    python scripts/checksums.py [--check]

--check writes nothing and ends with status 1 where a file has changed since.
"""

from __future__ import annotations

import sys
import tomllib

from atelier.models.catalog import CHECKSUMS, HERE, catalog
from atelier.worker.checksums import checksums

HEAD = "# Model id → path in its folder → SHA-256. Models in this package: `make checksums` writes them.\n"


def main() -> None:
    written = CHECKSUMS.read_text()
    measured = {entry.id: checksums(HERE / entry.packaged) for entry in catalog() if entry.packaged}
    text = printed({**tomllib.loads(written), **measured})
    if "--check" not in sys.argv[1:]:
        CHECKSUMS.write_text(text)
    elif text != written:
        sys.exit("The models in the package are not those of checksums.toml; type: make checksums")


def printed(models: dict[str, dict[str, str]]) -> str:
    tables = (
        "".join([f'\n["{model}"]\n', *(f'"{name}" = "{sha256}"\n' for name, sha256 in files.items())])
        for model, files in models.items()
        if files
    )
    return HEAD + "".join(tables)


if __name__ == "__main__":
    main()
