"""StyleGAN2 generators that others have trained: from their files to our folder of weights.

    python -m smart.conversion.stylegan2 FILE --out weights/my-faces

FILE is a checkpoint of rosinality's stylegan2-pytorch (.pt) or a network pickle of NVIDIA's
stylegan2-ada-pytorch (.pkl). It is read as data; nothing in it is executed.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smart.conversion.checkpoint import read_checkpoint
from smart.conversion.folder import command, stored, write_folder
from smart.conversion.restricted_pickle import PERSISTENT, Inert
from smart.conversion.stored_tensor import StoredTensor
from smart.gan.stylegan2 import FIRST_LEVEL, StyleGAN2, low_pass
from smart.weights import WeightsError

_RATE = 0.01  # of the mapping, relative to all else, in every published training
_LARGEST = 2048  # px
_MODULES = ("_parameters", "_buffers", "_modules")
_UNKNOWN = "only checkpoints of stylegan2-pytorch and pickles of stylegan2-ada-pytorch are known"


def convert_stylegan2(file: Path, out: Path, licence: str, source: str, dtype: str) -> None:
    """Write config.json, model.safetensors and README.md of the generator in file into out.

    licence and source are texts for the card; dtype is "float16" or "float32". Raises WeightsError
    for a file that is not one of the two kinds, is damaged, or holds a generator of another build.
    """
    arguments, exact = read_stylegan2(Path(file))
    tensors = stored(exact, dtype)
    network = StyleGAN2.from_tensors(arguments, tensors)
    side = network.sizes[-1]
    config = {"architecture": "stylegan2", "arguments": arguments}
    config |= {"licence": licence, "source": source}
    what = (
        f"A StyleGAN2 (arXiv 1912.04958) for pictures of {side} x {side} px, "
        f"{sum(t.numel() for t in network.parameters()) / 1e6:.1f} million weights."
    )
    write_folder(
        Path(out), Path(file), "stylegan2", f"StyleGAN2, {side} x {side}", what, side, dtype,
        config, tensors,
    )  # fmt: skip


def read_stylegan2(file: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The arguments and tensors (float32) of StyleGAN2 from a foreign file. Raises WeightsError."""
    content = read_checkpoint(file)
    if isinstance(content, Inert):
        content = {"G_ema": content}
    if not isinstance(content, dict):
        raise WeightsError(f"{file.name} holds no networks by name; {_UNKNOWN}.")
    state = content.get("g_ema", content.get("g"))
    try:
        if isinstance(content.get("G_ema"), Inert):
            arguments, tensors = from_nvidia(_Network(content["G_ema"], "G_ema"))
        elif isinstance(state, dict):
            arguments, tensors = from_rosinality(state, content.get("latent_avg"))
        else:
            raise WeightsError(f"{file.name} holds neither g_ema nor G_ema; {_UNKNOWN}.")
    except WeightsError:
        raise
    # Of tensors with other dimensions, attributes of other kinds.
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(f"{file.name} holds tensors of other shapes; {_UNKNOWN}.") from error
    tensors = {name: tensor.float().contiguous() for name, tensor in tensors.items()}
    if "w_mean" not in tensors:
        tensors["w_mean"] = torch.zeros(arguments["w_dim"])
        network = StyleGAN2.from_tensors(arguments, tensors)
        network.find_w_mean()
        tensors["w_mean"] = network.w_mean
    return arguments, tensors


def from_rosinality(
    state: dict[Any, Any], latent_avg: Any = None
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments and tensors from the state dict of its Generator, the mean of w if it is there.

    Its layers hold weights of unit deviation and scale them by 1 / sqrt(fan-in) when they run.
    """
    used: set[str] = set()

    def take(key: str) -> Tensor:
        found = state.get(key)
        if not isinstance(found, StoredTensor):
            raise WeightsError(f"The generator has no tensor {key!r}; {_UNKNOWN}.")
        used.add(key)
        return found.tensor().float()

    def linear(key: str, rate: float = 1.0) -> tuple[Tensor, Tensor]:
        weight = take(f"{key}.weight")
        return weight * (rate / math.sqrt(weight.shape[-1])), take(f"{key}.bias") * rate

    layers = len([key for key in state if re.fullmatch(r"style\.\d+\.weight", str(key))])
    heads = len([key for key in state if re.fullmatch(r"to_rgbs\.\d+\.bias", str(key))])
    tensors = {"synthesis.const": take("input.input")}
    for index in range(layers):
        weight, bias = linear(f"style.{index + 1}", _RATE)
        tensors |= {f"mapping.{index}.weight": weight, f"mapping.{index}.bias": bias}

    def conv(theirs: str, ours: str, noise: int) -> None:
        kernel = take(f"{theirs}.conv.weight")[0]
        tensors[f"{ours}.kernel"] = kernel / math.sqrt(kernel[0].numel())
        weight, bias = linear(f"{theirs}.conv.modulation")
        tensors[f"{ours}.style.weight"], tensors[f"{ours}.style.bias"] = weight, bias
        tensors[f"{ours}.bias"] = take(f"{theirs}.activate.bias")
        tensors[f"{ours}.noise_strength"] = take(f"{theirs}.noise.weight").reshape(())
        tensors[f"{ours}.noise"] = take(f"noises.noise_{noise}")

    for index in range(heads + 1):
        level = f"synthesis.{FIRST_LEVEL << index}"
        if index:
            conv(f"convs.{2 * index - 2}", f"{level}.up", 2 * index - 1)
            _same_filter(take(f"convs.{2 * index - 2}.conv.blur.kernel"))
        conv(f"convs.{2 * index - 1}" if index else "conv1", f"{level}.conv", 2 * index)
        theirs = f"to_rgbs.{index - 1}" if index else "to_rgb1"
        kernel = take(f"{theirs}.conv.weight").flatten(3)[0, :, :, 0]
        tensors[f"{level}.head.kernel"] = kernel / math.sqrt(kernel.shape[1])
        weight, bias = linear(f"{theirs}.conv.modulation")
        tensors[f"{level}.head.style.weight"], tensors[f"{level}.head.style.bias"] = weight, bias
        tensors[f"{level}.head.bias"] = take(f"{theirs}.bias").flatten()
    if isinstance(latent_avg, StoredTensor):
        tensors["w_mean"] = latent_avg.tensor().flatten()
    kernels = re.compile(r"(convs|to_rgbs)\.\d+\.(conv\.blur|upsample)\.kernel")
    if left := sorted(str(key) for key in state if key not in used and not kernels.match(str(key))):
        raise WeightsError(f"The generator has a tensor {left[0]!r} too many; {_UNKNOWN}.")
    return _arguments(tensors, None), tensors


class _Network:
    """A module of NVIDIA's as its pickle describes it: tensors, children and plain attributes."""

    def __init__(self, stored: Any, name: str) -> None:
        meta = stored.arguments[0] if isinstance(stored, Inert) and stored.arguments else None
        state = meta.get("state") if isinstance(meta, dict) else None
        good = isinstance(stored, Inert) and stored.name == PERSISTENT and isinstance(state, dict)
        self.name, self.state = name, state if isinstance(state, dict) else {}
        if not good or not all(isinstance(self.state.get(part), dict) for part in _MODULES):
            raise WeightsError(f"{name} is no module of stylegan2-ada-pytorch; {_UNKNOWN}.")

    def has(self, child: str) -> bool:
        return child in self.state["_modules"]

    def child(self, path: str) -> _Network:
        found = self
        for part in path.split("."):
            inner = found.state["_modules"].get(part)
            if inner is None:
                raise WeightsError(f"{found.name} has no module {part!r}; {_UNKNOWN}.")
            found = _Network(inner, f"{found.name}.{part}")
        return found

    def tensor(self, key: str) -> Tensor:
        found = self.state["_parameters"].get(key, self.state["_buffers"].get(key))
        if not isinstance(found, StoredTensor):
            raise WeightsError(f"{self.name} has no tensor {key!r}; {_UNKNOWN}.")
        return found.tensor().float()

    def require(self, key: str, wanted: Any, remedy: str) -> None:
        value = self.state.get(key)
        if value != wanted:
            shown = value if isinstance(value, int | float | str) else type(value).__name__
            raise WeightsError(f"{self.name} has {key} {str(shown)[:40]!r}; {remedy}.")

    def linear(self) -> tuple[Tensor, Tensor]:
        """Weight and bias with the layer's learning rate in them."""
        rate = self.state.get("bias_gain", 1)
        if type(rate) not in (int, float):
            raise WeightsError(f"{self.name} has no bias_gain; {_UNKNOWN}.")
        weight = self.tensor("weight")
        return weight * (rate / math.sqrt(weight.shape[1])), self.tensor("bias") * rate


def from_nvidia(network: _Network) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments and tensors from G_ema of a network pickle.

    Raises WeightsError for one with labels, with another build than "skip", or of StyleGAN3.
    """
    network.require("c_dim", 0, "only networks without labels can be converted")
    network.require("img_channels", 3, "only networks for RGB can be converted")
    mapping, synthesis = network.child("mapping"), network.child("synthesis")
    if not synthesis.has(f"b{FIRST_LEVEL}"):
        raise WeightsError(f"{synthesis.name} is not StyleGAN2's (StyleGAN3's?); {_UNKNOWN}.")
    tensors: dict[str, Tensor] = {}
    for index in range(len(mapping.state["_modules"])):
        layer = mapping.child(f"fc{index}")
        layer.require("activation", "lrelu", "only lrelu can be converted")
        weight, bias = layer.linear()
        tensors |= {f"mapping.{index}.weight": weight, f"mapping.{index}.bias": bias}
    if isinstance(mapping.state["_buffers"].get("w_avg"), StoredTensor):
        tensors["w_mean"] = mapping.tensor("w_avg")
    level, clamp = FIRST_LEVEL, None
    while synthesis.has(f"b{level}") and level <= _LARGEST:
        block, key = synthesis.child(f"b{level}"), f"synthesis.{level}"
        block.require("architecture", "skip", "only the architecture 'skip' can be converted")
        if level == FIRST_LEVEL:
            tensors["synthesis.const"] = block.tensor("const")[None]
        else:
            tensors |= _nvidia_conv(block.child("conv0"), f"{key}.up", level)
            _same_filter(block.tensor("resample_filter"))
        tensors |= _nvidia_conv(block.child("conv1"), f"{key}.conv", level)
        tensors |= _nvidia_head(block.child("torgb"), f"{key}.head")
        clamp = block.child("conv1").state.get("conv_clamp")
        level *= 2
    return _arguments(tensors, clamp), tensors


def _nvidia_conv(layer: _Network, key: str, level: int) -> dict[str, Tensor]:
    layer.require("activation", "lrelu", "only lrelu can be converted")
    weight, bias = layer.child("affine").linear()
    noisy = layer.state.get("use_noise") is True
    noise = layer.tensor("noise_const") if noisy else torch.zeros(level, level)
    strength = layer.tensor("noise_strength") if noisy else torch.zeros(())
    return {
        f"{key}.kernel": layer.tensor("weight"),
        f"{key}.style.weight": weight,
        f"{key}.style.bias": bias,
        f"{key}.bias": layer.tensor("bias"),
        f"{key}.noise": noise[None, None],
        f"{key}.noise_strength": strength,
    }


def _nvidia_head(layer: _Network, key: str) -> dict[str, Tensor]:
    weight, bias = layer.child("affine").linear()
    kernel = layer.tensor("weight").flatten(2)[:, :, 0]
    return {
        f"{key}.kernel": kernel / math.sqrt(kernel.shape[1]),
        f"{key}.style.weight": weight,
        f"{key}.style.bias": bias,
        f"{key}.bias": layer.tensor("bias"),
    }


def _same_filter(kernel: Tensor) -> None:
    """Raises WeightsError for another smoothing filter than [1, 3, 3, 1], of any gain."""
    total = kernel.sum()
    if kernel.shape != (4, 4) or not torch.allclose(kernel / total, low_pass(1), atol=1e-4):
        raise WeightsError("The resampling filter is another than [1, 3, 3, 1]; " + _UNKNOWN + ".")


def _arguments(tensors: dict[str, Tensor], clamp: Any) -> dict[str, Any]:
    """What config.json says of the architecture, read off the tensors' shapes."""
    layers = sum(name.startswith("mapping.") for name in tensors) // 2
    if not layers:
        raise WeightsError(f"The generator has no mapping; {_UNKNOWN}.")
    kernels = [name for name in tensors if name.endswith(".conv.kernel")]
    return {
        "z_dim": tensors["mapping.0.weight"].shape[1],
        "w_dim": len(tensors[f"mapping.{layers - 1}.bias"]),
        "mapping_layers": layers,
        "mapping_width": len(tensors["mapping.0.bias"]),
        "channels": [len(tensors[name]) for name in kernels],
        "clamp": clamp,
    }


def main(arguments: list[str] | None = None) -> int:
    """The command line: converts and says what was written; 2 when the file is refused."""
    return command(convert_stylegan2, "stylegan2", __doc__ or "", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
