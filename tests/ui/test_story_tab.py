"""How it works in the browser, and what its functions refuse."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest
import torch

from smart.story import Parts
from smart.ui import retelling, story_pictures, story_words, telling
from tests.ui.conftest import Visitor, playwright


def test_what_no_one_can_choose_is_refused() -> None:
    stranger = SimpleNamespace(session_hash="x")
    for call in (
        lambda: next(telling.grow(-1, 0.7)),
        lambda: next(telling.grow(None, 0.7)),
        lambda: next(telling.grow(1, 9.0)),
        lambda: telling.reveal(2**40),
        lambda: telling.look(1, 0.7, "/etc/passwd", "relu1_1"),
        lambda: telling.look(1, 0.7, "hokusai", "conv1_1"),
        lambda: next(retelling.repaint(stranger, 1, 0.7, "hokusai", 300.0)),  # type: ignore[arg-type]
        lambda: next(retelling.rebuild(stranger, 1, 0.7, "nobody", "relu1_1")),  # type: ignore[arg-type]
    ):
        with pytest.raises(gr.Error):
            call()
    assert story_words.NO_PORTRAIT in retelling.show_step(None, 3)


def test_pictures_say_what_they_are() -> None:
    small = story_pictures.figure(torch.rand(1, 3, 8, 8), 'a "face"', "8 px")
    assert 'class="crisp"' in small
    assert "image/png" in small
    assert "a &quot;face&quot;" in small
    large = story_pictures.figure(torch.rand(1, 3, 600, 600), "a face")
    assert "image/jpeg" in large
    assert story_pictures.code(torch.randn(512), 2.5).size == (32, 16)
    falls = [Parts(0.5, 0.0), Parts(0.2, 0.1)]
    assert story_pictures.curves(falls[:1], 40, "curves") == ""
    drawn = story_pictures.curves(falls, 40, "how they fall")
    assert 'aria-label="how they fall"' in drawn
    assert drawn.count("<polyline") == 2


def test_the_whole_story(visitor: Visitor) -> None:
    page = visitor.open().page
    assert page.locator("#story-growth img").count() == 0
    page.get_by_role("tab", name="How it works").click()
    page.locator("#story-growth img").nth(7).wait_for(timeout=60_000)
    page.locator("#story-row img").nth(4).wait_for(timeout=60_000)
    page.locator("#story-portraits img").nth(5).wait_for(timeout=60_000)
    page.locator("#story-maps img").nth(17).wait_for(timeout=60_000)
    before = page.locator("#story-face img").get_attribute("src") or ""
    page.get_by_label("Seed", exact=True).locator("visible=true").first.fill("33")
    page.get_by_label("Seed", exact=True).locator("visible=true").first.press("Enter")
    face = page.locator('#story-face img[alt*="seed 33"]')
    face.wait_for(timeout=30_000)
    assert face.get_attribute("src") != before
    page.locator("#story-portraits .thumbnail-item").nth(1).click()
    page.locator("#story-verdict img").nth(7).wait_for(timeout=60_000)
    playwright.expect(page.locator("#story-verdict .verdict")).to_contain_text("critic")
    page.locator("#story-rebuild").click()
    page.locator("#story-rebuild-stop").click(timeout=60_000)
    page.locator("#story-rebuild").wait_for(timeout=60_000)
    assert page.locator("#story-kept img").count() == 2
    page.locator("#story-paint").click()
    playwright.expect(page.locator("#story-said")).to_contain_text("Style is off", timeout=90_000)
    page.locator("#story-stop").click()
    playwright.expect(page.locator("#story-said")).to_contain_text("Style fell", timeout=60_000)
    page.locator("#story-frames img").nth(1).wait_for(timeout=60_000)
    page.locator("#story-sketch").click()
    page.locator("#story-sketched img").nth(1).wait_for(timeout=60_000)
    visitor.shot("story")
    # One comes back to what was there.
    page.get_by_role("tab", name="Studio").click()
    page.get_by_role("tab", name="How it works").click()
    page.wait_for_timeout(1000)
    assert page.locator("#story-sketched img").count() == 2
    assert page.locator('#story-face img[alt*="seed 33"]').count() == 1
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert visitor.strangers == []
    assert visitor.errors == []
