"""The statistics of paintings, computed once for each size and kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional

from smart import images
from smart.painting.contract import StyleImage
from smart.painting.losses import Moments, Sums, Target, pool
from smart.painting.tiling import Tile, tiles
from smart.painting.vgg import VGG, stride_of

KEPT = 16  # sets of targets; one is about 8 MB
SMALLEST = 32  # px; the shorter side, so that the deepest layer still sees 2 x 2
LARGEST = 1024**2  # px; paintings are not enlarged beyond this area: that would teach blur
WHOLE = 1024**2  # px; larger pictures are seen in tiles
TILE = 640  # px; the core of a tile, see tiling

Targets = dict[str, Target]
Masks = dict[str, Tensor]  # [N, 1, h, w] at the size of each layer's features
_kept: WeakKeyDictionary[VGG, OrderedDict[Any, Targets]] = WeakKeyDictionary()


def style_targets(
    network: VGG, styles: Sequence[StyleImage], area: float, stroke: float, layers: Sequence[str]
) -> Targets:
    """Targets of all styles by their weights, for a picture of area px.

    Each painting is resampled to that area, so that strokes have the size they have in it seen
    whole, times stroke.
    """
    counted = [style for style in styles if style.weight > 0]
    sizes = [_size(style.image, area, stroke) for style in counted]
    total = sum(style.weight for style in counted)
    key = (
        tuple((s.digest, s.weight / total, size) for s, size in zip(counted, sizes, strict=True)),
        tuple(layers),
    )
    kept = _kept.setdefault(network, OrderedDict())
    if key not in kept:
        seen = [
            picture_moments(network, images.resize(style.image, *size), layers)
            for style, size in zip(counted, sizes, strict=True)
        ]
        weights = [style.weight for style in counted]
        kept[key] = {
            layer: Target.of(pool([each[layer] for each in seen], weights)) for layer in layers
        }
        while len(kept) > KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]


def _size(image: Tensor, area: float, stroke: float) -> tuple[int, int]:
    """(width, height) at which a painting is looked at."""
    height, width = image.shape[-2:]
    largest = max(LARGEST, width * height)
    factor = (min(area * stroke**2, largest) / (width * height)) ** 0.5
    # Never so small or narrow that the deepest layer sees nothing.
    factor = max(factor, SMALLEST / min(width, height))
    return round(width * factor), round(height * factor)


@torch.no_grad()
def picture_moments(
    network: VGG, picture: Tensor, layers: Sequence[str], masks: Masks | None = None
) -> dict[str, Moments]:
    """Exact moments of a picture [N, 3, H, W] of any size at the layers, tile by tile."""
    sums: dict[str, Sums] = {}
    height, width = picture.shape[-2:]
    for tile in tiles_of(height, width, network.reach(layers)):
        features = network(tile.window(picture).to(network.device), layers)
        add_up(sums, features, tile, layers, masks)
    return {layer: total.moments() for layer, total in sums.items()}


def tiles_of(height: int, width: int, margin: int) -> list[Tile]:
    """The tiles of a picture of some size; one, as long as memory does not ask for more."""
    return tiles(height, width, max(height, width) if height * width <= WHOLE else TILE, margin)


def add_up(
    sums: dict[str, Sums],
    features: dict[str, Tensor],
    tile: Tile,
    layers: Sequence[str],
    masks: Masks | None,
) -> None:
    """Add the sums of a tile's core to sums, each place counted by the mask of its layer."""
    for layer in layers:
        stride = stride_of(layer)
        mask = None if masks is None else tile.place(masks[layer], stride)
        part = Sums.of(tile.core(features[layer], stride), mask)
        sums[layer] = sums[layer] + part if layer in sums else part


def masks_at(mask: Tensor, batch: int, layers: Sequence[str]) -> Masks:
    """A mask [1 or N, 1, H, W] as the features of each layer see it; pooled as they are."""
    mask = mask.expand(batch, -1, -1, -1)
    strides = {layer: stride_of(layer) for layer in layers}
    return {layer: functional.avg_pool2d(mask, strides[layer]) for layer in layers}
