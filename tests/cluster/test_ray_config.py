"""deploy/ray/serve.yaml: as Ray itself reads it, and an application for each service."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from atelier.catalog import SERVICES

CONFIG = Path(__file__).resolve().parents[2] / "deploy" / "ray" / "serve.yaml"


def test_ray_takes_it_and_every_service_has_an_application() -> None:
    from ray.serve.schema import ServeDeploySchema

    read = ServeDeploySchema.model_validate(yaml.safe_load(CONFIG.read_text()))
    assert {app.name for app in read.applications} == set(SERVICES)
    for app in read.applications:
        assert app.route_prefix == f"/{app.name}"
        assert app.import_path == "atelier.ray_serve:application"
        assert app.args == {"service": app.name}
        [deployment] = app.deployments
        assert deployment.name == "worker"


def test_an_application_is_built_of_its_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from atelier.ray_serve import application

    monkeypatch.setenv("ATELIER_HOME", str(tmp_path))
    assert application({"service": "text-to-speech"})._bound_deployment.name == "worker"
    with pytest.raises(ValidationError):
        application({"service": "text-to-smell"})
    with pytest.raises(ValidationError):
        application({"service": "text-to-speech", "gpus": "1"})
