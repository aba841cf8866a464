"""Weights: found in the right order, refused when damaged, VGG-19 fetched by ranges."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from smart import weights
from smart.painting.vgg import BLOCKS, tensor_shapes
from smart.weights import WeightsError

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights called small, alone in weights/."""
    monkeypatch.setenv("SMART_WEIGHTS", str(tmp_path))
    small = tmp_path / "small"
    small.mkdir()
    (small / "config.json").write_text('{"architecture": "toy"}')
    save_file({"a": torch.ones(3).half(), "n": torch.arange(2)}, small / "model.safetensors")
    return small


def test_found_by_name_and_by_path(folder: Path) -> None:
    assert weights.find("small") == folder
    assert weights.find(folder) == folder
    tensors = weights.read_tensors(folder)
    assert tensors["a"].dtype == torch.float32
    assert tensors["n"].dtype == torch.int64
    assert set(weights.read_file(folder / "model.safetensors", ["a", "zzz"])) == {"a"}


@pytest.mark.parametrize("name", ["smal", "../small", "/etc", "", "a" * 300, "sm\0all"])
def test_not_found(folder: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="there are: small"):
        weights.find(name)


def test_not_found_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMART_WEIGHTS", str(tmp_path / "none"))
    with pytest.raises(WeightsError, match="holds none"):
        weights.find("faces")


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("config.json", b"{", "cannot be read"),
        ("config.json", b"\xff", "cannot be read"),
        ("config.json", b"[]", 'names no "architecture"'),
        ("model.safetensors", b"", "damaged"),
        ("model.safetensors", b"\0" * 64, "damaged"),
        ("model.safetensors", None, "missing"),
    ],
)
def test_damaged(folder: Path, file: str, content: bytes | None, reason: str) -> None:
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    read = weights.read_config if file == "config.json" else weights.read_tensors
    with pytest.raises(WeightsError, match=f"{reason}.*copy the folder again"):
        read(folder)


def test_cut_off(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="damaged"):
        weights.read_tensors(folder)


@settings(max_examples=80, deadline=None)
@given(data=st.binary(max_size=300), cut=st.integers(0, 200))
def test_any_bytes_are_tensors_or_damaged(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int
) -> None:
    path = tmp_path_factory.mktemp("w") / "model.safetensors"
    save_file({"a": torch.ones(3)}, path)
    path.write_bytes(path.read_bytes()[:cut] + data)
    try:
        weights.read_file(path)
    except WeightsError as error:
        message = str(error)
    else:
        message = "damaged"
    assert "damaged" in message


def test_listing_says_what_is_wrong(folder: Path) -> None:
    shutil.copytree(folder, folder.parent / "broken")
    (folder.parent / "broken" / "config.json").write_text("{")
    rows = {row.name: row for row in weights.listing()}
    assert rows["small"].problem == ""
    assert "cannot be read" in rows["broken"].problem
    assert "pull vgg19" in rows["vgg19"].problem


class Hub(BaseHTTPRequestHandler):
    """The Hub's file endpoint: a redirect to a storage that answers ranges."""

    content: ClassVar[bytes] = b""
    behaviour: ClassVar[str] = "good"
    sent: ClassVar[int] = 0

    def do_GET(self) -> None:
        if self.behaviour == "down":
            return self._answer(503, b"")
        if self.path == "/timm/vgg19.tv_in1k/resolve/main/model.safetensors":
            self.send_response(302)
            self.send_header("Location", "/storage")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        if self.path != "/storage":
            return self._answer(404, b"")
        start, end = (int(x) for x in self.headers["range"].removeprefix("bytes=").split("-"))
        part = self.content[start : end + 1]
        if self.behaviour == "no ranges":
            return self._answer(200, self.content[:1000])
        if self.behaviour == "short":
            part = part[:-1]
        return self._answer(206, part)

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        type(self).sent += len(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    """A local Hub; the content of Hub is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Hub.behaviour, Hub.sent = "good", 0
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def pull(hub: str, home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """`smart weights pull vgg19` in a process that has another Hub and another cache."""
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}
    arguments = more or ("weights", "pull", "vgg19", "--json")
    return subprocess.run(
        [sys.executable, "-m", "smart", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def whole_vgg19(path: Path) -> None:
    """A file as the Hub has it: the tensors we need among others that we do not."""
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: 0.05 * torch.randn(shape, generator=generator)
        for name, shape in tensor_shapes(BLOCKS["vgg19"]).items()
    }
    tensors["features.34.weight"] = torch.zeros(512, 512, 3, 3)
    tensors["head.fc.weight"] = torch.zeros(1000, 4096)
    save_file(tensors, path)


def test_vgg19_comes_by_ranges_and_is_used(hub: str, tmp_path: Path) -> None:
    whole_vgg19(tmp_path / "whole.safetensors")
    Hub.content = (tmp_path / "whole.safetensors").read_bytes()
    done = pull(hub, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    folder = Path(json.loads(done.stdout)["folder"])
    assert Hub.sent < 52_000_000 < len(Hub.content)
    whole = weights.read_file(tmp_path / "whole.safetensors")
    for name, tensor in weights.read_tensors(folder).items():
        assert torch.equal(tensor, whole[name])
    code = "from smart.painting.vgg import load_vgg; print(load_vgg().name, load_vgg().key)"
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home")}
    used = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert used.stdout.split() == ["VGG-19", "vgg19"]


@pytest.mark.parametrize("behaviour", ["no ranges", "short", "down", "other file"])
def test_a_hub_that_misbehaves_leaves_nothing(hub: str, tmp_path: Path, behaviour: str) -> None:
    Hub.behaviour = behaviour
    Hub.content = b"\xff" * 100_000
    done = pull(hub, tmp_path / "home")
    assert done.returncode == 2
    assert done.stderr.startswith("smart: ")
    assert done.stderr.count("\n") == 1
    assert not list((tmp_path / "home").rglob("*.safetensors"))


def test_no_network_at_all(tmp_path: Path) -> None:
    done = pull("http://127.0.0.1:9", tmp_path / "home")
    assert done.returncode == 2
    assert "check the network" in done.stderr


def test_all_that_lies_in_our_weights_comes_from_the_hub_too() -> None:
    names = {path.name for path in weights.BUNDLED.glob("*/*") if not path.name.startswith(".")}
    assert names <= set(weights.SHARED)
