"""Our painter with the weights of another, until the picture is as good as that one's."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from unittest import mock

from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smart import images, networks, sitters, styles
from smart.options import PaintingOptions, SamplingOptions
from smart.painting import optimization
from smart.painting.contract import Scene, StyleImage
from smart.painting.objective import Weighting
from smart.painting.painter import sketch
from smart.progress import Cancelled, Progress

MOST_STEPS = 200  # of ours at the last size
SEED, WORK = 12, "hokusai/great-wave"


def subject(seed: int = SEED, slug: str = WORK) -> tuple[Tensor, Tensor]:
    """A sitter at 1024 px and a painting."""
    painting = styles.scan().choose(slug).works[0].open()
    return sitters.face(SamplingOptions(seed=seed), 1024), images.to_tensor(painting)


def refine(
    sitter: Tensor,
    painting: Tensor,
    size: int,
    weighting: Weighting,
    options: PaintingOptions,
    until: float,
) -> tuple[Tensor, float, int]:
    """Our picture, seconds and steps until the objective at the last size is down to a value.

    until: the value; 0 to go on until nothing visible changes. Steps are those really taken.
    """
    height, width = painting.shape[-2:]
    # Peers bring the longer side of a painting to the size; we bring its area to that of a square.
    options = options.replace(stroke_size=(min(height, width) / max(height, width)) ** 0.5)
    network, stylizer = networks.feature_network("vgg16"), networks.stylizer()
    began = time.perf_counter()
    scene = Scene(images.resize(sitter, size, size), [StyleImage(painting)])
    start = sketch(scene, options.replace(stroke_size=1.0), stylizer)

    taken, before = 0, ("", 0)

    def on_progress(progress: Progress) -> None:
        nonlocal taken, before
        # A leap within a size is no step: the size settled, and the rest of it is left out.
        stage, step = before
        stepped = stage != progress.stage or progress.step == step + 1
        taken += stepped and progress.loss is not None
        before = (progress.stage, progress.step)
        last = progress.stage.endswith(f" {size} px")
        if last and progress.loss is not None and progress.loss <= until:
            raise Cancelled

    plan = [dataclasses.replace(s, block=5) for s in optimization.pyramid(size, 100, True)]
    plan[-1] = dataclasses.replace(plan[-1], steps=MOST_STEPS)
    # What ends it is the value to reach, or, where there is none, that nothing changes any more.
    settled = optimization.SETTLED if until == 0 else 0.0
    with mock.patch.object(optimization, "SETTLED", settled):
        made = optimization.paint(
            scene, options, network, on_progress, start, plan=plan, weighting=weighting
        )
    return made.image, time.perf_counter() - began, taken
