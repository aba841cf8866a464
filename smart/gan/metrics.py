"""How far generated pictures are from real ones, measured with what the project has.

Both are SMART's own and cannot be compared with published FID or KID figures: the sliced
Wasserstein distance needs no network, the kernel distance sees with the painter's VGG.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Features = Callable[[Tensor], Tensor]
"""Pictures [N, 3, H, W] in 0..1 -> one row of features each, [N, D]."""

_PATCHES, _PATCH, _DIRECTIONS, _SMALLEST = 64, 7, 128, 16


def sliced_wasserstein(real: Tensor, fake: Tensor) -> float:
    """Distance of the patches of two sets of pictures [N, 3, R, R] in 0..1, times 1000.

    Mean over the levels of a Laplacian pyramid down to 16 px of the sliced Wasserstein distance
    between patches of 7 x 7, standardised by those of the real ones (after Karras et al. 2018,
    arXiv 1710.10196). Random numbers are always the same, so equal sets give equal values.
    """
    generator = torch.Generator().manual_seed(0)
    count = min(len(real), len(fake))
    distances = []
    for one, other in zip(_pyramid(real[:count]), _pyramid(fake[:count]), strict=True):
        first = _patches(one, torch.Generator().manual_seed(1))
        second = _patches(other, torch.Generator().manual_seed(2))
        mean, std = first.mean((0, 2), keepdim=True), first.std((0, 2), keepdim=True)
        first, second = ((side - mean) / (std + 1e-8) for side in (first, second))
        directions = torch.randn(3 * _PATCH**2, _DIRECTIONS, generator=generator).to(first.device)
        directions = directions / directions.norm(dim=0, keepdim=True)
        projected = [(side.flatten(1) @ directions).sort(0).values for side in (first, second)]
        distances.append(float((projected[0] - projected[1]).abs().mean()))
    return 1000 * sum(distances) / len(distances)


def _pyramid(pictures: Tensor) -> list[Tensor]:
    levels = []
    while pictures.shape[-1] >= 2 * _SMALLEST:
        small = F.avg_pool2d(pictures, 2)
        again = F.interpolate(small, size=pictures.shape[-2:], mode="bilinear", align_corners=False)
        levels.append(pictures - again)
        pictures = small
    return [*levels, pictures]


def _patches(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Random patches [N * _PATCHES, 3, _PATCH**2]."""
    n, _, height, width = pictures.shape
    tops = torch.randint(height - _PATCH + 1, (n * _PATCHES,), generator=generator)
    lefts = torch.randint(width - _PATCH + 1, (n * _PATCHES,), generator=generator)
    within = torch.arange(_PATCH)
    rows = (tops[:, None] + within)[:, :, None].to(pictures.device)  # (M, 7, 1)
    columns = (lefts[:, None] + within)[:, None, :].to(pictures.device)  # (M, 1, 7)
    which = torch.arange(n).repeat_interleave(_PATCHES)[:, None, None].to(pictures.device)
    return pictures.permute(0, 2, 3, 1)[which, rows, columns].flatten(1, 2).transpose(1, 2)


def kernel_distance(real: Tensor, fake: Tensor) -> float:
    """Squared maximum mean discrepancy of two sets of features [N, D] and [M, D], times 1000.

    The unbiased estimate with the kernel (x . y / D + 1)^3 (Binkowski et al. 2018, arXiv
    1801.01401). About 0, also a little below, where both come from one source.
    """
    real, fake = real.double(), fake.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1).pow(3)

    def within(x: Tensor) -> Tensor:
        square = kernel(x, x)
        return (square.sum() - square.diagonal().sum()) / (len(x) * (len(x) - 1))

    return float(1000 * (within(real) + within(fake) - 2 * kernel(real, fake).mean()))


def diversity(pictures: Tensor) -> float:
    """Mean distance of two pictures [N, 3, R, R] in 0..1 at 16 px, root mean square.

    0 when all are the same.
    """
    small = F.adaptive_avg_pool2d(pictures, _SMALLEST).flatten(1)
    mean = float(torch.pdist(small).mean())
    return mean / math.sqrt(small.shape[1])
