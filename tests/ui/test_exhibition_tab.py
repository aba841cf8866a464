"""The Exhibition tab: what it refuses, and an exhibition hung in a real browser."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from smart import exhibition, images, pipeline, styles
from smart.exhibition import REFINING, SKETCHING, Exhibition
from smart.options import PaintingOptions, SamplingOptions
from smart.pipeline import Portrait
from smart.progress import Progress
from smart.ui import exhibiting
from smart.ui.exhibition_wall import Hung, collect, wall
from smart.ui.jobs import WAITING
from tests.ui.conftest import Visitor, playwright

expect = playwright.expect


@pytest.fixture
def hung(tmp_path: Path) -> Hung:
    """Two sitters by two painters, three of four painted."""
    samplings = tuple(SamplingOptions(seed=seed) for seed in (12, 13))
    choices = styles.scan().choose_all(["durer", "hokusai"])
    shown = Exhibition(samplings, choices, PaintingOptions(size=64))
    grey = Image.new("RGB", (64, 64), "grey")
    for place in shown.places[:3]:
        shown.cells[place] = Portrait(grey, {"painting": {"engine": "feed-forward"}})
    shown.faces[0] = grey
    made = Hung(shown, tmp_path / "files", set())
    made.folder.mkdir()
    collect(made)
    return made


def test_the_wall_keeps_room_for_what_does_not_hang_yet(hung: Hung) -> None:
    table = wall(hung)
    assert table.count("<button") == 3
    assert table.count('class="place"') == 2  # a portrait and a sitter
    assert 'alt="Sitter 12 after Albrecht Dürer, a sketch"' in table
    assert table.count('scope="col"') == table.count('scope="row"') == 2
    assert {str(path) for path in (*hung.files.values(), *hung.small.values())} == hung.made


def test_one_that_is_refined_is_shown_as_it_grows(hung: Hung) -> None:
    before = wall(hung)
    hung.shown.now = (0, 1)
    progress = Progress(2, 4, REFINING, preview=images.to_tensor(Image.new("RGB", (512, 512))))
    during = wall(hung, progress)
    assert during.count("data:image/jpeg") == 1
    assert 'class="now"' in during
    finer = Portrait(Image.new("RGB", (64, 64)), {"painting": {"engine": "optimization"}})
    hung.shown.cells[0, 1] = finer
    old = hung.files[0, 1]
    collect(hung)
    assert hung.files[0, 1] != old
    assert old.is_file(), "who is fetching it gets it whole"
    assert "after Katsushika Hokusai, refined" in wall(hung)
    assert ", refined" not in before


@pytest.mark.parametrize(
    "place", [(5, 0), (1, 1), (-1, 0), ("0", 0), (None, None), (0.0, 0), (True, 0), ("../x", "y")]
)
def test_only_places_that_hang_are_shown(hung: Hung, place: tuple[Any, Any]) -> None:
    event: Any = SimpleNamespace(row=place[0], column=place[1])
    with pytest.raises(gr.Error, match="hang the exhibition again"):
        exhibiting.look(hung, event)
    with pytest.raises(gr.Error, match="hang the exhibition again"):
        exhibiting.look(None, event)


def test_a_portrait_is_shown_until_its_file_is_gone(hung: Hung) -> None:
    event: Any = SimpleNamespace(row=1, column=0)
    _, words, _ = exhibiting.look(hung, event)
    assert "Sitter 13 after Albrecht Dürer, a sketch. 64 x 64 px." in words
    hung.files[1, 0].unlink()
    with pytest.raises(gr.Error, match="hang the exhibition again"):
        exhibiting.look(hung, event)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (lambda: exhibiting.sitters_from(None, 2), "seed is empty"),
        (lambda: exhibiting.sitters_from(-4, 2), "-4"),
        (lambda: exhibiting.sitters_from(1, 9), "from 1 to 8 sitters"),
        (lambda: exhibiting.sitters_from(1, float("nan")), "from 1 to 8 sitters"),
        (lambda: exhibiting.six_sitters([]), "no sitters yet"),
        (lambda: exhibiting.ordered((SamplingOptions(),), [], 256, None), "at least one painter"),
        (
            lambda: exhibiting.ordered((SamplingOptions(),), ["durer"] * 9, 256, None),
            "has room for 8",
        ),
        (lambda: exhibiting.ordered((SamplingOptions(),), ["../../etc"], 256, None), "no style"),
        (lambda: exhibiting.ordered((SamplingOptions(),), ["durer"], 4096, None), "size is 4096"),
        (lambda: exhibiting.ordered((SamplingOptions(),), ["durer"], "x", None), "size"),
    ],
)
def test_what_the_server_refuses(order: Any, message: str) -> None:
    with pytest.raises(gr.Error, match=message):
        order()


def test_the_studios_sitters_come_with_what_they_are_asked_for() -> None:
    asked = SamplingOptions(seed=4, sliders="turn=1")
    tiles = [asked.to_dict(), SamplingOptions(seed=5).to_dict(), asked.to_dict()]
    assert exhibiting.six_sitters(tiles) == (asked, SamplingOptions(seed=5))


def test_time_left_is_that_of_the_stage(hung: Hung, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(exhibiting.time, "monotonic", lambda: now[0])
    pace = exhibiting.Pace()
    hung.shown.now = (0, 0)
    first = pace.words(hung, Progress(1, 16, SKETCHING, fraction=0.0))
    assert first == ("Sketching 1 of 16: Sitter 12 after Albrecht Dürer", 0.0, "")
    now[0] += 10
    assert pace.words(hung, Progress(9, 16, SKETCHING, fraction=0.5))[2] == "about 10 s left"
    assert pace.words(hung, Progress(1, 16, REFINING, fraction=0.0))[2] == ""
    now[0] += 60
    assert pace.words(hung, Progress(2, 16, REFINING, fraction=0.1))[2] == "about 9 min left"
    assert pace.words(hung, Progress(0, 2, WAITING))[0] == "2 others are served before you"


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ((1, 0, False, 2.4), "One sketch hangs. It took 2 s."),
        ((16, 0, False, 3.0), "16 sketches hang. It took 3 s."),
        ((1, 1, False, 20.0), "One portrait hangs, refined. It took 20 s."),
        (
            (8, 2, True, 12.0),
            "8 portraits hang, 2 of them refined. Stopped after 12 s; what hangs is kept.",
        ),
    ],
)
def test_how_it_ended(ended: tuple[int, int, bool, float], words: str) -> None:
    assert exhibiting.how_it_ended(*ended) == words


def enter(visitor: Visitor) -> Any:
    page = visitor.open().page
    page.get_by_role("tab", name="Exhibition").click()
    page.locator("#exhibition-painters label").nth(3).wait_for()
    page.wait_for_timeout(1000)
    return page


def order_small(page: Any, count: int) -> None:
    """Two painters at 256 px; a visitor leaves the size alone."""
    field = page.locator("#exhibition-count input[type=number]")
    field.fill(str(count))
    field.press("Tab")
    for name in ("Giuseppe Arcimboldo", "Frédéric Bazille"):
        page.get_by_role("checkbox", name=name).uncheck()
    page.locator("#exhibition-size input").click()
    page.get_by_role("option", name="256 px").click()


def test_an_exhibition_is_hung_looked_at_and_taken_home(visitor: Visitor, tmp_path: Path) -> None:
    page = enter(visitor)
    order_small(page, 2)
    page.locator("#hang").click()
    page.locator("#exhibition-wall td button").first.wait_for(timeout=60_000)
    frame = page.locator("#exhibition-wall .wall-frame")
    height = frame.bounding_box()["height"]
    page.locator("#exhibition-zip").wait_for(timeout=120_000)
    expect(page.locator("#exhibition-wall td button")).to_have_count(4)
    assert abs(frame.bounding_box()["height"] - height) < 2, "nothing jumps while it fills"
    assert "4 sketches hang" in page.locator(".exhibition-status .line").inner_text()
    visitor.shot("exhibition")
    picture = page.locator("#exhibition-wall td button img").nth(3)
    assert picture.evaluate("one => one.complete && one.naturalWidth") == 256
    page.locator("#exhibition-wall td button").nth(3).focus()
    page.keyboard.press("Enter")
    page.locator("#exhibition-large img").wait_for()
    words = page.locator(".exhibition-words p")
    expect(words).to_contain_text("Sitter 13 after Pieter Bruegel the Elder, a sketch.")
    sheet, archive, one = (
        _download(page, name, tmp_path)
        for name in ("#exhibition-sheet", "#exhibition-zip", "#exhibition-download")
    )
    assert one.name == "2-2-sitter-13-bruegel.png"
    assert pipeline.like(one).sampling == SamplingOptions(seed=13)
    known = images.read_provenance(sheet)
    assert exhibition.told_of(known, (1, 1)) == images.read_provenance(one)
    with zipfile.ZipFile(archive) as packed:
        assert len(packed.namelist()) == 4
        assert packed.read(one.name) == one.read_bytes()
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert visitor.errors == []
    assert visitor.strangers == []


def _download(page: Any, button: str, folder: Path) -> Path:
    with page.expect_download() as coming:
        page.locator(button).click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def test_stop_keeps_what_hangs(visitor: Visitor) -> None:
    page = enter(visitor)
    order_small(page, 8)
    page.locator("#hang").click()
    page.locator("#exhibition-wall td button").first.wait_for(timeout=60_000)
    page.locator("#exhibition-stop").click()
    page.locator("#exhibition-zip").wait_for(timeout=60_000)
    status = page.locator(".exhibition-status .line").inner_text()
    assert "what hangs is kept" in status
    hangs = page.locator("#exhibition-wall td button").count()
    assert 1 <= hangs < 16
    assert page.locator("#hang").is_visible()
    assert visitor.errors == []
