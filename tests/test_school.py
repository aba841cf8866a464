"""The school with real processes: begin, kill -9, resume, full disk, pause, stop, keep, eye."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from smart import school, weights
from smart.cli import main
from smart.gan import run as run_folder
from smart.gan.generator import load_generator
from smart.gan.run import RunError
from smart.options import TrainingOptions
from smart.progress import Cancelled, Progress
from tests.conftest import ROOT


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of one's own for runs, cache and weights, and forty images."""
    return furnish(tmp_path, monkeypatch)


def furnish(tmp_path: Path, patch: pytest.MonkeyPatch) -> Path:
    for name in ("RUNS", "CACHE", "WEIGHTS"):
        patch.setenv(f"SMART_{name}", str(tmp_path / name.lower()))
    (tmp_path / "weights").mkdir()
    (tmp_path / "birds").mkdir()
    for seed in range(40):
        small = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((40, 40), Image.Resampling.BICUBIC)
        picture.save(tmp_path / "birds" / f"{seed:02d}.png")
    return tmp_path


# The real commands with networks that take milliseconds, and looks every 64 images.
TINY = """
import sys
from smart.gan import lesson, style_generator, trainer
style_generator.PRESETS["small"] = (16, 256, 1, 8, 2)
trainer.TICK = lesson.TICK = 64
lesson._ROOM = 0.2
from smart.cli import main
sys.exit(main())
"""
FLAGS = ["--resolution", "32", "--batch", "8", "--evaluate-every", "1000"]


def command(*arguments: str, place: Path) -> list[str]:
    script = place / "tiny.py"
    script.write_text(TINY)
    return [sys.executable, str(script), *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def start(*arguments: str, place: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments, place=place), env=environment(), cwd=place, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def do(*arguments: str, place: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments, place=place), env=environment(), cwd=place, text=True,
        capture_output=True, check=False,
    )  # fmt: skip


def wait_for(condition: object, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)


def test_killed_and_resumed_it_ends_as_if_nothing_had_happened(place: Path) -> None:
    """kill -9 in the middle, `--resume`, and the same state to the last bit as without."""
    flags = [*FLAGS, "--images", "1000", "--save-every", "0.05"]
    straight = do("train", "birds", "--name", "straight", *flags, place=place)
    assert straight.returncode == 0, straight.stderr
    process = start("train", "birds", "--name", "killed", *flags, place=place)
    run = place / "runs" / "killed"
    # At least one state, and work after it that is lost.
    wait_for(lambda: (run / "state.safetensors").exists() or process.poll() is not None)
    process.kill()
    process.wait()
    resumed = do("train", "--resume", "killed", "--json", place=place)
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["state"] == "finished"
    first, second = (
        load_file(place / "runs" / name / "state.safetensors") for name in ("straight", "killed")
    )
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
    without_time = [
        [{k: v for k, v in row.items() if k != "time"} for row in run_folder.find(name).stats()]
        for name in ("straight", "killed")
    ]
    assert without_time[0] == without_time[1]


def test_pause_go_and_stop_reach_a_training_in_another_process(place: Path) -> None:
    process = start("train", "birds", *FLAGS, "--images", "50000000", place=place)
    run = run_folder.Run(place / "runs" / "birds")
    wait_for(lambda: run.status().get("seen", 0) > 0 and run.alive)
    second = do("train", "--resume", "birds", place=place)
    assert second.returncode == 2
    assert "is being trained by another process" in second.stderr
    assert do("runs", "pause", "birds", place=place).returncode == 0
    wait_for(lambda: run.status()["state"] == "paused")
    seen = run.status()["seen"]
    time.sleep(1.2)
    assert run.status()["seen"] == seen
    run.want("run")
    wait_for(lambda: run.status()["seen"] > seen)
    assert "birds" in do("runs", place=place).stdout
    with pytest.raises(RunError, match="is being trained by another process"):
        run_folder.delete(run)
    run.want("stop")
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "`train --resume birds` goes on" in out
    assert run.status()["state"] == "stopped"
    assert run.has_state


def test_a_polite_kill_keeps_everything(place: Path) -> None:
    process = start("train", "birds", *FLAGS, "--images", "50000000", place=place)
    run = run_folder.Run(place / "runs" / "birds")
    wait_for(lambda: run.status().get("seen", 0) > 100)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    _, plain = run.load_state()
    assert plain["seen"] == run.status()["seen"] > 100


def test_without_room_it_waits_and_says_so(place: Path) -> None:
    """A real limit on the size of files: the state does not fit until it is lifted."""
    import resource

    process = start(
        "train", "birds", *FLAGS, "--images", "50000000", "--save-every", "0.05", place=place
    )
    run = run_folder.Run(place / "runs" / "birds")
    wait_for(lambda: (run.path / "state.safetensors").exists())
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    wait_for(lambda: run.status()["state"] == "waiting")
    assert "Waiting for room" in run.status()["message"]
    before = run.load_state()[1]["seen"]
    everything = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, everything)
    wait_for(lambda: run.load_state()[1]["seen"] > before)
    assert process.poll() is None
    run.want("stop")
    process.communicate(timeout=60)
    assert run.status()["state"] == "stopped"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where birds were trained, as far as the first measure."""
    with pytest.MonkeyPatch.context() as patch:
        place = furnish(tmp_path_factory.mktemp("school"), patch)
        done = do("train", "birds", *FLAGS, "--images", "1024", place=place)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def trained(once: Path, place: Path) -> run_folder.Run:
    """A training that has measured once, of the images in this place."""
    shutil.copytree(once / "runs", place / "runs")
    options = place / "runs" / "birds" / "options.json"
    options.write_text(options.read_text().replace(str(once), str(place)))
    return run_folder.find("birds")


def test_what_a_training_leaves(trained: run_folder.Run, place: Path) -> None:
    rows = trained.stats()
    measured = [row for row in rows if "swd" in row]
    assert len(measured) == 1
    assert {"critic_loss", "generator_loss", "r1", "r2", "held_out", "overfit"} <= rows[-1].keys()
    assert "kernel" not in measured[0]  # in this folder of weights there is no VGG
    assert 0 < measured[0]["diversity"] < 3
    for name in ("reals.png", "latest.png"):
        assert Image.open(trained.path / name).size == (256, 256) or name == "reals.png"
    assert len(list((trained.path / "grids").iterdir())) == 1
    # A snapshot is a generator like any other, found by the training's name.
    generator = load_generator("birds")
    assert generator.sizes == (32,)
    assert load_generator("birds-best").synthesize(torch.zeros(1, 8)).shape == (1, 3, 32, 32)
    card = (trained.path / "best" / "README.md").read_text()
    assert "birds: 32 x 32" in card
    assert "as the images it was trained on" in card
    pictures, overlays, logits = school.eye("birds", count=3, size=64)
    assert pictures.shape == (3, 3, 32, 32)
    assert overlays.shape == (3, 3, 64, 64)
    assert torch.isfinite(logits).all()
    sheet = do("runs", "eye", "birds", "--out", "eye.png", place=place)
    assert sheet.returncode == 0, sheet.stderr
    assert Image.open(place / "eye.png").size == (8 * 256, 2 * 256)


def test_keep_makes_weights_of_it_once(trained: run_folder.Run, place: Path) -> None:
    kept = school.keep(trained, "my-birds")
    drawn = ElementTree.parse(kept / "curves.svg").getroot()
    assert len(drawn.findall(".//{http://www.w3.org/2000/svg}polyline")) >= 3
    assert "](curves.svg)" in (kept / "README.md").read_text()
    assert kept == place / "weights" / "my-birds"
    assert load_generator("my-birds").sizes == (32,)
    assert "my-birds" in [info.name for info in weights.listing()]
    with pytest.raises(RunError, match="'my-birds' already"):
        school.keep(trained, "my-birds")
    again = do("runs", "keep", "birds", "--to", "../up", place=place)
    assert again.returncode == 2
    assert "cannot be a training's name" in again.stderr


def test_delete_removes_a_training_and_what_was_uploaded_for_it_alone(place: Path) -> None:
    uploads = place / "runs" / ".uploads"
    for name, source in (
        ("one", uploads / "mine"), ("two", uploads / "ours"), ("three", uploads / "ours"),
        ("four", place / "birds"),
    ):  # fmt: skip
        source.mkdir(parents=True, exist_ok=True)
        run_folder.create(name).write_options(TrainingOptions(), {"source": str(source)})
    kept = {name: run_folder.find(name) for name in ("one", "two", "three", "four")}
    assert run_folder.delete(kept["one"]) == [kept["one"].path, uploads / "mine"]
    assert run_folder.delete(kept["two"]) == [kept["two"].path]
    done = do("runs", "delete", "four", place=place)
    assert done.returncode == 0, done.stderr
    assert str(kept["four"].path) in done.stdout
    assert [run.name for run in run_folder.runs()] == ["three"]
    assert sorted(path.name for path in uploads.iterdir()) == ["ours"]
    assert (place / "birds").is_dir()
    assert do("runs", "delete", "four", place=place).returncode == 2


def test_another_training_can_start_from_it(trained: run_folder.Run, place: Path) -> None:
    more = [*FLAGS, "--images", "1000", "--name", "more", "--start-from", "birds"]
    done = do("train", "birds", *more, place=place)
    assert done.returncode == 0, done.stderr
    other = ["--resolution", "64", "--images", "1000", "--name", "other", "--start-from", "birds"]
    done = do("train", "birds", *other, place=place)
    assert done.returncode == 2
    assert "choose the same --resolution" in done.stderr


def test_bad_input_ends_with_one_sentence(
    trained: run_folder.Run,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cases = {
        ("train",): "No images are named",
        ("train", "nowhere"): "There is no folder or zip",
        ("train", "birds"): "There is a training called 'birds' already",
        ("train", "birds", "--name", "a/b"): "cannot be a training's name",
        ("train", "birds", "--name", "x", "--resolution", "100"): "resolution is",
        ("train", "birds", "--name", "x", "--images", "5"): "images is 5",
        ("train", "birds", "--name", "x", "--start-from", "faces"): "No weights called 'faces'",
        ("train", "--resume", "nobody"): "There is no training called 'nobody'",
        ("train", "birds", "--resume", "birds"): "leave the images out",
        ("train", "--resume", "birds", "--resolution", "64"): "was begun with resolution 32",
        ("runs", "pause", "birds"): "is not being trained",
        ("runs", "pause"): "Which training?",
    }
    monkeypatch.chdir(place)
    for arguments, sentence in cases.items():
        assert main(arguments) == 2, arguments
        said = capsys.readouterr().err
        assert sentence in said, arguments
        assert said.count("\n") == 1, said
    (place / "birds" / "07.png").unlink()
    done = do("train", "--resume", "birds", "--images", "2000", place=place)
    assert done.returncode == 2
    assert "no longer those birds was begun with (40 then, 39 now" in done.stderr


def test_a_damaged_state_says_how_to_go_on(trained: run_folder.Run, place: Path) -> None:
    state = trained.path / "state.safetensors"
    state.write_bytes(state.read_bytes()[:1000])
    done = do("train", "--resume", "birds", "--images", "2000", place=place)
    assert done.returncode == 2
    assert "--start-from" in done.stderr
    assert (trained.path / "best" / "model.safetensors").is_file()


def test_losses_that_are_no_numbers_never_reach_the_state(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smart.gan import dataset, lesson, style_generator, trainer

    monkeypatch.setitem(style_generator.PRESETS, "small", (16, 256, 1, 8, 2))
    monkeypatch.setattr(trainer, "TICK", 64)
    monkeypatch.setattr(lesson, "TICK", 64)
    options = TrainingOptions(resolution=32, images=1000, batch=8, network="small")
    loaded = dataset.load(place / "birds", 32)

    def poison(self: trainer.Trainer) -> None:
        if self.seen == 128:
            self.critic.out.bias.data.fill_(torch.nan)
        step(self)

    step = trainer.Trainer.step
    monkeypatch.setattr(trainer.Trainer, "step", poison)
    with pytest.raises(RunError, match="no longer numbers.*half the --learning-rate"):
        school.begin("sick", options, loaded, {})
    run = run_folder.find("sick")
    assert run.status()["state"] == "failed"
    assert not run.has_state or torch.isfinite(run.load_state()[0]["critic.out.bias"]).all()
    assert all(np.isfinite(row["critic_loss"]) for row in run.stats())


def test_cancelled_stops_and_keeps(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from smart.gan import dataset, style_generator

    monkeypatch.setitem(style_generator.PRESETS, "small", (16, 256, 1, 8, 2))

    def stop(_: Progress) -> None:
        raise Cancelled

    options = TrainingOptions(resolution=32, images=50_000, batch=8, network="small")
    run = school.begin("short", options, dataset.load(place / "birds", 32), {}, stop)
    assert run.status()["state"] == "stopped"
    assert run.has_state
