"""Which models a worker holds: those that settings name, else the best that is here."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from pydantic import ValidationError

from atelier.contracts.sampling import Sampling
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
    assert chosen(tmp_path, "image-to-text") == ["rapidocr", "atelier-mini-blip2"]


def test_the_miniature_of_speech_is_held_beside_the_default(tmp_path: Path) -> None:
    assert chosen(tmp_path, "speech-to-text") == ["pocketsphinx-en-us", "atelier-mini-whisper"]
    (tmp_path / "models/openai/whisper-large-v3").mkdir(parents=True)
    assert chosen(tmp_path, "speech-to-text") == ["openai/whisper-large-v3", "atelier-mini-whisper"]
    assert chosen(tmp_path, "speech-to-text", model_name="pocketsphinx-en-us") == ["pocketsphinx-en-us"]
    assert chosen(tmp_path, "speech-to-text", model_name="atelier-mini-whisper") == ["atelier-mini-whisper"]


def test_a_full_model_serves_once_its_folder_is_there(tmp_path: Path) -> None:
    (tmp_path / "models/stabilityai/stable-diffusion-xl-base-1.0").mkdir(parents=True)
    assert chosen(tmp_path, "text-to-image", "image-to-image") == ["stabilityai/stable-diffusion-xl-base-1.0"]


def test_a_model_of_two_tasks_takes_none_from_the_models_before_it(tmp_path: Path) -> None:
    (tmp_path / "models/florence-community/Florence-2-large").mkdir(parents=True)
    found = plans(Settings(home=tmp_path), ["image-to-text"])
    assert [plan.source.model for plan in found] == ["rapidocr", "florence-community/Florence-2-large"]
    first = {task: next(plan.source.model for plan in found if task in plan.tasks) for task in ("caption", "ocr")}
    assert first == {"caption": "florence-community/Florence-2-large", "ocr": "rapidocr"}


SDXL, LIGHTNING = "stabilityai/stable-diffusion-xl-base-1.0", "ByteDance/SDXL-Lightning"


def test_a_model_that_is_laid_over_another_needs_both(tmp_path: Path) -> None:
    (tmp_path / "models" / LIGHTNING).mkdir(parents=True)
    assert chosen(tmp_path, "text-to-image") == ["atelier-mini-sdxl"]
    (tmp_path / "models" / SDXL).mkdir(parents=True)
    [plan] = plans(Settings(home=tmp_path, model_name=LIGHTNING), ["text-to-image"])
    assert (plan.source.folder, plan.source.base) == (tmp_path / "models" / LIGHTNING, tmp_path / "models" / SDXL)
    assert plan.source.sampling == Sampling(steps=4, guidance_scale=0)


def test_a_part_takes_the_place_of_a_models_own_where_it_is_here(tmp_path: Path) -> None:
    (tmp_path / "models" / SDXL).mkdir(parents=True)
    [plan] = plans(Settings(home=tmp_path), ["text-to-image"])
    assert plan.source.parts == {}
    vae = tmp_path / "models/madebyollin/sdxl-vae-fp16-fix"
    vae.mkdir(parents=True)
    [plan] = plans(Settings(home=tmp_path), ["text-to-image"])
    assert plan.source.parts == {"vae": vae}


def test_a_tuned_model_keeps_its_own_vae(tmp_path: Path) -> None:
    for folder in ("models/madebyollin/sdxl-vae-fp16-fix", "tuned", "distilled"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "tuned/model_index.json").write_text("{}")
    (tmp_path / "distilled/sdxl_lightning_8step_unet.safetensors").write_bytes(b"")
    [tuned] = plans(Settings(home=tmp_path, model_name=str(tmp_path / "tuned")), ["text-to-image"])
    [distilled] = plans(Settings(home=tmp_path, model_name=str(tmp_path / "distilled")), ["text-to-image"])
    assert (tuned.source.base, tuned.source.parts) == (None, {})
    assert (distilled.source.base, list(distilled.source.parts)) == (tmp_path / "models" / SDXL, ["vae"])


def test_a_folder_of_another_pipeline_is_sampled_as_its_kind(tmp_path: Path) -> None:
    folder = tmp_path / "klein"
    folder.mkdir()
    (folder / "model_index.json").write_text('{"_class_name": "Flux2KleinPipeline"}')
    [plan] = plans(Settings(home=tmp_path, model_name=str(folder)), ["text-to-image"])
    assert plan.source.sampling == Sampling(steps=4, guidance_scale=1)
    (folder / "model_index.json").write_text('{"_class_name": "QwenImageEditPipeline"}')
    with pytest.raises(SettingsProblem, match="klein is not laid out as a model that text-to-image can load"):
        plans(Settings(home=tmp_path, model_name=str(folder)), ["text-to-image"])


def test_every_pipeline_of_the_catalog_is_one_that_its_engine_knows() -> None:
    known = pytest.importorskip("atelier.engines.diffusion.families").FAMILIES
    entries = [entry for entry in catalog() if "PipelineEngine" in entry.engine]
    assert [kind for entry in entries for kind in entry.pipelines] == list(known)
    assert all(entry.pipelines for entry in entries)


def test_a_single_file_is_built_as_sdxl_is(tmp_path: Path) -> None:
    file = tmp_path / "juggernaut-xl.safetensors"
    file.write_bytes(b"")
    [plan] = plans(Settings(home=tmp_path, model_name=str(file)), ["text-to-image"])
    assert (plan.source.model, plan.source.folder) == ("juggernaut-xl", file)
    assert (plan.source.base, plan.source.parts) == (tmp_path / "models" / SDXL, {})
    with pytest.raises(SettingsProblem, match=r"juggernaut-xl.safetensors is a checkpoint of a picture model"):
        plans(Settings(home=tmp_path, model_name=str(file)), ["text-to-speech"])


def test_device_and_precision_are_those_of_the_settings(tmp_path: Path) -> None:
    [plan] = plans(Settings(home=tmp_path, device="cpu", precision="bfloat16"), ["text-to-image"])
    assert (plan.source.device, plan.source.precision) == ("cpu", "bfloat16")


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
        ("text-to-image", "model_index.json", '{"_class_name": "ZImagePipeline"}', "PipelineEngine"),
        ("image-to-image", "model_index.json", '{"_class_name": "QwenImageEditPlusPipeline"}', "PipelineEngine"),
        ("image-to-text", "config.json", '{"model_type": "blip-2"}', "Blip2Engine"),
        ("image-to-text", "config.json", '{"model_type": "florence2"}', "Florence2Engine"),
        ("image-to-text", "config.json", '{"text_config": {}, "vision_config": {}}', "VisionLanguageEngine"),
        ("speech-to-text", "model.bin", "", "WhisperEngine"),
        ("text-to-speech", "voices-v1.0.bin", "", "KokoroEngine"),
        ("text-to-speech", "speakers_xtts.pth", "", "XttsEngine"),
        ("text-to-speech", "t3_cfg.safetensors", "", "ChatterboxEngine"),
        ("text-to-speech", "fr_FR-gilles-low.onnx.json", "{}", "PiperEngine"),
        ("speech-to-text", "encoder-model.int8.onnx", "", "ParakeetEngine"),
        ("image-to-text", "deu.traineddata", "", "TesseractEngine"),
    ],
)
def test_a_folder_is_known_by_its_layout(tmp_path: Path, service: str, file: str, text: str, engine: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / file).write_text(text)
    (folder / "vocab.txt").write_text("")
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
    assert {"text-to-image", "speech-to-text", "image-to-text"} <= {
        task for entry in catalog() if entry.id in tiers["small"] for task in entry.services
    }
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
