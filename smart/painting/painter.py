"""The painter: a sketch in one pass, and the portrait that grows out of it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from smart import images
from smart.options import PaintingOptions
from smart.painting import color, optimization
from smart.painting.contract import Painted, Scene, StyleImage
from smart.painting.feed_forward import Stylizer, mix, strengthen
from smart.painting.optimization import at_size
from smart.painting.vgg import VGG
from smart.progress import Cancelled, OnProgress, Progress, ignore

# px, the longer side of a sketch with strokes of size 1: they keep their width in px, so that a
# larger sketch would have finer ones.
SKETCHED = 640
LARGEST_SKETCH = 1536  # px; with the finest strokes
KEPT = 256  # codes of paintings; one is 100 numbers
_codes: WeakKeyDictionary[Stylizer, OrderedDict[str, Tensor]] = WeakKeyDictionary()


def sketch(scene: Scene, options: PaintingOptions, stylizer: Stylizer) -> Tensor:
    """The content [N, 3, H, W] in one pass after the styles, its longer side options.size.

    On the CPU, in 0..1. Strokes have the width that options.stroke_size asks for whatever the
    size; what is finer comes from the content. Strength goes from the content to the painter.
    """
    device = next(stylizer.parameters()).device
    content = at_size(scene.content, options.size).cpu()
    if options.strength == 0:
        return content
    side = min(options.size, SKETCHED) / options.stroke_size
    small = at_size(content, round(min(max(side, 64), LARGEST_SKETCH, 2 * options.size)))
    _, figure = scene.masks_at(*small.shape[-2:])
    with torch.no_grad():
        painted = torch.zeros_like(small)
        for index, (styles, _) in enumerate(scene.regions):
            share: Tensor | float = 1.0
            if figure is not None:
                share = 1 - figure if index else figure
            code = _code(styles, stylizer, device)
            if options.strength < 1:
                own = stylizer.encode(small.to(device))
                code = strengthen(own, code, options.strength)
            painted = painted + stylizer.transform(small.to(device), code).cpu() * share
    height, width = content.shape[-2:]
    whole = images.resize(painted, width, height)
    if small.shape[-1] < width:
        blurred = images.resize(small, width, height)
        whole = (whole + content - blurred).clamp(0, 1)
    # The painter's network with the content's own code leaves it duller, not as it is.
    return torch.lerp(content, whole, 1 - (1 - options.strength) ** 2)


def _code(styles: Sequence[StyleImage], stylizer: Stylizer, device: torch.device) -> Tensor:
    """All styles by their weights as one code, [1, D]."""
    codes = torch.cat([_encoded(style, stylizer, device) for style in styles])
    return mix(codes, [style.weight for style in styles])


def _encoded(style: StyleImage, stylizer: Stylizer, device: torch.device) -> Tensor:
    """The code of one painting [1, D], computed once as long as the network does not change."""
    if any(weight.requires_grad for weight in stylizer.parameters()):
        return stylizer.encode(style.image.to(device))
    kept = _codes.setdefault(stylizer, OrderedDict())
    key = f"{style.digest} {device}"
    if key not in kept:
        kept[key] = stylizer.encode(style.image.to(device))
        while len(kept) > KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]


def paint(
    scene: Scene,
    options: PaintingOptions,
    network: VGG | None,
    stylizer: Callable[[], Stylizer],
    on_progress: OnProgress = ignore,
    earlier: Tensor | None = None,
    done: int | None = 0,
) -> Painted:
    """Paint a scene; the longer side of the portrait becomes options.size.

    network may be None for the engine "feed-forward"; stylizer is called when it is needed.
    earlier [N, 3, h, w] is a portrait of the same scene to go on with: after done steps, or None
    for one that was finished and is to be larger or finer still. on_progress may raise Cancelled,
    which keeps the picture as it stands.
    """
    if options.strength == 0:
        content = at_size(scene.content, options.size).cpu()
        return _finished(scene, options, content, on_progress)
    if options.colors == "sitter":
        return _in_own_colors(scene, options, network, stylizer, on_progress, earlier, done)
    optimized = options.engine == "optimization"
    start = earlier
    if start is None and (not optimized or options.start == "sketch"):
        start = sketch(scene, options, stylizer())
    if start is not None and not optimized:
        return _finished(scene, options, start, on_progress)
    if network is None:
        raise ValueError("The optimization sees with a feature network; give one.")
    plan = optimization.pyramid(options.size, options.effort, start is not None)
    if earlier is not None and done is None:
        # A finished portrait is only made larger; what is smaller is settled.
        larger = [scale for scale in plan if scale.size > max(earlier.shape[-2:])]
        plan = tuple(larger) or plan[-1:]
    return optimization.paint(scene, options, network, on_progress, start, done or 0, plan)


def _finished(
    scene: Scene, options: PaintingOptions, picture: Tensor, on_progress: OnProgress
) -> Painted:
    """What is there at once as a portrait."""
    with contextlib.suppress(Cancelled):  # there is nothing left to stop
        on_progress(Progress(1, 1, "sketching", preview=picture, fraction=1.0))
    final = images.fitted_size(scene.content.shape[-1], scene.content.shape[-2], options.size)
    return Painted(images.resize(picture, *final), 1, False, float("nan"))


def _in_own_colors(
    scene: Scene,
    options: PaintingOptions,
    network: VGG | None,
    stylizer: Callable[[], Stylizer],
    on_progress: OnProgress,
    earlier: Tensor | None,
    done: int | None,
) -> Painted:
    """Only light and dark are painted; the content's chroma is put back, in previews too."""

    def recolored(picture: Tensor) -> Tensor:
        height, width = picture.shape[-2:]
        return color.with_colors_of(picture, images.resize(scene.content.cpu(), width, height))

    def report(progress: Progress) -> None:
        if progress.preview is not None:
            progress = dataclasses.replace(progress, preview=recolored(progress.preview))
        on_progress(progress)

    def greyed(styles: Sequence[StyleImage]) -> list[StyleImage]:
        content = scene.content.cpu()
        return [StyleImage(color.grey_like(s.image.cpu(), content), s.weight) for s in styles]

    greys = dataclasses.replace(
        scene,
        content=color.grey(scene.content),
        styles=greyed(scene.styles),
        ground_styles=greyed(scene.ground_styles),
    )
    lighter = options.replace(colors="painter")
    grey_earlier = None if earlier is None else color.grey(earlier)
    painted = paint(greys, lighter, network, stylizer, report, grey_earlier, done)
    return dataclasses.replace(painted, image=recolored(painted.image))
