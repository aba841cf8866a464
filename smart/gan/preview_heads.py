"""Heads that end a synthesis early: a picture of half the size for a fraction of the time.

MobileStyleGAN was trained with a head behind every level, but only the last one was published.
These are our own, fitted by scripts/fit_heads.py to the reduced pictures of the whole network:
each makes the 12 Haar coefficients of a picture of twice its level's sides.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smart.gan.mobile_synthesis import SLOPE

PREFIX = "heads."  # of their tensors within the network


class PreviewHead(nn.Module):
    """Styled pointwise convolution, leaky ReLU, styled 3 x 3 convolution to 12 coefficients.

    The slots of the level that would come next style what goes in, those of all levels behind it
    what comes out: so every slot of w+ keeps its effect on colours, also when one is moved alone.
    """

    def __init__(self, w_dim: int, channels: int, hidden: int) -> None:
        super().__init__()
        self.style = nn.Linear(w_dim, channels)
        self.later_style = nn.Linear(w_dim, hidden)
        self.pointwise = nn.Parameter(torch.empty(hidden, channels))
        self.bias = nn.Parameter(torch.empty(hidden))
        self.kernel = nn.Parameter(torch.empty(12, hidden, 3, 3))
        self.kernel_bias = nn.Parameter(torch.empty(12))

    def forward(self, x: Tensor, w: Tensor, padding: int = 1) -> Tensor:
        """x [N, h, w, C], w+ of the slots that are left [N, 3 or more, w_dim] -> [N, 12, h, w].

        padding 0 leaves out the places at the border, which is what fitting on crops needs.
        """
        styled = (self.pointwise * self.style(w[:, :2].mean(1)).unsqueeze(1)).mT  # (N, C, hidden)
        y = torch.baddbmm(self.bias, x.flatten(1, 2), styled)
        y = F.leaky_relu(y, SLOPE) * self.later_style(w[:, 2:].mean(1)).unsqueeze(1)
        y = y.unflatten(1, x.shape[1:3]).permute(0, 3, 1, 2)
        return F.conv2d(y, self.kernel, self.kernel_bias, padding=padding)


def heads_for(
    tensors: Mapping[str, Tensor], w_dim: int, channels: Mapping[int, int]
) -> nn.ModuleDict:
    """The heads whose tensors are there, named by the size of their pictures in px.

    channels are those of the features at each level. How wide a head is inside stands nowhere but
    in its tensors. Sizes that no level makes are left out, so that loading finds them too many.
    """
    heads = nn.ModuleDict()
    for level, width in channels.items():
        pointwise = tensors.get(f"{PREFIX}{2 * level}.pointwise")
        if pointwise is not None and pointwise.ndim == 2:
            heads[str(2 * level)] = PreviewHead(w_dim, width, pointwise.shape[0])
    return heads
