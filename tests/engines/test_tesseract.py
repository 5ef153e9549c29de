"""OCR by the real Tesseract: its own words, where they stand, and what becomes of its processes."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from atelier.contracts.engine import ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult
from atelier.engines.tesseract import TesseractEngine
from atelier.engines.tesseract.languages import Languages
from atelier.engines.tesseract.program import Program
from atelier.errors import Internal, InvalidRequest, ModelMissing, TooLarge, TooSlow, UnreadableMedia
from distance import share_wrong
from servers import until

FONT = ImageFont.truetype("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", 22)
LEFT, TOP = 40, 40
PROSE = [
    "The workshop opened its doors at 7:45 on a cold Monday morning.",
    "Inside, eleven benches stood in rows, each with a lamp and a vice.",
    "A parcel from Leeds (weight 3.6 kg) lay unopened near the stove.",
    "By noon the temperature had risen from 4 to 11 degrees outside.",
    "He wanted a cabinet, six feet high, with drawers of walnut.",
    "Later the rain began; it drummed on the roof like fingers.",
]


@pytest.fixture(scope="module")
def engine() -> Iterator[TesseractEngine]:
    assert shutil.which("tesseract"), "tesseract is missing: make test-setup"
    engine = TesseractEngine(ModelSource("tesseract"))
    engine.load()
    yield engine
    engine.unload()


def drawn(*columns: list[str], width: int = 860) -> Image.Image:
    picture = Image.new("RGB", (width, 2 * TOP + 33 * max(map(len, columns))), "white")
    for column, lines in enumerate(columns):
        for row, line in enumerate(lines):
            place = LEFT + column * width // len(columns), TOP + 33 * row
            ImageDraw.Draw(picture).text(place, line, font=FONT, fill="black")
    return picture


def encoded(picture: Image.Image) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "PNG", compress_level=1)
    return sink.getvalue()


def asked(picture: Image.Image, language: str | None = None) -> ImageToTextRequest:
    return ImageToTextRequest(image=encoded(picture), task="ocr", language=language)


def results(engine: TesseractEngine, *requests: ImageToTextRequest) -> list[ImageToTextResult]:
    """Of requests that share every step."""
    runs = [engine.start(request) for request in requests]
    while not all(run.done or run.error for run in runs):
        engine.step([run for run in runs if not run.done and not run.error])
    for run in runs:
        engine.close(run)
        assert run.error is None
    found = [run.outputs[-1] for run in runs]
    assert all(isinstance(result, ImageToTextResult) for result in found)
    return found  # type: ignore[return-value]


def wrong(lines: list[str], result: ImageToTextResult) -> float:
    return share_wrong(" ".join(lines), " ".join((result.ocr_text or "").split()))


def test_it_reads_what_the_program_itself_reads(engine: TesseractEngine) -> None:
    """Words, places and confidences: the same numbers, with the same data."""
    picture = drawn(PROSE)
    told = subprocess.run(
        ["tesseract", "stdin", "stdout", "tsv"], input=encoded(picture), capture_output=True, check=True
    ).stdout.decode()
    words: dict[tuple[str, ...], list[list[str]]] = {}
    for cells in (row.split("\t") for row in told.splitlines()[1:]):
        if cells[0] == "5":
            words.setdefault(tuple(cells[1:5]), []).append(cells[6:])
    [result] = results(engine, asked(picture))
    assert wrong(PROSE, result) == 0
    assert result.ocr_lines is not None
    assert len(result.ocr_lines) == len(words) == len(PROSE)
    for line, own in zip(result.ocr_lines, words.values(), strict=True):
        assert line.text == " ".join(word[5] for word in own)
        assert line.confidence == pytest.approx(np.mean([float(word[4]) for word in own]) / 100, abs=1e-4)
        sides = np.array([[float(side) for side in word[:4]] for word in own])
        (left, top), (right, bottom) = sides[:, :2].min(axis=0), (sides[:, :2] + sides[:, 2:]).max(axis=0)
        assert line.box == [(left, top), (right, top), (right, bottom), (left, bottom)]


def test_a_page_that_lies_on_its_side_is_turned(engine: TesseractEngine) -> None:
    upright = drawn(PROSE)
    [result] = results(engine, asked(upright.rotate(90, expand=True)))
    assert wrong(PROSE, result) <= 0.02
    assert result.rotation == 270
    assert result.ocr_lines is not None
    x, y = result.ocr_lines[0].box[0]
    assert (upright.width - y, x) == pytest.approx((LEFT, TOP), abs=8)


def test_columns_are_read_one_after_the_other_and_company_changes_nothing(engine: TesseractEngine) -> None:
    columns = textwrap.wrap(" ".join(PROSE[:3]), 30), textwrap.wrap(" ".join(PROSE[3:]), 30)
    askew = drawn(PROSE[:3]).rotate(2, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    requests = [asked(drawn(*columns, width=960)), asked(Image.new("RGB", (300, 200), "white")), asked(askew)]
    in_columns, blank, climbing = results(engine, *requests)
    assert wrong([*columns[0], *columns[1]], in_columns) <= 0.02
    assert (blank.ocr_text, blank.ocr_lines, blank.rotation) == ("", [], 0)
    assert wrong(PROSE[:3], climbing) <= 0.05
    assert climbing.ocr_lines is not None
    begin, end, *_ = climbing.ocr_lines[0].box
    assert (begin[1] - end[1]) / (end[0] - begin[0]) == pytest.approx(np.tan(np.radians(2)), abs=0.01)
    assert [climbing] == results(engine, requests[-1])


def test_a_pdf_is_read_page_by_page(engine: TesseractEngine) -> None:
    sink = io.BytesIO()
    pages = [drawn(PROSE[:3]), Image.new("RGB", (400, 300), "white"), drawn(PROSE[3:])]
    pages[0].save(sink, "PDF", save_all=True, append_images=pages[1:], resolution=144)
    run = engine.start(ImageToTextRequest(image=sink.getvalue(), task="ocr"))
    progress = []
    while not run.done:
        engine.step([run])
        assert run.error is None
        progress.append(run.progress)
    engine.close(run)
    [result] = run.outputs
    assert isinstance(result, ImageToTextResult)
    assert sorted(set(progress)) == [0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1]
    first, second, third = (result.ocr_text or "").split("\n\n")
    assert (share_wrong("\n".join(PROSE[:3]), first), second) == (pytest.approx(0, abs=0.02), "")
    assert share_wrong("\n".join(PROSE[3:]), third) <= 0.02
    assert [line.page for line in result.ocr_lines or []] == [1, 1, 1, 3, 3, 3]
    assert (result.ocr_lines or [])[3].box[0] == pytest.approx((LEFT / 2, TOP / 2), abs=4)  # points at 144 an inch


def test_languages_are_named_by_their_tags_or_by_tesseracts_own_names() -> None:
    known = Languages(["eng", "deu", "chi_tra", "srp_latn"])
    assert known.names == ("de", "en", "sr-latn", "zh-hant")
    assert known.choose("de-AT+en") == ("deu+eng", None)
    assert known.choose("deu") == ("deu", None)
    assert known.choose("zh-Hant") == known.choose("chi_tra") == ("chi_tra", None)
    assert known.choose("sr-Latn") == ("srp_latn", None)
    usual, warning = known.choose(None)
    assert usual == "eng"
    assert warning is not None
    assert "read as en" in warning
    assert Languages(["deu", "eng"]).choose(None) == ("deu+eng", None)
    with pytest.raises(InvalidRequest, match="language: fr is not known here") as refusal:
        known.choose("fr")
    assert refusal.value.field == "language"


def test_what_is_no_picture_is_refused(engine: TesseractEngine) -> None:
    with pytest.raises(UnreadableMedia):
        engine.start(ImageToTextRequest(image=b"not a picture", task="ocr"))


def test_a_side_that_tesseract_cannot_count_is_refused_and_a_pdfs_page_made_to_fit(engine: TesseractEngine) -> None:
    with pytest.raises(TooLarge, match="a side of 32001 pixels"):
        engine.start(asked(Image.new("RGB", (32_001, 4))))
    sink = io.BytesIO()
    Image.new("RGB", (11_610, 100), "white").save(sink, "PDF", resolution=72)
    run = engine.start(ImageToTextRequest(image=sink.getvalue(), task="ocr"))
    engine.step([run])
    assert (run.error, max(run.page.size)) == (None, 32_000)
    engine.close(run)


def system_data() -> Path:
    """Where the system's own language data lies."""
    told = subprocess.run(["tesseract", "--list-langs"], capture_output=True, check=True).stdout.decode()
    return Path(told.split('"')[1])


def test_a_folder_of_ones_own_data_takes_the_systems_place(tmp_path: Path) -> None:
    shutil.copy(system_data() / "eng.traineddata", tmp_path / "house.traineddata")
    engine = TesseractEngine(ModelSource("mine", tmp_path))
    engine.load()
    assert (engine.info().model, list(engine.info().languages)) == ("mine", ["house"])
    [result] = results(engine, asked(drawn(PROSE[:2]), language="house"))
    assert wrong(PROSE[:2], result) == 0
    (tmp_path / "house.traineddata").write_bytes(b"cut short")
    with pytest.raises(ModelMissing, match="cannot use the data of house") as refusal:
        TesseractEngine(ModelSource("mine", tmp_path)).load()
    assert str(tmp_path) not in refusal.value.message
    (tmp_path / "house.traineddata").unlink()
    with pytest.raises(ModelMissing, match="apt-get install tesseract-ocr-eng"):
        TesseractEngine(ModelSource("mine", tmp_path)).load()


def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelMissing, match="apt-get install tesseract-ocr"):
        TesseractEngine(ModelSource("tesseract")).load()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A `tesseract` that answers of itself, and over pictures does what the file `orders` says."""
    program = tmp_path / "tesseract"
    program.write_text(
        textwrap.dedent(f"""\
            #!/bin/sh
            case $1 in
            --version) echo tesseract 9.9 ;;
            --list-langs) printf 'List of languages\\neng\\n' ;;
            *) cat >/dev/null; . {tmp_path}/orders ;;
            esac
            """)
    )
    program.chmod(0o755)
    (tmp_path / "orders").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_a_run_that_is_cancelled_ends_its_program(stand_in: Path) -> None:
    engine = TesseractEngine(ModelSource("tesseract"))
    engine.load()
    (stand_in / "orders").write_text(f"echo $$ >{stand_in}/part; mv {stand_in}/part {stand_in}/pid; exec sleep 600")
    run = engine.start(asked(drawn(PROSE[:1])))
    while not (stand_in / "pid").exists():
        engine.step([run])
    engine.step([run])
    assert not run.done
    engine.close(run)
    with pytest.raises(ProcessLookupError):
        os.kill(int((stand_in / "pid").read_text()), 0)


def test_the_program_has_none_of_the_workers_secrets(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "of-the-worker")
    (stand_in / "orders").write_text("exec sleep 600")
    errand = Program(None).read(drawn(PROSE[:1]), "eng", None)
    seen = b""

    def told() -> bool:  # while one program makes way for the next there is nothing to see
        nonlocal seen
        seen = Path(f"/proc/{errand._process.pid}/environ").read_bytes()
        return b"OMP_THREAD_LIMIT=1" in seen

    try:
        until(told)
    finally:
        errand.stop()
    assert b"of-the-worker" not in seen


@pytest.mark.skipif(sys.platform != "linux", reason="the system bounds programs of others on Linux alone")
def test_a_program_that_outlives_its_worker_comes_to_an_end(stand_in: Path) -> None:
    (stand_in / "orders").write_text("while :; do :; done")
    errand = Program(None, seconds=0.1).read(drawn(PROSE[:1]), "eng", None)
    try:
        assert errand._process.wait(60) < 0  # nobody looked at its clock
    finally:
        errand.stop()


def test_a_page_that_takes_too_long_or_breaks_the_program_fails_alone(stand_in: Path) -> None:
    for orders, error, seconds in (
        ("exec sleep 600", TooSlow, 0.2),
        ("exit 3", Internal, 100),
        ("exec cat /dev/zero", Internal, 100),
    ):
        (stand_in / "orders").write_text("")
        engine = TesseractEngine(ModelSource("tesseract"), seconds=seconds)
        engine.load()
        (stand_in / "orders").write_text(orders)
        run = engine.start(asked(drawn(PROSE[:1])))
        while run.error is None:
            engine.step([run])
        engine.close(run)
        assert isinstance(run.error, error)
