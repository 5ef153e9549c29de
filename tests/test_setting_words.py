"""A mistake in atelier.toml is told with its place, its field and the closest one that there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atelier.settings import SettingsProblem, load_settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "shop.toml"
    monkeypatch.setenv("ATELIER_CONFIG", str(file))
    return file


def told() -> str:
    with pytest.raises(SettingsProblem) as problem:
        load_settings()
    return str(problem.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[limits]]\nrequests = 1\n[[limits]]\nrequsts = 1",
            "limits, entry 2: there is no field 'requsts'; did you mean 'requests'?",
        ),
        ("[plans.pro2]\ncash = true", "plans.pro2: there is no field 'cash'; did you mean 'cache'?"),
        (
            "[plans.pro]\nlimits = [{ requests = 1, pre = 'day' }]",
            "plans.pro.limits, entry 1: there is no field 'pre'; did you mean 'per'?",
        ),
        (
            "[prices]\ntext-to-image = { megapixl = 1 }",
            "prices.text-to-image: there is no field 'megapixl'; did you mean 'megapixel'?",
        ),
        (
            "[[upstreams.text-to-image]]\nurl = 'http://x:1'\nwieght = 2",
            "upstreams.text-to-image, entry 1: there is no field 'wieght'; did you mean 'weight'?",
        ),
        ("[[upstreams.text-to-image]]\ntier = 1", "upstreams.text-to-image, entry 1, url: is missing"),
        (
            "[[upstreams.text-to-image]]\nurl = 'http://x:1'\nweight = 0",
            "upstreams.text-to-image, entry 1, weight: must be more than 0 (got 0)",
        ),
        (
            "[upstreams]\ntext-to-image = ['gpu-1']",
            "upstreams.text-to-image, entry 1, url: must look like http://gpu-1:7860 "
            "(keys go into key or key_variable)",
        ),
        (
            "[[limits]]\nrequests = 1\nqqq = 2",
            "limits, entry 1: there is no field 'qqq'; there are requests, units, cost, concurrent, per, service, "
            "tenant",
        ),
        ("[[limits]]\nrequests = 'many'", "limits, entry 1, requests: must be a whole number"),
        (
            "[[limits]]\nrequests = 1\nper = 'week'",
            "limits, entry 1, per: must be 'second', 'minute', 'hour', 'day' or 'month' (got 'week')",
        ),
        ("[[limits]]\nper = 'day'", "limits, entry 1: a limit names exactly one of requests, units, cost, concurrent"),
        ("[plans]\npro = 5", "plans.pro: must be a table"),
        ("prot = 9000", "there is no field 'prot'; did you mean 'port'?"),
        ("prot = ", "cannot be read (Invalid value (at end of document))"),
    ],
)
def test_a_mistake_in_the_file_names_it_and_the_place(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    assert told() == f"{file}: {said}"


def test_a_mistake_in_the_environment_names_the_variable(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.touch()
    monkeypatch.setenv("ATELIER_LIMITS", json.dumps([{"requsts": 1}]))
    assert told() == "ATELIER_LIMITS: entry 1: there is no field 'requsts'; did you mean 'requests'?"


def test_a_mistake_in_one_setting_or_in_two_names_them(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("redis_away = 'local'")
    assert told().startswith("ATELIER_GATEWAYS: say how many")
    file.write_text("redis_away = 'shut'")
    assert told() == (f"ATELIER_REDIS_AWAY (or redis_away in {file}): must be 'closed' or 'local' (got 'shut')")
    monkeypatch.setenv("ATELIER_REDIS_AWAY", "closed")
    file.write_text("port = 0")
    assert told() == f"ATELIER_PORT (or port in {file}): must be at least 1 (got 0)"


def test_no_secret_is_shown(file: Path) -> None:
    file.write_text("[[upstreams.text-to-image]]\nurl = 'http://x:1'\nkey = [31337]")
    assert told() == f"{file}: upstreams.text-to-image, entry 1, key: must be text"
