"""Nothing that is read is ever run, and no picture or name makes SMART ask the network."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from smart import images, weights
from smart.gan.generator import load_generator
from smart.options import PaintingOptions
from tests.conftest import ROOT
from tests.ui.caller import Listener

MODULES = sorted([*(ROOT / "smart").rglob("*.py"), ROOT / "app.py"])
RUNS = {"pickle", "dill", "joblib", "marshal", "shelve", "cloudpickle", "runpy"}
CALLS = {"eval", "exec", "compile", "__import__", "torch.load", "torch.jit.load", "torch.hub.load",
         "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system"}  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_nothing_that_runs_data_is_used(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            assert not {name.split(".")[0] for name in names} & RUNS, path
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("np.load", "numpy.load"):  # the cache of images; pickles stay off
                assert all(word.arg != "allow_pickle" for word in node.keywords), path
                continue
            assert called not in CALLS, (path, called)
            assert all(word.arg != "shell" for word in node.keywords), (path, called)


@pytest.mark.parametrize("name", ["model.pt", "model.pkl", "pytorch_model.bin", "model.ckpt"])
def test_weights_that_would_be_unpickled_are_none(tmp_path: Path, name: str) -> None:
    import torch

    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / weights.CONFIG).write_text('{"architecture": "dcgan", "arguments": {}}')
    torch.save({"a": torch.ones(1)}, folder / name)
    for what in (folder, folder / name):
        with pytest.raises(weights.WeightsError):
            load_generator(what)
    torch.save({"a": torch.ones(1)}, folder / weights.MODEL)
    with pytest.raises(weights.WeightsError, match="damaged"):
        load_generator(folder)


def recipe(generator: str) -> dict[str, Any]:
    return {
        "sitter": {"seed": 3, "psi": 0.7, "generator": generator}, "precision": "float32",
        "styles": [{"slug": "hokusai", "weight": 1.0, "works": {}}], "network": "vgg16",
        "painting": PaintingOptions().to_dict(),
    }  # fmt: skip


@pytest.mark.parametrize("flag", ["--like", "--sitter"])
def test_a_picture_that_names_a_generator_fetches_and_reads_nothing(
    tmp_path: Path, flag: str
) -> None:
    listener = Listener(b"{}")
    try:
        host = f"127.0.0.1:{listener.port}"
        folder = tmp_path / "weights"
        folder.mkdir()
        (folder / weights.CONFIG).write_text("that it was read shows in the message")
        named = "user/repo" if flag == "--like" else str(folder)
        images.save_png(Image.new("RGB", (64, 64)), tmp_path / "a.png", recipe(named))
        environment = {
            **os.environ, "HF_ENDPOINT": f"http://{host}", "HF_HUB_OFFLINE": "0",
            "HF_HOME": str(tmp_path / "hub"),
        }  # fmt: skip
        more = ["--style", "hokusai"] if flag == "--sitter" else []
        command = [sys.executable, "-m", "smart", "portrait", flag, str(tmp_path / "a.png")]
        done = subprocess.run(
            [*command, *more, "--out", str(tmp_path / "out.png")],
            env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert "which is not here" in done.stderr
        assert listener.asked == []
        assert not (tmp_path / "out.png").exists()
    finally:
        listener.stop()
