"""A visitor in headless Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from smart import images, sitters
from smart.options import SamplingOptions
from tests.conftest import Server

playwright = pytest.importorskip("playwright.sync_api")

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
SHOTS = os.environ.get("SMART_SCREENSHOTS")


class Visitor:
    """A page, what it complained about, and whom it asked beside our server."""

    def __init__(self, page: playwright.Page, server: Server) -> None:
        self.page, self.server = page, server
        self.errors: list[str] = []
        self.strangers: list[str] = []
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._asked)

    def _asked(self, request: playwright.Request) -> None:
        if not request.url.startswith((self.server.url, "data:", "blob:")):
            self.strangers.append(request.url)

    def open(self, query: str = "") -> Visitor:
        self.page.goto(self.server.url + query)
        self.page.locator("#sitters img").nth(5).wait_for(timeout=60_000)
        self.page.locator("#easel img").wait_for()
        return self

    def shot(self, name: str) -> None:
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.wait_for_timeout(600)
            self.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)

    def choose_size(self, size: int) -> None:
        self.page.locator("#size input").click()
        self.page.get_by_role("option", name=f"{size} px").click()

    def quicken(self, effort: int) -> None:
        """A small size and a share of the usual steps, in per cent; a visitor leaves both alone."""
        self.choose_size(256)
        self.page.get_by_text("The painter's hand").click()
        field = self.page.get_by_label("number input for Effort (%)")
        for _ in range(20):  # what is typed while the controls still unfold is lost
            field.fill(str(effort))
            field.press("Tab")
            self.page.wait_for_timeout(500)
            if field.input_value() == str(effort):
                return
        raise AssertionError("Effort did not keep what was typed.")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as running:
        started = running.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visitor(browser: playwright.Browser, server: Server) -> Iterator[Visitor]:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, accept_downloads=True, locale="en-US"
    )
    yield Visitor(context.new_page(), server)
    context.close()


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of 512 x 400 px whose name must not show up anywhere."""
    path = tmp_path_factory.mktemp("photographs") / "holiday.jpg"
    images.to_pil(sitters.face(SamplingOptions(seed=3), 512)).crop((0, 40, 512, 440)).save(path)
    return path


def rooms(page: playwright.Page) -> list[str]:
    """The names of all tabs, also of those in the menu of a narrow page."""
    return page.locator("#rooms > .tab-wrapper > [aria-hidden] button").all_text_contents()


def go_to(page: playwright.Page, name: str) -> None:
    """Choose a tab, which a narrow page keeps in a menu."""
    tab = page.locator("#rooms > .tab-wrapper").get_by_role("tab", name=name, exact=True)
    if not tab.is_visible():
        page.get_by_role("button", name="More tabs").click()
        tab = page.locator(".overflow-dropdown").get_by_text(name, exact=True)
    tab.click()


def give(page: playwright.Page, photograph: Path) -> None:
    """Upload a photograph and wait until it sits and can be brushed over."""
    before = page.locator("#easel img").get_attribute("src") or ""
    page.locator("#camera input[type=file]").set_input_files(photograph)
    playwright.expect(page.locator("#use-photo input")).to_be_checked(timeout=30_000)
    easel = page.locator("#easel img")
    playwright.expect(easel).not_to_have_attribute("src", before, timeout=30_000)
    # There is something to undo as soon as the picture is on the canvas.
    playwright.expect(page.get_by_role("button", name="Undo")).to_be_enabled(timeout=30_000)


def download(page: playwright.Page, folder: Path) -> Path:
    with page.expect_download() as coming:
        page.locator("#download").click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path
