"""Gatys' method: the picture itself is optimised, from the face on, coarse to fine.

Gatys, Ecker & Bethge 2016 (CVPR). Style is the Wasserstein-2 distance of feature statistics
instead of Gram matrices, and small sizes come first, a factor sqrt(2) apart, so that large
strokes are laid while steps are cheap (both after crowsonkb/style-transfer-pytorch).
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from smart import images
from smart.options import PaintingOptions
from smart.painting.contract import Painted, Scene
from smart.painting.lbfgs import LBFGS, history_for
from smart.painting.objective import Objective, Weighting
from smart.painting.style_targets import SMALLEST
from smart.painting.vgg import VGG, pink_noise
from smart.progress import Cancelled, OnProgress, Progress, ignore

COARSEST = 128  # px; below, a face is too small to keep its features
REFINED = 2048  # px; above it a picture is a print: only what is fine is painted anew
PRINT_STEPS = 6
PREVIEW = 1024  # px, the longer side of a preview at most
PREVIEWS = 100  # about so many are shown of a portrait, each after as much work
WORSE = 1.5  # a step that makes the loss this many times larger went too far
BACK = 0.25  # of such a step is taken instead
SETTLED = 0.0018  # root mean square a step, of 0..1 (half a level of 255), that nobody sees
Steps = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Scale:
    """One size of the pyramid: longer side in px, steps at most, deepest block looked at."""

    size: int
    steps: int
    block: int = 5


def descend(
    picture: Tensor,
    objective: Steps,
    steps: int,
    on_step: Callable[[float, Tensor], None],
    tolerance: float = 0.0,
) -> Tensor:
    """L-BFGS on the pixels [N, 3, H, W], which stay in 0..1; the picture at the end.

    on_step is called after every step with the mean loss before it and the picture. It ends early
    when nothing visible changes (see Settled), or when numbers are no longer finite, with the last
    good picture.
    """
    memory = LBFGS(history_for(picture))
    settled = Settled(tolerance if memory.pairs.maxlen else 0)  # it keeps pictures, too
    before: tuple[Tensor, Tensor, Tensor] | None = None
    for _ in range(steps):
        value, gradient = objective(picture)
        if not (torch.isfinite(value).all() and torch.isfinite(gradient).all()):
            return picture if before is None else before[0]
        if before is None:
            step = _within(picture, gradient, memory)
        else:
            far = (value > WORSE * before[1]).view(-1, 1, 1, 1)
            if far.any():
                step = picture - before[0]
                memory.remember(step.where(~far, 0), (gradient - before[2]).where(~far, 0))
                gradient = gradient.where(~far, before[2])
                value = value.where(~far.view(-1), before[1])
                picture = picture.where(~far, before[0])
                step = torch.where(far, BACK * step, _within(picture, gradient, memory))
            else:
                memory.remember(picture - before[0], gradient - before[2])
                before = None  # a print has no room for what is not needed
                step = _within(picture, gradient, memory)
        before = (picture, value, gradient)
        picture = step.add_(picture).clamp_(0, 1)
        on_step(float(value.mean()), picture)
        if settled(picture):
            break
    return picture


def _within(picture: Tensor, gradient: Tensor, memory: LBFGS) -> Tensor:
    """The direction among pixels that can still move: not those that are held at 0 or 1."""
    held = ((picture <= 0) & (gradient > 0)) | ((picture >= 1) & (gradient < 0))
    return memory.direction(gradient.masked_fill(held, 0)).masked_fill_(held, 0)


class Settled:
    """Says when nothing visible changes any more.

    Call it with the picture after every step: true when, over the last WINDOW steps together, no
    picture of the batch has moved by more than tolerance (root mean square, 0..1) a step.
    """

    WINDOW = 4

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self.past: deque[Tensor] = deque(maxlen=self.WINDOW)

    def __call__(self, picture: Tensor) -> bool:
        if self.tolerance <= 0:
            return False
        moved = float("inf")
        if len(self.past) == self.WINDOW:
            moved = float((picture - self.past[0]).square().mean((1, 2, 3)).sqrt().max())
        self.past.append(picture)
        return moved < self.tolerance * self.WINDOW


def paint(
    scene: Scene,
    options: PaintingOptions,
    network: VGG,
    on_progress: OnProgress = ignore,
    start: Tensor | None = None,
    done: int = 0,
    plan: Sequence[Scale] | None = None,
    weighting: Weighting | None = None,
) -> Painted:
    """Paint a scene; the longer side of the picture becomes options.size.

    It starts from start [N, 3, h, w], a sketch or an earlier portrait, else from noise or the
    content (options.start). The first done steps of the plan are left out: an earlier call did
    them. on_progress gets a Progress after every step, with a preview of the whole picture after
    some; when it raises Cancelled the picture is returned as it stands. Raises ValueError for
    no style.
    """
    easel = Easel(at_size(scene.content, options.size), start)
    if start is None and options.start == "noise":
        easel.picture = pink_noise(easel.height, easel.width, options.noise_seed)
        easel.picture = easel.picture.expand(len(scene.content), -1, -1, -1)
    run = _Run(plan or pyramid(options.size, options.effort, start is not None), easel, done)
    run.on_progress = on_progress
    stopped = False
    try:
        if start is not None:
            run.report(None, preview=True)
        for scale in run.plan:
            if steps := run.begin(scale):
                small = easel.at(scale.size)
                objective = _objective(scene, scale, options, network, weighting)
                settled = SETTLED * min(1, 100 / options.effort)
                descend(small.to(network.device), objective, steps, run.on_step, settled)
            run.end()
    except Cancelled:
        stopped = True
    image = easel.whole()
    final = images.fitted_size(scene.content.shape[-1], scene.content.shape[-2], options.size)
    return Painted(images.resize(image, *final), run.step, stopped, run.loss)


def _objective(
    scene: Scene, scale: Scale, options: PaintingOptions, network: VGG, weighting: Weighting | None
) -> Objective:
    content = at_size(scene.content, scale.size)
    weighting = (weighting or Weighting()).down_to(scale.block)
    return Objective(network, dataclasses.replace(scene, content=content), options, weighting)


class _Run:
    """Where a plan stands, and what is said of it.

    step counts to the sum of all steps planned; a size that settles early jumps to its end.
    """

    on_progress: OnProgress

    def __init__(self, plan: Sequence[Scale], easel: Easel, done: int) -> None:
        self.plan, self.easel, self.step = plan, easel, done
        self.total = sum(scale.steps for scale in plan)
        self.work = sum(scale.steps * scale.size**2 for scale in plan)
        self.base, self.spent, self.unseen, self.loss = 0, 0, 0, float("nan")
        self.scale, self.stage = plan[0], "sketching"

    def begin(self, scale: Scale) -> int:
        """The steps that are left to do at a size."""
        self.scale, self.step = scale, max(self.step, self.base)
        self.stage = f"painting at {scale.size} px"
        return max(0, self.base + scale.steps - self.step)

    def end(self) -> None:
        """A size is done, perhaps before its last step."""
        self.base += self.scale.steps
        self.spent += self.scale.steps * self.scale.size**2
        if self.base == self.total and self.step < self.total:
            self.step = self.total
            self.report(self.loss, preview=True)

    def on_step(self, value: float, picture: Tensor) -> None:
        """After every step of the descent."""
        self.step, self.loss, self.easel.picture = self.step + 1, value, picture
        # A preview costs a few ms: on the small sizes, where steps are quick, not every time.
        self.unseen += self.scale.size**2
        self.report(value, self.step == self.total or self.unseen >= self.work / PREVIEWS)

    def report(self, loss: float | None, preview: bool) -> None:
        """Tell how far it is."""
        here = min(self.step - self.base, self.scale.steps) * self.scale.size**2
        share = min(1.0, max(0, self.spent + here) / self.work)
        shown = images.fit_within(self.easel.whole(), PREVIEW) if preview else None
        self.unseen = 0 if preview else self.unseen
        self.on_progress(Progress(self.step, self.total, self.stage, loss, shown, share))


class Easel:
    """The picture as it stands at the size that is being painted, and how it looks when whole.

    What a small size cannot hold is filled in from the start, so that the picture is sharp at
    every moment, also when it is stopped early.
    """

    def __init__(self, content: Tensor, start: Tensor | None) -> None:
        self.height, self.width = content.shape[-2:]
        self.start = None if start is None else images.resize(start, self.width, self.height)
        self.picture = content if self.start is None else self.start

    def whole(self) -> Tensor:
        """The picture at its final size, [N, 3, H, W] in 0..1 on the CPU."""
        picture = self.picture.cpu()
        height, width = picture.shape[-2:]
        if (height, width) == (self.height, self.width):
            return picture
        large = images.resize(picture, self.width, self.height)
        if self.start is None:
            return large
        blurred = images.resize(images.resize(self.start, width, height), self.width, self.height)
        return (large + self.start - blurred).clamp(0, 1)

    def at(self, size: int) -> Tensor:
        """The picture with its longer side at size px."""
        small = at_size(self.whole(), size)
        if small.shape[-2:] == (self.height, self.width):
            self.start = None  # nothing is left to fill in
        return small


def at_size(content: Tensor, size: int) -> Tensor:
    """content with its longer side at size, no side so short that the features end early."""
    width, height = images.fitted_size(content.shape[-1], content.shape[-2], size)
    return images.resize(content, max(width, SMALLEST), max(height, SMALLEST))


def pyramid(size: int, effort: int = 100, started: bool = False) -> tuple[Scale, ...]:
    """Sizes a factor sqrt(2) apart that end at size, with fewer steps the dearer they are.

    A sketch to start from has laid the large strokes already: the coarsest size is left out. Deep
    layers are looked at only where they still move: where the difference cannot be seen they
    are left out. Above REFINED only strokes are made finer, at the last size alone. effort in per
    cent multiplies the steps, which are the most that are taken (see SETTLED).
    """
    sizes = [min(size, REFINED)]
    while sizes[-1] / 2**0.5 >= COARSEST * 0.98:
        sizes.append(round(sizes[-1] / 2**0.5))
    if started and len(sizes) > 1:
        sizes.pop()
    scales = []
    for index, scale in enumerate(reversed(sizes)):
        # From noise or the bare sitter there is everything to do.
        usual = 60 if index == 0 else round(40 * (256 / scale) ** 0.5)
        scales.append(Scale(scale, _share(min(usual, 60), effort), 5 if scale <= 362 else 4))
    if size > REFINED:
        scales.append(Scale(size, _share(PRINT_STEPS, effort), 3))
    return tuple(scales)


def _share(steps: int, effort: int) -> int:
    return max(1, round(steps * effort / 100))
