"""The two-dimensional Haar wavelet transform, orthonormal, one level.

Channels of m pictures' coefficients, as MobileStyleGAN orders them: first the m low-pass (LL)
channels, then for each picture channel c its three details (LH, HL, HH) at m + 3c, where LH is
the detail along the height and HL the one along the width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def inverse_haar(coefficients: Tensor) -> Tensor:
    """Coefficients [N, 4m, H, W] -> picture [N, m, 2H, 2W]. Raises ValueError (channels)."""
    n, channels, height, width = coefficients.shape
    if channels % 4:
        raise ValueError(f"{channels} channels are no Haar coefficients; a multiple of 4 is.")
    m = channels // 4
    low = coefficients[:, :m] / 2
    lh, hl, hh = (coefficients[:, m:] / 2).unflatten(1, (m, 3)).unbind(2)  # type: ignore[no-untyped-call]
    above, below = low + lh, low - lh
    left, right = hl + hh, hl - hh
    if coefficients.is_contiguous():
        y = coefficients.new_empty(n, m, 2 * height, 2 * width)
    else:  # channels-last memory stays channels-last
        y = coefficients.new_empty(n, 2 * height, 2 * width, m).permute(0, 3, 1, 2)
    # Written to their places at once: a stack and a pixel_shuffle would pass over it twice more.
    y[:, :, ::2, ::2] = above + left
    y[:, :, ::2, 1::2] = above - left
    y[:, :, 1::2, ::2] = below + right
    y[:, :, 1::2, 1::2] = below - right
    return y


def haar(picture: Tensor) -> Tensor:
    """Picture [N, m, 2H, 2W] -> coefficients [N, 4m, H, W], the inverse of inverse_haar."""
    n, m, height, width = picture.shape
    if height % 2 or width % 2:
        raise ValueError(f"A picture of {width} x {height} has no Haar transform; even sides do.")
    blocks = F.pixel_unshuffle(picture, 2).reshape(n, m, 4, height // 2, width // 2)
    a, b, c, d = blocks.unbind(2)  # top left, top right, bottom left, bottom right
    details = torch.stack([a + b - c - d, a - b + c - d, a - b - c + d], 2)
    low = a + b + c + d
    return torch.cat([low, details.reshape(n, 3 * m, height // 2, width // 2)], 1) / 2
