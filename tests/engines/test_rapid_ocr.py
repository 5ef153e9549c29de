"""OCR of pages drawn here: what was written is what is read, whichever way the page lies."""

from __future__ import annotations

import io
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from atelier.contracts.engine import ModelSource
from atelier.contracts.image_to_text import ImageToTextRequest, ImageToTextResult
from atelier.engines.rapid_ocr import BUNDLED, FINDER, READER, RapidOcrEngine
from atelier.errors import ModelMissing, TooLarge, UnreadableMedia
from atelier.media.pages import Pages
from distance import share_wrong

FONTS = Path("/usr/share/fonts/truetype/dejavu")

PAGE = [
    "The workshop opened its doors at 7:45 on a cold Monday morning.",
    "Inside, eleven benches stood in rows, each with a lamp and a vice.",
    'Mrs. Okafor, who kept the books, wrote "Paid: $1,284.50" in ink.',
    '"Where is invoice No. 20-3391?" she asked; nobody knew for sure.',
    "A parcel from Leeds (weight 3.6 kg) lay unopened near the stove.",
    'It held brass hinges, two chisels & a note: "Handle with care!"',
    "By noon the temperature had risen from -4 to +11 degrees outside.",
    "Young Peter measured the oak plank twice: 182 x 24.5 x 3 cm.",
    "He cut it once, slowly, and the saw sang through the old wood.",
    "Orders 17, 18 and 19 were due on Friday; order 20 could wait.",
    "At 50% discount, the remaining varnish cost only 6.75 per tin.",
    "The visitor's card read: J. Quimby, 48 Harbour Lane, Box 905.",
    "He wanted a cabinet, six feet high, with drawers of walnut.",
    '"Can it be done by 30 June?" - "Yes, if the timber arrives."',
    "So they agreed on a price, shook hands, and drank some tea.",
    "Later the rain began; it drummed on the roof like fingers.",
    "Zoe packed the jigs away and swept the floor with vigour.",
    'Every shaving went into a sack marked "KINDLING / WINTER".',
    "The ledger closed at 18:20 with a balance of 9,076.13 in hand.",
    "Tomorrow would bring varnish, glue and perhaps some sunshine.",
]

LEFT, TOP, SIZE, LINE = 40, 40, 22, 33


@pytest.fixture(scope="module")
def engine() -> RapidOcrEngine:
    engine = RapidOcrEngine(ModelSource("rapidocr"))
    engine.load()
    return engine


def drawn(picture: Image.Image, lines: list[str], left: int, top: int, size: int = SIZE) -> None:
    font = ImageFont.truetype(str(FONTS / "DejaVuSans.ttf"), size)
    for row, line in enumerate(lines):
        ImageDraw.Draw(picture).text((left, top + row * size * 3 // 2), line, font=font, fill="black")


def page(lines: list[str] = PAGE, width: int = 830) -> Image.Image:
    picture = Image.new("RGB", (width, 2 * TOP + LINE * len(lines)), "white")
    drawn(picture, lines, LEFT, TOP)
    return picture


def encoded(picture: Image.Image, **options: object) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "PNG", compress_level=1, **options)
    return sink.getvalue()


def read(engine: RapidOcrEngine, picture: Image.Image | bytes) -> ImageToTextResult:
    data = picture if isinstance(picture, bytes) else encoded(picture)
    run = engine.start(ImageToTextRequest(image=data, task="ocr"))
    engine.step([run])
    engine.close(run)
    assert run.error is None
    assert run.done
    [result] = run.outputs
    assert isinstance(result, ImageToTextResult)
    return result


def wrong(lines: list[str], result: ImageToTextResult) -> float:
    """The share of characters that are wrong, spaces and line breaks taken as one."""
    assert result.ocr_text is not None
    return share_wrong(" ".join(lines), " ".join(result.ocr_text.split()))


def corners_of(result: ImageToTextResult, line: int) -> list[tuple[float, float]]:
    assert result.ocr_lines is not None
    return result.ocr_lines[line].box


def after_turning(point: tuple[float, float], size: tuple[int, int], turned: int) -> tuple[float, float]:
    """Where a point of a picture lies once that is turned counter-clockwise."""
    (x, y), (width, height) = point, size
    return {0: (x, y), 90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}[turned]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_page_is_read_whichever_way_it_lies(engine: RapidOcrEngine, turned: int) -> None:
    upright = page()
    result = read(engine, upright.rotate(turned, expand=True))

    assert wrong(PAGE, result) <= 0.02
    assert result.rotation == -turned % 360
    assert result.caption is None
    assert result.ocr_lines is not None
    assert result.ocr_text == "\n".join(line.text for line in result.ocr_lines)
    assert len(result.ocr_lines) == len(PAGE)
    assert all(0.9 < line.confidence <= 1 for line in result.ocr_lines)

    length = ImageFont.truetype(str(FONTS / "DejaVuSans.ttf"), SIZE).getlength(PAGE[0])
    expected = [(LEFT, TOP), (LEFT + length, TOP), (LEFT + length, TOP + SIZE), (LEFT, TOP + SIZE)]
    for found, corner in zip(corners_of(result, 0), expected, strict=True):
        assert found == pytest.approx(after_turning(corner, upright.size, turned), abs=8)


@pytest.mark.parametrize("tilt", [-5, 5, 184])
def test_a_page_may_lie_askew(engine: RapidOcrEngine, tilt: float) -> None:
    lines = PAGE[:6]
    askew = page(lines).rotate(tilt, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    result = read(engine, askew)
    assert wrong(lines, result) <= 0.02
    assert result.rotation == (180 if tilt > 90 else 0)


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_short_words_in_large_letters_are_turned_too(engine: RapidOcrEngine, turned: int) -> None:
    """Such letters are found one by one when they lie on their side."""
    picture = Image.new("RGB", (330, 550), "white")
    words = ["12.50", "3.75", "128.00", "0.99", "14.20"]
    drawn(picture, words, 50, 50, size=60)
    result = read(engine, picture.rotate(turned, expand=True))
    assert result.ocr_text == "\n".join(words)
    assert result.rotation == -turned % 360


def test_exif_orientation_goes_before_everything(engine: RapidOcrEngine) -> None:
    """Corners are in pixels of the picture as a viewer shows it."""
    lines = PAGE[:3]
    exif = Image.Exif()
    exif[0x0112] = 8  # to be shown turned by 90 degrees counter-clockwise
    result = read(engine, encoded(page(lines).rotate(270, expand=True), exif=exif))
    assert wrong(lines, result) <= 0.02
    assert result.rotation == 0
    assert corners_of(result, 0)[0] == pytest.approx((LEFT, TOP), abs=8)


@pytest.mark.parametrize("turned", [0, 183])
def test_columns_are_read_one_after_the_other(engine: RapidOcrEngine, turned: int) -> None:
    columns = textwrap.wrap(" ".join(PAGE[:5]), 30), textwrap.wrap(" ".join(PAGE[5:10]), 30)
    head, foot = "The Workshop Gazette, Monday, page 12 of 30", "Printed by the old press in town, for 2.50 a copy."
    picture = Image.new("RGB", (960, 660), "white")
    drawn(picture, [head], 60, 30, size=30)
    drawn(picture, columns[0], 60, 110)
    drawn(picture, columns[1], 510, 110)
    drawn(picture, [foot], 60, 590, size=30)
    result = read(engine, picture.rotate(turned, Image.Resampling.BICUBIC, expand=True, fillcolor="white"))
    assert wrong([head, *columns[0], *columns[1], foot], result) <= 0.02


def test_a_table_is_read_row_by_row(engine: RapidOcrEngine) -> None:
    table = [("Item", "Pieces", "Price"), ("Oak plank", "4", "128.00"), ("Hinges", "12", "36.60")]
    picture = Image.new("RGB", (700, 200), "white")
    for left, column in zip((30, 320, 540), zip(*table, strict=True), strict=True):
        drawn(picture, list(column), left, 30)
    result = read(engine, picture)
    assert result.ocr_text == "\n".join(" ".join(row) for row in table)
    assert result.ocr_lines is not None
    assert [line.text for line in result.ocr_lines] == [cell for row in table for cell in row]


@pytest.mark.parametrize("size", [(640, 480), (1, 1), (3, 2), (1, 3000), (3000, 1), (40, 5000)])
def test_nothing_written_nothing_read(engine: RapidOcrEngine, size: tuple[int, int]) -> None:
    result = read(engine, Image.new("RGB", size, "white"))
    assert (result.ocr_text, result.ocr_lines, result.rotation) == ("", [], 0)


def test_noise_is_no_text(engine: RapidOcrEngine) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    assert read(engine, Image.fromarray(noise)).ocr_text == ""


@pytest.mark.parametrize("size", [8, 12])
def test_a_small_picture_full_of_its_word(engine: RapidOcrEngine, size: int) -> None:
    """Without the frame that is put round a picture, words that touch its edges are missed."""
    font = ImageFont.truetype(str(FONTS / "DejaVuSans.ttf"), size)
    left, top, right, bottom = (round(edge) for edge in font.getbbox("2026"))
    picture = Image.new("RGB", (right - left + 2, bottom - top + 2), "white")
    ImageDraw.Draw(picture).text((1 - left, 1 - top), "2026", font=font, fill="black")
    result = read(engine, picture)
    assert result.ocr_text == "2026"
    for x, y in corners_of(result, 0):
        assert 0 <= x <= picture.width
        assert 0 <= y <= picture.height


@pytest.mark.slow
def test_a_large_picture_is_read_in_bounded_time(engine: RapidOcrEngine) -> None:
    """Letters of 60 pixels on 24 megapixels: found on a smaller copy, read at full size."""
    picture, lines = Image.new("RGB", (6000, 4000), "white"), PAGE[:8]
    drawn(picture, lines, 3000, 2500, size=60)
    began = time.monotonic()
    result = read(engine, picture)
    assert time.monotonic() - began < 60
    assert wrong(lines, result) <= 0.02
    assert corners_of(result, 0)[0] == pytest.approx((3000, 2500), abs=30)


def test_company_changes_nothing(engine: RapidOcrEngine) -> None:
    """Runs that share a step, and one among them that has no text."""
    pictures = [page(PAGE[:2]), Image.new("RGB", (50, 50), "white"), page(PAGE[4:7]).rotate(180)]
    runs = [engine.start(ImageToTextRequest(image=encoded(picture), task="ocr")) for picture in pictures]
    assert len({run.key for run in runs}) == 1
    engine.step(runs)
    assert [run.outputs for run in runs] == [[read(engine, picture)] for picture in pictures]
    assert all(run.done and run.progress == 1 for run in runs)


def test_what_is_no_picture_is_refused(engine: RapidOcrEngine) -> None:
    with pytest.raises(UnreadableMedia) as refusal:
        engine.start(ImageToTextRequest(image=b"not a picture", task="ocr"))
    assert refusal.value.field == "image"


def test_a_picture_longer_than_opencv_can_count_is_refused(engine: RapidOcrEngine) -> None:
    with pytest.raises(TooLarge, match="33000 pixels") as refusal:
        engine.start(ImageToTextRequest(image=encoded(Image.new("L", (33_000, 2))), task="ocr"))
    assert refusal.value.field == "image"


def pdf_of(*pages: Image.Image, resolution: int = 144, **settings: object) -> bytes:
    sink = io.BytesIO()
    pages[0].save(sink, "PDF", save_all=True, append_images=pages[1:], resolution=resolution, **settings)
    return sink.getvalue()


def test_a_pdf_is_read_page_by_page(engine: RapidOcrEngine) -> None:
    """Each page in a step of its own; lines say on which page, and where in points."""
    pages = [page(PAGE[:2]), page(PAGE[4:7]), Image.new("RGB", (400, 300), "white")]
    run = engine.start(ImageToTextRequest(image=pdf_of(*pages), task="ocr"))
    progress = []
    while not run.done:
        engine.step([run])
        progress.append(run.progress)
    [result] = run.outputs
    assert isinstance(result, ImageToTextResult)
    assert progress == [pytest.approx(1 / 3), pytest.approx(2 / 3), 1]
    assert (result.pages, result.ocr_lines and [line.page for line in result.ocr_lines]) == (3, [1, 1, 2, 2, 2])
    first, second, third = (result.ocr_text or "").split("\n\n")
    assert share_wrong("\n".join(PAGE[:2]), first) <= 0.02
    assert share_wrong("\n".join(PAGE[4:7]), second) <= 0.02
    assert third == ""
    alone = read(engine, pages[1])
    for ours, theirs in zip((result.ocr_lines or [])[2:], alone.ocr_lines or [], strict=True):
        in_points = [pytest.approx((x / 2, y / 2), abs=3) for x, y in theirs.box]
        assert ours.box == in_points
    engine.close(run)


def test_pdfs_that_cannot_be_read_are_refused(engine: RapidOcrEngine) -> None:
    with pytest.raises(UnreadableMedia, match="damaged, empty or locked") as refusal:
        engine.start(ImageToTextRequest(image=b"%PDF-1.7 and nothing else", task="ocr"))
    assert refusal.value.field == "image"
    with pytest.raises(TooLarge, match="more than 100 pages"):
        engine.start(ImageToTextRequest(image=pdf_of(*[Image.new("L", (8, 8))] * 101), task="ocr"))


def test_a_page_of_a_building_is_made_smaller(engine: RapidOcrEngine) -> None:
    """A PDF says how large it is; its pixels stay bounded all the same."""
    opened = Pages(pdf_of(Image.new("L", (3000, 10), "white"), resolution=1), longest_side=1000)
    picture, scale = opened.page(0)
    assert picture.size[0] in {1000, 1001}
    assert scale == pytest.approx(1 / 216)
    opened.close()


def test_unloading_and_loading_again() -> None:
    engine = RapidOcrEngine(ModelSource("rapidocr", note="in the wheel"))
    assert engine.info().note == "in the wheel"
    engine.load()
    engine.load()
    engine.unload()
    engine.load()
    assert wrong(PAGE[:1], read(engine, page(PAGE[:1]))) <= 0.02


@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_model_files_that_cannot_be_used(tmp_path: Path, damage: str) -> None:
    """They are not fetched from anywhere either: the folder stays as it was."""
    (tmp_path / FINDER).write_bytes((BUNDLED / FINDER).read_bytes())
    if damage == "cut short":
        (tmp_path / READER).write_bytes((BUNDLED / READER).read_bytes()[:100_000])
    before = sorted(file.name for file in tmp_path.iterdir())
    with pytest.raises(ModelMissing, match="missing or damaged") as refusal:
        RapidOcrEngine(ModelSource("rapidocr", tmp_path)).load()
    assert str(tmp_path) not in refusal.value.message
    assert sorted(file.name for file in tmp_path.iterdir()) == before
