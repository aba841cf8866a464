"""What every engine of the painter takes and gives."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class StyleImage:
    """A picture to paint after, [1, 3, H, W] in 0..1, and its share among the others."""

    image: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class Painted:
    """A portrait [1, 3, H, W] in 0..1, how many steps it took, and whether it was stopped.

    loss is the objective's value at the last step, nan where there was none.
    """

    image: Tensor
    steps: int
    stopped: bool
    loss: float
