"""The painter watched at work: what VGG sees, what a layer keeps, and both losses as they fall.

The same objective and the same descent as a portrait's, at one small size, with the terms of the
sum kept apart (Gatys, Ecker & Bethge 2016, figures 1 and 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from smart.options import PaintingOptions
from smart.painting.contract import Scene, StyleImage
from smart.painting.objective import Objective, Pulls, Weighting
from smart.painting.optimization import descend
from smart.painting.tiling import Tile
from smart.painting.vgg import VGG, pink_noise

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")  # one of each block
LEAST, MOST = 1e-4, 1e4  # style against content; beyond, one of them is nothing


@dataclass(frozen=True)
class Parts:
    """The terms of the loss before they are weighted: how far manner and content are off."""

    style: float
    content: float


class Watched(Objective):
    """The painter's objective that remembers the terms of its last value in `parts`."""

    parts = Parts(0.0, 0.0)
    _off = 0.0

    def __call__(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        self._off = 0.0
        return super().__call__(picture)

    def _content_part(
        self, features: dict[str, Tensor], tile: Tile, gradients: dict[str, Tensor]
    ) -> Tensor | float:
        value = super()._content_part(features, tile, gradients)
        self._off += float(value.mean() if isinstance(value, Tensor) else value)
        return value

    def _style_value(self, pulls: list[Pulls]) -> Tensor | float:
        value = super()._style_value(pulls)  # comes last
        style = float(value.mean() if isinstance(value, Tensor) else value)
        shares = sum(self.weighting.style_shares.values())
        self.parts = Parts(
            style / shares if shares else 0.0,
            self._off / self.options.content_weight if self.options.content_weight else 0.0,
        )
        return value


OnStep = Callable[[Parts, Tensor], None]


def weighed(balance: float) -> tuple[PaintingOptions, Weighting]:
    """The painter's settings where style counts balance times as much as content.

    Raises ValueError outside LEAST to MOST.
    """
    if not LEAST <= balance <= MOST:
        raise ValueError(
            f"Style cannot count {balance:g} times as much as content; choose from {LEAST:g} to "
            f"{MOST:g}."
        )
    # Only the proportion matters; the larger of the two weights is 1.
    content, style = min(1.0, 1 / balance), min(1.0, balance)
    usual = Weighting()
    total = sum(usual.style_shares.values())
    shares = {layer: style * share / total for layer, share in usual.style_shares.items()}
    options = PaintingOptions(content_weight=content, smoothness=0.5 * style, start="sitter")
    return options, Weighting(usual.content_layer, shares)


def objective(network: VGG, content: Tensor, style: Tensor, balance: float) -> Watched:
    """What is minimised where style counts balance times as much as content (see weighed)."""
    options, weighting = weighed(balance)
    return Watched(network, Scene(content, [StyleImage(style)]), options, weighting)


def repaint(
    network: VGG, content: Tensor, style: Tensor, balance: float, steps: int, on_step: OnStep
) -> Tensor:
    """The content [1, 3, H, W] painted at its own size from itself on; on the CPU, in 0..1.

    on_step gets the terms before a step and the picture behind it; it may raise Cancelled.
    """
    watched = objective(network, content, style, balance)
    start = content.to(network.device)
    return descend(start, watched, steps, lambda _, x: on_step(watched.parts, x)).cpu()


def rebuilt(
    network: VGG, content: Tensor, layer: str, steps: int, on_step: OnStep, seed: int = 0
) -> Tensor:
    """Noise changed until a layer sees in it what it sees in the content [1, 3, H, W]."""
    options = PaintingOptions(content_weight=1.0, smoothness=0.0)
    scene = Scene(content, [StyleImage(content)])  # no style layer looks at it
    watched = Watched(network, scene, options, Weighting(layer, {}))
    start = pink_noise(content.shape[-2], content.shape[-1], seed).to(network.device)
    return descend(start, watched, steps, lambda _, x: on_step(watched.parts, x)).cpu()


def texture(
    network: VGG,
    style: Tensor,
    layer: str,
    size: int,
    steps: int,
    on_step: OnStep,
    seed: int = 0,
) -> Tensor:
    """Noise changed until its Gram matrices up to a layer are those of style [1, 3, h, w].

    [1, 3, size, size] in 0..1 on the CPU. Raises ValueError for a layer not in LAYERS.
    """
    counted = LAYERS[: _place(layer) + 1]
    options = PaintingOptions(style_loss="gram", smoothness=0.0)
    start = pink_noise(size, size, seed)
    shares = {name: 1 / len(counted) for name in counted}
    scene = Scene(start, [StyleImage(style)])
    watched = Watched(network, scene, options, Weighting(None, shares))
    start = start.to(network.device)
    return descend(start, watched, steps, lambda _, x: on_step(watched.parts, x)).cpu()


def _place(layer: str) -> int:
    if layer not in LAYERS:
        raise ValueError(f"There is no layer {layer[:20]!r} to look at; use {', '.join(LAYERS)}.")
    return LAYERS.index(layer)


@torch.no_grad()
def strongest(
    network: VGG, picture: Tensor, layer: str, count: int
) -> tuple[list[int], Tensor, int]:
    """Which channels of a layer answer a picture [1, 3, H, W] most, and where.

    (channels by falling strength, their maps [count, h, w] each in 0..1, how many there are).
    Strength is the mean feature against that on noise of natural spectrum, so that channels which
    answer anything do not come first. Raises ValueError for a layer not in LAYERS.
    """
    _place(layer)
    features = network(picture.to(network.device), [layer])[layer][0].float().cpu()
    height, width = picture.shape[-2:]
    noise = pink_noise(height, width, 0).to(network.device)
    usual = network(noise, [layer])[layer][0].float().mean((1, 2)).cpu()
    means = features.mean((1, 2))
    order = (means / (usual + means.mean())).argsort(descending=True)[:count]
    maps = features[order]
    maps = maps / maps.flatten(1).amax(1).clamp_min(1e-12)[:, None, None]
    return [int(channel) for channel in order], maps, len(features)
