"""neural-style-pt beside our painter: its objective and ours layer by layer, and who is sooner.

Its defaults: 5 content (relu4_2) + 100 style (Gram matrices of relu1_1 ... relu5_1, divided by all
the numbers of the features) + 0.001 total variation, 1000 evaluations of L-BFGS. What makes our
objective the same, beside the weights:

- it resamples both pictures bilinearly, we bicubically: after the sharper painting, the same
  picture is judged up to 1.7 times as far from it (relu2_1);
- it frames pictures in the mean colour, we repeat their edge: 5 to 8 % of the content loss.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import peers
from benchmarks.measures import apart, table
from benchmarks.refining import refine, subject
from smart import images, networks
from smart.options import PaintingOptions
from smart.painting.contract import Scene, StyleImage
from smart.painting.objective import Objective, Weighting
from smart.painting.vgg import CHANNELS, IMAGENET_MEAN, IMAGENET_STD, VGG

# Divided by 5 to stay within our bounds: 1 content + 20 style. Its Gram matrices are ours over
# the channels, and squared.
FACTOR = 5.0
WEIGHTING = Weighting(
    "relu4_2",
    {f"relu{block}_1": 20 / channels**2 for block, channels in enumerate(CHANNELS, start=1)},
    relative=False,
)
OPTIONS = PaintingOptions(content_weight=1.0, smoothness=0.0, face_weight=0.0, style_loss="gram")
STEPS = 1000
TIMED = 32  # evaluations, to time one
# What a whole default run ended with, by size in px, by its own code (-init image -seed 0, as
# --whole runs it): the picture it saved, and the tensor before that was clamped and rounded. Its
# optimiser knows no bounds, ours keeps to 0..1; what is compared are pictures that can be saved.
PEER_OBJECTIVE = {128: (508_302.0, 373_743.0)}
# Rounding our picture and its total variation, which we leave out, cost less than the rest.
MARGIN = 0.97


def as_it_sees(picture: Image.Image, size: int) -> Tensor:
    """A picture as it brings it to a size, [1, 3, H, W] in 0..1."""
    scale = size / max(picture.size)
    width, height = (int(scale * side) for side in picture.size)
    return images.to_tensor(picture.resize((width, height), Image.Resampling.BILINEAR))


@contextlib.contextmanager
def its_frame() -> Iterator[None]:
    """Lets our VGG pad a picture with the mean colour, which is 0 to it, not with its edge."""
    pad = F.pad
    std, mean = torch.tensor(IMAGENET_STD), torch.tensor(IMAGENET_MEAN)
    color = ((torch.tensor(peers.CAFFE_MEAN) / 255 - mean) / std).view(1, 3, 1, 1)

    def framed(x: Tensor, sides: Any, mode: str = "constant", value: Any = None) -> Tensor:
        if mode != "replicate":
            return pad(x, sides, mode, value)
        fill = color.to(x)
        return pad(x - fill, sides) + fill

    with mock.patch("smart.painting.vgg.F.pad", framed):
        yield


def our_parts(
    network: VGG, picture: Tensor, sitter: Tensor, painting: Tensor
) -> dict[str, tuple[float, str]]:
    """Our objective of a picture, times FACTOR, by layer; and each part's name in its output."""
    height, width = painting.shape[-2:]
    stroke = (min(height, width) / max(height, width)) ** 0.5
    scene, options = Scene(sitter, [StyleImage(painting)]), OPTIONS.replace(stroke_size=stroke)
    alone = {"content relu4_2": Weighting("relu4_2", {}, relative=False)}
    for layer, share in WEIGHTING.style_shares.items():
        alone[f"style {layer}"] = Weighting(None, {layer: share}, relative=False)
    names = ["Content 1", *(f"Style {block}" for block in range(1, 6))]
    return {
        part: (FACTOR * float(Objective(network, scene, options, weighting)(picture)[0]), name)
        for (part, weighting), name in zip(alone.items(), names, strict=True)
    }


def layer_by_layer(path: str, size: int) -> None:
    """Both objectives of one picture, a faded sitter with grain, at each layer."""
    sitter, painting = (images.to_pil(part) for part in subject())
    seen = as_it_sees(sitter, size), as_it_sees(painting, size)
    grain = torch.randn(seen[0].shape, generator=torch.Generator().manual_seed(0))
    picture = images.to_pil(0.7 * seen[0] + 0.1 + 0.05 * grain)
    theirs = peers.neural_style_objective(path, picture, sitter, painting, size)
    network = networks.feature_network("vgg16", "float32")
    tensor = images.to_tensor(picture)
    as_we_are = our_parts(network, tensor, images.resize(subject()[0], size, size), subject()[1])
    with its_frame():
        ours = our_parts(network, tensor, *seen)
    rows = [
        [part, f"{theirs[name]:.0f}", f"{value / theirs[name]:.4f}",
         f"{as_we_are[part][0] / theirs[name]:.2f}"]
        for part, (value, name) in ours.items()
    ]  # fmt: skip
    head = [f"one picture, {size} px", "its code", "ours", "with our resampling and edge"]
    print(table(head, rows))


def refine_its_way(
    sitter: Tensor, painting: Tensor, size: int, until: float
) -> tuple[Tensor, float, int]:
    """Our picture by its objective, seconds and steps (see refine)."""
    with its_frame():
        return refine(sitter, painting, size, WEIGHTING, OPTIONS.replace(size=size), until)


def against(path: str, size: int, whole: bool) -> None:
    """Seconds until our picture is as good by its objective as the one it saves."""
    sitter, painting = (images.to_pil(part) for part in subject())
    run = peers.run_neural_style(path, sitter, painting, size, STEPS if whole else TIMED)
    took = run.seconds * STEPS
    value, unbounded = PEER_OBJECTIVE.get(size, (0.0, 0.0))
    if whole:
        assert run.picture is not None
        judged = peers.neural_style_objective(path, run.picture, sitter, painting, size)
        value, unbounded = judged["Total"], run.evaluations[-1]["Total"]
    (ours, seconds, steps), _ = apart(
        refine_its_way, as_it_sees(sitter, size), as_it_sees(painting, size), size,
        MARGIN * value / FACTOR,
    )  # fmt: skip
    reached = peers.neural_style_objective(path, images.to_pil(ours), sitter, painting, size)
    words = "its own run" if whole else f"timed over {TIMED}"
    rows = [
        [f"neural-style-pt, {words}", f"{took:.0f}", str(STEPS),
         f"{value:.0f}" if value else "not run"],
        ["the same before it is clamped and rounded", "", "",
         f"{unbounded:.0f}" if value else "not run"],
        ["SMART, by its objective" + ("" if value else ", until it settled"), f"{seconds:.1f}",
         str(steps), f"{reached['Total']:.0f}"],
        ["ratio", f"1/{took / seconds:.0f}", "",
         f"{reached['Total'] / value:.2f}" if value else ""],
    ]  # fmt: skip
    head = [f"{size} px, Gram matrices", "seconds", "steps", "its objective"]
    print(table(head, rows))


def beside(path: str, size: int, whole: bool) -> None:
    """All tables: the objectives, then where the value to reach is known, and the size asked."""
    known = min(PEER_OBJECTIVE)
    layer_by_layer(path, known)
    for each in sorted({known, size}):
        against(path, each, whole)
