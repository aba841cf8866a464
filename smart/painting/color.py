"""Whose colours a portrait has: luminance and chroma apart.

Gatys et al. 2017, "Controlling perceptual factors in neural style transfer" (CVPR), section 5:
only the luminance is painted, after paintings whose light and dark is brought to that of the
content; the content's chroma is put back.
"""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709


def luminance(picture: Tensor) -> Tensor:
    """[N, 3, H, W] -> [N, 1, H, W], both in 0..1."""
    weights = picture.new_tensor(LUMA).view(1, 3, 1, 1)
    return (picture * weights).sum(1, keepdim=True)


def grey(picture: Tensor) -> Tensor:
    """The luminance alone as a picture [N, 3, H, W]."""
    return luminance(picture).expand(-1, 3, -1, -1)


def with_colors_of(picture: Tensor, source: Tensor) -> Tensor:
    """The luminance of picture with the chroma of source, both [N, 3, H, W] in 0..1.

    Where a chroma cannot be as light or dark as wanted, the lightness gives way: the chroma is
    exactly that of source.
    """
    chroma = source - luminance(source)
    darkest = -chroma.amin(1, keepdim=True)
    lightest = 1 - chroma.amax(1, keepdim=True)
    light = torch.maximum(torch.minimum(luminance(picture), lightest), darkest)
    return (light + chroma).clamp(0, 1)


def grey_like(style: Tensor, content: Tensor) -> Tensor:
    """A painting [1, 3, H, W] in grey, light and dark spread as in content [N, 3, H, W]."""
    own, wanted = luminance(style), luminance(content)
    ratio = (wanted.std() / own.std().clamp_min(1e-3)).clamp(0.25, 4)
    matched = (own - own.mean()) * ratio + wanted.mean()
    return matched.clamp(0, 1).expand(-1, 3, -1, -1)
