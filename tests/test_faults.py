"""Killed, without room, with a clock that jumps, with damaged weights: nothing valid is lost."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from smart import images, new_style, styles, wall
from smart.options import PaintingOptions
from tests.conftest import ROOT, Server
from tests.hostile import refuse_bad_words
from tests.ui.caller import Caller

KNOWN = {
    "sitter": {"seed": 3, "psi": 0.7, "generator": "faces"}, "precision": "float32",
    "styles": [{"slug": "hokusai", "weight": 1.0, "works": {}}], "network": "vgg16",
    "painting": PaintingOptions().to_dict(),
}  # fmt: skip

# One keeps writing until it is killed; what it says is done is done.
HANGS = """
import json, sys
from pathlib import Path
from PIL import Image
from smart import wall
picture = Image.effect_noise((700, 700), 90).convert("RGB")
while True:
    print(wall.Wall(Path(sys.argv[1])).hang(picture, json.loads(sys.argv[2])), flush=True)
"""
ADDS = """
import sys
from pathlib import Path
from smart import new_style, styles
from smart.new_style import NewStyle, NewWork
folder, works = Path(sys.argv[1]), (NewWork(Path(sys.argv[2])),) * 3
for number in range(10_000):
    print(new_style.save(NewStyle(f"P {number}", works), folder, styles.scan(folder)), flush=True)
"""


def killed_in_the_middle(code: str, *arguments: str, after: int) -> list[str]:
    """Run, kill -9 at any moment after so many lines; the lines, which were said to be done."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(after)]
    time.sleep(random.Random(after).uniform(0, 0.2))
    process.kill()
    lines += [line.strip() for line in process.stdout.read().splitlines(keepends=True)
              if line.endswith("\n")]  # fmt: skip
    process.wait()
    assert all(lines)
    return lines


def old(path: Path) -> None:
    long_ago = time.time() - 2 * images.STALE
    os.utime(path, (long_ago, long_ago))


def test_killed_while_portraits_are_hung(tmp_path: Path) -> None:
    import json

    folder, done = tmp_path / "portraits", []
    for after in (1, 2, 3):
        done += killed_in_the_middle(HANGS, str(folder), json.dumps(KNOWN), after=after)
    (folder / ".half.png.smart-abcdefgh").write_bytes(b"half")  # as if killed in the middle
    here = wall.Wall(folder)
    view = here.view(1000)
    assert {one.name for one in view.hung} >= set(done)
    assert not view.foreign, "something half-written is shown"
    for left in folder.glob(".*"):
        old(left)
    here.hang(Image.new("RGB", (64, 64)), KNOWN)
    assert not list(folder.glob(".*")), "what was begun stays for ever"


def test_killed_while_painters_are_added(tmp_path: Path) -> None:
    folder, done = tmp_path / "styles", []
    for after in (1, 3):
        picture = ROOT / "styles" / "hokusai" / "great-wave.png"
        done += killed_in_the_middle(ADDS, str(folder), str(picture), after=after)
        shutil.rmtree(folder / done[-1])  # the next one begins with other names
        done.pop()
    found = styles.scan(folder)
    assert not found.bad
    assert {style.slug for style in found.styles} >= set(done[-1:])
    for left in folder.glob(".*"):
        old(left)
    work = new_style.NewWork(ROOT / "styles" / "hokusai" / "great-wave.png")
    new_style.save(new_style.NewStyle("Last", (work,)), folder, found)
    assert not list(folder.glob(".*"))


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Small disks of their own, each mounted by its name."""
    made = {}
    try:
        for name in ("portraits", "styles", "runs", "cache"):
            made[name] = tmp_path / name
            made[name].mkdir()
            mounted = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", made[name]],
                check=False, capture_output=True,
            )  # fmt: skip
            if mounted.returncode:
                del made[name]
                pytest.skip("only root can make a small disk")
        yield made
    finally:
        for path in made.values():
            subprocess.run(["umount", "-l", path], check=False)


def remounted(path: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", path], check=True)


def served(folder: Path, styles_folder: Path, **places: Path) -> Server:
    with pytest.MonkeyPatch.context() as patch:
        for name, path in places.items():
            patch.setenv(f"SMART_{name.upper()}", str(path))
        return Server(styles_folder, folder / "log.txt")


def sketched(caller: Caller, **more: Any) -> tuple[bool, str, list[str]]:
    """A portrait in one pass by the page: (done, what came back, warnings)."""
    number = caller.number("called")
    data = caller.usual(number)
    data[caller.kinds(number).index("textbox")] = "hokusai"
    for place, one in enumerate(caller.events[number]["inputs"]):
        label, kind = caller.components[one]["props"].get("label"), caller.components[one]["type"]
        if (label, kind) != ("Size", "slider"):  # that of a frame around a photograph
            data[place] = {"Engine": "feed-forward", "Size": 256, **more}.get(label, data[place])
    caller.join(number, data)
    warnings, done, words = [], False, ""
    for message in caller.messages():
        if message["msg"] == "log":
            warnings.append(message["log"])
        if message["msg"] == "process_completed":
            done, words = message["success"], str(message["output"])
    return done, words, warnings


def error_of(answer: tuple[bool, str]) -> str:
    import json

    done, words = answer
    assert not done, words
    message = str(json.loads(words)["error"])
    refuse_bad_words(message)
    return message


def birds(folder: Path) -> Path:
    """Forty images of nothing."""
    (folder / "birds").mkdir()
    for seed in range(40):
        small = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((40, 40), Image.Resampling.BICUBIC)
        picture.save(folder / "birds" / f"{seed:02d}.png")
    return folder / "birds"


def test_disks_that_are_full_or_may_only_be_read(tmp_path: Path, disks: dict[str, Path]) -> None:
    shutil.copytree(ROOT / "styles" / "hokusai", disks["styles"] / "hokusai")
    first = wall.Wall(disks["portraits"]).hang(Image.new("RGB", (64, 64), "red"), KNOWN)
    filler = disks["portraits"] / "filler.bin"
    with pytest.raises(OSError, match="space"):
        filler.write_bytes(b"x" * 5_000_000)
    for name in ("styles", "runs", "cache"):
        remounted(disks[name], "ro")
    server = served(tmp_path, disks["styles"], portraits=disks["portraits"], runs=disks["runs"],
                    cache=disks["cache"])  # fmt: skip
    try:
        caller = Caller(server)
        done, words, warnings = sketched(caller)
        assert done, words
        assert any("cannot be written" in one and "space" in one for one in warnings), warnings
        picture = caller.upload("a.png", (ROOT / "styles/hokusai/great-wave.png").read_bytes())
        number = caller.number("save")
        data = caller.with_file(number, picture)
        data[2] = "Somebody"
        assert "cannot be written" in error_of(caller.ask(number, data))
        number = caller.number("begin")
        data = caller.usual(number)
        data[0] = str(birds(tmp_path))
        data[2] = "birds"
        assert "cannot be written (Read-only" in error_of(caller.ask(number, data))
        # There is room again: everything goes on, and what hung there hangs there.
        filler.unlink()
        done, words, warnings = sketched(caller)
        assert done
        assert not warnings
        names = [one.name for one in wall.Wall(disks["portraits"]).view(9).hung]
        assert first in names
        assert len(names) == 2
    finally:
        server.stop()


JUMPS = """
import time, sys
real, calls = time.time, [0]
def jumping():
    calls[0] += 1
    return real() + (0, -86_400, 3_000, -10**9)[calls[0] // 3 % 4]
time.time = jumping
"""


def test_a_clock_that_jumps_loses_no_training_and_no_portrait(tmp_path: Path) -> None:
    from tests.test_school import FLAGS, TINY

    birds(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment |= {f"SMART_{name}": str(tmp_path / name.lower())
                    for name in ("RUNS", "CACHE", "WEIGHTS", "PORTRAITS")}  # fmt: skip
    (tmp_path / "train.py").write_text(JUMPS + TINY)
    command = [sys.executable, "train.py", "train", "birds", *FLAGS, "--images", "1000"]
    done = subprocess.run(
        [*command, "--save-every", "0.05", "--json"], cwd=tmp_path, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"finished"' in done.stdout
    environment.pop("SMART_WEIGHTS")
    (tmp_path / "paint.py").write_text(
        JUMPS + "from smart.cli import main\nraise SystemExit(main())\n"
    )
    command = [sys.executable, "paint.py", "portrait", "--seed", "7", "--style", "hokusai"]
    more = ["--size", "64", "--effort", "10", "--out", "out.png"]
    done = subprocess.run(
        [*command, *more], cwd=tmp_path, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "out.png").size == (64, 64)


def test_damaged_weights_close_one_room_until_they_are_restored(tmp_path: Path) -> None:
    """All are cut off while the app is away; each is named, and mended without a restart."""
    copy = tmp_path / "weights"
    shutil.copytree(ROOT / "weights", copy, copy_function=os.link)
    names = ["faces", "vgg16", "stylization-portraits"]
    for name in names:
        content = (copy / name / "model.safetensors").read_bytes()
        (copy / name / "model.safetensors").unlink()  # a link: the real one stays
        (copy / name / "model.safetensors").write_bytes(content[: len(content) // 2])
    server = served(tmp_path, ROOT / "styles", weights=copy, portraits=tmp_path / "portraits")
    try:
        caller = Caller(server)
        assert caller.http.get("").status_code == 200
        assert caller.ask("search", ["hokusai", ""])[0], "the painters are there all the same"
        done, words = False, ""
        while not done:
            done, words, _ = sketched(caller)
            named = [name for name in names if f"/{name}/model.safetensors is damaged" in words]
            assert done or (len(named) == 1 and "copy the folder again" in words), words
            for name in named:
                names.remove(name)
                shutil.copy(ROOT / "weights" / name / "model.safetensors", copy / name)
                assert caller.ask("faces", [0, 1, 0.7, 256, "faces"])[0] == ("faces" not in names)
        assert names == []
    finally:
        server.stop()
