"""The small style generator that one trains oneself, on a laptop or on a GPU.

The style-based generator of Karras et al. 2020 (arXiv 1912.04958) with skips to the picture,
without noise inputs, and with bilinear upsampling, which leaves no grid in the picture. It has two
convolutions a level and a last level at full size: with one, and wavelet coefficients in place of
that level, it needed more than twice the images, and drew outlines as rows of dots.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smart.gan.alike import filled, one_for_each_slot
from smart.weights import WeightsError

SLOPE = 0.2  # of every leaky ReLU
GAIN = math.sqrt(2)  # keeps the variance behind a leaky ReLU
RESOLUTIONS = (32, 64, 96, 128, 192, 256)
# name: most channels, channels x side at most, convolutions a level of the critic, z and w, mapping
# layers. About 0.9, 2.1 and 3 million weights at 64 px in the generator, 0.4, 1 and 2 in the
# critic: one that is stronger runs away.
PRESETS = {
    "small": (128, 1024, 1, 128, 2),
    "medium": (192, 2048, 1, 128, 2),
    "large": (192, 4096, 2, 192, 2),
}
CONVOLUTIONS = 2  # a level of the generator


@dataclass(frozen=True)
class Architecture:
    """What a generator and its critic look like.

    widths[i] are the channels at side base * 2**i, the last ones at the full size, where there is
    only the generator. convolutions are those of a level of the generator.
    """

    base: int
    widths: tuple[int, ...]
    convolutions: int
    critic_convolutions: int
    z_dim: int
    w_dim: int
    mapping_layers: int

    @property
    def resolution(self) -> int:
        """Width and height of the pictures in px."""
        return self.base << (len(self.widths) - 1)

    @classmethod
    def of(cls, resolution: int, preset: str) -> Self:
        """The architecture of a preset ("small", "medium", "large") for pictures of resolution px.

        Raises ValueError for a resolution or preset there is not.
        """
        if resolution not in RESOLUTIONS or preset not in PRESETS:
            raise ValueError(
                f"There is no {preset!r} network for {resolution} px; choose "
                f"{', '.join(PRESETS)} and one of {', '.join(map(str, RESOLUTIONS))} px."
            )
        most, budget, critic_convolutions, dim, mapping = PRESETS[preset]
        base = 6 if resolution % 3 == 0 else 4
        sides = [base << level for level in range(int(math.log2(resolution // base)))]
        # Multiples of eight, which matrix units ask for.
        widths = [max(8, min(most, budget // side) // 8 * 8) for side in sides]
        widths.append(max(16, widths[-1] // 2))
        return cls(base, tuple(widths), CONVOLUTIONS, critic_convolutions, dim, dim, mapping)

    @classmethod
    def from_dict(cls, arguments: Mapping[str, Any]) -> Self:
        """The inverse of to_dict. Raises WeightsError for what is missing or not sensible."""
        names = [field.name for field in fields(cls) if field.name != "widths"]
        widths = arguments.get("widths")
        numbers = [arguments.get(name) for name in names]
        numbers += widths if isinstance(widths, list | tuple) and 2 <= len(widths) <= 9 else [None]
        good = all(type(number) is int and 0 < number <= 1024 for number in numbers)
        if not good or sum(arguments[name] for name in names if "dim" not in name) > 64:
            raise WeightsError(
                f"config.json has to give {', '.join(names)} and a list of widths as whole numbers "
                "up to 1024, and few layers, for style_generator; restore the folder from where it "
                "came."
            )
        return cls(widths=tuple(arguments["widths"]), **{name: arguments[name] for name in names})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self) | {"widths": list(self.widths)}


class EqualLinear(nn.Module):
    """A linear layer whose weights are N(0, 1) and scaled when they are used.

    Every layer then learns at the same relative rate (Karras et al. 2018, arXiv 1710.10196).
    """

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full((outputs,), bias / rate))
        self.scale, self.rate = rate / math.sqrt(inputs), rate

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.rate)


class EqualConv(nn.Module):
    """A convolution that keeps the sides, with weights scaled as in EqualLinear."""

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = 1 / math.sqrt(inputs * kernel**2)

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight * self.scale
        return F.conv2d(x, kernel, self.bias, padding=self.weight.shape[2] // 2)


class StyledConv(EqualConv):
    """A convolution whose input channels are scaled by w; demodulated, unless it is a head."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, w_dim: int, demodulate: bool = True
    ) -> None:
        super().__init__(inputs, outputs, kernel)
        self.style = EqualLinear(w_dim, inputs, bias=1.0)
        self.demodulate = demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:  # type: ignore[override]
        """x [N, C, h, w], w [N, w_dim] -> [N, C', h, w], with bias, before any activation."""
        kernel = self.weight * self.scale
        style = self.style(w)  # (N, C)
        # The style on the picture instead of in the kernel: one convolution serves the batch.
        y = F.conv2d(x * style[:, :, None, None], kernel, padding=self.weight.shape[2] // 2)
        assert self.bias is not None
        if self.demodulate:
            energy = style.square() @ kernel.square().sum((2, 3)).T  # (N, C')
            y = y * torch.rsqrt(energy + 1e-8)[:, :, None, None].to(y.dtype)
        return y + self.bias[:, None, None].to(y.dtype)


def full_precision(x: Tensor) -> contextlib.AbstractContextManager[Any]:
    """No autocast to bfloat16 on the device of x."""
    if x.device.type == "meta":
        return contextlib.nullcontext()
    return torch.autocast(x.device.type, enabled=False)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance."""
    return F.leaky_relu(x, SLOPE) * GAIN


def double(x: Tensor) -> Tensor:
    """[N, C, h, w] -> [N, C, 2h, 2w], bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class Level(nn.Module):
    """One size of the synthesis: styled convolutions, and a head that adds to the picture."""

    def __init__(self, inputs: int, width: int, convolutions: int, w_dim: int) -> None:
        super().__init__()
        channels = [inputs] + [width] * convolutions
        pairs = itertools.pairwise(channels)
        self.convs = nn.ModuleList(StyledConv(a, b, 3, w_dim) for a, b in pairs)
        self.head = StyledConv(width, 3, 1, w_dim, demodulate=False)

    def forward(self, x: Tensor, w: Tensor, w_head: Tensor) -> tuple[Tensor, Tensor]:
        """Features [N, C, h, w], and what they add to the picture: [N, 3, h, w]."""
        for conv in self.convs:
            x = activate(conv(x, w))
        # Colours are added up in full precision: bfloat16 has two grey levels in one.
        return x, self.head(x, w_head).float()


class StyleGenerator(nn.Module):
    """A generator (see smart.gan.generator) of small pictures, for training and for use.

    Slot i of w+ styles level i, the last slot the heads' colours. forward gives pictures on the
    scale -1..1 with gradients; map and synthesize are the contract, without them.
    """

    w_mean: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.z_dim, self.w_dim = architecture.z_dim, architecture.w_dim
        self.slots = len(architecture.widths) + 1
        self.sizes: tuple[int, ...] = (architecture.resolution,)
        inputs = [self.z_dim] + [self.w_dim] * (architecture.mapping_layers - 1)
        # The mapping learns at a hundredth of the rate (Karras et al. 2019, arXiv 1812.04948).
        self.mapping = nn.ModuleList(EqualLinear(n, self.w_dim, rate=0.01) for n in inputs)
        first = architecture.widths[0]
        self.const = nn.Parameter(torch.randn(1, first, architecture.base, architecture.base))
        self.levels = nn.ModuleList(
            Level(a, b, architecture.convolutions, self.w_dim)
            for a, b in itertools.pairwise([first, *architecture.widths])
        )
        self.register_buffer("w_mean", torch.zeros(self.w_dim))

    def latent(self, z: Tensor) -> Tensor:
        """z [N, z_dim] -> w [N, w_dim], with gradients."""
        x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        with full_precision(x):  # small, and everything hangs on it
            for layer in self.mapping:
                x = activate(layer(x))
        return x

    def picture(self, w: Tensor) -> Tensor:
        """w+ [N, slots, w_dim] -> pictures [N, 3, R, R], about -1..1, with gradients."""
        x = self.const.expand(len(w), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        picture: Tensor | None = None
        for index, level in enumerate(self.levels):
            if index:
                x = double(x)
            x, more = level(x, w[:, index], w[:, -1])
            picture = more if picture is None else double(picture) + more
        assert picture is not None
        return picture

    def forward(self, z: Tensor) -> Tensor:
        """z [N, z_dim] -> pictures [N, 3, R, R], about -1..1, with gradients."""
        return self.picture(self.latent(z)[:, None].expand(-1, self.slots, -1))

    @torch.no_grad()
    def map(self, z: Tensor) -> Tensor:
        """z [N, z_dim], standard normal -> w [N, w_dim]. Raises ValueError for another shape."""
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z has the shape {list(z.shape)}; pass [N, {self.z_dim}].")
        return self.latent(z.to(self.w_mean))

    @torch.no_grad()
    def synthesize(self, w: Tensor, size: int | None = None) -> Tensor:
        """w [N, w_dim] or w+ [N, slots, w_dim] -> pictures [N, 3, R, R], RGB in 0..1.

        size is R or None. Raises ValueError for another size or shape.
        """
        if size is not None and size not in self.sizes:
            raise ValueError(
                f"The generator makes no pictures of {size!r} px; it makes {self.sizes[0]}."
            )
        w = one_for_each_slot(w, self.slots, self.w_mean)
        parts = [self.picture(part) for part in torch.split(w, 64)]
        return torch.cat(parts).add(1).div_(2).clamp_(0, 1).contiguous()

    def draft(self, w: Tensor, size: int) -> Tensor:
        """A picture as synthesize makes it, [N, 3, size, size] for any size in px, but with
        gradients for w or w+ and not yet clamped to 0..1. Raises ValueError for another shape.
        """
        picture = self.picture(one_for_each_slot(w, self.slots, self.w_mean)).add(1).div(2)
        sides = (size, size)
        return F.interpolate(picture, sides, mode="bicubic", antialias=True, align_corners=False)

    @torch.no_grad()
    def find_w_mean(self, count: int = 4096) -> None:
        """Set w_mean, the centre of truncation, from count draws of z that are always the same."""
        z = torch.randn(count, self.z_dim, generator=torch.Generator().manual_seed(0))
        self.w_mean.copy_(self.latent(z.to(self.w_mean)).mean(0))

    @classmethod
    def from_tensors(
        cls,
        arguments: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        device: torch.device | str = "cpu",
    ) -> Self:
        """The network that the arguments describe with these weights, for use only.

        Raises WeightsError when an argument is missing or not sensible, or when the tensors'
        names or shapes differ from what the arguments call for.
        """
        with torch.device("meta"):
            network = cls(Architecture.from_dict(arguments))
        return filled(network, tensors, "style_generator", device)
