"""The critic: the network that tells real pictures from generated ones.

The residual discriminator of Karras et al. 2020 (arXiv 1912.04958) on Haar coefficients (Gal et al.
2021, arXiv 2102.06108), without normalisation and minibatch statistics, which the relativistic
loss with gradient penalties does not need (Huang et al. 2024, R3GAN, arXiv 2501.05441).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smart.gan.alike import filled
from smart.gan.style_generator import Architecture, EqualConv, EqualLinear, activate, full_precision
from smart.gan.wavelet import haar


class Block(nn.Module):
    """Halves the sides: convolutions beside a straight way, [N, C, h, w] -> [N, C', h/2, w/2]."""

    def __init__(self, inputs: int, outputs: int, convolutions: int) -> None:
        super().__init__()
        channels = [inputs] * convolutions + [outputs]
        pairs = itertools.pairwise(channels)
        self.convs = nn.ModuleList(EqualConv(a, b, 3) for a, b in pairs)
        self.skip = EqualConv(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for conv in self.convs:
            y = activate(conv(y))
        straight = self.skip(F.avg_pool2d(x, 2))
        halved: Tensor = (F.avg_pool2d(y, 2) + straight) / math.sqrt(2)
        return halved


class Critic(nn.Module):
    """Pictures [N, 3, R, R] on the scale -1..1 -> one number each [N]: more is more real."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        widths = architecture.widths[-2::-1]  # from half the pictures' side down
        self.first = EqualConv(12, widths[0], 1)
        self.blocks = nn.ModuleList(
            Block(a, b, architecture.critic_convolutions) for a, b in itertools.pairwise(widths)
        )
        self.last = EqualConv(widths[-1], widths[-1], 3)
        self.out = EqualLinear(widths[-1] * architecture.base**2, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        x = haar(pictures).contiguous(memory_format=torch.channels_last)
        # Twelve channels are too few for matrix units, and rounding here would hide detail.
        with full_precision(x):
            x = activate(self.first(x))
        for block in self.blocks:
            x = block(x)
        x = activate(self.last(x))
        with full_precision(x):  # logits are compared closely
            logits: Tensor = self.out(x.flatten(1).float())
        return logits.squeeze(1)

    @classmethod
    def from_tensors(
        cls,
        arguments: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        device: torch.device | str = "cpu",
    ) -> Self:
        """The critic beside a style_generator of these arguments. Raises WeightsError."""
        with torch.device("meta"):
            network = cls(Architecture.from_dict(arguments))
        return filled(network, tensors, "critic", device)
