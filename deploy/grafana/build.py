"""Write the dashboards: deploy/grafana/dashboards/*.json, from the modules in boards/.

python deploy/grafana/build.py           # after a change there
python deploy/grafana/build.py --check   # says which files are not what the modules say; status 1 where one is not
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from boards.devices import devices
from boards.overview import overview
from boards.service import service
from boards.tenants import tenants

FOLDER = Path(__file__).parent / "dashboards"
BOARDS = {"overview": overview, "service": service, "tenants": tenants, "devices": devices}


def main() -> None:
    wanted = {FOLDER / f"{name}.json": written(make()) for name, make in BOARDS.items()}
    if "--check" in sys.argv[1:]:
        check(wanted)
        return
    FOLDER.mkdir(exist_ok=True)
    for file, text in wanted.items():
        file.write_text(text)


def written(board: object) -> str:
    return json.dumps(board, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def check(wanted: dict[Path, str]) -> None:
    there = {file: file.read_text() for file in FOLDER.glob("*.json")}
    stale = sorted(file.name for file in wanted.keys() | there.keys() if wanted.get(file) != there.get(file))
    if stale:
        sys.exit(f"{', '.join(stale)}: not what deploy/grafana/boards says. Type: python deploy/grafana/build.py")


if __name__ == "__main__":
    main()
