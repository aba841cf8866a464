"""A visitor in headless Chromium: three clicks to a portrait, Stop, download, phone and dark."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smart import images, pipeline
from tests.conftest import Server
from tests.ui.conftest import Visitor, download, give

playwright = pytest.importorskip("playwright.sync_api")


def test_three_clicks_to_a_portrait(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open().page
    assert page.locator("#sitters .thumbnail-item").count() == 6
    assert page.locator("#painters .thumbnail-item").count() == 12
    visitor.shot("open")
    visitor.quicken(70)
    sitter = page.locator("#easel img").get_attribute("src")
    page.locator("#sitters .thumbnail-item").nth(3).click()
    playwright.expect(page.locator("#easel img")).not_to_have_attribute("src", sitter or "")
    page.get_by_text("Vincent van Gogh").first.click()
    page.get_by_text("Village Street in Auvers, 1890").wait_for()
    page.locator("#paint").click()
    page.locator("#status").get_by_text(re.compile(r"step \d+ of at most \d+")).wait_for(
        timeout=60_000
    )
    first = page.locator("#easel img").get_attribute("src")
    playwright.expect(page.locator("#easel img")).not_to_have_attribute("src", first or "")
    visitor.shot("painting")
    page.locator("#download").wait_for(timeout=200_000)
    playwright.expect(page.locator("#status")).to_contain_text(
        "Sitter 15 after Vincent van Gogh, finished after"
    )
    visitor.shot("finished")
    path = download(page, tmp_path)
    assert path.name == "portrait-15-van-gogh.png"
    provenance = images.read_provenance(path)
    assert provenance["sitter"]["seed"] == 15
    assert (provenance["painting"]["size"], provenance["painting"]["effort"]) == (256, 70)
    assert pipeline.like(path).choices[0].slug == "van-gogh"
    assert np.asarray(Image.open(path)).std() > 20
    page.locator("#before-after").click()
    page.locator("#compare").wait_for()
    visitor.shot("before-after")
    page.locator("#before-after").click()
    page.locator("#easel img").wait_for()
    assert visitor.strangers == []
    assert visitor.errors == []


def test_stop_keeps_the_picture_and_the_page_stays_alive(visitor: Visitor) -> None:
    page = visitor.open().page
    page.locator("#paint").click()
    page.locator("#status").get_by_text(re.compile("step")).wait_for(timeout=60_000)
    # The page answers while it paints: another sitter can be looked for.
    began = time.monotonic()
    page.locator("#others").click()
    first = page.locator("#sitters").get_by_text("Sitter 12", exact=True)
    playwright.expect(first).to_have_count(0, timeout=30_000)
    assert time.monotonic() - began < 30
    page.locator("#stop").click()
    page.locator("#download").wait_for(timeout=20_000)
    playwright.expect(page.locator("#status")).to_contain_text("stopped and kept as it stood")
    assert page.locator("#paint").is_visible()
    visitor.shot("stopped")
    assert visitor.errors == []


def test_a_seed_that_is_none_says_so_and_changes_nothing(visitor: Visitor) -> None:
    page = visitor.open().page
    page.get_by_role("button", name="Where they come from").click()
    page.wait_for_timeout(1000)  # what is typed while the controls still unfold is lost
    field = page.locator("#seed input")
    for typed, message in (("-5", "seed is -5"), ("1.5", "seed is 1.5"), ("", "seed is empty")):
        field.fill(typed)
        field.press("Enter")
        page.get_by_text(message).first.wait_for(timeout=10_000)
        assert page.locator("#sitters").get_by_text("Sitter 12", exact=True).count() == 1
    field.fill("40")
    field.press("Enter")
    page.locator("#sitters").get_by_text("Sitter 45", exact=True).wait_for(timeout=30_000)


def test_a_painter_with_several_works(visitor: Visitor) -> None:
    page = visitor.open().page
    page.get_by_text("Katsushika Hokusai").first.click()
    playwright.expect(page.locator("#credit")).to_contain_text("Hokusai")
    page.locator("#work input").click()
    assert page.get_by_role("option").count() == 8
    page.get_by_role("option", name="The Great Wave off Kanagawa").click()
    playwright.expect(page.locator("#credit")).to_contain_text("c. 1831")
    playwright.expect(page.locator("#credit")).not_to_contain_text("Poppies")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone(browser: playwright.Browser, server: Server, theme: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    visitor = Visitor(context.new_page(), server).open(f"?__theme={theme}")
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.shot(f"phone-{theme}")
    assert visitor.strangers == []
    context.close()


def test_the_dark_page(visitor: Visitor) -> None:
    page = visitor.open("?__theme=dark").page
    page.locator("body.dark").wait_for()
    dark = page.evaluate(
        "getComputedStyle(document.querySelector('.gradio-container')).backgroundColor"
    )
    assert max(int(value) for value in re.findall(r"\d+", dark)[:3]) < 60
    visitor.shot("dark")


def test_a_photograph_with_a_brushed_mask(
    visitor: Visitor, photograph: Path, tmp_path: Path
) -> None:
    page = visitor.open().page
    visitor.quicken(10)
    page.get_by_text("Your own photograph").click()
    give(page, photograph)
    page.locator("#photo button[title*=rush], #photo button[aria-label*=rush]").first.click()
    canvas = page.locator("#photo canvas").first.bounding_box()
    assert canvas
    middle = canvas["x"] + canvas["width"] / 2, canvas["y"] + canvas["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 25, middle[1] + 8, steps=6)
    page.mouse.up()
    visitor.shot("photograph")
    page.locator("#paint").click()
    page.locator("#download").wait_for(timeout=200_000)
    path = download(page, tmp_path)
    playwright.expect(page.locator("#status")).to_contain_text("Your photograph after")
    provenance = images.read_provenance(path)
    assert "keep_sha256" in provenance["photo"]
    assert "holiday" not in str(provenance)
    assert Image.open(path).size == (256, 200)
    page.locator("#sitters .thumbnail-item").nth(1).click()
    playwright.expect(page.locator("#use-photo input")).not_to_be_checked()
    assert visitor.errors == []


def test_a_photograph_goes_and_another_comes(
    visitor: Visitor, photograph: Path, tmp_path: Path
) -> None:
    page = visitor.open().page
    page.get_by_text("Your own photograph").click()
    give(page, photograph)
    chosen = page.locator("#sitters .thumbnail-item.selected")
    playwright.expect(chosen).to_have_count(0)
    page.locator("#use-photo input").click()
    playwright.expect(chosen).to_have_count(1)
    page.locator("#use-photo input").click()
    playwright.expect(chosen).to_have_count(0)
    page.get_by_role("button", name="Clear canvas").click()
    playwright.expect(page.locator("#photo canvas")).to_have_count(0)
    playwright.expect(page.locator("#use-photo input")).not_to_be_checked()
    playwright.expect(chosen).to_have_count(1)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    page.locator("#camera input[type=file]").set_input_files(broken)
    page.locator("#status").get_by_text("That was no photograph").wait_for()
    playwright.expect(page.locator("#camera img")).to_have_count(0)
    give(page, photograph)


def test_stop_go_on_another_for_the_ground_and_the_film(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open().page
    visitor.quicken(70)
    page.get_by_text("A second painter").click()
    page.locator("#second input").click()
    page.get_by_role("option", name="Vincent van Gogh").click()
    page.get_by_text("Paints what is behind the sitter").click()
    playwright.expect(page.locator("#share")).to_have_count(0)
    visitor.shot("controls")
    page.locator("#paint").click()
    page.locator("#status").get_by_text(re.compile(r"step [1-9]")).wait_for(timeout=60_000)
    page.locator("#stop").click()
    page.locator("#go-on").wait_for(timeout=30_000)
    playwright.expect(page.locator("#status")).to_contain_text("stopped and kept")
    page.locator("#go-on").click()
    playwright.expect(page.locator("#status")).to_contain_text("finished after", timeout=200_000)
    provenance = images.read_provenance(download(page, tmp_path))
    assert provenance["ground"][0]["slug"] == "van-gogh"
    assert provenance["earlier"][0]["stopped_after"] > 0
    page.locator("#film-button").click()
    page.locator("#film video, #film-picture img").first.wait_for(timeout=30_000)
    visitor.shot("film")
    assert visitor.strangers == []
    assert visitor.errors == []
