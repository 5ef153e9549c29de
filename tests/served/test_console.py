"""The console in a real Chromium, as a person uses it, against a running `atelier serve`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from test_five_services import page as rendered_page

from atelier.demo import SENTENCE
from serving import Served
from sounds import read_aloud

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
SECONDS = 60_000  # milliseconds: what the slowest of the services may take on a busy machine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert chromium, "Chromium is missing: run `make test-setup` once"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context()
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, served: Served) -> Iterator[Page]:
    """The console, signed in by the link that `atelier serve` prints; it may log no error."""
    opened = context.new_page()
    problems: list[str] = []
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda problem: problems.append(str(problem)))
    opened.goto(f"{served.url}/#token={served.token()}")
    yield opened
    assert problems == []


def test_a_picture_appears_step_by_step(page: Page) -> None:
    expect(page.locator("#prompt")).to_have_value(SENTENCE)
    page.fill("#steps", "15")
    page.get_by_role("button", name="Create").click()
    expect(page.locator("#preview")).to_be_visible(timeout=SECONDS)
    expect(page.locator("#picture")).to_be_visible(timeout=SECONDS)
    natural = page.locator("#picture").evaluate("picture => [picture.naturalWidth, picture.naturalHeight]")
    assert natural == [64, 64]
    assert page.locator("#progress .ruler span").evaluate("bar => getComputedStyle(bar).transform") == "none"
    expect(page.locator("#area-images .remarks").first).to_contain_text("A miniature")


def test_cancel_stops_a_picture(page: Page, served: Served) -> None:
    page.fill("#prompt", "a long one")
    page.fill("#steps", "150")
    page.click("#create")
    expect(page.locator("#preview")).to_be_visible(timeout=SECONDS)
    page.click("#cancel")
    expect(page.get_by_text("Cancelled after")).to_be_visible()
    expect(page.locator("#picture")).to_be_hidden()


def test_speech_can_be_heard(page: Page) -> None:
    page.get_by_role("tab", name="Speak").click()
    page.fill("#text", "Hello from Atelier.")
    page.click("#speak-start")
    expect(page.locator("#speech-player")).to_be_visible(timeout=SECONDS)
    expect(page.locator("#area-speak .state")).to_contain_text("of speech")


def test_a_recording_is_written_down_with_times(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "speech.wav"
    file.write_bytes(read_aloud()[0].file)
    page.get_by_role("tab", name="Transcribe").click()
    page.set_input_files("#audio-file", file)
    page.click("#transcribe-start")
    expect(page.locator("#transcript .word").first).to_be_visible(timeout=SECONDS)


def test_a_page_is_read_with_boxes_over_its_lines(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "page.png"
    file.write_bytes(rendered_page("Atelier reads a page\nof two lines."))
    page.get_by_role("tab", name="Read").click()
    page.set_input_files("#read-image", file)
    page.click("#read-start")
    expect(page.locator("#read-overlay polygon")).to_have_count(2, timeout=SECONDS)
    expect(page.locator("#lines")).to_contain_text("Atelier reads a page")


def test_usage_and_health_are_shown(page: Page) -> None:
    page.get_by_role("tab", name="Usage").click()
    expect(page.locator(".card")).to_have_count(5)
    expect(page.locator("#health-word")).to_have_text("Healthy", timeout=SECONDS)


def test_it_works_by_keyboard(page: Page) -> None:
    page.focus("#tab-images")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Speak")).to_be_focused()
    expect(page.get_by_role("tab", name="Speak")).to_have_attribute("aria-selected", "true")
    page.focus("#text")
    page.keyboard.type("Spoken without a mouse.")
    page.focus("#speak-start")
    page.keyboard.press("Enter")
    expect(page.locator("#speech-player")).to_be_visible(timeout=SECONDS)


def test_the_token_leaves_the_address_bar(page: Page) -> None:
    expect(page.locator("#tenant")).to_have_text("acme")
    assert "token" not in page.url


def test_a_stranger_is_asked_for_a_token(context: BrowserContext, served: Served) -> None:
    page = context.new_page()
    page.goto(served.url)
    expect(page.locator("#door")).to_be_visible()
    page.fill("#token", "nonsense")
    page.click("#sign-in")
    expect(page.get_by_text("neither a JSON Web Token")).to_be_visible()
    page.fill("#token", served.token())
    page.click("#sign-in")
    expect(page.locator("#prompt")).to_be_visible()


def test_the_limit_is_told_with_a_countdown(context: BrowserContext, served: Served) -> None:
    page = context.new_page()
    page.goto(f"{served.url}/#token={served.token('small-console')}")
    for _ in range(3):
        served.post("/api/text-to-speech", tenant="small-console", json={"text": "x"})
    page.get_by_role("tab", name="Speak").click()
    page.fill("#text", "one too many")
    page.click("#speak-start")
    expect(page.get_by_text("Rate limit exceeded").first).to_be_visible(timeout=SECONDS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_it_fits_every_width_in_both_themes(browser: Browser, served: Served, scheme: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{served.url}/#token={served.token()}")
    for tab in ("Speak", "Transcribe", "Read", "Usage", "Pictures"):
        page.get_by_role("tab", name=tab).click()
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), tab
    background = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in background.strip("rgb()").split(",")[:3]) / 3
    assert (brightness > 128) == (scheme == "light")
    context.close()


def test_the_reference_opens_without_the_network(context: BrowserContext, served: Served) -> None:
    page = context.new_page()
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url) if served.url not in request.url else None)
    page.goto(f"{served.url}/docs")
    expect(page.get_by_text("/api/text-to-image").first).to_be_visible(timeout=SECONDS)
    assert [url for url in outside if not url.startswith("data:")] == []
