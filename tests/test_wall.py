"""The wall: what is kept comes back, foreign files are left alone, sessions see only their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from smart import images, wall
from smart.wall import SessionWalls, Wall
from tests.conftest import ROOT


def portrait_of(seed: int = 12, **more: Any) -> tuple[Image.Image, dict[str, Any]]:
    """A picture of 64 x 48 px with a portrait's text."""
    known = {
        "sitter": {"seed": seed}, "painting": {"size": 64},
        "styles": [{"slug": "hokusai/great-wave", "weight": 1.0, "works": {}}], **more,
    }  # fmt: skip
    return Image.new("RGB", (64, 48), (seed % 256, 80, 120)), known


def hang(where: Wall, seed: int, age: int = 0) -> str:
    """Hang a portrait that was made so many seconds ago."""
    name = where.hang(*portrait_of(seed))
    made = where.find(name).made - age
    os.utime(where.folder / name, (made, made))
    return name


def test_what_is_hung_is_there_the_newest_first(tmp_path: Path) -> None:
    here = Wall(tmp_path / "deep" / "portraits")
    assert here.view(10) == wall.View((), (), 0, False)
    names = [hang(here, seed, age=100 - seed) for seed in range(5)]
    assert len(set(names)) == 5
    assert all(name.startswith("portrait-") and "hokusai-great-wave" in name for name in names)
    seen = here.view(3)
    assert [one.known["sitter"]["seed"] for one in seen.hung] == [4, 3, 2]
    assert (seen.files, seen.more) == (5, True)
    assert here.view(5).more is False
    assert seen.hung[0].size == (64, 48)
    assert seen.hung[0].picture().size == (64, 48)
    # Another program sees the same: the wall survives a restart.
    assert Wall(here.folder).find(names[0]).known == portrait_of(0)[1]


def test_two_of_the_same_second_are_two(tmp_path: Path) -> None:
    here = Wall(tmp_path)
    assert len({here.hang(*portrait_of()) for _ in range(20)}) == 20
    assert here.view(50).files == 20
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_is_no_portrait_is_told_and_left_alone(tmp_path: Path) -> None:
    here = Wall(tmp_path)
    name = hang(here, 1)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / ".DS_Store").write_text("hidden")
    (tmp_path / "folder").mkdir()
    (tmp_path / "cut.png").write_bytes((tmp_path / name).read_bytes()[:150])
    picture, known = portrait_of(2)
    images.save_png(picture, tmp_path / "foreign.png")
    images.save_png(picture, tmp_path / "face.png", {"faces": {"seed": 1}})
    images.save_png(picture, tmp_path / "odd.png", {**known, "sitter": [1]})
    seen = here.view(10)
    assert [one.name for one in seen.hung] == [name]
    assert {one.name for one in seen.foreign} == {
        "notes.txt", "cut.png", "foreign.png", "face.png", "odd.png",
    }  # fmt: skip
    assert all(one.name in one.reason for one in seen.foreign)
    for foreign in ("cut.png", "notes.txt", "../etc/passwd", str(tmp_path / name), "", "."):
        with pytest.raises(ValueError, match="hangs here no more|SMART settings|damaged"):
            here.take_down(foreign)
    assert (tmp_path / "cut.png").exists()
    here.take_down(name)
    assert here.view(10).hung == ()
    assert len(list(tmp_path.iterdir())) == 7
    with pytest.raises(ValueError, match="hangs here no more"):
        here.take_down(name)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    here = Wall(tmp_path)
    name = hang(here, 1)
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no SMART settings"):
        here.find(name)


def test_a_zip_holds_every_portrait_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Wall(tmp_path / "wall")
    with pytest.raises(ValueError, match="Nothing hangs here yet"):
        here.write_zip(tmp_path / "none.zip")
    names = {hang(here, seed) for seed in range(3)}
    (here.folder / "notes.txt").write_text("mine")
    assert here.write_zip(tmp_path / "all.zip") == 3
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert set(archive.namelist()) == names
        assert archive.testzip() is None
        archive.extractall(tmp_path / "again")
    assert Wall(tmp_path / "again").view(9).files == 3
    monkeypatch.setattr(wall, "MAX_ZIP", 10)
    with pytest.raises(ValueError, match="too much for one zip; copy the folder"):
        here.write_zip(tmp_path / "large.zip")


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="cannot be made .*set SMART_PORTRAITS"):
        Wall(tmp_path / "file" / "portraits").hang(*portrait_of())
    assert Wall(tmp_path / "file").view(3).files == 0


def test_a_bounded_wall_lets_the_oldest_go(tmp_path: Path) -> None:
    here = Wall(tmp_path / "few", most=3)
    for seed in range(6):
        hang(here, seed, age=10 - seed)
    assert [one.known["sitter"]["seed"] for one in here.view(9).hung] == [5, 4, 3]
    tiny = Wall(tmp_path / "tiny", most_bytes=10)  # the newest stays, however large
    for seed in range(3):
        hang(tiny, seed, age=10 - seed)
    assert [one.known["sitter"]["seed"] for one in tiny.view(9).hung] == [2]


def test_sessions_have_walls_of_their_own() -> None:
    walls = SessionWalls(most_bytes=1)
    mine, yours = walls.of("mine"), walls.of("../yours")
    assert mine.folder.parent == yours.folder.parent
    assert len(mine.folder.name) == len(yours.folder.name) == 16
    name = hang(mine, 1)
    with pytest.raises(ValueError, match="hangs here no more"):
        yours.find(name)
    assert walls.of("mine") is mine
    hang(walls.of("../yours"), 2)
    walls.make_room()  # more than there may be: who was here last stays
    assert not mine.folder.exists()
    assert yours.view(3).files == 1
    left = time.monotonic()
    walls.of("../yours")  # comes back
    walls.drop_unused("../yours", left)
    assert yours.folder.exists()
    walls.drop_unused("../yours", time.monotonic())
    walls.drop_unused("nobody", time.monotonic())
    assert not yours.folder.exists()


def test_names_of_files_are_plain() -> None:
    assert wall.readable_name({}) == "portrait-photograph"
    assert wall.readable_name(portrait_of(7)[1]) == "portrait-7-hokusai-great-wave"
    odd = {"sitter": {"seed": "../../x", "likeness": ""}, "styles": [3, {"slug": "a/" * 99}]}
    assert set(wall.readable_name(odd)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(wall.readable_name(odd)) <= 100
    assert wall.readable_name({"sitter": {"likeness": "AA=="}}) == "portrait-likeness"


HANGER = """
import sys
from pathlib import Path
from PIL import Image
from smart.wall import Wall
known = {"painting": {"size": 64}, "styles": [{"slug": "durer"}], "sitter": {"seed": 7}}
wall = Wall(Path(sys.argv[1]))
for _ in range(30):
    wall.hang(Image.new("RGB", (64, 64), "red"), known)
"""


def test_two_workers_of_the_app_share_one_folder(tmp_path: Path) -> None:
    hangers = [
        subprocess.Popen([sys.executable, "-c", HANGER, str(tmp_path)], cwd=ROOT) for _ in range(2)
    ]
    here, taken = Wall(tmp_path), 0
    while any(hanger.poll() is None for hanger in hangers):
        seen = here.view(100)
        assert seen.foreign == (), "no one sees a portrait that is only half there"
        if len(seen.hung) > 10 and taken < 5:  # and some go while others come
            here.take_down(seen.hung[-1].name)
            taken += 1
    assert [hanger.returncode for hanger in hangers] == [0, 0]
    assert len({one.name for one in here.view(100).hung}) == 60 - taken
