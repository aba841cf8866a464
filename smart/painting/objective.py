"""What the optimisation minimises, and its gradient: whole, or tile by tile.

Content + style + total variation. The style terms depend on the picture through sums over all of
it, so a large picture is passed twice: once to add up the sums of its tiles, once to pull every
feature to where the sums of all tiles want it. That is the exact gradient, not one of tiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import torch
from torch import Tensor

from smart.options import PaintingOptions
from smart.painting import losses
from smart.painting.contract import Scene, StyleImage
from smart.painting.losses import Moments, Pull, Sums, Target
from smart.painting.style_targets import (
    Masks,
    Targets,
    add_up,
    masks_at,
    picture_moments,
    style_targets,
    tiles_of,
)
from smart.painting.tiling import Tile, tiles
from smart.painting.vgg import VGG, stride_of

# Gram matrices are compared by squares of squares; this brings them to where the Wasserstein-2
# distance is, so that the weights below serve both.
GRAM_SCALE = 2.0
Pulls = dict[str, Pull]


@dataclass(frozen=True)
class Weighting:
    """Which layers count, and how much.

    Shallow layers hold colour and grain, deep ones motifs. Where relative is true every layer
    counts in units of the network's energy there.
    """

    content_layer: str | None = "relu4_2"
    style_shares: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({
            "relu1_1": 0.05, "relu2_1": 0.50, "relu3_1": 0.38, "relu4_1": 0.06, "relu5_1": 0.01,
        })
    )  # fmt: skip
    relative: bool = True

    def down_to(self, block: int) -> Weighting:
        """Without the layers below a block: what they hold is settled at smaller sizes."""
        shares = {k: v for k, v in self.style_shares.items() if int(k[4]) <= block}
        content = self.content_layer
        if content is not None and int(content[4]) > block:
            content = None
        return Weighting(content, shares, self.relative)


class Objective:
    """Call it with a picture [N, 3, H, W] for the loss of each, [N], and the gradient.

    The scene's content is that of this size. tile is the core of a tile in px, None for what
    memory asks for.
    """

    def __init__(
        self,
        network: VGG,
        scene: Scene,
        options: PaintingOptions,
        weighting: Weighting | None = None,
        tile: int | None = None,
    ) -> None:
        self.network, self.options = network, options
        self.weighting = weighting or Weighting()
        self.layers = list(self.weighting.style_shares)
        content = scene.content.to(network.device)
        height, width = content.shape[-2:]
        reach = network.reach(self.seen)
        self.tiles = tiles(height, width, tile, reach) if tile else tiles_of(height, width, reach)
        keep, figure = scene.masks_at(height, width)
        scene = Scene(content, scene.styles, keep, figure, scene.ground_styles)
        self.masks = [
            None if mask is None else masks_at(mask.to(content), len(content), self.layers)
            for _, mask in scene.regions
        ]
        self.targets = [
            self._targets(scene, styles, masks)
            for (styles, _), masks in zip(scene.regions, self.masks, strict=True)
        ]
        self.content = self._content(content)
        self.hold = self._hold(keep, len(content))

    @property
    def seen(self) -> list[str]:
        """Every layer that is looked at."""
        layer = self.weighting.content_layer
        return [*self.layers, layer] if layer is not None else self.layers

    def _targets(self, scene: Scene, styles: Sequence[StyleImage], masks: Masks | None) -> Targets:
        area = scene.content.shape[-1] * scene.content.shape[-2]
        found = style_targets(self.network, styles, area, self.options.stroke_size, self.layers)
        strength = self.options.strength
        if strength == 1:
            return found
        # A weak hand: the sitter's own manner is one of the painters. Half of each looks like
        # little of the painter, so that the share rises faster.
        share = 1 - (1 - strength) ** 2
        own = picture_moments(self.network, scene.content, self.layers, masks)
        return {
            layer: Target.of(
                losses.pool(
                    [Moments(found[layer].mean, found[layer].second), own[layer]],
                    [share, 1 - share],
                )
            )
            for layer in self.layers
        }

    @torch.no_grad()
    def _content(self, content: Tensor) -> Tensor | None:
        """The content's features, of all tiles together, [N, C, h, w]."""
        layer = self.weighting.content_layer
        if layer is None:
            return None
        stride = stride_of(layer)
        whole: Tensor | None = None
        for tile in self.tiles:
            features: Tensor = self.network(tile.window(content), [layer])[layer]
            if len(self.tiles) == 1:
                return features
            if whole is None:
                height, width = (side // stride for side in content.shape[-2:])
                whole = features.new_empty(*features.shape[:2], height, width)
            tile.place(whole, stride).copy_(tile.core(features, stride))
        return whole

    def _hold(self, keep: Tensor | None, batch: int) -> Tensor | None:
        """How much each place of the content's features counts, or None for all alike."""
        layer = self.weighting.content_layer
        if keep is None or layer is None:
            return None
        mask = masks_at(keep.to(self.network.device), batch, [layer])[layer]
        hold: Tensor = 1 + self.options.face_weight * mask
        return hold

    def __call__(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        smoothness = self.options.smoothness * self.options.strength
        value, gradient = losses.total_variation_gradient(picture)
        value, gradient = value * smoothness, gradient.mul_(smoothness)
        pulls: list[Pulls] = []
        if len(self.tiles) > 1:
            pulls = self._pulls_of_tiles(picture)
        for tile in self.tiles:
            window = tile.window(picture).detach().clone().requires_grad_()
            features = self.network(window, self.seen)
            with torch.no_grad():
                if len(self.tiles) == 1:
                    pulls = self._pulls_of_whole(features)
                gradients = {
                    layer: self._style_gradient(layer, features[layer], tile, pulls)
                    for layer in self.layers
                }
                value = value + self._content_part(features, tile, gradients)
            torch.autograd.backward(
                [features[layer] for layer in gradients], list(gradients.values())
            )
            assert window.grad is not None
            tile.window(gradient).add_(window.grad)
        return value + self._style_value(pulls), gradient

    @torch.no_grad()
    def _pulls_of_tiles(self, picture: Tensor) -> list[Pulls]:
        """The first pass: the sums of all tiles, and what they pull to."""
        sums: list[dict[str, Sums]] = [{} for _ in self.targets]
        for tile in self.tiles:
            features = self.network(tile.window(picture), self.layers)
            for masks, part in zip(self.masks, sums, strict=True):
                add_up(part, features, tile, self.layers, masks)
        pull = losses.STYLE_LOSSES[self.options.style_loss]
        return [
            {layer: pull(part[layer].moments(), targets[layer]) for layer in self.layers}
            for part, targets in zip(sums, self.targets, strict=True)
        ]

    def _pulls_of_whole(self, features: dict[str, Tensor]) -> list[Pulls]:
        kind = self.options.style_loss
        return [
            {
                layer: losses.pull_of(
                    kind, features[layer], None if masks is None else masks[layer], targets[layer]
                )
                for layer in self.layers
            }
            for masks, targets in zip(self.masks, self.targets, strict=True)
        ]

    def _weight(self, layer: str) -> float:
        """What a layer's distance counts."""
        weight = self.weighting.style_shares[layer]
        if not self.weighting.relative:
            return weight
        energy = self.network.energy[layer]
        if self.options.style_loss == "gram":
            return weight * GRAM_SCALE / energy**2
        return weight / energy

    def _style_value(self, pulls: list[Pulls]) -> Tensor | float:
        value: Tensor | float = 0.0
        for masks, part in zip(self.masks, pulls, strict=True):
            for layer, pull in part.items():
                area = 1.0 if masks is None else masks[layer].mean((1, 2, 3))
                value = value + pull.value.float() * area * self._weight(layer)
        return value

    def _style_gradient(
        self, layer: str, features: Tensor, tile: Tile, pulls: list[Pulls]
    ) -> Tensor:
        """On the window's features of a layer: 0 outside the core, which others see to."""
        stride = stride_of(layer)
        core = tile.core(features, stride)
        each = self._weight(layer) / ((tile.height // stride) * (tile.width // stride))
        total: Tensor | None = None
        for masks, part in zip(self.masks, pulls, strict=True):
            share = each if masks is None else tile.place(masks[layer], stride) * each
            pulled = part[layer].gradient(core, share)
            total = pulled if total is None else total.add_(pulled)
        assert total is not None
        if total.shape == features.shape:
            return total
        whole = torch.zeros_like(features)
        tile.core(whole, stride).copy_(total)
        return whole

    def _content_part(
        self, features: dict[str, Tensor], tile: Tile, gradients: dict[str, Tensor]
    ) -> Tensor | float:
        """The content loss of the tile's core; its gradient is added to gradients."""
        layer, wanted = self.weighting.content_layer, self.content
        if layer is None or wanted is None:
            return 0.0
        stride = stride_of(layer)
        weight = self.options.content_weight
        if self.weighting.relative:
            weight /= self.network.energy[layer]
        core = tile.core(features[layer], stride)
        difference = core.float() - tile.place(wanted, stride).float()
        counted = difference
        if self.hold is not None:
            counted = difference * tile.place(self.hold, stride)
        each = weight / wanted[0].numel()
        if layer not in gradients:
            gradients[layer] = torch.zeros_like(features[layer])
        tile.core(gradients[layer], stride).add_((counted * (2 * each)).to(core.dtype))
        return (counted * difference).sum((1, 2, 3)) * each
