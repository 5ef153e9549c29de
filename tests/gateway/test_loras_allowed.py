"""Which tenant may use which LoRA: what no setting allows is refused before a worker hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from running_gateway import Running, opened
from stepping import PaintEngine

ALLOWED = {"house-style": ["*"], "brand": ["acme", "acme-eu"]}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with opened(tmp_path_factory.mktemp("home"), loras=ALLOWED) as serving:
        yield serving


def paint(gateway: Running, tenant: str, *loras: str, path: str = "/api/text-to-image") -> tuple[int, object]:
    answer = gateway.post(path, tenant, json={"prompt": "x", "num_inference_steps": 1, "loras": loras})
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("tenant", "loras"), [("acme", ["brand:0.5", "house-style"]), ("acme-eu", ["brand"]), ("other", ["house-style:-1"])]
)
def test_what_a_tenant_may_use_reaches_the_engine(gateway: Running, tenant: str, loras: list[str]) -> None:
    assert paint(gateway, tenant, *loras)[0] == 200
    assert PaintEngine.newest.asked[-1].loras == loras


@pytest.mark.parametrize("name", ["brand", "there-is-none-of-this-name"])
def test_another_tenants_is_refused_as_one_that_is_not_there(gateway: Running, name: str) -> None:
    served = len(PaintEngine.newest.asked)
    status, said = paint(gateway, "other", "house-style", f"{name}:0.4")
    assert status == 403
    assert isinstance(said, dict)
    assert said["error"] == f"loras: {name} is not among those that you may use; ask your operator"
    assert said["field"] == "loras"
    assert paint(gateway, "other", name, path="/v1/images/generations")[0] == 403
    assert len(PaintEngine.newest.asked) == served


def test_in_a_form_they_are_a_list(gateway: Running) -> None:
    picture = ("x.png", b"\x89PNG\r\n\x1a\n", "image/png")
    fields = {"prompt": "x", "num_inference_steps": "1", "loras[]": ["brand:0.5", "house-style"]}
    assert gateway.post("/api/image-to-image", files={"file": picture}, data=fields).status_code == 200
    assert PaintEngine.newest.asked[-1].loras == ["brand:0.5", "house-style"]
    assert gateway.post("/api/image-to-image", "other", files={"file": picture}, data=fields).status_code == 403


def test_a_star_is_every_other_name(tmp_path: Path) -> None:
    with opened(tmp_path, loras={"*": ["*"], "brand": ["acme"]}) as gateway:
        assert paint(gateway, "other", "anything")[0] == 200
        assert paint(gateway, "other", "brand")[0] == 403
        assert paint(gateway, "acme", "brand", "anything")[0] == 200


def test_without_a_setting_there_is_none(tmp_path: Path) -> None:
    with opened(tmp_path) as gateway:
        assert paint(gateway, "acme", "house-style")[0] == 403
        assert paint(gateway, "acme")[0] == 200
