"""VGG features by layer name: what the painter sees of a picture.

Simonyan & Zisserman 2015 (arXiv 1409.1556). Two depths speak one language of layer names
("relu3_1" is the first rectified layer of the third block), so a painter works with either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smart import weights
from smart.weights import WeightsError
from smart.wording import named

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# Convolutions in each block; both end at conv5_1, the deepest layer the painter uses.
BLOCKS = {"vgg16": (2, 2, 3, 3, 1), "vgg19": (2, 2, 4, 4, 1)}
CHANNELS = (64, 128, 256, 512, 512)
GRID = 16  # px of the picture to a feature of the deepest layer


def stride_of(layer: str) -> int:
    """Px of the picture to a feature of the layer: 1 for "relu1_1", 16 for "relu5_1"."""
    return int(2 ** (int(layer[4]) - 1))


def convolution_keys(blocks: Sequence[int]) -> dict[str, str]:
    """Layer name -> torchvision's key prefix: {"conv1_1": "features.0", ...}, in order."""
    keys, index = {}, 0
    for block, count in enumerate(blocks, start=1):
        for conv in range(1, count + 1):
            keys[f"conv{block}_{conv}"] = f"features.{index}"
            index += 2  # the convolution and its ReLU
        index += 1  # the pooling that ends the block
    return keys


def tensor_shapes(blocks: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Every tensor the features need, by torchvision's key, with its shape."""
    shapes: dict[str, tuple[int, ...]] = {}
    previous = 3
    for layer, key in convolution_keys(blocks).items():
        channels = CHANNELS[int(layer[4]) - 1]
        shapes[f"{key}.weight"] = (channels, previous, 3, 3)
        shapes[f"{key}.bias"] = (channels,)
        previous = channels
    return shapes


class VGG(nn.Module):
    """The convolutional part of VGG-16 or VGG-19 up to conv5_1, frozen.

    tensors: torchvision's keys; more than needed may be there. Raises WeightsError when one is
    missing or has another shape. dtype is that of the convolutions; bfloat16 halves the time
    where the processor has matrix units for it, and results come back as float32.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        blocks: Sequence[int],
        tensors: Mapping[str, Tensor],
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        for key, shape in tensor_shapes(blocks).items():
            if key not in tensors or tuple(tensors[key].shape) != shape:
                found = tuple(tensors[key].shape) if key in tensors else "nothing"
                raise WeightsError(
                    f"These are no {name} weights: {key} should be {shape} but is {found}; "
                    "use the weights of the repository or pull them again."
                )
        self.name = name
        self.dtype = dtype
        self.layers = tuple(convolution_keys(blocks))
        for layer, key in convolution_keys(blocks).items():
            for part in ("weight", "bias"):
                tensor = tensors[f"{key}.{part}"].to(device, dtype)
                if part == "weight":
                    tensor = tensor.contiguous(memory_format=torch.channels_last)
                self.register_buffer(f"{layer}_{part}", tensor, persistent=False)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN, device=device).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD, device=device).view(1, 3, 1, 1))

    @property
    def key(self) -> str:
        """The name by which load_vgg finds it again: "vgg16", "vgg19"."""
        return self.name.lower().replace("-", "")

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.mean.device

    @cached_property
    def energy(self) -> dict[str, float]:
        """Mean squared feature of each rectified layer on a picture that is the same for all.

        Networks differ by orders of magnitude in the size of their features; losses divided by
        this mean the same with each of them.
        """
        names = [layer.replace("conv", "relu") for layer in self.layers]
        with torch.no_grad():
            features = self(calibration_picture().to(self.device), names)
        return {name: float(features[name].float().square().mean()) for name in names}

    def reach(self, layers: Iterable[str]) -> int:
        """How far, in px, a feature of the deepest of these layers looks to each side.

        Rounded up to whole features of the deepest layer there is, so that a tile with this margin
        has in its core exactly the features of the whole picture.
        """
        wanted = set(layers)
        reach, stride, block = 0, 1, "1"
        for layer in self.layers:
            if layer[4] != block:
                block, reach, stride = layer[4], reach + stride, stride * 2
            reach += stride
            wanted.discard(layer.replace("conv", "relu"))
            if not wanted:
                break
        return -(-reach // GRID) * GRID

    def forward(self, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Features of image [N, 3, H, W] in 0..1 at the named layers ("relu1_1" ... "relu5_1").

        Returns {name: [N, C, h, w]} in the network's dtype, channels_last. Work ends at the
        deepest layer asked for. Raises ValueError for a name there is not, or an image that is
        too small to reach the layer.
        """
        wanted = set(layers)
        known = {layer.replace("conv", "relu") for layer in self.layers}
        if unknown := wanted - known:
            raise ValueError(
                f"No layer called {sorted(unknown)[0]!r} in {self.name}; "
                f"there are: {', '.join(sorted(known))}."
            )
        x = ((image - self.mean) / self.std).to(self.dtype)
        x = x.contiguous(memory_format=torch.channels_last)
        features: dict[str, Tensor] = {}
        block = "1"
        for layer in self.layers:
            if layer[4] != block:
                block = layer[4]
                if min(x.shape[-2:]) < 2:
                    raise ValueError(
                        f"A picture of {image.shape[-1]} x {image.shape[-2]} px is too small for "
                        f"the layer {sorted(wanted)[-1]}; give at least 16 px a side."
                    )
                x = F.max_pool2d(x, 2)
            weight = getattr(self, f"{layer}_weight")
            bias = getattr(self, f"{layer}_bias")
            if layer == "conv1_1":
                # The picture's edge is no black frame: replicate it instead of padding zeros.
                x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), weight, bias)
            else:
                x = F.conv2d(x, weight, bias, padding=1)
            x = F.relu_(x)
            name = layer.replace("conv", "relu")
            if name in wanted:
                features[name] = x
                if len(features) == len(wanted):
                    break
        return features


def pink_noise(height: int, width: int, seed: int) -> Tensor:
    """Coloured noise with the 1/f spectrum of natural pictures, [1, 3, height, width] in 0..1."""
    generator = torch.Generator("cpu").manual_seed(seed)
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequency = (rows.square() + columns.square()).sqrt().clamp_min(1 / max(height, width))
    white = torch.fft.rfft2(torch.randn(3, height, width, generator=generator))
    pink = torch.fft.irfft2(white / frequency, s=(height, width))
    pink = (pink - pink.mean((1, 2), keepdim=True)) / pink.std((1, 2), keepdim=True)
    # Mostly light and dark, some orange and blue, little green and purple, as pictures are.
    light, warm, green = pink
    rgb = torch.stack([light + 0.3 * warm + 0.1 * green, light - 0.2 * green,
                       light - 0.3 * warm + 0.1 * green])  # fmt: skip
    return (0.5 + 0.2 * rgb).clamp(0, 1).unsqueeze(0)


def calibration_picture(size: int = 192) -> Tensor:
    """The picture on which networks are compared, [1, 3, size, size] in 0..1."""
    return pink_noise(size, size, 0)


def load_vgg(
    name: str | None = None,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> VGG:
    """The feature network called name ("vgg19", "vgg16"), or the best one that is here now.

    Without a name: VGG-19 when it lies in weights/, in the Hub's cache or was pulled; the bundled
    VGG-16 otherwise. Nothing is downloaded. Raises WeightsError.
    """
    found = weights.vgg19_file() if name in (None, "vgg19") else None
    if found is not None:
        keys = tensor_shapes(BLOCKS["vgg19"])
        tensors = weights.read_file(found, keys)
        return VGG("VGG-19", BLOCKS["vgg19"], tensors, device, dtype)
    if name == "vgg19":
        raise WeightsError(
            "VGG-19 is not here yet; fetch it with `python -m smart weights pull vgg19`."
        )
    folder = weights.find(name or "vgg16")
    config = weights.read_config(folder)
    if config["architecture"] != "vgg":
        raise WeightsError(
            f"{folder.name} holds a {config['architecture']}, no feature network; use vgg16."
        )
    blocks = config.get("blocks", BLOCKS["vgg16"])
    good = isinstance(blocks, list | tuple) and len(blocks) == len(CHANNELS)
    if not good or not all(type(count) is int and 1 <= count <= 8 for count in blocks):
        raise WeightsError(
            f"{folder.name} has to give in config.json the convolutions of {len(CHANNELS)} blocks "
            "as whole numbers up to 8; restore the folder from where it came."
        )
    name = named(config.get("name", folder.name))
    return VGG(name, tuple(blocks), weights.read_tensors(folder), device, dtype)
