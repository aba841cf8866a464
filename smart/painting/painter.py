"""The painter: a sketch in one pass, and the portrait that grows out of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from smart import images
from smart.options import PaintingOptions
from smart.painting import optimization
from smart.painting.contract import Painted, StyleImage
from smart.painting.feed_forward import Stylizer, mix
from smart.painting.vgg import VGG
from smart.progress import Cancelled, OnProgress, Progress, ignore


def sketch(content: Tensor, styles: Sequence[StyleImage], stylizer: Stylizer) -> Tensor:
    """content [1, 3, H, W] in 0..1 in one pass after all styles by their weights, on the CPU.

    The longer side should be about 512 px: the strokes keep their width, so that on a larger
    picture they are too fine. Raises ValueError when every weight is 0.
    """
    device = next(stylizer.parameters()).device
    with torch.no_grad():
        codes = torch.cat([stylizer.encode(style.image.to(device)) for style in styles])
        code = mix(codes, [style.weight for style in styles])
        return stylizer.transform(content.to(device), code).cpu()


def paint(
    content: Tensor,
    styles: Sequence[StyleImage],
    options: PaintingOptions,
    network: VGG | None,
    stylizer: Callable[[], Stylizer],
    on_progress: OnProgress = ignore,
) -> Painted:
    """Paint content [1, 3, H, W] in 0..1 after the styles; the longer side becomes options.size.

    network may be None for the engine "feed-forward"; stylizer is called when it is needed.
    on_progress may raise Cancelled, which keeps the picture as it stands. Raises ValueError for no
    style.
    """
    if not any(style.weight > 0 for style in styles):
        raise ValueError("No painter is chosen; give at least one picture to paint after.")
    optimized = options.engine == "optimization"
    first = None
    if not optimized or options.start == "sketch":
        first = sketch(optimization.at_size(content, options.size), styles, stylizer())
    if first is None or optimized:
        if network is None:
            raise ValueError("The optimization sees with a feature network; give one.")
        return optimization.paint(content, styles, options, network, on_progress, first)
    with contextlib.suppress(Cancelled):  # there is nothing left to stop
        on_progress(Progress(1, 1, "sketching", preview=first, fraction=1.0))
    final = images.fitted_size(content.shape[-1], content.shape[-2], options.size)
    return Painted(images.resize(first, *final), 1, False, float("nan"))
