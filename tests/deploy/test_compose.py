"""docker-compose.ai-services.yml and its overrides, compared with the catalog, the settings and what they promise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from atelier.catalog import GATEWAY_PORT, SERVICES, processes
from atelier.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.ai-services.yml"
OVERRIDES = ROOT / "deploy" / "compose"


class _Loader(yaml.SafeLoader):
    """Knows !reset."""


_Loader.add_constructor("!reset", lambda _, __: None)


def read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(file.read_text(), _Loader)
    return found


COMPOSE = read(FILE)
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
ALWAYS = {name: row for name, row in CONTAINERS.items() if "profiles" not in row}
EVERY = sorted(CONTAINERS)


def test_seven_containers_by_default() -> None:
    assert set(ALWAYS) == {"ai-gateway", "redis", *SERVICES}


@pytest.mark.parametrize("name", sorted(set(EVERY) - {"models"}))
def test_containers_have_their_names(name: str) -> None:
    assert CONTAINERS[name]["container_name"] == f"payaid-{name}"


def test_profiles_are_those_that_are_documented() -> None:
    profiles = {profile for row in CONTAINERS.values() for profile in row.get("profiles", [])}
    assert profiles == {"database", "web", "monitoring", "tls", "models"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_published_on_loopback_alone(service: str) -> None:
    port = SERVICES[service].port
    assert CONTAINERS[service]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert CONTAINERS[service]["build"]["dockerfile"] == f"services/{service}/Dockerfile"


def test_nothing_but_the_gateway_and_what_stands_before_it_is_open_to_others() -> None:
    opened = {
        name: [
            port for port in row.get("ports", []) if not re.match(r"127\.0\.0\.1:|\$\{WEB_BIND:-127\.0\.0\.1\}", port)
        ]
        for name, row in CONTAINERS.items()
    }
    assert {name for name, ports in opened.items() if ports} == {"ai-gateway", "caddy"}
    assert opened["ai-gateway"] == [f"${{GATEWAY_BIND:-0.0.0.0}}:${{GATEWAY_PORT:-8000}}:{GATEWAY_PORT}"]


@pytest.mark.parametrize("name", EVERY)
def test_every_container_is_confined(name: str) -> None:
    row = CONTAINERS[name]
    assert row["read_only"] is True
    assert row["cap_drop"] == ["ALL"]
    assert row["security_opt"] == ["no-new-privileges:true"]
    assert row["networks"] == ["private"]
    assert set(row["logging"]["options"]) == {"max-size", "max-file"}
    assert not row.get("privileged")
    assert set(row.get("cap_add", [])) <= {"NET_BIND_SERVICE"}


@pytest.mark.parametrize("name", sorted(set(EVERY) - {"models"}))
def test_every_container_that_stays_has_limits_a_health_check_and_comes_back(name: str) -> None:
    row = CONTAINERS[name]
    assert set(row["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert row["restart"] == "unless-stopped"
    if "build" not in row:  # else it is in the image
        assert row["healthcheck"]["test"]


def test_the_gateway_waits_for_its_servers_and_for_no_worker() -> None:
    needed = CONTAINERS["ai-gateway"]["depends_on"]
    assert needed["redis"] == {"condition": "service_healthy"}
    assert needed["postgres"] == {"condition": "service_healthy", "required": False}
    assert not set(needed) & set(SERVICES)


def test_workers_read_the_models_and_the_downloader_alone_writes_them() -> None:
    volumes = {name: row["volumes"] for name, row in CONTAINERS.items() if "/data/models" in str(row.get("volumes"))}
    assert volumes == {name: ["${MODELS:-models}:/data/models:ro"] for name in SERVICES} | {
        "models": ["${MODELS:-models}:/data/models"]
    }


def test_what_containers_are_told_are_settings_that_there_are() -> None:
    known = {f"ATELIER_{name.upper()}" for name in Settings.model_fields} | {"ATELIER_CONFIG"}
    told = {
        variable
        for row in (*CONTAINERS.values(), *read(OVERRIDES / "single-gpu.yml")["services"].values())
        for variable in row.get("environment", {})
        if variable.startswith("ATELIER_")
    }
    assert told <= known


def test_secrets_have_no_default() -> None:
    text = FILE.read_text()
    for secret in ("JWT_SECRET", "REDIS_PASSWORD"):
        assert f"${{{secret}:?is not set. Type make up" in text
        assert f"${{{secret}:-" not in text


def test_every_variable_is_explained_where_the_file_begins() -> None:
    files = [FILE, *OVERRIDES.glob("*.yml")]
    used = {name for file in files for name in variables(file.read_text())}
    explained = set(re.findall(r"\b[A-Z][A-Z_]+\b", FILE.read_text().partition("\nname:")[0]))
    services = {
        f"{name.replace('-', '_').upper()}_{what}" for name in SERVICES for what in ("MODEL", "MEMORY", "MEMORY_GB")
    }
    assert used - services - explained == set()


def variables(text: str) -> set[str]:
    return set(re.findall(r"(?<!\$)\$\{(\w+)", text))


def test_the_gateways_upstreams_are_the_services_each_found_by_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_CONFIG", str(OVERRIDES / "atelier.toml"))
    rules = load_settings().upstreams
    assert {name: [(rule.url, rule.dns) for rule in found] for name, found in rules.items()} == {
        name: [(f"http://{name}:{service.port}", True)] for name, service in SERVICES.items()
    }


@pytest.mark.parametrize("override", ["gpu.yml", "scale-out.yml"])
def test_an_override_is_for_every_service(override: str) -> None:
    assert set(read(OVERRIDES / override)["services"]) == set(SERVICES)


def test_on_a_single_gpu_services_of_one_process_are_one_container() -> None:
    rows = read(OVERRIDES / "single-gpu.yml")["services"]
    for hosted in processes().values():
        first, *others = (service.name for service in hosted)
        assert rows[first]["environment"]["ATELIER_MEMORY_GB"]
        if others:
            assert rows[first]["command"] == ["atelier", "worker", first, *others]
            assert rows[first]["networks"]["private"]["aliases"] == others
            assert all(rows[other] == {"profiles": ["separate"]} for other in others)
            assert rows[first]["ports"] == [
                f"127.0.0.1:{SERVICES[other].port}:{SERVICES[other].port}" for other in others
            ]


def test_what_is_mounted_is_there() -> None:
    mounts = [str(volume) for row in CONTAINERS.values() for volume in row.get("volumes", [])]
    folders = {re.sub(r"^\$\{\w+:-(.*?)\}", r"\1", mount).split(":")[0] for mount in mounts}
    assert [folder for folder in folders if folder.startswith("./") and not (ROOT / folder).exists()] == []
