"""Weights: found in the right order, refused when damaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from smart import weights
from smart.weights import WeightsError


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


def test_all_that_lies_in_our_weights_comes_from_the_hub_too() -> None:
    names = {path.name for path in weights.BUNDLED.glob("*/*") if not path.name.startswith(".")}
    assert names <= set(weights.SHARED)
