"""The critic's eye: where a picture looked real to the critic, and where false.

Integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365): the critic's gradient, averaged
along the way from a blurred picture to the picture, times what the picture adds to the blur. The
parts add up to how much more real the picture is to the critic than its blur.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms.v2.functional import gaussian_blur

from smart.gan.critic import Critic

REAL, FALSE = (0.10, 0.55, 0.62), (0.80, 0.24, 0.12)  # teal and vermilion
_STEPS = 24


@dataclass(frozen=True)
class Look:
    """What the critic made of pictures: logits [N], of their blurs [N], and parts [N, H, W]."""

    logits: Tensor
    baseline: Tensor
    parts: Tensor


def look(critic: Critic, pictures: Tensor) -> Look:
    """How each place of pictures [N, 3, R, R] in 0..1 counted, more is more real.

    Raises ValueError for another size than the critic's.
    """
    size = critic.architecture.resolution
    if pictures.ndim != 4 or pictures.shape[1:] != (3, size, size):
        raise ValueError(
            f"The pictures have the shape {list(pictures.shape)}; this critic knows "
            f"[N, 3, {size}, {size}]."
        )
    end = pictures.to(next(critic.parameters()).device) * 2 - 1
    start = _blurred(end)
    total = torch.zeros_like(end)
    for step in range(_STEPS):
        share = (step + 0.5) / _STEPS  # the midpoint rule
        with torch.enable_grad():
            between = torch.lerp(start, end, share).requires_grad_()
            (gradient,) = torch.autograd.grad(critic(between).sum(), between)
        total += gradient / _STEPS
    with torch.no_grad():
        parts = (total * (end - start)).sum(1)
        return Look(critic(end), critic(start), parts)


def overlay(pictures: Tensor, seen: Look, size: int = 256) -> Tensor:
    """pictures with what spoke for them in teal and against them in vermilion.

    [N, 3, size, size] in 0..1; the colour is as strong as the place counted in its picture.
    """
    big = F.interpolate(pictures, size=(size, size), mode="bicubic", antialias=True)
    parts = seen.parts.to(pictures.device)[:, None]
    around = max(3, parts.shape[-1] // 16 * 2 + 1)
    parts = gaussian_blur(parts, [around, around])
    parts = F.interpolate(parts, size=(size, size), mode="bilinear", align_corners=False)
    strongest = parts.abs().flatten(1).quantile(0.99, 1).clamp_min(1e-12).view(-1, 1, 1, 1)
    weight = (parts.abs() / strongest).clamp(0, 1) * 0.8
    colours = torch.tensor([REAL, FALSE], device=pictures.device).view(2, 1, 3, 1, 1)
    colour = torch.where(parts > 0, colours[0], colours[1])
    grey = big.mean(1, keepdim=True).expand_as(big)
    ground = 0.35 * big + 0.65 * grey
    return (ground * (1 - weight) + colour * weight).clamp(0, 1)


def _blurred(pictures: Tensor) -> Tensor:
    side = pictures.shape[-1]
    kernel = max(3, side // 4 * 2 + 1)
    blurred: Tensor = gaussian_blur(pictures, [kernel, kernel], [side / 8, side / 8])
    return blurred
