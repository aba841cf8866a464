"""Gatys' method: the picture itself is optimised, from the face on, coarse to fine.

Gatys, Ecker & Bethge 2016 (CVPR). Style is the Wasserstein-2 distance of feature statistics
instead of Gram matrices, and small sizes come first, a factor sqrt(2) apart, so that large
strokes are laid while steps are cheap (both after crowsonkb/style-transfer-pytorch).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from smart import images
from smart.options import PaintingOptions
from smart.painting import losses
from smart.painting.vgg import VGG
from smart.progress import Cancelled, OnProgress, Progress, ignore

CONTENT_LAYER = "relu4_2"
# Shallow layers hold colour and grain, deep ones motifs. Every layer counts relative to the
# network's energy there; the shares sum to 1.
STYLE_SHARES = {
    "relu1_1": 0.05, "relu2_1": 0.50, "relu3_1": 0.38, "relu4_1": 0.06, "relu5_1": 0.01,
}  # fmt: skip
COARSEST = 128  # px; below, a face is too small to keep its features
SMALLEST = 32  # px; the shorter side, so that the deepest layer still sees 2 x 2


@dataclass(frozen=True)
class StyleImage:
    """A picture to paint after, [1, 3, H, W] in 0..1, and its share among the others."""

    image: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class Painted:
    """A portrait [1, 3, H, W] in 0..1, how many steps it took, and whether it was stopped."""

    image: Tensor
    steps: int
    stopped: bool
    loss: float


@dataclass(frozen=True)
class Scale:
    """One size of the pyramid: the longer side in px and the steps spent there."""

    size: int
    steps: int


def pyramid(size: int, effort: int = 100) -> tuple[Scale, ...]:
    """Sizes a factor sqrt(2) apart that end at size, with fewer steps the dearer they are."""
    sizes = [size]
    while sizes[-1] / 2**0.5 >= COARSEST * 0.98:
        sizes.append(round(sizes[-1] / 2**0.5))
    scales = []
    for index, scale in enumerate(reversed(sizes)):
        # The first size starts from the bare sitter and has everything to do.
        usual = 60 if index == 0 else max(16, round(40 * (181 / scale)))
        scales.append(Scale(scale, max(1, round(usual * effort / 100))))
    return tuple(scales)


class Objective:
    """Content + style + total variation at one size; a call gives the scalar loss.

    content: [1, 3, H, W] in 0..1 at this size. styles are resampled so that their area is that
    of the content: strokes then have the size they have in the painting seen whole.
    """

    def __init__(
        self, network: VGG, content: Tensor, styles: Sequence[StyleImage], options: PaintingOptions
    ) -> None:
        self.network = network
        self.options = options
        area = content.shape[-1] * content.shape[-2]
        with torch.no_grad():
            self.content = network(content, [CONTENT_LAYER])[CONTENT_LAYER]
            seen = [self._moments(style.image, area) for style in styles]
            weights = [style.weight for style in styles]
            self.targets = {
                layer: losses.Target.of(losses.pool([m[layer] for m in seen], weights))
                for layer in STYLE_SHARES
            }

    def _moments(self, image: Tensor, area: float) -> dict[str, losses.Moments]:
        factor = (area / (image.shape[-1] * image.shape[-2])) ** 0.5
        # Never so small or narrow that the deepest layer sees nothing.
        factor = max(factor, SMALLEST / min(image.shape[-2:]))
        width, height = (round(side * factor) for side in (image.shape[-1], image.shape[-2]))
        image = images.resize(image, width, height).to(self.network.device)
        features = self.network(image, STYLE_SHARES)
        return {layer: losses.moments(features[layer]) for layer in STYLE_SHARES}

    def __call__(self, image: Tensor) -> Tensor:
        features = self.network(image, [*STYLE_SHARES, CONTENT_LAYER])
        energy = self.network.energy
        loss = losses.content(features[CONTENT_LAYER], self.content)
        loss = loss * (self.options.content_weight / energy[CONTENT_LAYER])
        for layer, share in STYLE_SHARES.items():
            distance = losses.wasserstein(features[layer], self.targets[layer])
            loss = loss + share / energy[layer] * distance
        return loss + self.options.smoothness * losses.total_variation(image)


def descend(
    image: Tensor,
    objective: Callable[[Tensor], Tensor],
    steps: int,
    on_step: Callable[[float, Tensor], None],
) -> Tensor:
    """L-BFGS without line search on the pixels, which stay in 0..1; the picture at the end.

    on_step is called after every step with the loss before it and the picture.
    """
    image = image.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    # One iteration a call: no second evaluation, and the history lives on between calls.
    optimizer = torch.optim.LBFGS(
        [image], max_iter=1, history_size=20, tolerance_grad=0, tolerance_change=0
    )

    def closure() -> float:
        optimizer.zero_grad()
        loss = objective(image)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    for _ in range(steps):
        before = image.detach().clone()
        loss = optimizer.step(closure)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            if not torch.isfinite(image).all():
                image.copy_(before)  # a step that leaves the numbers keeps the last good picture
                break
            image.clamp_(0, 1)
        on_step(loss, image.detach().clone())
    return image.detach()


def paint(
    content: Tensor,
    styles: Sequence[StyleImage],
    options: PaintingOptions,
    network: VGG,
    on_progress: OnProgress = ignore,
) -> Painted:
    """Paint content [1, 3, H, W] in 0..1 after the styles; the longer side becomes options.size.

    on_progress gets a Progress with the picture as it stands after every step; when it raises
    Cancelled the picture is returned as it stands. Raises ValueError for no style.
    """
    if not styles:
        raise ValueError("No painter is chosen; give at least one picture to paint after.")
    scales = pyramid(options.size, options.effort)
    total = sum(scale.steps for scale in scales)
    work = sum(scale.steps * scale.size**2 for scale in scales)
    image: Tensor | None = None
    done, spent, loss = 0, 0, float("nan")
    scale, stage = scales[0], ""

    def on_step(value: float, picture: Tensor) -> None:
        nonlocal done, spent, loss, image
        done, loss, image = done + 1, value, picture
        spent += scale.size**2
        on_progress(Progress(done, total, stage, value, picture, spent / work))

    try:
        for scale in scales:
            target = _at(content, scale.size).to(network.device)
            height, width = target.shape[-2:]
            stage = f"painting at {width} x {height} px"
            start = target if image is None else images.resize(image, width, height)
            objective = Objective(network, target, styles, options)
            image = descend(start, objective, scale.steps, on_step)
    except Cancelled:
        stopped = True
    else:
        stopped = False
    assert image is not None
    final = _at(content, options.size)
    image = images.resize(image, final.shape[-1], final.shape[-2])
    return Painted(image.cpu(), done, stopped, loss)


def _at(content: Tensor, size: int) -> Tensor:
    """content with its longer side at size, no side so short that the features end early."""
    width, height = images.fitted_size(content.shape[-1], content.shape[-2], size)
    return images.resize(content, max(width, SMALLEST), max(height, SMALLEST))
