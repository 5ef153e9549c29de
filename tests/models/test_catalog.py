"""Which models a worker holds: those that settings name, else the best that is here."""

from __future__ import annotations

from pathlib import Path

import pytest

from atelier.models.catalog import catalog, plans
from atelier.settings import Settings, SettingsProblem


def chosen(home: Path, *services: str, **settings: object) -> list[str]:
    loaded = Settings(home=home, **settings)  # type: ignore[arg-type]
    return [plan.source.model for plan in plans(loaded, services)]


def test_stand_ins_and_libraries_models_serve_where_nothing_is_installed(tmp_path: Path) -> None:
    assert chosen(tmp_path, "text-to-image", "image-to-image") == ["atelier-untrained-sdxl"]
    assert chosen(tmp_path, "text-to-speech") == ["espeak-ng"]
    assert chosen(tmp_path, "speech-to-text") == ["pocketsphinx-en-us"]
    assert chosen(tmp_path, "image-to-text") == ["atelier-untrained-blip2", "rapidocr"]


def test_a_full_model_serves_once_its_folder_is_there(tmp_path: Path) -> None:
    (tmp_path / "models/stabilityai/stable-diffusion-xl-base-1.0").mkdir(parents=True)
    assert chosen(tmp_path, "text-to-image", "image-to-image") == ["stabilityai/stable-diffusion-xl-base-1.0"]


def test_settings_choose_and_the_first_is_the_default(tmp_path: Path) -> None:
    folder = tmp_path / "my-whisper"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"")
    named = f"{folder}, pocketsphinx-en-us"
    assert chosen(tmp_path, "speech-to-text", model_name=named) == ["my-whisper", "pocketsphinx-en-us"]
    assert chosen(tmp_path, "speech-to-text", models={"speech-to-text": named}) == ["my-whisper", "pocketsphinx-en-us"]


def test_a_task_that_settings_leave_out_keeps_its_default(tmp_path: Path) -> None:
    assert chosen(tmp_path, "image-to-text", model_name="rapidocr") == ["rapidocr", "atelier-untrained-blip2"]


@pytest.mark.parametrize(
    ("service", "file", "text", "engine"),
    [
        ("text-to-image", "model_index.json", "{}", "DiffusionEngine"),
        ("image-to-text", "config.json", '{"model_type": "blip-2"}', "Blip2Engine"),
        ("speech-to-text", "model.bin", "", "WhisperEngine"),
    ],
)
def test_a_folder_is_known_by_its_layout(tmp_path: Path, service: str, file: str, text: str, engine: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / file).write_text(text)
    plan = plans(Settings(home=tmp_path, model_name=str(folder)), [service])[0]
    assert (plan.source.model, plan.source.folder) == ("mine", folder)
    assert plan.engine.endswith(engine)


def test_names_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblem, match=r"neither a folder nor a model of text-to-image; there are .*sdxl"):
        chosen(tmp_path, "text-to-image", model_name="espeak-ng")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsProblem, match="not laid out as a model that text-to-image can load"):
        chosen(tmp_path, "text-to-image", model_name=str(tmp_path / "empty"))


def test_every_entry_tells_its_licence() -> None:
    assert all(entry.licence.link.startswith("https://") for entry in catalog())
