"""Other programs for style transfer, run as they are on the same weights and pictures.

style-transfer-pytorch (Katherine Crowson) and neural-style-pt (ProGamerGov), from a path; nothing
of them is in this repository. Both get the bundled VGG-16 in place of their VGG-19.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
import types
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from PIL import Image
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smart import weights
from smart.painting.vgg import BLOCKS, IMAGENET_MEAN, IMAGENET_STD, convolution_keys

CROWSON_LAYERS = {"content": [20], "style": [1, 6, 11, 18, 25]}  # of VGG-16 in torchvision's count
CAFFE_MEAN = (123.68, 116.779, 103.939)  # RGB


def _features() -> nn.Sequential:
    """The bundled VGG-16 up to conv5_1 as torchvision has it."""
    tensors = weights.read_tensors(weights.find("vgg16"))
    layers: list[nn.Module] = []
    block = "1"
    for layer, key in convolution_keys(BLOCKS["vgg16"]).items():
        if layer[4] != block:
            block = layer[4]
            layers.append(nn.MaxPool2d(2))
        weight, bias = tensors[f"{key}.weight"].float(), tensors[f"{key}.bias"].float()
        conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
        conv.weight, conv.bias = nn.Parameter(weight), nn.Parameter(bias)
        layers += [conv, nn.ReLU(inplace=False)]
    return nn.Sequential(*layers)


def crowson(path: str) -> Any:
    """Its module style_transfer.style_transfer; the package around it needs a web server."""
    package = types.ModuleType("style_transfer")
    package.__path__ = [str(Path(path) / "style_transfer")]  # type: ignore[attr-defined]
    sys.modules["style_transfer"] = package
    import importlib

    return importlib.import_module("style_transfer.style_transfer")


def crowson_transfer(module: Any) -> Any:
    """Its StyleTransfer on the bundled VGG-16, otherwise with its defaults."""
    vgg = types.SimpleNamespace(features=_features())
    with mock.patch.object(module.models, "vgg19", return_value=vgg):
        transfer = module.StyleTransfer(devices=["cpu"])
        transfer.content_layers = CROWSON_LAYERS["content"]
        transfer.style_layers = CROWSON_LAYERS["style"]
        transfer.model = module.VGGFeatures([*CROWSON_LAYERS["content"], *CROWSON_LAYERS["style"]])
    transfer.model.distribute_layers({0: "cpu"})
    return transfer


def run_crowson(
    path: str, sitter: Image.Image, painting: Image.Image, size: int, steps: int | None
) -> tuple[Tensor, dict[int, tuple[float, int]]]:
    """Its picture [1, 3, H, W], and for each size the seconds of a step and the steps of a run.

    steps: so many at each size instead of its 1000 and 500, to time them; None: all of its own.
    """
    transfer = crowson_transfer(crowson(path))
    seen: dict[int, list[float]] = {}
    began = time.perf_counter()

    def on_step(step: Any) -> None:
        seen.setdefault(max(step.w, step.h), []).append(time.perf_counter() - began)

    more = {} if steps is None else {"initial_iterations": steps, "iterations": steps}
    with mock.patch("builtins.print"):
        transfer.stylize(sitter, [painting], end_scale=size, callback=on_step, **more)
    pace = {}
    for index, (scale, times) in enumerate(seen.items()):
        # The median: a pause of the machine in half an hour is not the program's.
        each = statistics.median(after - before for before, after in pairwise(times))
        pace[scale] = (each, 1000 if index == 0 else 500)
    return transfer.get_image_tensor()[None].cpu(), pace


def crowson_objective(
    path: str, picture: Tensor, sitter: Image.Image, painting: Image.Image, size: int
) -> float:
    """Its own objective at its last size, with its own code, on anyone's picture."""
    module = crowson(path)
    transfer = crowson_transfer(module)
    found: list[float] = []

    def on_step(step: Any) -> None:
        found.append(step.loss)

    class Start(module.optim.SGD):  # type: ignore[name-defined,misc]
        """The objective of the picture as it is: its first loss, before any step."""

        def __init__(self, params: Any, **_: Any) -> None:
            super().__init__(params, lr=0.0)
            with torch.no_grad():
                self.param_groups[0]["params"][0].copy_(picture)

    with mock.patch.object(module.optim, "Adam", Start), mock.patch("builtins.print"):
        transfer.stylize(
            sitter, [painting], min_scale=size, end_scale=size, initial_iterations=1,
            iterations=1, callback=on_step,
        )  # fmt: skip
    return found[0]


def _caffe_file(folder: Path) -> Path:
    """The bundled VGG-16 as the file that neural-style-pt reads: BGR in 0..255 minus a mean."""
    state = {}
    tensors = weights.read_tensors(weights.find("vgg16"))
    for key, tensor in tensors.items():
        state[key] = tensor.float().clone()
    std, mean = torch.tensor(IMAGENET_STD), torch.tensor(IMAGENET_MEAN)
    kernel = state["features.0.weight"] / (255 * std).view(1, 3, 1, 1)
    shift = (255 * mean - torch.tensor(CAFFE_MEAN)).view(1, 3, 1, 1)
    state["features.0.bias"] -= (kernel * shift).sum((1, 2, 3))
    state["features.0.weight"] = kernel.flip(1)
    # It wants every layer there is; those behind conv5_1 are never reached.
    for index in (26, 28):
        state[f"features.{index}.weight"] = torch.zeros(512, 512, 3, 3)
        state[f"features.{index}.bias"] = torch.zeros(512)
    target = folder / "vgg16-00b39a1b.pth"
    torch.save(state, target)
    return target


@dataclass(frozen=True)
class NeuralStyleRun:
    """Its losses by name ("Content 1", ..., "Total") where it printed them, the seconds of one
    evaluation, and the picture it saved, if it came so far."""

    evaluations: list[dict[str, float]]
    seconds: float
    picture: Image.Image | None


def run_neural_style(
    path: str,
    sitter: Image.Image,
    painting: Image.Image,
    size: int,
    steps: int,
    start: Image.Image | None = None,
) -> NeuralStyleRun:
    """So many of its evaluations with its defaults, from the sitter or from start."""
    every = max(1, steps // 4)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [
            sys.executable, str(Path(path).resolve() / "neural_style.py"), "-gpu", "c",
            "-content_image", "sitter.png", "-style_image", "painting.png", "-image_size",
            str(size), "-model_file", _caffe_file(folder).name, "-disable_check", "-init", "image",
            "-num_iterations", str(steps), "-print_iter", str(every), "-save_iter", "0",
            "-output_image", "out.png", "-seed", "0",
        ]  # fmt: skip
        sitter.save(folder / "sitter.png")
        painting.save(folder / "painting.png")
        if start is not None:
            start.save(folder / "start.png")
            command += ["-init_image", "start.png"]
        # In the folder: it takes the network's depth from any "16" or "19" in the file's path.
        process = subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, text=True, stderr=subprocess.STDOUT
        )
        assert process.stdout is not None
        times: list[float] = []
        evaluations: list[dict[str, float]] = [{}]
        text = []
        for line in process.stdout:
            text.append(line)
            if found := re.match(r"\s*(Content \d|Style \d|Total) loss: ([-+.\deE]+)", line):
                evaluations[-1][found[1]] = float(found[2])
                if found[1] == "Total":
                    evaluations.append({})
                    times.append(time.perf_counter())
        if process.wait() or not times:
            raise RuntimeError("neural-style-pt failed:\n" + "".join(text[-15:]))
        out = folder / "out.png"
        picture = Image.open(out).convert("RGB") if out.exists() else None
    each = (times[-1] - times[0]) / max(1, (len(times) - 1) * every)
    return NeuralStyleRun(evaluations[:-1], each, picture)


def neural_style_objective(
    path: str, picture: Image.Image, sitter: Image.Image, painting: Image.Image, size: int
) -> dict[str, float]:
    """Its own objective by layer, with its own code, of anyone's picture of that size."""
    return run_neural_style(path, sitter, painting, size, 1, picture).evaluations[0]
