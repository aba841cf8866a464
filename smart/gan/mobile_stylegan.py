"""MobileStyleGAN: the bundled generator of 1024 px faces.

Belousov, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image
Synthesis" (arXiv 2104.04767), as its exported weights have it: demodulation is a constant and
folded into the kernels, noise is fixed, and only the last level has a head.

Inside, tensors are [N, h, w, C]: a style then folds into the kernel of the pointwise convolution
([C, C'] for each face), noise and bias are what the product is added to, and depthwise
convolutions run several times as fast as on [N, C, h, w].
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smart.gan.wavelet import inverse_haar
from smart.weights import WeightsError, require_tensors

SLOPE = 0.2  # of every leaky ReLU
FIRST_LEVEL = 4  # px; every further level doubles it
# Large levels are computed in strips of this many places, so that what one operation writes is
# still in the cache when the next one reads it; it also saves most of the memory.
_STRIP = 2**15
_REMEDY = "restore the folder from where it came"


class Style(nn.Module):
    """The affine map from w [N, w_dim] to one factor a channel, [N, C]."""

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__()
        self.style = nn.Linear(w_dim, channels)

    def factors(self, w: Tensor) -> Tensor:
        """w [N, w_dim] -> [N, C]."""
        factors: Tensor = self.style(w)
        return factors


class Noisy(Style):
    """What follows a styled convolution: noise that is fixed, bias, leaky ReLU."""

    noise: Tensor
    noise_strength: Tensor

    def __init__(self, w_dim: int, channels_in: int, channels: int, level: int) -> None:
        super().__init__(w_dim, channels_in)
        self.bias = nn.Parameter(torch.empty(channels))
        self.register_buffer("noise", torch.empty(1, 1, level, level))
        self.register_buffer("noise_strength", torch.empty(()))

    def scaled_noise(self) -> Tensor:
        """[1, level, level, 1]"""
        return (self.noise * self.noise_strength).permute(0, 2, 3, 1)


class FirstConv(Noisy):
    """The first level, a full 3 x 3 convolution: [1, C, 4, 4] -> [N, 4, 4, C]."""

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__(w_dim, channels, channels, FIRST_LEVEL)
        self.kernel = nn.Parameter(torch.empty(channels, channels, 3, 3))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        x = F.conv2d(x * self.factors(w)[:, :, None, None], self.kernel, padding=1)
        x = x.permute(0, 2, 3, 1) + self.scaled_noise() + self.bias
        return F.leaky_relu_(x, SLOPE)


class StyledConv(Noisy):
    """A styled convolution: depthwise 3 x 3, pointwise, noise, bias, leaky ReLU."""

    def __init__(self, w_dim: int, channels_in: int, channels: int, level: int) -> None:
        super().__init__(w_dim, channels_in, channels, level)
        self.depthwise = nn.Parameter(torch.empty(channels_in, 1, 3, 3))
        self.pointwise = nn.Parameter(torch.empty(channels, channels_in))

    def styled_kernel(self, w: Tensor) -> Tensor:
        """The pointwise kernel with the style in it, [N, C, C'].

        Factors of channels commute with the depthwise convolution, so they go into the small
        kernel instead of the large tensor.
        """
        return (self.pointwise * self.factors(w).unsqueeze(1)).mT

    def forward(self, x: Tensor, kernel: Tensor, noise: Tensor) -> Tensor:
        """x [N, h + 2, w, C], kernel [N, C, C'], noise [1, h, w, 1] -> [N, h, w, C'].

        x brings the rows above and below along; only columns are padded.
        """
        n, channels = x.shape[0], x.shape[3]
        x = F.conv2d(x.permute(0, 3, 1, 2), self.depthwise, padding=(0, 1), groups=channels)
        x = x.permute(0, 2, 3, 1).reshape(n, -1, channels)  # (N, h w, C)
        y = noise.expand(n, -1, -1, -1) + self.bias  # (N, h, w, C')
        y.view(n, -1, y.shape[3]).baddbmm_(x, kernel)
        return F.leaky_relu_(y, SLOPE)  # no gain of sqrt(2) here, unlike in the mapping


class Level(nn.Module):
    """Doubles the sides by an inverse wavelet transform, then two styled convolutions."""

    def __init__(self, w_dim: int, channels_in: int, channels: int, level: int) -> None:
        super().__init__()
        self.level = level
        self.up = Style(w_dim, channels_in)
        self.conv1 = StyledConv(w_dim, channels_in // 4, channels, level)
        self.conv2 = StyledConv(w_dim, channels, channels, level)

    def strips(self, x: Tensor, w1: Tensor, w2: Tensor) -> Iterator[Tensor]:
        """x [N, level/2, level/2, C] -> [N, level, level, C'] in strips of rows, downward.

        w1 [N, w_dim] styles the transform and the first convolution, w2 the second.
        """
        factors = self.up.factors(w1)[:, None, None, :]
        kernel1, kernel2 = self.conv1.styled_kernel(w1), self.conv2.styled_kernel(w2)
        noise1, noise2 = self.conv1.scaled_noise(), self.conv2.scaled_noise()
        # A strip needs two more rows on either side. Beyond the picture they are zero: one row of
        # x makes two.
        x, noise1 = (F.pad(tensor, (0, 0, 0, 0, 1, 1)) for tensor in (x, noise1))
        half = self.level // 2
        step = max(1, _STRIP // self.level // 2)
        for top in range(0, half, step):
            bottom = min(top + step, half)
            y = x[:, top : bottom + 2] * factors
            y = inverse_haar(y.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
            y = self.conv1(y, kernel1, noise1[:, 2 * top : 2 * bottom + 2])
            # Noise and bias have reached the rows beyond the picture, too.
            if top == 0:
                y[:, 0] = 0
            if bottom == half:
                y[:, -1] = 0
            yield self.conv2(y, kernel2, noise2[:, 2 * top : 2 * bottom])


class Head(Style):
    """From features [N, h, w, C] to the first bands of the picture's 12 wavelet coefficients."""

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__(w_dim, channels)
        self.pointwise = nn.Parameter(torch.empty(12, channels))
        self.bias = nn.Parameter(torch.empty(12))

    def forward(self, x: Tensor, w: Tensor, bands: int) -> Tensor:
        kernel = (self.pointwise[:bands] * self.factors(w).unsqueeze(1)).mT
        y = torch.baddbmm(self.bias[:bands], x.flatten(1, 2), kernel)
        return y.view(*x.shape[:3], bands)


class Synthesis(nn.Module):
    """w+ -> wavelet coefficients of the picture. The level of r x r places is the child "r"."""

    def __init__(self, w_dim: int, widths: list[int]) -> None:
        super().__init__()
        self.const = nn.Parameter(torch.empty(1, widths[0], FIRST_LEVEL, FIRST_LEVEL))
        first = nn.ModuleDict({"conv1": FirstConv(w_dim, widths[0])})
        self.add_module(str(FIRST_LEVEL), first)
        for index in range(1, len(widths)):
            level = FIRST_LEVEL << index
            self.add_module(str(level), Level(w_dim, widths[index - 1], widths[index], level))
        self.head = Head(w_dim, widths[-1])

    def forward(self, w: Tensor, bands: int) -> Tensor:
        """w+ [N, slots, w_dim] -> coefficients [N, bands, h, w], of half the picture's sides."""
        x: Tensor = self.get_submodule(f"{FIRST_LEVEL}.conv1")(self.const, w[:, 0])
        levels = [child for child in self.children() if isinstance(child, Level)]
        for index, level in enumerate(levels):
            strips = level.strips(x, w[:, 2 * index + 1], w[:, 2 * index + 2])
            if level is levels[-1]:
                strips = (self.head(strip, w[:, -1], bands) for strip in strips)
            parts = list(strips)
            x = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
        return x.permute(0, 3, 1, 2)


class MobileStyleGAN(nn.Module):
    """A generator (see smart.gan.generator) of 1024 x 1024 faces with 16 slots of w+.

    Slot 0 styles level 4, each further level takes two (transform and first convolution; second
    convolution), the last one styles the head. Slots 0 to 14 are those of StyleGAN2 for the same
    levels, so its layer ranges carry over: about 0-4 pose and shape, 5-8 features, 9-15 colours.
    """

    w_mean: Tensor

    def __init__(self, z_dim: int, w_dim: int, mapping_layers: int, widths: list[int]) -> None:
        super().__init__()
        self.z_dim, self.w_dim, self.slots = z_dim, w_dim, 2 * len(widths)
        native = FIRST_LEVEL << len(widths)
        self.sizes: tuple[int, ...] = (native // 4, native // 2, native)
        inputs = [z_dim] + [w_dim] * (mapping_layers - 1)
        self.mapping = nn.ModuleList(nn.Linear(width, w_dim) for width in inputs)
        self.synthesis = Synthesis(w_dim, widths)
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
        names, widths = ("z_dim", "w_dim", "mapping_layers"), arguments.get("widths")
        numbers = [arguments.get(name) for name in names]
        numbers += widths if isinstance(widths, list) and 2 <= len(widths) <= 10 else [None]
        if not all(type(number) is int and 0 < number <= 4096 for number in numbers):
            raise WeightsError(
                f"config.json has to give {', '.join(names)} and a list of widths as whole numbers "
                f"up to 4096 for mobile_stylegan; {_REMEDY}."
            )
        with torch.device("meta"):
            network = cls(**{name: arguments[name] for name in names}, widths=arguments["widths"])
        require_tensors(network.state_dict(), tensors, "mobile_stylegan")
        network.load_state_dict(tensors, assign=True)
        return network.requires_grad_(False).eval().to(device)

    # Not inference_mode: what that makes can never again enter a computation with gradients.
    @torch.no_grad()
    def map(self, z: Tensor) -> Tensor:
        """z [N, z_dim], standard normal -> w [N, w_dim]. Raises ValueError for another shape."""
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z has the shape {list(z.shape)}; pass [N, {self.z_dim}].")
        x = z.to(self.w_mean)
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            x = F.leaky_relu_(layer(x), SLOPE).mul_(math.sqrt(2))
        return x

    @torch.no_grad()
    def synthesize(self, w: Tensor, size: int | None = None) -> Tensor:
        """w [N, w_dim] or w+ [N, slots, w_dim] -> faces [N, 3, size, size], RGB in 0..1.

        size is one of sizes, None the native 1024. 512 is the wavelet averages of the same
        picture, 256 their means over 2 x 2. Raises ValueError for another size or shape.
        """
        size = self.sizes[-1] if size is None else size
        if size not in self.sizes:
            known = ", ".join(str(side) for side in self.sizes)
            raise ValueError(f"The generator makes no faces of {size!r} px; choose from {known}.")
        w = self._one_for_each_slot(w)
        # A processor is faster with one face at a time, whose parts stay in its cache.
        step = 1 if w.device.type == "cpu" else 8
        faces = [self._faces(w[start : start + step], size) for start in range(0, len(w), step)]
        return faces[0] if len(faces) == 1 else torch.cat(faces)

    @torch.no_grad()
    def coefficients(self, w: Tensor, bands: int = 12) -> Tensor:
        """Haar coefficients of the unclamped picture on the scale -1..1, as haar orders them.

        w [N, w_dim] or w+ [N, slots, w_dim] -> [N, bands, 512, 512]; the first 3 bands are LL.
        """
        coefficients: Tensor = self.synthesis(self._one_for_each_slot(w), bands)
        return coefficients

    def _faces(self, w: Tensor, size: int) -> Tensor:
        if size == self.sizes[-1]:
            x = inverse_haar(self.coefficients(w).contiguous())
        else:
            x = self.coefficients(w, bands=3) / 2  # LL is twice the mean of 2 x 2
        if size == self.sizes[0]:
            x = F.avg_pool2d(x, 2)
        return x.add(1).div_(2).clamp_(0, 1).contiguous()

    def _one_for_each_slot(self, w: Tensor) -> Tensor:
        w = w.to(self.w_mean)
        if w.ndim == 2 and w.shape[1] == self.w_dim and len(w):
            return w[:, None].expand(-1, self.slots, -1)
        if w.ndim == 3 and w.shape[1:] == (self.slots, self.w_dim) and len(w):
            return w
        raise ValueError(
            f"w has the shape {list(w.shape)}; pass [N, {self.w_dim}] or "
            f"[N, {self.slots}, {self.w_dim}], N at least 1."
        )
