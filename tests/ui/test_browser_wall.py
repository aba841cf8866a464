"""The wall in the browser: what is painted hangs there, comes back, and goes; links; a phone."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smart import images, provenance, sitters
from smart.options import PaintingOptions, SamplingOptions
from smart.provenance import Leg
from smart.settings import Settings
from smart.wall import Wall
from tests.conftest import ROOT, Server
from tests.ui.conftest import Visitor, playwright


def hang(folder: Path, settings: Settings, **more: Any) -> str:
    """A portrait with these settings; its picture is the sitter's, which is quicker."""
    choices, ground = settings.choices()
    assert settings.sampling is not None
    known = {
        "sitter": provenance.sitter_to_dict(settings.sampling),
        **provenance.legs_to_dict([Leg(settings.painting)]),
        "styles": provenance.painters_to_list(choices), "network": "vgg16",
        "precision": "float32", **more,
    }  # fmt: skip
    if ground:
        known["ground"] = provenance.painters_to_list(ground)
    if "photo" in more:
        known.pop("sitter")
    picture = images.to_pil(sitters.face(settings.sampling, 256))
    return Wall(folder).hang(picture, known)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three portraits that were painted before this page was opened, and a file that is none."""
    path = tmp_path_factory.mktemp("wall") / "portraits"
    hang(path, Settings(SamplingOptions(seed=3), "hokusai", PaintingOptions(size=256, effort=10)))
    hang(path, Settings(SamplingOptions(seed=4), "van-gogh"), photo={"sha256": "ab"})
    time.sleep(0.02)
    hang(
        path,
        Settings(
            SamplingOptions(seed=15, psi=0.5, sliders="smile=0.75", colors_from=7),
            "hokusai/great-wave",
            PaintingOptions(
                size=640, engine="feed-forward", strength=0.65, content_weight=0.2, effort=75
            ),
            "van-gogh", "mix", 33.33,
        ),
    )  # fmt: skip
    (path / "notes.txt").write_text("mine")
    return path


@pytest.fixture(scope="module")
def wall_server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SMART_PORTRAITS", str(folder))
        running = Server(ROOT / "styles", tmp_path_factory.mktemp("served") / "log.txt")
    yield running
    running.stop()


def test_the_wall(
    browser: playwright.Browser, wall_server: Server, folder: Path, tmp_path: Path
) -> None:
    context = browser.new_context(
        viewport={"width": 1440, "height": 1000}, accept_downloads=True, locale="en-US",
        permissions=["clipboard-read", "clipboard-write"],
    )  # fmt: skip
    visitor = Visitor(context.new_page(), wall_server).open()
    page, expect = visitor.page, playwright.expect
    tiles = page.locator("#wall-tiles .thumbnail-item")
    expect(tiles).to_have_count(3, timeout=20_000)
    expect(page.locator("#wall-words")).to_contain_text("no portrait, and left alone: 1")
    visitor.shot("wall-open")
    # The newest first; everything of it comes back.
    tiles.first.click()
    expect(page.locator("#wall-about h3")).to_contain_text(
        "Sitter 15, mixed after Katsushika Hokusai and Vincent van Gogh, 256 px"
    )
    visitor.shot("wall-chosen")
    page.locator("#wall-recall").click()
    status = page.locator("#status")
    expect(status).to_contain_text("Recalled, with all its settings", timeout=30_000)
    expect(page.locator("#size input")).to_have_value("640 px")
    expect(page.locator("#sitters .thumbnail-item.selected")).to_have_attribute(
        "aria-label", "Sitter 15, mixed"
    )
    expect(page.locator("#work input")).to_have_value("The Great Wave off Kanagawa")
    expect(page.locator("#download")).to_be_visible()
    expect(page.locator("#go-on")).to_be_visible()
    page.locator("#before-after").click()
    page.locator("#compare img").first.wait_for()
    visitor.shot("wall-recalled")
    page.locator("#before-after").click()
    # The link of what was recalled is what was recalled.
    page.locator("#wall-link").click()
    words = page.locator("#wall-link-words")
    expect(words).to_contain_text("in the address bar and copied", timeout=20_000)
    address = page.locator("#wall-address textarea, #wall-address input").first.input_value()
    assert address == page.url == page.evaluate("navigator.clipboard.readText()")
    query = address.partition("?")[2]
    assert set(query.split("&")) == {
        "painter=hokusai/great-wave", "seed=15", "psi=0.5", "sliders=smile%3D0.75",
        "colors_from=7", "size=640", "engine=feed-forward", "strength=0.65",
        "content_weight=0.2", "effort=75", "second=van-gogh", "role=mix", "share=33.33",
    }  # fmt: skip
    visitor.shot("wall-link")
    _compare_and_delete(visitor, folder, tmp_path)
    _vary(visitor, folder)
    assert visitor.strangers == []
    assert visitor.errors == []
    _open_links(context, wall_server, query)
    context.close()


def _compare_and_delete(visitor: Visitor, folder: Path, tmp_path: Path) -> None:
    page, expect = visitor.page, playwright.expect
    tiles = page.locator("#wall-tiles .thumbnail-item")
    tiles.nth(2).click()
    expect(page.locator("#wall-about h3")).to_contain_text("Sitter 3 after")
    page.locator("#wall-compare").click()
    expect(page.locator("#wall-compare")).to_have_text("Choose the other")
    tiles.nth(0).click()
    page.locator("#wall-pair img").first.wait_for(timeout=20_000)
    expect(page.locator("#wall-about tbody")).to_contain_text("Asked: smile")
    expect(page.locator("#wall-about tbody")).to_contain_text("+0.75")
    visitor.shot("wall-pair")
    with page.expect_download() as coming:
        page.locator("#wall-all").click()
    coming.value.save_as(tmp_path / "all.zip")
    assert coming.value.suggested_filename == "portraits.zip"
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert len(archive.namelist()) == 3
    tiles.nth(1).click()
    expect(page.locator("#wall-about h3")).to_contain_text("A photograph after Vincent van Gogh")
    with page.expect_download() as coming:
        page.locator("#wall-download").click()
    kept = coming.value.suggested_filename
    assert (folder / kept).is_file()
    page.locator("#wall-recall").click()
    expect(page.locator("#status")).to_contain_text("give the photograph again", timeout=30_000)
    expect(page.locator("#go-on")).to_have_count(0)
    page.locator("#wall-delete").click()
    expect(page.locator("#wall-delete")).to_have_text("Delete for good?")
    page.locator("#wall-delete").click()
    expect(tiles).to_have_count(2, timeout=20_000)
    assert not (folder / kept).exists()
    assert (folder / "notes.txt").exists()


def _vary(visitor: Visitor, folder: Path) -> None:
    """Something near is painted at once and hangs here; the same comes back from its file."""
    page, expect = visitor.page, playwright.expect
    tiles = page.locator("#wall-tiles .thumbnail-item")
    tiles.nth(1).click()
    expect(page.locator("#wall-about h3")).to_contain_text("Sitter 3 after")
    page.locator("#wall-vary").click()
    expect(tiles).to_have_count(3, timeout=120_000)
    expect(page.locator("#status")).to_contain_text("Sitter 3, relative")
    newest = Wall(folder).view(1).hung[0]
    assert newest.known["sitter"]["relative"] > 0
    assert newest.known["painting"]["effort"] == 10
    # No portrait is marked now, and none is told of.
    expect(page.locator("#wall-about")).to_have_count(0)
    page.evaluate("history.replaceState(history.state, '', '?painter=hokusai&lang=en')")
    page.locator("#wall-given input[type=file]").set_input_files(newest.path)
    expect(page.locator("#status")).to_contain_text("Recalled", timeout=30_000)
    expect(page).to_have_url(re.compile(r"\?lang=en$"))
    # One that is none says so, and another can be given.
    page.locator("#wall-given input[type=file]").set_input_files(
        {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    page.get_by_text("x.png carries no SMART settings").first.wait_for(timeout=20_000)


def _open_links(context: Any, server: Server, query: str) -> None:
    expect = playwright.expect
    visitor = Visitor(context.new_page(), server).open(f"?{query}&__theme=dark")
    page = visitor.page
    expect(page.locator("#status")).to_contain_text("These settings came with the link: Sitter 15")
    expect(page.locator("#size input")).to_have_value("640 px")
    expect(page.locator("#second input")).to_have_count(0)  # folded, and chosen all the same
    page.locator("#wall-link").click()
    expect(page.locator("#wall-link-words")).to_contain_text("address bar", timeout=20_000)
    address = page.locator("#wall-address textarea, #wall-address input").first.input_value()
    assert set(address.partition("?")[2].split("&")) == {*query.split("&"), "__theme=dark"}
    visitor.shot("wall-dark")
    visitor.open("?painter=nobody&seed=3")
    expect(page.locator("#status")).to_contain_text("The link could not be read")
    expect(page.locator("#status")).to_contain_text("no style 'nobody'")
    visitor.open("?painter=hokusai&seed=-4")
    expect(page.locator("#status")).to_contain_text("seed is -4")
    assert page.locator("#sitters").get_by_text("Sitter 12", exact=True).count() == 1
    assert visitor.strangers == []
    assert visitor.errors == []


def test_the_wall_on_a_phone(browser: playwright.Browser, wall_server: Server) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.add_init_script("navigator.clipboard.writeText = () => Promise.reject('denied')")
    visitor = Visitor(context.new_page(), wall_server).open()
    page = visitor.page
    page.locator("#wall-tiles .thumbnail-item").first.click()
    page.locator("#wall-about h3").wait_for()
    visitor.shot("wall-phone")
    page.locator("#wall-compare").click()
    playwright.expect(page.locator("#wall-compare")).to_have_text("Choose the other")
    page.locator("#wall-tiles .thumbnail-item").nth(1).click()
    page.locator("#wall-pair img").first.wait_for(timeout=20_000)
    # The clipboard is denied: the link stands in its field.
    page.locator("#wall-link").click()
    page.locator("#wall-link-words").get_by_text("copy it from here").wait_for(timeout=20_000)
    visitor.shot("wall-phone-pair")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
