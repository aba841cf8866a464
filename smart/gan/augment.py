"""Augmentation that the critic sees through: it makes a small set of images last.

Every picture the critic is shown, real or generated, is turned, moved, recoloured or partly
covered by chance, so that it cannot learn the images by heart, and gradients flow through to the
generator (Zhao et al. 2020, DiffAugment, arXiv 2006.10738; Karras et al. 2020, arXiv 2006.06676).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

DRAWS = 14  # uniform numbers a picture needs
STRONGEST = 0.8  # above, what is done to the pictures begins to show in those generated

_SHIFT = 0.125  # of the side, to each side
_TURN = math.radians(12)
_ZOOM = 0.2  # log2, to each side
_HOLE = 0.5  # of the side


def strength_for(count: int) -> float:
    """The probability of each change to start with, for a training set of count images."""
    return min(0.5, max(0.0, (100_000 - count) * 3e-6))


def augment(pictures: Tensor, draws: Tensor, probability: float) -> Tensor:
    """pictures [N, 3, H, W] on the scale -1..1, each change made with this probability.

    draws [N, DRAWS] are uniform in 0..1 and decide everything; the same draws do the same.
    """
    if probability <= 0:
        return pictures
    chosen, amount = (draws[:, :5] < probability).float(), draws[:, 5:] * 2 - 1
    pictures = _move(pictures, amount[:, :4], chosen[:, :2])
    pictures = _recolour(pictures, amount[:, 4:7], chosen[:, 2:4])
    return _cover(pictures, amount[:, 7:9], chosen[:, 4])


def _move(pictures: Tensor, amount: Tensor, chosen: Tensor) -> Tensor:
    """Shift; turn and zoom. What comes in from outside is the mirrored picture."""
    shift = amount[:, :2] * 2 * _SHIFT * chosen[:, :1]
    angle = amount[:, 2] * _TURN * chosen[:, 1]
    zoom = torch.exp2(amount[:, 3] * _ZOOM * chosen[:, 1])
    cosine, sine = angle.cos() * zoom, angle.sin() * zoom
    top = torch.stack([cosine, -sine, shift[:, 0]], 1)
    bottom = torch.stack([sine, cosine, shift[:, 1]], 1)
    grid = F.affine_grid(torch.stack([top, bottom], 1), list(pictures.shape), align_corners=False)
    moved = F.grid_sample(
        pictures, grid.to(pictures.dtype), padding_mode="reflection", align_corners=False
    )
    return moved


def _recolour(pictures: Tensor, amount: Tensor, chosen: Tensor) -> Tensor:
    """Brightness and contrast; saturation."""
    light, contrast, saturation = (amount * chosen[:, [0, 0, 1]]).unbind(1)
    grey = pictures.mean(1, keepdim=True)
    pictures = grey + (pictures - grey) * (1 + saturation).view(-1, 1, 1, 1)
    mean = pictures.mean((1, 2, 3), keepdim=True)
    contrast = torch.exp2(contrast * 0.5).view(-1, 1, 1, 1)
    return mean + (pictures - mean) * contrast + 0.4 * light.view(-1, 1, 1, 1)


def _cover(pictures: Tensor, amount: Tensor, chosen: Tensor) -> Tensor:
    """A grey square of half the side somewhere."""
    height, width = pictures.shape[2:]
    rows = torch.linspace(-1, 1, height, device=pictures.device)
    columns = torch.linspace(-1, 1, width, device=pictures.device)
    inside_rows = (rows - amount[:, :1]).abs() < _HOLE  # (N, H)
    inside_columns = (columns - amount[:, 1:2]).abs() < _HOLE
    hole = (inside_rows[:, :, None] & inside_columns[:, None, :]) * chosen[:, None, None]
    return pictures * (1 - hole[:, None]).to(pictures.dtype)
