"""The layers of MobileStyleGAN: from w+ to the wavelet coefficients of a face.

Belousov, "MobileStyleGAN: A Lightweight Convolutional Neural Network for High-Fidelity Image
Synthesis" (arXiv 2104.04767), as its exported weights have it: demodulation is a constant and
folded into the kernels, noise is fixed, and only the last level has a head.

Inside, tensors are [N, h, w, C]: a style then folds into the kernel of the pointwise convolution
([C, C'] for each face), noise and bias are what the product is added to, and depthwise
convolutions run several times as fast as on [N, C, h, w].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smart.gan.wavelet import inverse_haar

SLOPE = 0.2  # of every leaky ReLU
FIRST_LEVEL = 4  # px; every further level doubles it
# Large levels are computed in strips of this many places, so that what one operation writes is
# still in the cache when the next one reads it; it also saves most of the memory.
_STRIP = 2**15


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
            if y.requires_grad and (top == 0 or bottom == half):
                y = y.clone()  # the activation keeps its result for the gradient
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

    @property
    def levels(self) -> list[int]:
        """Places a side of every level but the first, upward."""
        return [child.level for child in self.children() if isinstance(child, Level)]

    def first(self, w: Tensor) -> Tensor:
        """w+ [N, slots, w_dim] -> features of the first level, [N, 4, 4, C]."""
        features: Tensor = self.get_submodule(f"{FIRST_LEVEL}.conv1")(self.const, w[:, 0])
        return features

    def grown(self, x: Tensor, w: Tensor) -> Iterator[Tensor]:
        """Features of a level -> strips of the features of the next one."""
        level = self.get_submodule(str(2 * x.shape[1]))
        slot = self.slots_up_to(x.shape[1])
        assert isinstance(level, Level)
        return level.strips(x, w[:, slot], w[:, slot + 1])

    def features(self, w: Tensor, level: int) -> Tensor:
        """w+ [N, slots, w_dim] -> features of a level, [N, level, level, C]."""
        x = self.first(w)
        while x.shape[1] < level:
            x = joined(self.grown(x, w))
        return x

    def forward(self, w: Tensor, bands: int) -> Tensor:
        """w+ [N, slots, w_dim] -> coefficients [N, bands, h, w], of half the picture's sides."""
        strips = self.grown(self.features(w, self.levels[-1] // 2), w)
        return joined(self.head(strip, w[:, -1], bands) for strip in strips).permute(0, 3, 1, 2)

    @staticmethod
    def slots_up_to(level: int) -> int:
        """How many slots style the network up to this level."""
        return 2 * (level // FIRST_LEVEL).bit_length() - 1


def joined(strips: Iterable[Tensor]) -> Tensor:
    """Strips of rows as one tensor [N, h, w, C]."""
    parts = list(strips)
    return parts[0] if len(parts) == 1 else torch.cat(parts, 1)
