"""Every route of the OpenAPI document, asked what its schemas allow, forbid and forget: nothing is undocumented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from contract_gateway import SECRET, ContractGateway
from fuzz_hooks import OPERATOR

from atelier.gateway.auth import make_token

HERE = Path(__file__).parent


@pytest.mark.slow
def test_no_answer_is_a_server_error_or_undocumented(contract: ContractGateway, tmp_path: Path) -> None:
    document = httpx2.get(f"{contract.url}/openapi.json").json()
    operations = sum(len(methods) for methods in document["paths"].values())
    told = _run(contract, tmp_path)
    tested = re.search(r"Tested: (\d+)", told.stdout)
    assert told.returncode == 0, _failures(told.stdout)
    assert tested, told.stdout
    assert int(tested[1]) == operations


def _run(contract: ContractGateway, folder: Path) -> subprocess.CompletedProcess[str]:
    token = make_token(SECRET, OPERATOR, seconds=600, user="fuzz", roles=["admin"])
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "fuzz.toml")]
    return subprocess.run(
        [*command, "run", f"{contract.url}/openapi.json", "--no-color", "--workers", "1"],
        env={**os.environ, "PYTHONPATH": str(HERE), "ATELIER_TOKEN": token},
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _failures(printed: str) -> str:
    start = re.search(r"=+ (ERRORS|FAILURES) =+", printed)
    return printed[start.start() if start else 0 :][:20_000]
