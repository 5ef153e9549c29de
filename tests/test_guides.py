"""The guides say what is true: checks find what is wrong, tables are made by the code, env.example has every name."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from atelier.settings import Settings, known_variables

ROOT = Path(__file__).parent.parent
OTHERS = {"COMPOSE_FILE", "COMPOSE_PROFILES", "HF_TOKEN", "AI_GATEWAY_URL", "USE_AI_GATEWAY"}
"""Compose's own, the hub's, and the web application's."""

PAGE = """# A page

[there](README.md#the-part) [nowhere](gone.md) [no such part](README.md#missing) `make nothing` `ATELIER_MISSPELT`

```sh
atelier keys create --tenant acme --colour red   # no such option
KEY=$(atelier keys create --tenant acme) && atelier usage --tenant acme | tail -1
atelier restore --check archive.tar
atelier conjure
```
"""


def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / script), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_checks_find_what_is_wrong_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE)
    (tmp_path / "README.md").write_text("# Read me\n\n## The part\n")
    (tmp_path / "Makefile").write_text("serve: setup\n")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "bad.ps1").write_text('Write-Host "one"\nif (1 { Write-Host "two" }\n')
    shutil.copy(ROOT / "scripts" / "download-ai-models.ps1", tmp_path / "scripts")
    found = run("check_guides.py", str(tmp_path))
    assert found.returncode == 1
    told = [line.partition(": ")[2] for line in found.stderr.splitlines()]
    assert told == [
        "there is no gone.md",
        "no heading is called README.md#missing",
        "atelier keys create --tenant acme --colour red: No such option: --colour",
        "atelier conjure: there is no command 'conjure'",
        "there is no target: make nothing",
        "there is no setting ATELIER_MISSPELT",
        "PowerShell cannot read this",
    ]


def test_the_tables_of_the_guide_are_the_codes() -> None:
    checked = run("guide_tables.py", "--check")
    assert (checked.returncode, checked.stderr) == (0, "")


def names_of(text: str) -> list[str]:
    return re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", text, flags=re.MULTILINE)


def compose() -> dict[str, str]:
    """What Compose reads, with its defaults."""
    files = [ROOT / "docker-compose.ai-services.yml", *(ROOT / "deploy" / "compose").glob("*.yml")]
    text = "".join(file.read_text() for file in files if file.exists())
    return dict(re.findall(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^}$]*))?", text))


def test_the_example_of_an_environment_knows_every_name_and_no_other() -> None:
    names = names_of((ROOT / "env.example").read_text())
    own = {str(field.validation_alias) for field in Settings.model_fields.values() if field.validation_alias}
    assert len(names) == len(set(names))
    assert set(names) <= own | known_variables() | set(compose()) | OTHERS
    if (ROOT / "docker-compose.ai-services.yml").exists():
        assert set(compose()) <= set(names)


def test_the_example_shows_the_defaults_and_no_secret() -> None:
    shown = dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / "env.example").read_text(), flags=re.MULTILINE))
    defaults = compose()
    for name, value in shown.items():
        if re.search("SECRET|PASSWORD|TOKEN|KEY", name):
            assert value == "", f"{name} has a value"
        elif name in defaults and not value.startswith("<"):
            assert value == defaults[name], f"{name} has another default"


def test_the_query_of_the_months_usage_stands_in_the_guide() -> None:
    """Word for word as tests/state/test_database.py asks it of PostgreSQL."""
    tested = (ROOT / "tests" / "state" / "test_database.py").read_text()
    found = re.search(r"SELECT service, COUNT\(\*\) as count.*?GROUP BY service;", tested, flags=re.DOTALL)
    assert found
    wanted = " ".join(found[0].split())
    for page in ("AI_SERVICES_DEPLOYMENT.md", "docs/database.md"):
        assert wanted in " ".join((ROOT / page).read_text().split())


@pytest.mark.parametrize("name", ["SELF_HOSTED_AI_SETUP.md", "AI_SERVICES_DEPLOYMENT.md", "docs/security.md"])
def test_the_readme_leads_to_the_guides(name: str) -> None:
    assert f"({name})" in (ROOT / "README.md").read_text()
