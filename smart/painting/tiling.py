"""A large picture as overlapping tiles, so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from smart.painting.vgg import GRID


@dataclass(frozen=True)
class Tile:
    """A core that belongs to this tile alone, within a window that is seen; (start, end) in px.

    height and width are those of the whole picture.
    """

    core_rows: tuple[int, int]
    core_columns: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    height: int
    width: int

    def window(self, picture: Tensor) -> Tensor:
        """What the tile sees of [N, C, H, W]; a view."""
        return picture[..., slice(*self.rows), slice(*self.columns)]

    def core(self, features: Tensor, stride: int) -> Tensor:
        """The core's part of the window's features [N, C, h, w] at a stride; a view."""
        rows = _span(self.core_rows, self.rows, stride, features.shape[-2])
        columns = _span(self.core_columns, self.columns, stride, features.shape[-1])
        return features[..., rows, columns]

    def place(self, whole: Tensor, stride: int) -> Tensor:
        """The core's place in features [N, C, h, w] of the whole picture at a stride; a view."""
        rows = _span(self.core_rows, (0, self.height), stride, whole.shape[-2])
        columns = _span(self.core_columns, (0, self.width), stride, whole.shape[-1])
        return whole[..., rows, columns]


def _span(core: tuple[int, int], around: tuple[int, int], stride: int, length: int) -> slice:
    start = (core[0] - around[0]) // stride
    # The last core takes the rest, also where the side is no multiple of the stride.
    end = length if core[1] == around[1] else (core[1] - around[0]) // stride
    return slice(start, end)


def tiles(height: int, width: int, core: int, margin: int) -> list[Tile]:
    """Tiles of about core x core px that cover a picture, each seeing margin px around.

    Cores start at multiples of the grid of the deepest layer, so that pooling falls as in the
    whole picture. With a margin of VGG.reach a core's features are exactly those of the whole.
    """
    return [
        Tile(rows[0], columns[0], rows[1], columns[1], height, width)
        for rows in _spans(height, core, margin)
        for columns in _spans(width, core, margin)
    ]


Span = tuple[int, int]


def _spans(length: int, core: int, margin: int) -> Iterator[tuple[Span, Span]]:
    count = max(1, round(length / core))
    edges = [round(length * i / count / GRID) * GRID for i in range(count)] + [length]
    for start, end in pairwise(edges):
        yield (start, end), (max(0, start - margin), min(length, end + margin))
