"""Every alert has a test in which it fires and one in which it does not, and a section that says what to do."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from prometheus_server import DEPLOYED, ROOT

PAGE = (ROOT / "docs/monitoring.md").read_text()


def alerts() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load((DEPLOYED / "alerts.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def outcomes() -> set[tuple[str, bool]]:
    """What the unit tests expect: (the alert, whether it fires)."""
    files = [yaml.safe_load(file.read_text()) for file in (DEPLOYED / "tests").glob("*.yml")]
    asked = [case for file in files for test in file["tests"] for case in test["alert_rule_test"]]
    return {(case["alertname"], bool(case.get("exp_alerts"))) for case in asked}


@pytest.mark.parametrize("name", alerts())
def test_an_alert_is_tested_both_ways(name: str) -> None:
    assert {(name, True), (name, False)} <= outcomes()


@pytest.mark.parametrize(("name", "rule"), alerts().items())
def test_an_alert_says_what_to_do(name: str, rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]
    assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{name.lower()}"
    (section,) = re.findall(rf"^### {name}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert "Means" in section
    assert "Do" in section


def test_the_page_knows_no_other_alerts() -> None:
    assert set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == set(alerts())
