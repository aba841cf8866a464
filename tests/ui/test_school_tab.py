"""The School in the browser, and who may use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from smart.gan import run as run_folder
from smart.options import TrainingOptions
from smart.ui import home, museum, teaching
from tests.conftest import Server
from tests.ui.conftest import Visitor, playwright


def test_only_the_owner_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """The functions refuse, not only the page."""
    assert teaching.allowed()
    monkeypatch.setenv("SPACE_ID", "someone/smart")
    assert not teaching.allowed()
    for call in (
        lambda: next(teaching.begin(gr.Request(), "/", None, "x", "center", "")),
        lambda: next(museum.groups("/", None, "x", "center")),
        lambda: teaching.direct("x", "stop"),
        lambda: teaching.keep("x", "y"),
        lambda: teaching.eye("x"),
        lambda: museum.sort({"source": "/", "crop": "center", "like": [], "unlike": []}, 1),
    ):
        with pytest.raises(gr.Error, match="Training is off here"):
            call()
    monkeypatch.setenv("SMART_TRAINING", "on")
    assert teaching.allowed()
    monkeypatch.delenv("SPACE_ID")
    monkeypatch.setenv("SMART_TRAINING", "auto")
    monkeypatch.setitem(home._policy, "shared", True)
    assert not teaching.allowed()


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    """Forty images of two kinds."""
    folder = tmp_path / "birds"
    folder.mkdir()
    for seed in range(40):
        colours = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
        colours[..., 0] = 240 if seed % 2 else 10
        picture = Image.fromarray(colours).resize((72, 64), Image.Resampling.BICUBIC)
        picture.save(folder / f"{seed:02d}.png")
    return folder


def test_what_is_prepared_is_told_until_it_is_done(
    birds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what another training does, nor that there is none; and it is not begun twice."""
    monkeypatch.setenv("SMART_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SMART_CACHE", str(tmp_path / "cache"))
    here, elsewhere = gr.Request(session_hash="here"), gr.Request(session_hash="elsewhere")
    options = TrainingOptions(resolution=32).to_dict().values()
    order = (str(birds), None, "birds", "center", "", *options)
    begun = teaching.begin(here, *order)
    assert "..." in next(begun)[1]
    with pytest.raises(gr.Error, match="still being prepared"):
        next(teaching.begin(here, *order))
    assert "No training yet" not in str(teaching.look(here, None, {}))
    assert "No training yet" in str(teaching.look(elsewhere, None, {}))
    begun.close()
    assert "No training yet" in str(teaching.look(here, None, {}))


@pytest.fixture
def school_server(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    monkeypatch.setenv("SMART_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SMART_CACHE", str(tmp_path / "cache"))
    running = Server(server.styles, tmp_path / "log.txt")
    yield running
    running.stop()


def test_sort_train_and_come_back(
    browser: playwright.Browser, school_server: Server, birds: Path
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, locale="en-US")
    visitor = Visitor(context.new_page(), school_server).open()
    page = visitor.page
    page.get_by_role("tab", name="School").click()
    page.locator("#school-path textarea, #school-path input").first.fill(str(birds))
    page.get_by_text("Sort them first").click()
    page.locator("#school-groups").click()
    page.locator("#museum .thumbnail-item").nth(30).wait_for(timeout=60_000)
    page.locator("#museum .thumbnail-item").first.click()
    page.get_by_text("1 you want more of").wait_for(timeout=20_000)
    visitor.shot("school-sorting")
    page.get_by_text("Sort them first").click()
    page.get_by_label("32", exact=True).check()
    page.get_by_label("Images to show").fill("1000")
    page.get_by_label("Images to show").press("Enter")
    page.locator("#begin").click()
    status = page.locator("#school-status")
    playwright.expect(status).to_contain_text("Finished: 1,", timeout=120_000)
    page.locator("#grid img").wait_for(timeout=20_000)
    visitor.shot("school")
    page.get_by_text("The critic’s eye").click()
    page.locator("#look").click()
    page.locator("#eye img").wait_for(timeout=60_000)
    again = context.new_page()
    again.goto(school_server.url)
    again.get_by_role("tab", name="School").click()
    playwright.expect(again.locator("#school-status")).to_contain_text("Finished", timeout=30_000)
    assert [run.name for run in run_folder.runs()] == ["my-painters"]
    assert visitor.strangers == []
    assert visitor.errors == []
    context.close()
