"""StyleGAN2 as it was published, for use: generators that others have trained.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958), with the
mapping of arXiv 1812.04948 and the fixed noise of both; networks of "Training Generative
Adversarial Networks with Limited Data" (arXiv 2006.06676) are the same with other widths. The scale
of a layer at run time ("equalized learning rate") is folded into its weights by smart.conversion.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smart.gan.alike import one_for_each_slot
from smart.weights import WeightsError, require_tensors

SLOPE = 0.2  # of every leaky ReLU
GAIN = math.sqrt(2)  # behind every leaky ReLU; keeps the variance
FIRST_LEVEL = 4  # px; every further level doubles it
SMALLEST = 64  # px, of the smaller sizes that are offered beside the native one
_FILTER = (1.0, 3.0, 3.0, 1.0)  # smooths what was made twice as large
_BATCH = 8  # pictures at once on an accelerator
_REMEDY = "convert the file again"


def low_pass(gain: float) -> Tensor:
    """The smoothing filter [4, 4], whose sum is gain."""
    taps = torch.tensor(_FILTER, device="cpu")
    kernel = torch.outer(taps, taps)
    return kernel * (gain / kernel.sum())


class StyledConv(nn.Module):
    """A 3 x 3 convolution, styled and demodulated, then noise, bias, leaky ReLU.

    With up it doubles the sides: a transposed convolution, smoothed. Clamp bounds the result, as
    networks trained in half precision need.
    """

    noise: Tensor
    noise_strength: Tensor
    energy: Tensor  # of the kernel between two channels, [C', C]

    def __init__(
        self, w_dim: int, inputs: int, outputs: int, level: int, up: bool, clamp: float | None
    ) -> None:
        super().__init__()
        self.up, self.clamp = up, clamp
        self.style = nn.Linear(w_dim, inputs)
        self.kernel = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.register_buffer("noise", torch.empty(1, 1, level, level))
        self.register_buffer("noise_strength", torch.empty(()))
        self.register_buffer("energy", torch.empty(outputs, inputs), persistent=False)

    def prepare(self) -> None:
        """To be called when the kernel is there: what follows from it, and the order it is read."""
        self.energy = self.kernel.data.square().sum((2, 3))
        self.kernel.data = self.kernel.data.contiguous(memory_format=torch.channels_last)

    def forward(self, x: Tensor, w: Tensor, smooth: Tensor) -> Tensor:
        """x [N, C, h, w], w [N, w_dim], smooth [4, 4] -> [N, C', h, w] or [N, C', 2h, 2w]."""
        style = self.style(w)  # (N, C)
        # The gain behind the leaky ReLU goes in before it, where there is something to scale.
        demodulation = torch.rsqrt(style.square() @ self.energy.T + 1e-8) * GAIN  # (N, C')
        # Into the kernel when that is the smaller, otherwise onto the features on either side.
        if len(x) == 1 and self.kernel.numel() < 2 * x.numel():
            kernel = self.kernel * (demodulation[0][:, None] * style[0])[:, :, None, None]
            y = self._convolve(x, kernel, smooth)
        else:
            y = self._convolve(x * style[:, :, None, None], self.kernel, smooth)
            y = y.mul_(demodulation[:, :, None, None])
        y = y.add_(self.noise * (self.noise_strength * GAIN))
        y = F.leaky_relu_(y.add_((self.bias * GAIN)[:, None, None]), SLOPE)
        return y if self.clamp is None else y.clamp_(-self.clamp, self.clamp)

    def _convolve(self, x: Tensor, kernel: Tensor, smooth: Tensor) -> Tensor:
        if not self.up:
            return F.conv2d(x, kernel, padding=1)
        y = F.conv_transpose2d(x, kernel.transpose(0, 1), stride=2)  # 2h + 1
        channels = y.shape[1]
        return F.conv2d(y, smooth.expand(channels, 1, 4, 4), padding=1, groups=channels)


class Head(nn.Module):
    """From features to what they add to the picture: a styled 1 x 1 convolution, no more."""

    def __init__(self, w_dim: int, channels: int, clamp: float | None) -> None:
        super().__init__()
        self.clamp = clamp
        self.style = nn.Linear(w_dim, channels)
        self.kernel = nn.Parameter(torch.empty(3, channels))
        self.bias = nn.Parameter(torch.empty(3))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x [N, C, h, w], w [N, w_dim] -> [N, 3, h, w]."""
        kernel = self.kernel * self.style(w).unsqueeze(1)  # (N, 3, C)
        places = x.permute(0, 2, 3, 1).flatten(1, 2)  # (N, h w, C), no copy: C is innermost
        y = torch.baddbmm(self.bias, places, kernel.mT)
        y = y.mT.reshape(len(x), 3, *x.shape[2:])
        return y if self.clamp is None else y.clamp_(-self.clamp, self.clamp)


class Level(nn.Module):
    """One size of the synthesis: its convolutions (the first of 4 px has one), and its head."""

    def __init__(
        self, w_dim: int, inputs: int | None, channels: int, level: int, clamp: float | None
    ) -> None:
        super().__init__()
        self.up: StyledConv | None = None
        if inputs is not None:
            self.up = StyledConv(w_dim, inputs, channels, level, True, clamp)
        self.conv = StyledConv(w_dim, channels, channels, level, False, clamp)
        self.head = Head(w_dim, channels, clamp)


class Synthesis(nn.Module):
    """w+ -> the picture. The level of r x r places is the child "r"."""

    smooth: Tensor

    def __init__(self, w_dim: int, channels: list[int], clamp: float | None) -> None:
        super().__init__()
        self.const = nn.Parameter(torch.empty(1, channels[0], FIRST_LEVEL, FIRST_LEVEL))
        self.add_module(str(FIRST_LEVEL), Level(w_dim, None, channels[0], FIRST_LEVEL, clamp))
        for index, (a, b) in enumerate(itertools.pairwise(channels), 1):
            level = FIRST_LEVEL << index
            self.add_module(str(level), Level(w_dim, a, b, level, clamp))

    def forward(self, w: Tensor) -> Tensor:
        """w+ [N, slots, w_dim] -> [N, 3, R, R], about -1..1."""
        smooth = low_pass(4).to(w)  # 4: of four places three were empty
        x = self.const.expand(len(w), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        picture: Tensor | None = None
        slot = 0
        for level in self.children():
            assert isinstance(level, Level)
            if level.up is not None:
                x = level.up(x, w[:, slot], smooth)
                slot += 1
            x = level.conv(x, w[:, slot], smooth)
            slot += 1
            # The head shares its slot with the next level's first convolution.
            more = level.head(x, w[:, slot])
            picture = more if picture is None else double(picture, smooth).add_(more)
        assert picture is not None
        return picture


def double(picture: Tensor, smooth: Tensor) -> Tensor:
    """[N, 3, h, w] -> [N, 3, 2h, 2w], smoothed by the filter [4, 4]; black beyond the edge."""
    channels = picture.shape[1]
    kernel = smooth.expand(channels, 1, 4, 4)
    return F.conv_transpose2d(picture, kernel, stride=2, padding=1, groups=channels)


class StyleGAN2(nn.Module):
    """A generator (see smart.gan.generator) of R x R pictures with 2 log2(R) - 2 slots of w+.

    Slot 0 styles level 4, each further level takes two, the last styles the last head; the others'
    heads share a slot with what follows them. sizes are R and, down to 64 px, its halves: means
    over 2 x 2 of the native picture, as the sums of earlier levels are not the picture made small.
    """

    w_mean: Tensor

    def __init__(
        self,
        z_dim: int,
        w_dim: int,
        mapping_layers: int,
        mapping_width: int,
        channels: list[int],
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.z_dim, self.w_dim, self.slots = z_dim, w_dim, 2 * len(channels)
        native = FIRST_LEVEL << (len(channels) - 1)
        halves = [native >> shift for shift in (2, 1) if native >> shift >= SMALLEST]
        self.sizes: tuple[int, ...] = (*halves, native)
        widths = [z_dim, *[mapping_width] * (mapping_layers - 1), w_dim]
        self.mapping = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.synthesis = Synthesis(w_dim, channels, clamp)
        self.register_buffer("w_mean", torch.empty(w_dim))

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
        names = ("z_dim", "w_dim", "mapping_layers", "mapping_width")
        numbers = [arguments.get(name) for name in names]
        channels, clamp = arguments.get("channels"), arguments.get("clamp")
        numbers += channels if isinstance(channels, list) and 2 <= len(channels) <= 10 else [None]
        if not all(map(_count, numbers)) or not _positive(clamp):
            raise WeightsError(
                f"config.json has to give {', '.join(names)} and a list of channels as whole "
                f"numbers up to 4096 for stylegan2, and clamp as a number or null; {_REMEDY}."
            )
        with torch.device("meta"):
            network = cls(
                **{name: arguments[name] for name in names},
                channels=arguments["channels"],
                clamp=clamp,
            )
        require_tensors(network.state_dict(), tensors, "stylegan2")
        network.load_state_dict(tensors, assign=True)
        for module in network.modules():
            if isinstance(module, StyledConv):
                module.prepare()
        return network.requires_grad_(False).eval().to(device)

    @torch.no_grad()
    def map(self, z: Tensor) -> Tensor:
        """z [N, z_dim], standard normal -> w [N, w_dim]. Raises ValueError for another shape."""
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z has the shape {list(z.shape)}; pass [N, {self.z_dim}].")
        x = z.to(self.w_mean)
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            x = F.leaky_relu_(layer(x), SLOPE).mul_(GAIN)
        return x

    @torch.no_grad()
    def find_w_mean(self, count: int = 4096) -> None:
        """Set w_mean, the centre of truncation, from count draws of z that are always the same."""
        z = torch.randn(count, self.z_dim, generator=torch.Generator().manual_seed(0))
        self.w_mean.copy_(self.map(z).mean(0))

    @torch.no_grad()
    def synthesize(self, w: Tensor, size: int | None = None) -> Tensor:
        """w [N, w_dim] or w+ [N, slots, w_dim] -> pictures [N, 3, size, size], RGB in 0..1.

        size is one of sizes, None the native one. Raises ValueError for another size or shape.
        """
        native = self.sizes[-1]
        size = native if size is None else size
        if size not in self.sizes:
            known = ", ".join(str(side) for side in self.sizes)
            raise ValueError(
                f"The generator makes no pictures of {size!r} px; choose from {known}."
            )
        # A processor is faster with one picture at a time, whose parts stay in its cache.
        step = 1 if self.w_mean.device.type == "cpu" else _BATCH
        parts = []
        for part in torch.split(one_for_each_slot(w, self.slots, self.w_mean), step):
            x = self.synthesis(part)
            x = x if size == native else F.avg_pool2d(x, native // size)
            parts.append(x.add(1).div_(2).clamp_(0, 1))
        return torch.cat(parts).contiguous()


def _count(number: Any) -> bool:
    return type(number) is int and 0 < number <= 4096


def _positive(clamp: Any) -> bool:
    return clamp is None or (type(clamp) in (int, float) and 0 < clamp < math.inf)
