"""The manifests: valid as Kubernetes itself would have them, hardened, and in step with the catalog and each other."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from atelier.catalog import GATEWAY_PORT, SERVICES
from atelier.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
VERSIONS = ("1.30", "1.37")
"""The oldest that has all that is used, and the newest that the schemas are here for."""

RAY_SERVICE = FOLDER / "ray" / "rayservice.yaml"


def documents(file: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


MANIFESTS = {
    f"{file.parent.name}/{file.stem}:{document['kind']}/{document['metadata']['name']}": document
    for file in sorted(FOLDER.rglob("*.yaml"))
    if file.name != "kustomization.yaml" and file != RAY_SERVICE
    for document in documents(file)
}
RAY = documents(RAY_SERVICE)[0]


def ray_pods() -> Iterator[dict[str, Any]]:
    cluster = RAY["spec"]["rayClusterConfig"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        named = {**group["template"]["metadata"], "name": "ray"}
        yield {"apiVersion": "v1", "kind": "Pod", **group["template"], "metadata": named}


def pods() -> dict[str, dict[str, Any]]:
    """The specification of every pod that comes of them."""
    found = {name: m["spec"]["template"]["spec"] for name, m in MANIFESTS.items() if m["kind"] in {"Deployment", "Job"}}
    return found | {f"ray-{number}": pod["spec"] for number, pod in enumerate(ray_pods())}


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_every_manifest(version: str) -> None:
    for manifest in (*MANIFESTS.values(), *ray_pods()):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_misspelt_field_is_noticed() -> None:
    manifest = copy.deepcopy(MANIFESTS["base/gateway:Deployment/ai-gateway"])
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container["redinessProbe"] = container.pop("readinessProbe")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", pods())
def test_no_pod_may_do_more_than_it_must(name: str) -> None:
    pod = pods()[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
        mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        assert "/tmp" in mounts
        models = [mount for path, mount in mounts.items() if path.endswith("/models")]
        assert all(mount.get("readOnly") for mount in models) or container["name"] == "download"


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_its_workers_as_the_others_have(service: str) -> None:
    deployment, front, budget = documents(FOLDER / "workers" / f"{service}.yaml")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    port = SERVICES[service].port
    assert container["ports"] == [{"name": "http", "containerPort": port}]
    assert front["spec"]["ports"] == [{"name": "http", "port": port, "targetPort": "http"}]
    assert front["spec"]["clusterIP"] == "None"
    assert budget["spec"]["maxUnavailable"] == 1
    assert shape(service) == shape("text-to-image")


def shape(service: str) -> str:
    """A file of workers without what may differ."""
    parts = documents(FOLDER / "workers" / f"{service}.yaml")
    [container] = parts[0]["spec"]["template"]["spec"]["containers"]
    container["resources"] = None
    return json.dumps(parts).replace(service, "SERVICE").replace(str(SERVICES[service].port), "PORT")


@pytest.mark.parametrize(
    ("kind", "address"), [("workers", "http://{0}:{1}"), ("ray", "http://atelier-serve-svc:8100/{0}")]
)
def test_the_gateway_finds_every_service(kind: str, address: str) -> None:
    data = MANIFESTS[f"{kind}/settings:ConfigMap/gateway-file"]["data"]["atelier.toml"]
    settings = Settings(**tomllib.loads(data))
    for service, row in SERVICES.items():
        [rule] = settings.upstream_rules(service)
        assert rule.url == address.format(service, row.port)


def test_names_that_are_used_are_there() -> None:
    gateway = MANIFESTS["base/gateway:Deployment/ai-gateway"]["spec"]["template"]["spec"]["containers"][0]
    assert gateway["ports"] == [{"name": "http", "containerPort": GATEWAY_PORT}]
    known = {"JWT_SECRET", "JWT_SECRET_PREVIOUS", "DATABASE_URL", "REDIS_URL"}
    fields = {f"ATELIER_{name.upper()}" for name in Settings.model_fields} | known | {"ATELIER_CONFIG"}
    told = {entry["name"] for entry in gateway["env"]} | MANIFESTS["base/settings:ConfigMap/gateway"]["data"].keys()
    assert told - fields <= {"ATELIER_METRICS_TOKEN"}
    for entry in gateway["env"]:  # a secret is only ever named
        assert entry["valueFrom"]["secretKeyRef"]["name"] == "atelier"
    assert not [name for name, manifest in MANIFESTS.items() if manifest["kind"] == "Secret"]


def test_every_file_is_of_a_kustomization_or_an_option() -> None:
    for folder in ("base", "workers", "ray"):
        listed = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text())["resources"]
        files = {file.name for file in (FOLDER / folder).glob("*.yaml")} - {"kustomization.yaml"}
        assert {name for name in listed if not name.startswith("..")} == files


def test_the_gpu_patch_fits_every_deployment_of_workers() -> None:
    [patch] = yaml.safe_load((FOLDER / "gpu" / "kustomization.yaml").read_text())["patches"]
    label, _, value = patch["target"]["labelSelector"].partition("=")
    found = [m for m in MANIFESTS.values() if m["kind"] == "Deployment" and m["metadata"]["labels"].get(label) == value]
    assert len(found) == len(SERVICES)
    for manifest in copy.deepcopy(found):
        for operation in yaml.safe_load(patch["patch"]):
            apply(manifest, operation)
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)
        [container] = manifest["spec"]["template"]["spec"]["containers"]
        assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"


def apply(manifest: Any, operation: dict[str, Any]) -> None:
    """`add` or `replace` of RFC 6902."""
    *way, last = [part.replace("~1", "/") for part in operation["path"].split("/")[1:]]
    for part in way:
        manifest = manifest[int(part) if part.isdigit() else part]
    assert operation["op"] == "add" or last in manifest
    manifest[last] = operation["value"]


def test_kuberay_serves_what_ray_alone_does() -> None:
    assert RAY["spec"].keys() == {"serveConfigV2", "rayClusterConfig"}
    serve = yaml.safe_load((FOLDER.parent / "ray" / "serve.yaml").read_text())
    assert yaml.safe_load(RAY["spec"]["serveConfigV2"]) == serve
    for pod in ray_pods():
        [container] = pod["spec"]["containers"]
        assert {"name": "serve", "containerPort": serve["http_options"]["port"]} in container["ports"]
