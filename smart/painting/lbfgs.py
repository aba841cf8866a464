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
BUDGET = 0.8e9  # bytes for the history
MOST = 20  # pairs


def history_for(picture: Tensor) -> int:
    """How many pairs of steps and gradients are kept: fewer for a picture that is large.

    For the largest it is none, and only the newest curvature is known (Barzilai & Borwein 1988).
    """
    pairs = int(min(MOST, BUDGET // (8 * picture.numel())))
    return pairs if pairs > 1 else 0


class LBFGS:
    """The direction to go from gradients [N, C, H, W], each of the N for itself."""

    def __init__(self, history: int = MOST) -> None:
        self.pairs: deque[tuple[Tensor, Tensor, Tensor]] = deque(maxlen=history)
        self.scale: Tensor | None = None  # of what no pair knows, [N, 1, 1, 1]

    def remember(self, step: Tensor, change: Tensor) -> None:
        """What a step did to the gradient. Where it shows no positive curvature it is left out."""
        product = _dot(step, change)
        sizes = (_dot(step, step) * _dot(change, change)).sqrt()
        good = product > 1e-6 * sizes
        rho = torch.where(good, 1 / torch.where(good, product, 1), 0)
        known = product / _dot(change, change).clamp_min(1e-30)
        before = torch.zeros_like(known) if self.scale is None else self.scale
        self.scale = torch.where(good, known, before)
        if good.any() and self.pairs.maxlen:
            self.pairs.append((step, change, rho))

    def direction(self, gradient: Tensor) -> Tensor:
        """Downhill, about as far as the curvature says, at most LARGEST_CHANGE on average."""
        way = -gradient
        first = FIRST_CHANGE / _size(way).clamp_min(1e-30)
        if self.scale is None:
            return way.mul_(first)
        shares = []
        for step, change, rho in reversed(self.pairs):
            shares.append(rho * _dot(step, way))
            way.addcmul_(change, shares[-1], value=-1)
        way.mul_(torch.where(self.scale > 0, self.scale, first))
        for (step, change, rho), share in zip(self.pairs, reversed(shares), strict=True):
            way.addcmul_(step, share - rho * _dot(change, way))
        return way.mul_((LARGEST_CHANGE / _size(way).clamp_min(1e-30)).clamp_max(1))


def _dot(one: Tensor, two: Tensor) -> Tensor:
    """The product of each pair of pictures, [N, 1, 1, 1]; without a copy of them."""
    product = one.flatten(1).unsqueeze(1) @ two.flatten(1).unsqueeze(2)
    return product.unsqueeze(-1)


def _size(picture: Tensor) -> Tensor:
    """Root mean square of each picture, [N, 1, 1, 1]."""
    return (_dot(picture, picture) / picture[0].numel()).sqrt()
