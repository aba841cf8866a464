"""The command line as a person and as a program use it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from smart import images, styles
from smart.cli import main
from smart.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
QUICK = ["--size", "64", "--effort", "10"]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_faces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "faces.png"
    code, text, _ = run(capsys, "faces", "--seed", 3, "--count", 2, "--size", 256, "--out", out)
    assert (code, text) == (0, f"Wrote {out}.\n")
    sheet = Image.open(out)
    assert sheet.size == (512, 256)
    assert np.asarray(sheet).std() > 20
    assert images.read_provenance(out)["faces"] == {
        "seed": 3, "psi": 0.7, "generator": "faces", "count": 2, "size": 256
    }  # fmt: skip
    single = tmp_path / "single.png"
    run(capsys, "faces", "--seed", 4, "--count", 1, "--out", single)
    assert np.array_equal(np.asarray(Image.open(single)), np.asarray(sheet)[:, 256:])


def test_portrait_and_the_same_again(
    tmp_path: Path, few_styles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "1.png", tmp_path / "2.png"
    code, text, error = run(
        capsys, "portrait", "--seed", 7, "--style", "hokusai", "--style", "red-noise:0.4",
        *QUICK, "--out", first, "--json",
    )  # fmt: skip
    assert code == 0, error
    assert error == ""
    result = json.loads(text)
    assert result["out"] == str(first)
    provenance = images.read_provenance(first)
    assert result["provenance"] == provenance
    assert provenance["sitter"] == {"generator": "faces", "seed": 7, "psi": 0.7}
    assert provenance["painting"]["size"] == 64
    assert provenance["styles"][1]["weight"] == 0.4
    assert provenance["network"] == "vgg16"
    assert "stopped_after" not in provenance
    code, _, error = run(capsys, "portrait", "--like", first, "--out", second)
    assert code == 0, error
    assert np.array_equal(np.asarray(Image.open(first)), np.asarray(Image.open(second)))
    assert images.read_provenance(second) == provenance


def test_paint_a_photograph(
    tmp_path: Path, few_styles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo, out = tmp_path / "me.jpg", tmp_path / "x.png"
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((300, 225)).save(photo)
    code, _, error = run(
        capsys, "paint", photo, "--style", "hokusai/great-wave", *QUICK, "--out", out
    )
    assert code == 0, error
    assert Image.open(out).size == (64, 48)
    provenance = images.read_provenance(out)
    assert "me.jpg" not in json.dumps(provenance)
    code, _, error = run(capsys, "portrait", "--like", out, "--out", tmp_path / "y.png")
    assert code == 2
    assert "after a photograph" in error


def test_a_sketch_and_the_same_again(
    tmp_path: Path, few_styles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "1.png", tmp_path / "2.png"
    code, text, error = run(
        capsys, "portrait", "--style", "hokusai", "--engine", "feed-forward", "--size", 256,
        "--out", first,
    )  # fmt: skip
    assert code == 0, error
    assert "sketched in one pass" in text
    assert images.read_provenance(first)["network"] == "stylization"
    code, _, error = run(capsys, "portrait", "--like", first, "--out", second)
    assert code == 0, error
    assert np.array_equal(np.asarray(Image.open(first)), np.asarray(Image.open(second)))


def test_figure_ground_film_and_going_on(
    tmp_path: Path, few_styles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, film = tmp_path / "1.png", tmp_path / "1.webp"
    code, text, error = run(
        capsys, "portrait", "--style", "hokusai", "--ground", "red-noise", *QUICK, "--out", first,
        "--timelapse", film,
    )  # fmt: skip
    assert code == 0, error
    assert "1.webp" in text
    assert Image.open(film).n_frames > 2
    assert images.read_provenance(first)["ground"][0]["slug"] == "red-noise"
    larger = tmp_path / "2.png"
    code, _, error = run(capsys, "continue", first, "--size", 96, "--out", larger)
    assert code == 0, error
    assert Image.open(larger).size == (96, 96)
    code, _, error = run(capsys, "continue", larger, "--size", 64, "--out", first)
    assert (code, "give at least that" in error) == (2, True)
    for arguments, message in (
        (("portrait", "--style", "hokusai", "--timelapse", "x.gif"), "end in .mp4 or .webp"),
        (("portrait", "--style", "hokusai", "--count", "0"), "count is '0'"),
        (("portrait", "--style", "hokusai", "--count", "2", "--timelapse", film), "one portrait"),
        (("continue", film), "no SMART settings"),
    ):
        code, _, error = run(capsys, *arguments)
        assert (code, message in error) == (2, True), error


def test_ctrl_c_keeps_the_picture(
    tmp_path: Path,
    few_styles: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "1.png"

    def press(progress: Progress) -> None:
        if progress.step == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("smart.terminal.Bar.__enter__", lambda _: press)
    before = signal.getsignal(signal.SIGINT)
    code, text, error = run(capsys, "portrait", "--style", "hokusai", *QUICK, "--out", out)
    assert code == 0, error
    assert "It was stopped; `continue" in text
    assert images.read_provenance(out)["stopped_after"] == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_several_sitters_in_files_of_their_own(
    tmp_path: Path, few_styles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text, error = run(
        capsys, "portrait", "--style", "hokusai", "--seed", 2**32 - 1, "--count", 2, *QUICK,
        "--out", tmp_path / "p.png", "--json",
    )  # fmt: skip
    assert code == 0, error
    assert [Path(name).name for name in json.loads(text)["out"]] == ["p-4294967295.png", "p-0.png"]
    assert images.read_provenance(tmp_path / "p-0.png")["sitter"]["seed"] == 0


def test_a_mask_for_a_photograph(
    tmp_path: Path, few_styles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo, mask, out = tmp_path / "me.png", tmp_path / "mask.png", tmp_path / "x.png"
    Image.effect_noise((80, 64), 60).convert("RGB").save(photo)
    Image.new("L", (10, 10), 255).save(mask)
    code, _, error = run(
        capsys, "paint", photo, "--style", "hokusai", "--keep", mask, *QUICK, "--out", out
    )
    assert code == 0, error
    assert "keep_sha256" in images.read_provenance(out)["photo"]
    code, _, error = run(
        capsys, "continue", out, "--photo", photo, "--keep", mask, "--size", 96, "--out", out
    )
    assert code == 0, error
    code, _, error = run(capsys, "continue", out, "--out", out)
    assert (code, "give that, too" in error) == (2, True)
    code, _, error = run(capsys, "paint", photo, "--style", "hokusai", "--figure", mask)
    assert (code, "add --ground" in error) == (2, True)


def test_styles_and_weights(few_styles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (few_styles / "broken.png").write_bytes(b"no")
    code, text, _ = run(capsys, "styles")
    assert code == 0
    assert "hokusai/great-wave" in text
    assert "The Great Wave, c. 1831" in text
    assert "broken                       cannot be used: broken.png is no picture" in text
    listed = json.loads(run(capsys, "styles", "--json")[1])
    assert [style["slug"] for style in listed["styles"]] == ["red-noise", "hokusai"]
    assert listed["bad"][0]["slug"] == "broken"
    names = [row["name"] for row in json.loads(run(capsys, "weights", "--json")[1])["weights"]]
    assert {"faces", "vgg16", "vgg19"} <= set(names)


BAD = {
    "seed": (["faces", "--seed", "abc"], "seed is 'abc'; it must be a whole number"),
    "seed too large": (["faces", "--seed", "4294967296"], "from 0 to 4294967295"),
    "psi": (["faces", "--psi", "9"], "psi is 9.0; it must be a number from 0 to 1.2"),
    "count": (["faces", "--count", "0"], "count is '0'; it must be a whole number from 1 to 200"),
    "size": (["faces", "--size", "300"], "size is 300; it must be one of 256, 512, 1024"),
    "engine": (
        ["portrait", "--style", "hokusai", "--engine", "magic"],
        "engine is 'magic'; it must be one of optimization, feed-forward",
    ),
    "no style": (["portrait"], "No painter is chosen; add --style hokusai"),
    "style": (["portrait", "--style", "hokusia"], "did you mean hokusai"),
    "weight": (["portrait", "--style", "hokusai:x"], "no number from 0 to 1000"),
    "portrait size": (["portrait", "--style", "hokusai", "--size", "9"], "from 64 to 4961"),
    "like nothing": (["portrait", "--like", "nobody.png"], "There is no file nobody.png"),
    "no photo": (["paint", "nobody.jpg", "--style", "hokusai"], "There is no file nobody.jpg"),
    "weights": (["weights", "pull", "vgg99"], "'vgg99' cannot be pulled"),
    "no slider": (["faces", "--sliders", "wings=1"], "no slider 'wings'; there are: turn"),
    "a slider too far": (["faces", "--sliders", "turn=2"], "turn is 2; it must be a number from"),
    "no wish": (["faces", "--sliders", "turn"], "write name=number"),
    "one alone": (["walk", "--seeds", "3", "--out", "w.webp"], "at least two sitters"),
    "a long walk": (
        ["walk", "--seeds", "1", "2", "3", "--frames", "300", "--out", "w.webp"],
        "make 900 frames; choose fewer, at most 600",
    ),
    "a walk into a PNG": (["walk", "--seeds", "1", "2", "--out", "w.png"], ".mp4 or .webp"),
    "no one's likeness": (["likeness", "nobody.jpg"], "There is no file nobody.jpg"),
    "no frame": (["likeness", "nobody.jpg", "--frame", "0", "0", "5"], "at least 16"),
    "no sitter": (["faces", "--sitter", "nobody.png"], "There is no file nobody.png"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence(
    case: str, few_styles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    arguments, message = BAD[case]
    code, out, error = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert error.startswith("smart: ")
    assert error.count("\n") == 1
    assert message in error
    assert sorted(tmp_path.rglob("*")) == before


def test_outputs_that_cannot_be_written(
    tmp_path: Path, few_styles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = {
        tmp_path / "no" / "p.png": "cannot be written",
        tmp_path / "p.jpg": "is no PNG",
        Path("/proc/p.png"): "cannot be written",
    }
    for out, reason in cases.items():
        for command in (["faces"], ["portrait", "--style", "hokusai"]):
            code, _, error = run(capsys, *command, "--out", out)
            assert code == 2
            assert reason in error


def test_pictures_that_carry_no_recipe(
    tmp_path: Path, few_styles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {
        "sitter": {"seed": 1, "psi": 0.7}, "painting": {"size": 64}, "network": "vgg16",
        "precision": "float32", "styles": [],
    }  # fmt: skip
    works = styles.scan().choose("hokusai").works
    painted = {
        **good,
        "styles": [{"slug": "hokusai", "works": {work.slug: work.sha256 for work in works}}],
    }
    cases = [
        ({}, "no portrait of SMART"),
        ({**good, "sitter": {"seed": -1}}, "seed is -1"),
        ({**good, "sitter": {"sed": 1}}, "Unknown option 'sed'"),
        ({**good, "sitter": {"generator": "x"}}, "which is not here"),
        ({**good, "sitter": {"generator": "a/../b"}}, "which is not here"),
        ({**good, "network": "../x"}, "not known here"),
        ({**good, "precision": ["x"]}, "not known here"),
        ({k: v for k, v in good.items() if k != "painting"}, "no portrait of SMART"),
        ({**good, "photo": ["x"]}, "which photograph"),
        (good, "names no painter"),
        ({**good, "styles": "hokusai"}, "names no painter"),
        ({**good, "styles": [{"slug": "gone"}]}, "no style 'gone'"),
        ({**good, "styles": [{"slug": "hokusai", "weight": True}]}, "the weight True"),
        ({**good, "styles": [{"slug": "hokusai", "works": {}}]}, "are not those that painted"),
        ({**painted, "ground": [{"slug": "gone"}]}, "no style 'gone'"),
        ({**painted, "stopped_after": -1}, "whole number of steps"),
        ({**painted, "earlier": [{"painting": {"size": 64}, "stopped_after": 1.5}]}, "whole nu"),
        ({**painted, "photo": {"sha256": "x"}}, "after a photograph"),
        ({**painted, "earlier": [3]}, "whole number of steps"),
        ({**painted, "earlier": {"a": 1}}, "no list of earlier goes"),
        ({**painted, "earlier": [{}] * 99}, "no list of earlier goes"),
        ({**painted, "painting": {"size": 10**9}}, "size is 1000000000"),
    ]
    path = tmp_path / "p.png"
    for provenance, message in cases:
        images.save_png(Image.new("RGB", (8, 8)), path, provenance)
        code, _, error = run(capsys, "portrait", "--like", path, "--out", tmp_path / "q.png")
        assert (code, message in error) == (2, True), error
    code, _, error = run(
        capsys, "portrait", "--like", path, "--seed", 3, "--out", tmp_path / "q.png"
    )
    assert "leave --seed out" in error


def test_damaged_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from smart import networks

    copied = tmp_path / "weights"
    shutil.copytree(ROOT / "weights", copied)
    monkeypatch.setenv("SMART_WEIGHTS", str(copied))
    model = copied / "faces" / "model.safetensors"
    for damage, reason in (
        (lambda: model.write_bytes(b"x" * 99), "damaged"),
        (model.unlink, "missing"),
    ):
        damage()
        networks._generator.cache_clear()
        code, _, error = run(capsys, "faces", "--out", tmp_path / "f.png")
        assert code == 2
        assert reason in error
    networks._generator.cache_clear()
    assert not (tmp_path / "f.png").exists()


def test_as_a_process(tmp_path: Path, few_styles: Path) -> None:
    def smart(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "smart", *arguments], cwd=ROOT, env=dict(os.environ),
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert smart("--version").stdout.startswith("SMART ")
    nothing = smart("paint")
    assert nothing.returncode == 2
    out = tmp_path / "p.png"
    done = smart("portrait", "--seed", "7", "--style", "hokusai", *QUICK, "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no bar in a pipe
    assert "VGG-16" in done.stdout
    refused = smart("portrait", "--style", "nobody")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "Traceback" not in refused.stderr


def test_sliders_relatives_and_a_sitter_out_of_a_picture(
    tmp_path: Path, few_styles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = json.loads(run(capsys, "sliders", "--json")[1])["sliders"]
    assert {"turn", "smile", "age", "glasses"} <= {one["name"] for one in listed}
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    code, _, error = run(
        capsys, "faces", "--seed", 3, "--count", 1, "--sliders", "turn=-0.8", "--relative", 2,
        "--colors-from", 9, "--out", one,
    )  # fmt: skip
    assert code == 0, error
    run(capsys, "faces", "--sitter", one, "--count", 1, "--out", two)
    assert np.array_equal(np.asarray(Image.open(one)), np.asarray(Image.open(two)))
    portrait = tmp_path / "portrait.png"
    code, _, error = run(
        capsys, "portrait", "--sitter", one, "--smoothness", 1, "--style", "hokusai", *QUICK,
        "--engine", "feed-forward", "--sliders", "smile=1", "--out", portrait,
    )  # fmt: skip
    assert code == 0, error
    assert images.read_provenance(portrait)["sitter"] == {
        "seed": 3, "psi": 0.7, "generator": "faces", "relative": 2, "distance": 0.35,
        "colors_from": 9, "sliders": "smile=1.0,turn=-0.8",
    }  # fmt: skip


def test_a_painted_walk(
    tmp_path: Path, few_styles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "walk.webp"
    code, _, error = run(
        capsys, "walk", "--seeds", 3, 7, "--frames", 2, "--size", 64, "--style", "hokusai",
        "--out", out,
    )  # fmt: skip
    assert code == 0, error
    with Image.open(out) as film:
        assert (film.n_frames, film.size) == (4, (64, 64))


def test_a_photograph_without_a_face(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = run(
        capsys, "likeness", ROOT / "styles/hokusai/great-wave.png", "--out", tmp_path / "me.png"
    )
    assert code == 2
    assert "There is no face to be found in the photograph" in error
    assert list(tmp_path.iterdir()) == []
