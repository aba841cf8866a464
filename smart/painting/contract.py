"""What every engine of the painter takes and gives."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class StyleImage:
    """A picture to paint after, [1, 3, H, W] in 0..1, and its share among the others."""

    image: Tensor
    weight: float = 1.0

    @cached_property
    def digest(self) -> str:
        """What the picture is known by, so that its statistics are computed once and kept."""
        data = self.image.detach().cpu().contiguous().numpy()
        return hashlib.blake2b(data.tobytes(), digest_size=16).hexdigest() + str(tuple(data.shape))


@dataclass(frozen=True)
class Scene:
    """What is to be painted: content [N, 3, H, W] in 0..1, after styles.

    keep [N, 1, H, W] in 0..1 says where the picture is to stay close to the content: the eyes,
    the mouth. Where figure [N, 1, H, W] is given, styles paint where it is 1 and ground_styles
    where it is 0.
    """

    content: Tensor
    styles: Sequence[StyleImage]
    keep: Tensor | None = None
    figure: Tensor | None = None
    ground_styles: Sequence[StyleImage] = ()

    def __post_init__(self) -> None:
        given = [self.styles] if self.figure is None else [self.styles, self.ground_styles]
        for styles in given:
            if not any(style.weight > 0 for style in styles):
                raise ValueError("No painter is chosen; give at least one picture to paint after.")
        for name, mask in (("keep", self.keep), ("figure", self.figure)):
            if mask is None:
                continue
            if mask.ndim != 4 or mask.shape[1] != 1 or len(mask) not in (1, len(self.content)):
                raise ValueError(
                    f"The mask {name!r} has the shape {list(mask.shape)}; pass [N, 1, H, W]."
                )

    @property
    def regions(self) -> list[tuple[Sequence[StyleImage], Tensor | None]]:
        """The painters of each part with its mask, None for the whole picture."""
        if self.figure is None:
            return [(self.styles, None)]
        return [(self.styles, self.figure), (self.ground_styles, 1 - self.figure)]

    def masks_at(self, height: int, width: int) -> tuple[Tensor | None, Tensor | None]:
        """keep and figure resampled to a size."""
        found = [
            None
            if mask is None
            else F.interpolate(
                mask.float(), (height, width), mode="bilinear", antialias=True
            ).clamp(0, 1)
            for mask in (self.keep, self.figure)
        ]
        return found[0], found[1]


@dataclass(frozen=True)
class Painted:
    """A portrait [N, 3, H, W] in 0..1, how many steps it took, and whether it was stopped.

    loss is the objective's value at the last step, nan where there was none.
    """

    image: Tensor
    steps: int
    stopped: bool
    loss: float
