"""Which models a worker holds: those that settings name, else the best that is here."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from atelier.models.catalog import catalog, plans, with_bases
from atelier.models.entry import ModelEntry
from atelier.models.fit import Fit, Machine, fit, in_words
from atelier.settings import Settings, SettingsProblem
from atelier.worker.vocabulary import unknown_words
from captions import asked
from world import scenes, wording


def chosen(home: Path, *services: str, **settings: object) -> list[str]:
    loaded = Settings(home=home, **settings)  # type: ignore[arg-type]
    return [plan.source.model for plan in plans(loaded, services)]


def test_miniatures_and_libraries_models_serve_where_nothing_is_installed(tmp_path: Path) -> None:
    assert chosen(tmp_path, "text-to-image", "image-to-image") == ["atelier-mini-sdxl"]
    assert chosen(tmp_path, "text-to-speech") == ["espeak-ng"]
    assert chosen(tmp_path, "image-to-text") == ["atelier-mini-blip2", "rapidocr"]


def test_the_miniature_of_speech_is_held_beside_the_default(tmp_path: Path) -> None:
    assert chosen(tmp_path, "speech-to-text") == ["pocketsphinx-en-us", "atelier-mini-whisper"]
    (tmp_path / "models/openai/whisper-large-v3").mkdir(parents=True)
    assert chosen(tmp_path, "speech-to-text") == ["openai/whisper-large-v3", "atelier-mini-whisper"]
    assert chosen(tmp_path, "speech-to-text", model_name="pocketsphinx-en-us") == ["pocketsphinx-en-us"]
    assert chosen(tmp_path, "speech-to-text", model_name="atelier-mini-whisper") == ["atelier-mini-whisper"]


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
    assert chosen(tmp_path, "image-to-text", model_name="rapidocr") == ["rapidocr", "atelier-mini-blip2"]


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


def test_every_model_that_lies_in_a_folder_can_be_fetched() -> None:
    lacking = {
        entry.id: [name for name in ("source", "size", "memory") if not getattr(entry, name)]
        for entry in catalog()
        if entry.folder is not None
    }
    assert {model: fields for model, fields in lacking.items() if fields} == {}


def test_each_tier_has_models_and_the_full_one_the_best_known() -> None:
    tiers = {tier: {entry.id for entry in catalog() if tier in entry.tiers} for tier in ("small", "full")}
    assert tiers["small"]
    assert tiers["full"] >= {
        "stabilityai/stable-diffusion-xl-base-1.0",
        "openai/whisper-large-v3",
        "Salesforce/blip2-opt-2.7b",
    }


def test_what_is_replaced_or_laid_under_is_in_the_catalog() -> None:
    known = {entry.id for entry in catalog()}
    assert len(known) == len(catalog()), "each model once"
    assert {entry.base for entry in catalog() if entry.base} <= {entry.folder for entry in catalog()}
    assert {model for entry in catalog() for model in entry.replaces} <= known


ENTRY = {
    "id": "a/b",
    "engine": "m:C",
    "extra": "x",
    "services": ["text-to-image"],
    "tasks": ["text-to-image"],
    "licence": {"name": "MIT", "link": "https://example.com", "commercial": "yes"},
}


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"sorce": []}, "sorce"),
        ({"folder": "../elsewhere"}, "below the models folder"),
        ({"folder": "a/b", "size": 1, "source": [{"repository": "a/b", "files": ["/etc/passwd"]}]}, "below the model"),
        ({"folder": "a/b", "size": 1, "source": [{"repository": "a/b/c", "files": ["x"]}]}, "repository"),
        ({"folder": "a/b", "size": 1, "source": [{"repository": "a/b", "files": []}]}, "files"),
        ({"source": [{"repository": "a/b", "files": ["x"]}]}, "needs a folder to go to, and its size"),
        ({"tiers": ["full"]}, "has no source"),
        ({"memory": {"int3": 1}}, "int3"),
        ({"memory": {"int8": 0}}, "memory"),
        ({"sizes": ["large"]}, "sizes"),
        ({"licence": {"name": "x", "link": "http://x", "commercial": "perhaps"}}, "commercial"),
    ],
)
def test_the_catalogs_schema_refuses_what_makes_no_sense(fields: dict[str, object], complaint: str) -> None:
    assert ModelEntry.model_validate(ENTRY)
    with pytest.raises(ValidationError, match=complaint):
        ModelEntry.model_validate(ENTRY | fields)


def test_a_model_that_is_laid_over_another_needs_it_and_comes_after_it(tmp_path: Path) -> None:
    [base] = [entry for entry in catalog() if entry.id == "stabilityai/stable-diffusion-xl-base-1.0"]
    over = ModelEntry.model_validate(ENTRY | {"folder": "a/b", "base": base.folder})
    assert [entry.id for entry in with_bases([over, base])] == [base.id, "a/b"]
    (tmp_path / "a/b").mkdir(parents=True)
    assert not over.here(tmp_path)
    (tmp_path / str(base.folder)).mkdir(parents=True)
    assert over.here(tmp_path)


@pytest.mark.parametrize(
    ("machine", "found"),
    [
        (Machine(memory=64, gpu_memory=24), Fit("GPU", "float16", 9)),
        (Machine(memory=64, gpu_memory=8), Fit("processor", "float32", 17)),
        (Machine(memory=12), None),
        (Machine(memory=16, gpu_memory=6), None),
    ],
)
def test_a_model_is_told_to_fit_where_it_does(machine: Machine, found: Fit | None) -> None:
    entry = ModelEntry.model_validate(ENTRY | {"memory": {"float32": 17, "float16": 9}})
    assert fit(entry, machine) == found
    assert in_words(entry, machine).startswith("yes: " if found else "no: it takes 9.0 GB, and there are ")


def test_a_miniature_knows_the_words_that_it_was_taught_and_no_other() -> None:
    chance = random.Random(0)
    taught: dict[str, set[str]] = {"atelier-mini-sdxl": set(), "atelier-mini-blip2": set()}
    for scene in scenes() * 4:
        taught["atelier-mini-sdxl"].update(unknown_words(wording(scene, chance), ()))
        taught["atelier-mini-blip2"].update(unknown_words(asked(scene, chance)[0], ()))
    assert {entry.id: entry.words for entry in catalog() if entry.words} == taught


def test_a_model_of_this_package_is_checked_before_it_is_loaded(tmp_path: Path) -> None:
    for service in ("text-to-image", "image-to-text", "speech-to-text"):
        found = {plan.source.model: plan for plan in plans(Settings(home=tmp_path), [service])}
        [mini] = [plan for model, plan in found.items() if model.startswith("atelier-mini")]
        assert "README.md" in mini.files
        assert mini.remedy == "reinstall Atelier"
