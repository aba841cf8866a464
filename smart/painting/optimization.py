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
from smart.painting.contract import Painted, StyleImage
from smart.painting.vgg import VGG
from smart.progress import Cancelled, OnProgress, Progress, ignore

CONTENT_LAYER = "relu4_2"
# Shallow layers hold colour and grain, deep ones motifs. Every layer counts relative to the
# network's energy there; the shares sum to 1.
STYLE_SHARES = {
    "relu1_1": 0.05, "relu2_1": 0.50, "relu3_1": 0.38, "relu4_1": 0.06, "relu5_1": 0.01,
}  # fmt: skip
# torch's L-BFGS drops curvature below an absolute 1e-10; losses relative to energies are so small
# that a quiet picture would never leave its first, tiny step.
LOSS_SCALE = 1e5
CAREFUL = 0.3
COARSEST = 128  # px; below, a face is too small to keep its features
SMALLEST = 32  # px; the shorter side, so that the deepest layer still sees 2 x 2


@dataclass(frozen=True)
class Scale:
    """One size of the pyramid: the longer side in px and the steps spent there."""

    size: int
    steps: int


def pyramid(size: int, effort: int = 100, sketched: bool = False) -> tuple[Scale, ...]:
    """Sizes a factor sqrt(2) apart that end at size, with fewer steps the dearer they are.

    A sketch to start from has laid the large strokes already: the coarsest size is left out.
    """
    sizes = [size]
    while sizes[-1] / 2**0.5 >= COARSEST * 0.98:
        sizes.append(round(sizes[-1] / 2**0.5))
    if sketched and len(sizes) > 1:
        sizes.pop()
    scales = []
    for index, scale in enumerate(reversed(sizes)):
        usual = max(16, round(40 * (181 / scale)))
        if index == 0 and not sketched:
            usual = 60  # from the bare sitter there is everything to do
        scales.append(Scale(scale, max(1, round(min(usual, 60) * effort / 100))))
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
        loss = LOSS_SCALE * objective(image)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    for step in range(steps):
        # The first curvature comes from one tiny step; it is not to be trusted at full length.
        optimizer.param_groups[0]["lr"] = CAREFUL if step in (1, 2) else 1.0
        before = image.detach().clone()
        loss = optimizer.step(closure)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            if not torch.isfinite(image).all():
                image.copy_(before)  # a step that leaves the numbers keeps the last good picture
                break
            image.clamp_(0, 1)
        on_step(loss / LOSS_SCALE, image.detach().clone())
    return image.detach()


def paint(
    content: Tensor,
    styles: Sequence[StyleImage],
    options: PaintingOptions,
    network: VGG,
    on_progress: OnProgress = ignore,
    sketch: Tensor | None = None,
) -> Painted:
    """Paint content [1, 3, H, W] in 0..1 after the styles; the longer side becomes options.size.

    It starts from the sketch [1, 3, h, w] of the final size where there is one, else from the
    content. on_progress gets a Progress after every step, with a preview of the final size after
    some; when it raises Cancelled the picture is returned as it stands. Raises ValueError for no
    style.
    """
    if not styles:
        raise ValueError("No painter is chosen; give at least one picture to paint after.")
    easel = Easel(at_size(content, options.size), sketch)
    scales = pyramid(options.size, options.effort, sketch is not None)
    total = sum(scale.steps for scale in scales)
    work = sum(scale.steps * scale.size**2 for scale in scales)
    done, spent, loss = 0, 0, float("nan")
    scale, stage = scales[0], "sketching"

    def on_step(value: float, picture: Tensor) -> None:
        nonlocal done, spent, loss
        done, loss = done + 1, value
        spent += scale.size**2
        easel.picture = picture
        last = done == total
        # A preview costs a few ms: on the small sizes, where steps are quick, not every time.
        preview = easel.whole() if last or done % 5 == 0 or scale.size >= 256 else None
        on_progress(Progress(done, total, stage, value, preview, spent / work))

    try:
        if sketch is not None:
            on_progress(Progress(0, total, stage, None, easel.whole(), 0.0))
        for scale in scales:
            target = at_size(content, scale.size).to(network.device)
            height, width = target.shape[-2:]
            stage = f"painting at {width} x {height} px"
            objective = Objective(network, target, styles, options)
            start = easel.at(width, height).to(network.device)
            descend(start, objective, scale.steps, on_step)
    except Cancelled:
        stopped = True
    else:
        stopped = False
    image = easel.whole()
    final = images.fitted_size(content.shape[-1], content.shape[-2], options.size)
    return Painted(images.resize(image, *final), done, stopped, loss)


class Easel:
    """The picture as it stands at the size that is being painted, and how it looks when whole.

    What a small size cannot hold is filled in from the sketch, so that the picture is sharp at
    every moment, also when it is stopped early.
    """

    def __init__(self, content: Tensor, sketch: Tensor | None) -> None:
        self.height, self.width = content.shape[-2:]
        self.sketch = None if sketch is None else images.resize(sketch, self.width, self.height)
        self.picture = content if self.sketch is None else self.sketch

    def whole(self) -> Tensor:
        """The picture at its final size, [1, 3, H, W] in 0..1 on the CPU."""
        picture = self.picture.cpu()
        height, width = picture.shape[-2:]
        if (height, width) == (self.height, self.width):
            return picture
        large = images.resize(picture, self.width, self.height)
        if self.sketch is None:
            return large
        blurred = images.resize(images.resize(self.sketch, width, height), self.width, self.height)
        return (large + self.sketch - blurred).clamp(0, 1)

    def at(self, width: int, height: int) -> Tensor:
        """The picture as the start of the next size."""
        return images.resize(self.whole(), width, height)


def at_size(content: Tensor, size: int) -> Tensor:
    """content with its longer side at size, no side so short that the features end early."""
    width, height = images.fitted_size(content.shape[-1], content.shape[-2], size)
    return images.resize(content, max(width, SMALLEST), max(height, SMALLEST))
