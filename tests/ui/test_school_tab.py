"""The School in the browser, and who may use it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from smart.gan import run as run_folder
from smart.gan.selection import read_selection
from smart.options import TrainingOptions
from smart.progress import Progress
from smart.ui import home, museum, teaching, watching
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
        lambda: teaching.there("/"),
        lambda: watching.direct("x", "stop"),
        lambda: watching.delete("x", "x"),
        lambda: watching.keep("x", "y"),
        lambda: watching.eye("x"),
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


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of one's own for trainings and what is cached."""
    monkeypatch.setenv("SMART_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("SMART_CACHE", str(tmp_path / "cache"))
    return tmp_path / "runs"


HERE = gr.Request(session_hash="here")
TINY = tuple(TrainingOptions(resolution=32).to_dict().values())


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the page was told beside."""
    words: list[str] = []
    monkeypatch.setattr(gr, "Info", lambda text, **_: words.append(text))
    return words


def test_what_is_prepared_is_told_until_it_is_done(
    birds: Path, runs: Path, said: list[str]
) -> None:
    """Not what another training does, nor that there is none; and it is not begun twice."""
    elsewhere = gr.Request(session_hash="elsewhere")
    order = (str(birds), None, "birds", "center", "", *TINY)
    begun = teaching.begin(HERE, *order)
    _, words, stop = next(begun)  # at once, before any image is read
    assert "Looking at the images ..." in words
    assert stop.visible
    assert list(teaching.begin(HERE, *order)) == [[gr.skip()] * 3]
    assert said == [teaching.PREPARING]
    assert teaching.halt(HERE).visible
    assert "No training yet" not in str(watching.look(HERE, None, {}))
    assert "No training yet" in str(watching.look(elsewhere, None, {}))
    begun.close()
    assert not teaching.halt(HERE).visible
    assert "No training yet" in str(watching.look(HERE, None, {}))


def test_a_preparation_is_counted_and_can_be_stopped(
    birds: Path, runs: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teaching, "READ", 0.0)
    monkeypatch.setattr(teaching, "start", lambda *_: pytest.fail("it was begun"))
    begun = teaching.begin(HERE, str(birds), None, "birds", "center", "", *TINY)
    next(begun)
    assert "Reading images: " in next(begun)[1]
    assert "Stopping" in teaching.stop_preparing(HERE)[0]
    assert not teaching.halt(HERE).visible
    next(teaching.begin(HERE, str(birds), None, "birds", "center", "", *TINY))
    assert said == [teaching.LEAVING]
    assert "no training was begun" in list(begun)[-1][1]
    words, share = teaching.counted(Progress(1200, 2400, "looking for faces"))
    assert (words, share) == ("Looking for faces: 1,200 of 2,400", 0.5)


def test_a_name_that_is_taken_is_told_in_the_words_of_the_page(birds: Path, runs: Path) -> None:
    run_folder.create("birds").write_options(TrainingOptions(), {})
    with pytest.raises(gr.Error, match="under Training") as refused:
        next(teaching.begin(HERE, str(birds), None, "birds", "center", "", *TINY))
    assert "--" not in refused.value.message


def test_what_a_folder_holds_is_told_when_it_is_named(birds: Path, tmp_path: Path) -> None:
    assert "40 images are there" in teaching.there(str(birds)).value
    assert "check the path" in teaching.there(str(tmp_path / "nowhere")).value
    assert not teaching.there(" ").visible


@pytest.fixture
def training(runs: Path) -> run_folder.Run:
    """The folder of a training under way."""
    run = run_folder.create("birds")
    run.write_options(TrainingOptions(evaluate_every=12_500), {})
    run.want("run")
    run.write_status(state="training", seen=8192, images=500_000, speed=42, seconds_left=600)
    Image.new("RGB", (256, 256)).save(run.path / "latest.png")
    return run


def row(seen: int) -> dict[str, float]:
    known = dict.fromkeys(run_folder.TICKED, 0.0)
    return known | {"seen": seen, "learnt": -1.3, "held_out": -0.4, "made": 0.2}


def test_curves_come_as_numbers_and_not_before_they_are_lines(training: run_folder.Run) -> None:
    """A plot that was shown empty takes the numbers that follow as names."""
    seen: dict[str, object] = {}
    for count in (0, 1):
        *_, seen = told = watching.look(HERE, "birds", seen)
        assert told[1].visible
        assert not told[2].visible
        assert not told[3].visible
        assert "from 8,192 images on" in told[4].value
        assert "from 28,672 images on" in told[4].value  # twice 12,500, at the next look
        training.add_stats(row(4096 * (count + 1)))
    told = watching.look(HERE, "birds", seen)
    assert not told[2].visible
    assert told[3].visible
    assert told[3].value["datatypes"] == {
        "images": "quantitative", "how real": "quantitative", "to the critic": "nominal",
    }  # fmt: skip
    seen = told[-1]
    for more in (3, 4):
        training.add_stats({**row(4096 * more), "swd": 1.0 / more, "diversity": 0.5})
    told = watching.look(HERE, "birds", seen)
    assert told[2].value["datatypes"]["distance"] == "quantitative"
    assert not told[4].visible
    told = watching.look(HERE, None, told[-1])
    assert not any(part.visible for part in told[1:10])


def can(buttons: list[gr.Button]) -> list[str]:
    return [doing for doing, one in zip(watching.DOINGS, buttons, strict=True) if one.visible]


def test_what_is_wanted_is_told_at_once(
    training: run_folder.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = watching.look(HERE, "birds", {})
    assert "Training: 8,192 of 500,000 images shown." in told[0]
    assert can(told[5:10]) == ["pause", "stop"]
    words, *buttons = watching.direct("birds", "pause")
    assert "Pausing ..." in words
    assert can(buttons) == ["run", "stop"]
    assert "Pausing ..." in watching.look(HERE, "birds", {})[0]
    training.write_status(state="paused", seen=8192, images=500_000)
    assert "Paused: " in watching.look(HERE, "birds", {})[0]
    assert "Going on ..." in watching.direct("birds", "run")[0]
    words, *buttons = watching.direct("birds", "stop")
    assert "Stopping ..." in words
    assert can(buttons) == []
    training.write_status(state="stopped", seen=8192, images=500_000)
    assert can(watching.look(HERE, "birds", {})[5:10]) == ["resume", "delete"]

    def refused(name: str, *_: str) -> None:
        process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(2)"])
        process.wait()
        (training.path.parent / "log.txt").write_text("smart: The images are gone.\n")
        teaching._processes[name] = process, time.time()

    monkeypatch.setattr(teaching, "_processes", {})
    monkeypatch.setattr(teaching, "start", refused)
    words, *buttons = watching.direct("birds", "resume")
    assert "It cannot go on: The images are gone." in words
    assert can(buttons) == ["resume", "delete"]


def test_a_training_is_deleted_by_the_second_press_and_never_while_it_runs(
    training: run_folder.Run, said: list[str]
) -> None:
    with pytest.raises(gr.Error, match="stop it first"):
        watching.delete("birds", "birds")
    training.write_status(state="stopped", seen=8192, images=500_000)
    _, button, sure = watching.delete("birds", None)
    assert button.value == "Delete for good?"
    assert training.path.is_dir()
    # Another training is chosen: it is asked for anew.
    assert watching.look(HERE, "birds", {"run": "other"})[-2] is None
    left, _, sure = watching.delete("birds", sure)
    assert "birds is deleted" in said[0]
    assert (left.choices, sure) == ([], None)
    assert not training.path.exists()
    assert "is gone" in watching.look(HERE, "birds", {})[0]


def test_sorting_leaves_the_folder_of_the_images_as_it_is(birds: Path, runs: Path) -> None:
    before = sorted(birds.iterdir())
    *_, told = museum.groups(str(birds), None, "birds", "center")
    picked = told[1] | {"like": [0, 1]}
    selections = {museum.sort(picked, count)[2] for count in (20, 10, 10)}
    assert sorted(birds.iterdir()) == before
    # A training that was begun with one needs it again; the same one is one file.
    assert sorted(len(read_selection(Path(one)).keep) for one in selections) == [10, 20]


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
    page.locator("#critics-eye img").wait_for(timeout=60_000)
    again = context.new_page()
    again.goto(school_server.url)
    again.get_by_role("tab", name="School").click()
    playwright.expect(again.locator("#school-status")).to_contain_text("Finished", timeout=30_000)
    assert [run.name for run in run_folder.runs()] == ["my-painters"]
    assert visitor.strangers == []
    assert visitor.errors == []
    context.close()
