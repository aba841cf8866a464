"""Foreign StyleGAN2 files, built here in the shape of the two programs', come back as they were."""

from __future__ import annotations

import argparse
import json
import math
import pickle
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from smart.conversion import folder
from smart.conversion.stylegan2 import convert_stylegan2, main, read_stylegan2
from smart.gan.generator import load_generator
from smart.gan.latents import seed_latents
from smart.gan.stylegan2 import low_pass
from smart.weights import CONFIG, MODEL, WeightsError
from tests.gan.test_stylegan2 import ARGUMENTS, random_tensors

LEVELS = (4, 8, 16, 32)
RATE = 0.01


def scaled(weight: Tensor, rate: float = 1.0) -> Tensor:
    """The weight before the scale that those programs apply when they run."""
    return weight * math.sqrt(weight[0].numel()) / rate


def rosinality_state(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict under the names of stylegan2-pytorch."""
    state = {"input.input": ours["synthesis.const"]}
    for index in range(3):
        state[f"style.{index + 1}.weight"] = scaled(ours[f"mapping.{index}.weight"], RATE)
        state[f"style.{index + 1}.bias"] = ours[f"mapping.{index}.bias"] / RATE

    def conv(theirs: str, key: str, noise: int) -> None:
        state[f"{theirs}.conv.weight"] = scaled(ours[f"{key}.kernel"])[None]
        state[f"{theirs}.conv.modulation.weight"] = scaled(ours[f"{key}.style.weight"])
        state[f"{theirs}.conv.modulation.bias"] = ours[f"{key}.style.bias"]
        state[f"{theirs}.noise.weight"] = ours[f"{key}.noise_strength"][None]
        state[f"{theirs}.activate.bias"] = ours[f"{key}.bias"]
        state[f"noises.noise_{noise}"] = ours[f"{key}.noise"]

    for index, level in enumerate(LEVELS):
        key, head = f"synthesis.{level}", f"to_rgbs.{index - 1}" if index else "to_rgb1"
        if index:
            conv(f"convs.{2 * index - 2}", f"{key}.up", 2 * index - 1)
            state[f"convs.{2 * index - 2}.conv.blur.kernel"] = low_pass(4)
            state[f"{head}.upsample.kernel"] = low_pass(4)
        conv(f"convs.{2 * index - 1}" if index else "conv1", f"{key}.conv", 2 * index)
        state[f"{head}.conv.weight"] = scaled(ours[f"{key}.head.kernel"])[None, :, :, None, None]
        state[f"{head}.conv.modulation.weight"] = scaled(ours[f"{key}.head.style.weight"])
        state[f"{head}.conv.modulation.bias"] = ours[f"{key}.head.style.bias"]
        state[f"{head}.bias"] = ours[f"{key}.head.bias"].view(1, 3, 1, 1)
    return state


class Persistent:
    """A module as NVIDIA's persistence pickles it: its source code, its class's name, its state."""

    def __init__(self, class_name: str, tensors: dict[str, Tensor], **attributes: Any) -> None:
        self.class_name = class_name
        modules = {k: v for k, v in attributes.items() if isinstance(v, Persistent)}
        self.state = {k: v for k, v in attributes.items() if k not in modules}
        buffers = ("noise_const", "resample_filter", "w_avg")
        self.state |= {
            "training": False,
            "_parameters": {
                k: torch.nn.Parameter(v) for k, v in tensors.items() if k not in buffers
            },
            "_buffers": {k: v for k, v in tensors.items() if k in buffers},
            "_modules": modules,
            "_init_kwargs": sys.modules["dnnlib.util"].EasyDict(size=1),
            "_non_persistent_buffers_set": set(),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        source = "raise SystemExit('executed')"
        meta = {"type": "class", "version": 6, "module_src": source}
        meta |= {"class_name": self.class_name, "state": self.state}
        return sys.modules["torch_utils.persistence"]._reconstruct_persistent_obj, (meta,)


@pytest.fixture
def persistence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules of the names that NVIDIA's pickles refer to. Whoever calls what is in them fails."""

    def _reconstruct_persistent_obj(meta: Any) -> Any:
        raise AssertionError("executed")

    class EasyDict(dict):  # type: ignore[type-arg]
        pass

    for thing, module in ((_reconstruct_persistent_obj, "torch_utils.persistence"),
                          (EasyDict, "dnnlib.util")):  # fmt: skip
        thing.__module__, thing.__qualname__ = module, thing.__name__
        monkeypatch.setitem(sys.modules, module.split(".")[0], types.ModuleType("package"))
        holder = types.ModuleType(module)
        setattr(holder, thing.__name__, thing)
        monkeypatch.setitem(sys.modules, module, holder)


def linear(ours: dict[str, Tensor], key: str, rate: float = 1, act: str = "linear") -> Persistent:
    tensors = {"weight": scaled(ours[f"{key}.weight"], rate), "bias": ours[f"{key}.bias"] / rate}
    return Persistent("FullyConnectedLayer", tensors, activation=act, bias_gain=rate)


def nvidia_network(ours: dict[str, Tensor], clamp: float | None = None) -> Persistent:
    """G_ema under the names of stylegan2-ada-pytorch."""
    resample_filter = low_pass(1)

    def conv(key: str) -> Persistent:
        tensors = {name: ours[f"{key}.{name}"] for name in ("bias", "noise_strength")}
        tensors["weight"] = ours[f"{key}.kernel"]  # demodulation undoes its scale
        tensors["noise_const"] = ours[f"{key}.noise"][0, 0]
        return Persistent(
            "SynthesisLayer", tensors, activation="lrelu", use_noise=True, conv_clamp=clamp,
            affine=linear(ours, f"{key}.style"),
        )  # fmt: skip

    blocks = {}
    for level in LEVELS:
        key = f"synthesis.{level}"
        head = {"bias": ours[f"{key}.head.bias"]}
        head["weight"] = scaled(ours[f"{key}.head.kernel"])[:, :, None, None]
        torgb = Persistent("ToRGBLayer", head, affine=linear(ours, f"{key}.head.style"))
        tensors = {"resample_filter": resample_filter}
        if level == 4:
            tensors["const"] = ours["synthesis.const"][0]
        more = {"conv0": conv(f"{key}.up")} if level > 4 else {}
        blocks[f"b{level}"] = Persistent(
            "SynthesisBlock", tensors, architecture="skip", conv1=conv(f"{key}.conv"),
            torgb=torgb, **more,
        )  # fmt: skip
    layers = {f"fc{i}": linear(ours, f"mapping.{i}", RATE, "lrelu") for i in range(3)}
    mapping = Persistent("MappingNetwork", {"w_avg": ours["w_mean"]}, **layers)
    synthesis = Persistent("SynthesisNetwork", {}, **blocks)
    return Persistent(
        "Generator", {}, c_dim=0, img_channels=3, mapping=mapping, synthesis=synthesis
    )


@pytest.fixture(scope="module")
def ours() -> dict[str, Tensor]:
    return random_tensors(ARGUMENTS)


def nvidia_file(network: Persistent, path: Path) -> Path:
    content = {"G": None, "D": None, "G_ema": network, "augment_pipe": None}
    path.write_bytes(pickle.dumps(content))
    return path


def same(file: Path, ours: dict[str, Tensor], clamp: float | None = None) -> None:
    arguments, tensors = read_stylegan2(file)
    assert arguments == ARGUMENTS | {"clamp": clamp}
    assert tensors.keys() == ours.keys()
    for key, tensor in ours.items():
        torch.testing.assert_close(tensors[key], tensor, rtol=1e-5, atol=1e-6, msg=key)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("key", ["g_ema", "g"])
def test_rosinality(tmp_path: Path, ours: dict[str, Tensor], key: str, zipped: bool) -> None:
    content = {key: rosinality_state(ours), "latent_avg": ours["w_mean"], "d_optim": {"state": {}}}
    content["args"] = argparse.Namespace(size=32)  # type: ignore[assignment]
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    same(tmp_path / "a.pt", ours)


@pytest.mark.usefixtures("persistence")
@pytest.mark.parametrize("clamp", [None, 256])
def test_nvidia(tmp_path: Path, ours: dict[str, Tensor], clamp: float | None) -> None:
    same(nvidia_file(nvidia_network(ours, clamp), tmp_path / "a.pkl"), ours, clamp)


@pytest.mark.usefixtures("persistence")
def test_both_files_of_one_network_give_one_picture(
    tmp_path: Path, ours: dict[str, Tensor]
) -> None:
    torch.save({"g_ema": rosinality_state(ours)}, tmp_path / "a.pt")
    nvidia_file(nvidia_network(ours), tmp_path / "a.pkl")
    pictures = []
    for file in ("a.pt", "a.pkl"):
        out = tmp_path / file.replace(".", "-")
        convert_stylegan2(tmp_path / file, out, "mine", "here", "float32")
        generator = load_generator(out)
        pictures.append(generator.synthesize(generator.map(seed_latents([0], generator.z_dim))))
    torch.testing.assert_close(pictures[0], pictures[1], rtol=0, atol=1e-5)


def test_the_mean_of_w_is_found_when_it_is_missing(tmp_path: Path, ours: dict[str, Tensor]) -> None:
    torch.save({"g_ema": rosinality_state(ours)}, tmp_path / "a.pt")
    means = [read_stylegan2(tmp_path / "a.pt")[1]["w_mean"] for _ in range(2)]
    assert torch.equal(*means)
    assert means[0].abs().max() > 0.1


def test_the_folder_that_is_written(
    tmp_path: Path, ours: dict[str, Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"g_ema": rosinality_state(ours)}, tmp_path / "a.pt")
    out = tmp_path / "weights" / "mine"
    assert main([str(tmp_path / "a.pt"), "--out", str(out), "--licence", "CC0"]) == 0
    assert "float16" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["README.md", CONFIG, MODEL]
    config = json.loads((out / CONFIG).read_text())
    assert (config["architecture"], config["licence"]) == ("stylegan2", "CC0")
    card = (out / "README.md").read_text()
    assert "CC0" in card
    assert "a.pt, origin not stated" in card
    assert str(tmp_path) not in card
    first = (out / MODEL).read_bytes()
    assert main([str(tmp_path / "a.pt"), "--out", str(out)]) == 0
    assert (out / MODEL).read_bytes() == first
    generator = load_generator(out)
    exact = tmp_path / "exact"
    assert main([str(tmp_path / "a.pt"), "--out", str(exact), "--dtype", "float32"]) == 0
    w = generator.map(seed_latents([0, 1], generator.z_dim))
    difference = generator.synthesize(w) - load_generator(exact).synthesize(w)
    assert difference.abs().mean() < 1 / 255


def changed(network: Persistent, path: str, **attributes: Any) -> Persistent:
    found = network
    for part in path.split(".") if path else ():
        found = found.state["_modules"][part]
    found.state |= attributes
    return network


@pytest.mark.usefixtures("persistence")
@pytest.mark.parametrize(
    ("path", "attributes", "message"),
    [
        ("", {"c_dim": 10}, "c_dim '10'; only networks without labels"),
        ("", {"img_channels": 1}, "RGB"),
        ("synthesis.b8", {"architecture": "resnet"}, "architecture 'resnet'"),
        ("synthesis.b4", {"architecture": "orig"}, "architecture 'orig'"),
        ("synthesis.b8.conv0", {"activation": "relu"}, "lrelu"),
        ("synthesis.b8.conv1", {"_modules": {}}, "no module 'affine'"),
        ("synthesis.b8.conv1", {"_parameters": {}}, "no tensor"),
        ("synthesis", {"_modules": {}}, "StyleGAN3"),
        ("mapping", {"_modules": {}}, "no mapping"),
        ("synthesis.b32", {"_modules": 3}, "is no module"),
        ("synthesis.b8", {"_buffers": {"resample_filter": torch.ones(4, 4)}}, "filter"),
        ("synthesis.b8.conv1", {"_buffers": {"noise_const": torch.ones(3, 3)}}, "noise"),
        ("synthesis.b32.conv1", {"conv_clamp": "much"}, "clamp"),
        ("mapping.fc0", {"bias_gain": "x"}, "bias_gain"),
    ],
)
def test_other_builds_of_nvidia_are_refused(
    tmp_path: Path,
    ours: dict[str, Tensor],
    capsys: pytest.CaptureFixture[str],
    path: str,
    attributes: dict[str, Any],
    message: str,
) -> None:
    file = nvidia_file(changed(nvidia_network(ours), path, **attributes), tmp_path / "a.pkl")
    assert main([str(file), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conv1.conv.weight": None}, "no tensor 'conv1.conv.weight'"),
        ({"more": torch.ones(1)}, "'more' too many"),
        ({"conv1.activate.bias": torch.ones(3)}, "another shape"),
        ({"convs.0.conv.weight": torch.ones(())}, "other shapes"),
        ({"convs.0.conv.blur.kernel": torch.ones(4, 4)}, "filter"),
        ({"noises.noise_0": torch.full((1, 1, 4, 4), math.nan)}, "not finite"),
        ({"input.input": torch.full((1, 12, 4, 4), 1e6)}, "too large for float16"),
    ],
)
def test_other_builds_of_rosinality_are_refused(
    tmp_path: Path, ours: dict[str, Tensor], change: dict[str, Tensor | None], message: str
) -> None:
    state = {k: v for k, v in (rosinality_state(ours) | change).items() if v is not None}
    torch.save({"g_ema": state}, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match=message):
        convert_stylegan2(tmp_path / "a.pt", tmp_path / "out", "", "", "float16")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [[1], {"d": {}}, 5, {"g_ema": {}}, {"g_ema": 3}])
def test_other_contents_are_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(WeightsError, match="known"):
        read_stylegan2(tmp_path / "a.pt")


def test_nothing_half_written_stays(
    tmp_path: Path, ours: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"g_ema": rosinality_state(ours)}, tmp_path / "a.pt")
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ValueError, match="choose another folder"):
        convert_stylegan2(tmp_path / "a.pt", tmp_path / "out", "", "", "float16")
    assert (tmp_path / "out").read_text() == "a file"
    monkeypatch.setattr(folder, "_CARD", "{no such field}")
    with pytest.raises(KeyError):
        convert_stylegan2(tmp_path / "a.pt", tmp_path / "new", "", "", "float16")
    assert not (tmp_path / "new").exists()
