"""Asking the sitter in a real browser: sliders, keeping, relatives, mixing, a walk, a likeness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smart import images
from tests.ui.conftest import Visitor, download, give

playwright = pytest.importorskip("playwright.sync_api")


def drag(page: Any, slider: str, share: float, release: bool = True) -> None:
    """Take a slider to that share of its length."""
    line = page.locator(f"#{slider} input[type=range]")
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * share, y, steps=4)
    if release:
        page.mouse.up()


def easel(page: Any) -> str:
    return str(page.locator("#easel img").get_attribute("src"))


def another_face(page: Any, before: str) -> str:
    """Wait for the easel to show something else, and what it is."""
    shown = page.locator("#easel img")
    playwright.expect(shown).not_to_have_attribute("src", before, timeout=30_000)
    return easel(page)


def test_a_turned_sitter_is_kept_painted_and_recalled(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open().page
    visitor.quicken(10)
    page.get_by_label("Feed-forward").click()
    page.get_by_role("button", name="Ask the sitter").click()
    page.get_by_text("Turn the head").wait_for()
    before = easel(page)
    drag(page, "wish-0", 0.95, release=False)
    sketched = another_face(page, before)
    page.mouse.up()
    another_face(page, sketched)
    page.locator("#keep").click()
    page.get_by_text("★ Sitter 12").wait_for()
    visitor.shot("asked")
    page.locator("#others").click()
    playwright.expect(page.get_by_text("Sitter 13", exact=True)).to_have_count(0, timeout=60_000)
    first = page.locator("#sitters .thumbnail-item").first
    playwright.expect(first).to_contain_text("★ Sitter 12")
    first.click()
    turn = page.get_by_label("range slider for Turn the head")
    playwright.expect(turn).not_to_have_value("0")
    page.locator("#paint").click()
    page.locator("#download").wait_for(timeout=200_000)
    sitter = images.read_provenance(download(page, tmp_path))["sitter"]
    assert sitter["seed"] == 12
    name, amount = sitter["sliders"].split("=")
    assert name == "turn"
    assert float(amount) > 0.7
    page.locator("#as-they-came").click()
    playwright.expect(turn).to_have_value("0")
    assert visitor.errors == []


def test_relatives_and_mixing(visitor: Visitor) -> None:
    page = visitor.open().page
    page.get_by_role("button", name="Relatives and mixing").click()
    page.locator("#relatives").click()
    page.get_by_text("Sitter 12, relative 5").wait_for(timeout=60_000)
    before = easel(page)
    page.locator("#sitters .thumbnail-item").nth(2).click()
    before = another_face(page, before)
    page.locator("#features-from input").fill("9")
    page.locator("#features-from input").press("Enter")
    another_face(page, before)
    visitor.shot("relatives")
    page.locator("#colors-from input").fill("-3")
    page.locator("#colors-from input").press("Enter")
    page.get_by_text("“Colours of” is -3").first.wait_for()
    assert visitor.errors == []


def test_a_walk_that_is_stopped_is_a_film(visitor: Visitor) -> None:
    page = visitor.open().page
    page.get_by_role("button", name="A walk").click()
    page.locator("#walk").click()
    page.locator("#status").get_by_text("Walking, step").wait_for(timeout=60_000)
    page.locator("#stop").click()
    page.locator("#film video, #film-picture img").first.wait_for(timeout=60_000)
    playwright.expect(page.locator("#status")).to_contain_text("as far as it came")
    visitor.shot("walk")
    page.locator("#sitters .thumbnail-item").nth(1).click()
    page.locator("#easel img").wait_for()
    playwright.expect(page.locator("#film video, #film-picture img")).to_have_count(0)
    assert visitor.errors == []


def test_a_likeness_is_framed_searched_and_asked(visitor: Visitor, photograph: Path) -> None:
    page = visitor.open().page
    page.get_by_text("Your own photograph").click()
    give(page, photograph)
    page.locator("#likeness").click()
    page.locator("#guide img").wait_for(timeout=60_000)
    visitor.shot("frame")
    shown = page.locator("#guide img").get_attribute("src")
    drag(page, "frame-y", 0.52)
    playwright.expect(page.locator("#guide img")).not_to_have_attribute("src", shown)
    page.locator("#search").click()
    page.locator("#status").get_by_text("Turning to the photograph").wait_for(timeout=120_000)
    page.locator("#stop").click()
    page.get_by_text("★ Your likeness").wait_for(timeout=60_000)
    playwright.expect(page.locator("#use-photo input")).not_to_be_checked()
    before = easel(page)
    page.get_by_role("button", name="Ask the sitter").click()
    drag(page, "wish-0", 0.9)
    another_face(page, before)
    visitor.shot("likeness")
    assert visitor.errors == []
