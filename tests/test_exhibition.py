"""Several sitters by several painters: the order of the work, stopping, files, the sheet."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from smart import exhibition, exhibition_sheet, images, pipeline, provenance, styles
from smart.exhibition import REFINING, SKETCHING, Exhibition
from smart.options import PaintingOptions, SamplingOptions
from smart.pipeline import Portrait
from smart.progress import Cancelled, Progress
from smart.styles import Choice

QUICK = PaintingOptions(size=64, effort=10)
TWO = tuple(SamplingOptions(seed=seed) for seed in (3, 4))


def ordered(*slugs: str, samplings: tuple[SamplingOptions, ...] = TWO) -> Exhibition:
    return Exhibition(samplings, styles.scan().choose_all(slugs), QUICK)


@pytest.fixture(scope="module")
def hung() -> tuple[Exhibition, list[Progress]]:
    """Two sitters by two painters, sketched, with what was reported."""
    shown, reports = ordered("hokusai/great-wave", "durer"), []
    assert not shown.hang(reports.append)
    return shown, reports


def test_all_are_sketched_row_by_row(hung: tuple[Exhibition, list[Progress]]) -> None:
    shown, reports = hung
    assert list(shown.cells) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert {report.stage for report in reports} == {SKETCHING}
    assert [report.fraction for report in reports] == [0, 0.25, 0.5, 0.75, 1]
    assert sorted(shown.faces) == [0, 1]
    assert shown.now is None
    assert not any(exhibition.refined(one) for one in shown.cells.values())


def test_each_is_a_portrait_with_its_own_way_back(hung: tuple[Exhibition, list[Progress]]) -> None:
    portrait = hung[0].cells[1, 0]
    sketched = QUICK.replace(engine="feed-forward")
    alone = pipeline.paint_seed(TWO[1], hung[0].choices[:1], sketched)
    assert portrait.provenance == alone.provenance
    assert np.array_equal(np.asarray(portrait.image), np.asarray(alone.image))
    recipe = provenance.parse(portrait.provenance, "it")
    assert np.array_equal(np.asarray(pipeline.repeat(recipe).image), np.asarray(portrait.image))


def test_refined_one_by_one_and_stopped_within(hung: tuple[Exhibition, list[Progress]]) -> None:
    sketches = dict(hung[0].cells)
    shown = dataclasses.replace(hung[0], cells=dict(sketches))
    seen: list[Progress] = []

    def stop_in_the_second(progress: Progress) -> None:
        seen.append(progress)
        if progress.step == 2 and progress.fraction > 0.3:
            raise Cancelled

    assert shown.hang(stop_in_the_second, refine=True)
    assert {report.stage for report in seen} == {REFINING}
    first, second = shown.cells[0, 0], shown.cells[0, 1]
    assert exhibition.refined(first)
    assert not first.stopped
    assert second.stopped
    assert second.provenance["earlier"][0]["painting"]["engine"] == "feed-forward"
    assert shown.cells[1, 0] is sketches[1, 0]
    begins = next(one for one in seen if one.step == 2)
    assert np.array_equal(
        np.asarray(images.to_pil(begins.preview)), np.asarray(sketches[0, 1].image)
    ), "the first preview of a place is its own sketch"


@pytest.mark.parametrize("after", [1, 3])
def test_stop_keeps_the_sketches_that_hang(after: int) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == after:
            raise Cancelled

    shown = ordered("durer", "renoir")
    assert shown.hang(stop, refine=True)
    assert len(shown.cells) == after - 1
    assert not shown.hang()  # and it can go on
    assert len(shown.cells) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samplings": ()}, "has 0 sitters; choose from 1 to 8"),
        ({"samplings": tuple(SamplingOptions(seed=n) for n in range(9))}, "has 9 sitters"),
        ({"choices": ()}, "has 0 painters"),
        ({"samplings": (TWO[0], TWO[0])}, "seed 3 is chosen twice"),
        ({"choices": styles.scan().choose_all(["durer", "durer"])}, "durer is chosen twice"),
        ({"painting": PaintingOptions(size=2048)}, "size is 2048; in an exhibition"),
    ],
)
def test_what_cannot_be_hung(change: dict[str, object], message: str) -> None:
    good = {"samplings": TWO, "choices": styles.scan().choose_all(["durer"]), "painting": QUICK}
    with pytest.raises(ValueError, match=message):
        Exhibition(**{**good, **change})


def test_a_painter_is_read_once_and_a_sitter_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[SamplingOptions] = []
    face = pipeline.sitters.face
    monkeypatch.setattr(pipeline.sitters, "face", lambda one: drawn.append(one) or face(one))
    both = tuple(SamplingOptions(seed=seed) for seed in (30, 31))
    ordered("durer", "renoir", samplings=both).hang()
    assert drawn == list(both)


def test_the_sheet_holds_every_provenance(
    hung: tuple[Exhibition, list[Progress]], tmp_path: Path
) -> None:
    shown = hung[0]
    path = exhibition_sheet.save(shown, tmp_path / "sheet.png")
    known = images.read_provenance(path)
    for place, portrait in shown.cells.items():
        assert exhibition.told_of(known, place) == portrait.provenance
    with pytest.raises(KeyError):
        exhibition.told_of(known, (5, 5))
    sheet = np.asarray(Image.open(path).convert("RGB"))
    assert sheet.shape[1] > 2 * 192
    assert (sheet.min(), sheet.max()) < (60, 256)


@settings(deadline=None, max_examples=30)
@given(
    rows=some.integers(1, 8), columns=some.integers(1, 8), filled=some.floats(0, 1),
    size=some.sampled_from([64, 256, 1024]),
)  # fmt: skip
def test_a_sheet_of_any_shape_is_drawn(rows: int, columns: int, filled: float, size: int) -> None:
    shown = _made_up(rows, columns, filled, size)
    sheet = exhibition_sheet.draw(shown)
    assert max(sheet.size) < 6500
    assert sheet.width > columns * 192
    known = exhibition.told(shown)
    for place, portrait in shown.cells.items():
        assert exhibition.told_of(known, place) == portrait.provenance


def _made_up(rows: int, columns: int, filled: float, size: int) -> Exhibition:
    """An exhibition that no one painted."""
    work = styles.scan().choose("durer").works[0]
    choices = tuple(Choice(f"a-painter-of-a-long-name-{n}", (work,)) for n in range(columns))
    samplings = tuple(SamplingOptions(seed=n) for n in range(rows))
    shown = Exhibition(samplings, choices, PaintingOptions(size=size))
    grey = Image.new("RGB", (64, 64), "grey")
    for row, column in shown.places[: round(filled * rows * columns)]:
        known = {
            "sitter": samplings[row].told(),
            "styles": provenance.painters_to_list(choices[column : column + 1]),
            "painting": {"engine": ("feed-forward", "optimization")[(row + column) % 2]},
            "device": "cpu",
        }
        shown.cells[row, column] = Portrait(grey, known)
    return shown


def test_what_would_be_too_long_for_a_picture_is_told_by_its_checksum() -> None:
    shown = _made_up(8, 8, 1, 64)
    codes = [SamplingOptions(seed=n, likeness="QUJD" * 5000) for n in range(8)]
    shown = dataclasses.replace(shown, samplings=tuple(codes))
    known = exhibition.told(shown)["exhibition"]
    assert all("likeness" not in one and one["likeness_sha256"] for one in known["sitters"])
    assert len(str(known)) < images.MAX_PROVENANCE


def test_files_and_an_archive(hung: tuple[Exhibition, list[Progress]], tmp_path: Path) -> None:
    written = exhibition.save_cells(hung[0], tmp_path / "new" / "folder")
    names = [path.name for path in written]
    assert names[0] == "1-1-sitter-3-hokusai-great-wave.png"
    assert len(set(names)) == 4
    assert pipeline.like(written[3]).sampling == TWO[1]
    target = exhibition.pack({path.name: path for path in written}, tmp_path / "all.zip")
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == names
        assert archive.read(names[2]) == written[2].read_bytes()
    written[0].unlink()
    with pytest.raises(ValueError, match="is gone; hang it again"):
        exhibition.pack({path.name: path for path in written}, tmp_path / "other.zip")
    assert not (tmp_path / "other.zip").exists()
    with pytest.raises(ValueError, match="an archive takes 1 to 64"):
        exhibition.pack({}, tmp_path / "other.zip")


def test_an_archive_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(bytes(100))
    monkeypatch.setattr(exhibition, "MOST_BYTES", 99)
    with pytest.raises(ValueError, match="choose a smaller size"):
        exhibition.pack({"a.png": tmp_path / "a.png"}, tmp_path / "all.zip")


def test_words_of_sitters_and_painters() -> None:
    words = exhibition.sitter_words(SamplingOptions(seed=5, relative=2, sliders="turn=1"))
    assert words == ("Sitter 5", "relative 2, as asked for")
    assert exhibition.sitter_words(SamplingOptions(likeness="QUJD"))[0] == "A likeness"
    catalogue = styles.scan()
    assert exhibition.painter_words(catalogue.choose("hokusai"))[1].endswith(" works")
    name, work = exhibition.painter_words(catalogue.choose("hokusai/great-wave"))
    assert name == "Katsushika Hokusai"
    assert "Wave" in work
