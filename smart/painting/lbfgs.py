"""L-BFGS for pictures: in a batch, within bounds, without a line search.

Liu & Nocedal 1989 (Mathematical Programming 45). torch's own shares one history among all
pictures of a batch, counts steps it then clips as whole ones, and starts with a step of no
visible size. Here each picture has its own curvature, measured over the way it really went.
"""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

FIRST_CHANGE = 0.01  # root mean square of the first step, on the scale 0..1 of the picture
LARGEST_CHANGE = 0.1  # of any step
BUDGET = 1.2e9  # bytes for the history
MOST = 20  # pairs


def history_for(picture: Tensor) -> int:
    """How many pairs of steps and gradients are kept: fewer for a picture that is large."""
    return int(max(1, min(MOST, BUDGET // (8 * picture.numel()))))


class LBFGS:
    """The direction to go from gradients [N, C, H, W], each of the N for itself."""

    def __init__(self, history: int = MOST) -> None:
        self.pairs: deque[tuple[Tensor, Tensor, Tensor]] = deque(maxlen=history)

    def remember(self, step: Tensor, change: Tensor) -> None:
        """What a step did to the gradient. Where it shows no positive curvature it is left out."""
        product = _dot(step, change)
        sizes = (_dot(step, step) * _dot(change, change)).sqrt()
        good = product > 1e-6 * sizes
        rho = torch.where(good, 1 / torch.where(good, product, 1), 0)
        if good.any():
            self.pairs.append((step, change, rho))

    def direction(self, gradient: Tensor) -> Tensor:
        """Downhill, about as far as the curvature says, at most LARGEST_CHANGE on average."""
        way = -gradient
        first = FIRST_CHANGE / _size(way).clamp_min(1e-30)
        if not self.pairs:
            return way * first
        shares = []
        for step, change, rho in reversed(self.pairs):
            share = rho * _dot(step, way)
            way = torch.addcmul(way, change, share, value=-1)
            shares.append(share)
        # The newest pair with curvature gives the scale of what is not known otherwise.
        scale = torch.zeros_like(shares[0])
        for _, change, rho in self.pairs:
            known = 1 / (rho * _dot(change, change)).clamp_min(1e-30)
            scale = torch.where(rho > 0, known, scale)
        way = way * torch.where(scale > 0, scale, first)
        for (step, change, rho), share in zip(self.pairs, reversed(shares), strict=True):
            way = torch.addcmul(way, step, share - rho * _dot(change, way))
        return way * (LARGEST_CHANGE / _size(way).clamp_min(1e-30)).clamp_max(1)


def _dot(one: Tensor, two: Tensor) -> Tensor:
    """The product of each pair of pictures, [N, 1, 1, 1]."""
    return (one * two).sum((1, 2, 3), keepdim=True)


def _size(picture: Tensor) -> Tensor:
    """Root mean square of each picture, [N, 1, 1, 1]."""
    return picture.square().mean((1, 2, 3), keepdim=True).sqrt()
