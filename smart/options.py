"""What a person can choose. Every default, bound and help text stands here once.

Command-line flags, controls of the page and validation derive from these dataclasses.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smart.declaring import (
    Option,
    Options,
    add_arguments,
    default_of,
    from_arguments,
    option,
    options_of,
)

__all__ = [
    "FACES", "LARGEST_PRINT", "SEEDS", "Option", "Options", "PaintingOptions", "SamplingOptions",
    "TrainingOptions", "add_arguments", "default_of", "following", "from_arguments", "option",
    "options_of", "parse_sliders", "sliders_text",
]  # fmt: skip

SEEDS = 2**32
FACES = "faces"  # the generator of photographic faces in weights/
LARGEST_PRINT = 4961  # px, the longer side of A3 at 300 dots an inch
MAX_SLIDERS = 40
MAX_LIKENESS = 60_000  # characters; 16 slots of 512 numbers are 21,848


@dataclass(frozen=True)
class SamplingOptions(Options):
    """Who sits for the portrait."""

    seed: int = option(
        0, "the number a face grows from; the same number is the same face everywhere",
        "Seed", low=0, high=SEEDS - 1, step=1,
    )  # fmt: skip
    psi: float = option(
        0.7, "0 is the average face, 1 the full, stranger variety (truncation psi)",
        "Variety", low=0.0, high=1.2, step=0.05,
    )  # fmt: skip
    generator: str = option(
        FACES, "which network the face comes from: weights by name, or a training of one's own",
        "From", advanced=True,
    )  # fmt: skip
    sliders: str = option(
        "", "what the sitter is asked for, such as turn=0.5,smile=-1: 0 is as the sitter comes, 1 "
        "and -1 are as far as it goes (`sliders` lists the names)", "Asked for", advanced=True,
    )  # fmt: skip
    relative: int = option(
        0, "0 is the sitter, any other number one of the sitter's relatives",
        "Relative", low=0, high=SEEDS - 1, step=1, advanced=True,
    )  # fmt: skip
    distance: float = option(
        0.35, "how distant relatives are: 0 is the sitter, 1 a stranger",
        "Distance", low=0.0, high=1.0, step=0.05, advanced=True,
    )  # fmt: skip
    features_from: int | None = option(
        None, "the seed of another sitter whose features and hair these shall be", "Features of",
        low=0, high=SEEDS - 1, step=1, advanced=True,
    )  # fmt: skip
    colors_from: int | None = option(
        None, "the seed of another sitter whose colours and light these shall be", "Colours of",
        low=0, high=SEEDS - 1, step=1, advanced=True,
    )  # fmt: skip
    face_noise: str = option(
        "fixed", "what places hair and pores: the generator's own noise, one grown from a seed, or "
        "none", "Noise of the face", choices=("fixed", "seed", "off"), advanced=True,
    )  # fmt: skip
    face_noise_seed: int = option(
        0, "the seed of that noise", "Seed of the noise", low=0, high=SEEDS - 1, step=1,
        advanced=True,
    )  # fmt: skip
    likeness: str = option(
        "", "the code that `likeness` found for a photograph, in place of the seed", "Likeness",
        advanced=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        # The same wishes are the same text, however they were typed.
        object.__setattr__(self, "sliders", sliders_text(parse_sliders(self.sliders)))
        if len(self.likeness) > MAX_LIKENESS or not _is_base64(self.likeness):
            raise ValueError("The likeness is no code that SMART found; choose the sitter anew.")

    def told(self) -> dict[str, Any]:
        """As to_dict, without what was left as it comes: what a picture's text holds."""
        known = self.to_dict()
        meant = {"distance": bool(self.relative), "face_noise_seed": self.face_noise == "seed"}
        meant |= dict.fromkeys(("seed", "psi", "generator"), True)
        return {
            name: value
            for name, value in known.items()
            if meant.get(name, value != default_of(SamplingOptions, name))
        }

    def asked(self) -> dict[str, float]:
        """The sliders that are not at 0, by name."""
        return parse_sliders(self.sliders)


def following(sampling: SamplingOptions, index: int) -> SamplingOptions:
    """The index-th after a sitter: of the seeds from theirs on, or of a relative's family."""
    if sampling.relative:
        return sampling.replace(relative=(sampling.relative + index) % SEEDS)
    return sampling.replace(seed=(sampling.seed + index) % SEEDS)


def parse_sliders(text: str, zeros: bool = False) -> dict[str, float]:
    """{"turn": 0.5} of "turn=0.5", parts at a comma or blank; zeros: with those that are 0.

    Raises ValueError. Names and bounds are the generator's to check (see smart.gan.directions).
    """
    asked: dict[str, float] = {}
    parts = text.replace(",", " ").split()
    if len(parts) > MAX_SLIDERS:
        raise ValueError(f"sliders gives {len(parts)} wishes; at most {MAX_SLIDERS} are heard.")
    for part in parts:
        name, _, value = part.partition("=")
        try:
            amount = float(value)
        except ValueError:
            amount = math.nan
        if not name or not math.isfinite(amount) or len(part) > 60:
            raise ValueError(
                f"sliders holds {part[:60]!r}; write name=number, such as turn=0.5,smile=-1."
            )
        asked[name] = amount
    return {name: amount for name, amount in asked.items() if amount or zeros}


def sliders_text(asked: Mapping[str, float]) -> str:
    """The inverse of parse_sliders, in the order of the names."""
    return ",".join(f"{name}={asked[name]!r}" for name in sorted(asked) if asked[name])


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return False
    return True


@dataclass(frozen=True)
class PaintingOptions(Options):
    """How the portrait is painted."""

    size: int = option(
        512, "longer side of the portrait", "Size", low=64, high=LARGEST_PRINT, step=64, unit="px"
    )
    engine: str = option(
        "optimization", "optimization paints step by step; feed-forward sketches in one pass",
        "Engine", choices=("optimization", "feed-forward"), advanced=True,
    )  # fmt: skip
    sketcher: str = option(
        "portraits", "who sketches: a network trained on our sitters, or the general one it came "
        "from, rougher and bolder", "Sketch", choices=("portraits", "general"), advanced=True,
    )  # fmt: skip
    start: str = option(
        "sketch", "what the optimization starts from: a sketch, the bare sitter, or noise (the "
        "freest and least like)",
        "Start from", choices=("sketch", "sitter", "noise"), advanced=True,
    )  # fmt: skip
    noise_seed: int = option(
        0, "the noise to start from; only with start noise", "Noise", low=0, high=SEEDS - 1,
        step=1, advanced=True,
    )  # fmt: skip
    content_weight: float = option(
        0.08, "how firmly the sitter is held",
        "Likeness", low=0.0, high=1.0, step=0.01,
    )  # fmt: skip
    face_weight: float = option(
        1.0, "how much more firmly eyes, nose and mouth are held than the rest, or what a mask "
        "marks", "Face", low=0.0, high=20.0, step=0.5,
    )  # fmt: skip
    strength: float = option(
        1.0, "how much of the painter; 0 is the bare sitter",
        "Strength", low=0.0, high=1.0, step=0.05,
    )  # fmt: skip
    stroke_size: float = option(
        1.0, "width of the strokes against those of the painting seen whole",
        "Strokes", low=0.25, high=3.0, step=0.05,
    )  # fmt: skip
    colors: str = option(
        "painter", "whose colours: the painter's, or those of the sitter kept as they are",
        "Colours", choices=("painter", "sitter"),
    )  # fmt: skip
    style_loss: str = option(
        "wasserstein", "how manners are compared: means and covariances, or Gram matrices as "
        "Gatys did", "Style loss", choices=("wasserstein", "gram"), advanced=True,
    )  # fmt: skip
    smoothness: float = option(
        0.5, "more is calmer paint, less is more grain (total variation)",
        "Smoothness", low=0.0, high=10.0, step=0.1, advanced=True,
    )  # fmt: skip
    effort: int = option(
        100, "most steps of the painter, in per cent of the usual number; it ends before when "
        "nothing visible changes any more",
        "Effort", low=10, high=400, step=10, unit="%", advanced=True,
    )  # fmt: skip


@dataclass(frozen=True)
class TrainingOptions(Options):
    """How a generator is trained against its critic."""

    resolution: int = option(
        64, "width and height of the pictures", "Size",
        choices=(32, 64, 96, 128, 192, 256), unit="px",
    )  # fmt: skip
    images: int = option(
        500_000, "how many images the critic is shown before the training ends, each counted as "
        "often as it comes", "Images to show", low=1_000, high=50_000_000, step=10_000,
    )  # fmt: skip
    network: str = option(
        "auto", "how large the networks are: small suits a processor, large a GPU; auto chooses "
        "by the machine", "Networks", choices=("auto", "small", "medium", "large"),
    )  # fmt: skip
    stability: float = option(
        1.0, "more keeps the critic calmer: steadier, but slower to learn detail (gamma of the "
        "gradient penalties is 1 at 64 px times this)",
        "Stability", low=0.1, high=16.0, step=0.1,
    )  # fmt: skip
    mirror: str = option(
        "yes", "show every image mirrored, too; no where left and right matter",
        "Mirror", choices=("yes", "no"),
    )  # fmt: skip
    augmentation: str = option(
        "auto", "how much images are varied for the critic; auto begins by their number and "
        "follows what held-out images say", "Variation", choices=("auto", "none", "fixed"),
        advanced=True,
    )  # fmt: skip
    batch: int = option(
        0, "images in a step, over all machines; 0 is 32 for small networks, else 64",
        "Batch", low=0, high=1024, step=8, advanced=True,
    )  # fmt: skip
    learning_rate: float = option(
        0.002, "size of a step; it falls to a tenth along a cosine", "Learning rate",
        low=0.00001, high=0.02, step=0.0001, advanced=True,
    )  # fmt: skip
    penalty_every: int = option(
        0, "gradient penalties at every so many steps, weighted to match; 0 is 8 on a processor "
        "and 2 on a GPU", "Penalty every", low=0, high=16, step=1, unit="steps", advanced=True,
    )  # fmt: skip
    precision: str = option(
        "auto", "in what numbers the networks compute: auto takes bfloat16 on CUDA and on "
        "processors with matrix units, where it is twice as fast", "Precision",
        choices=("auto", "float32", "bfloat16"), advanced=True,
    )  # fmt: skip
    average: int = option(
        20_000, "half-life of the averaged generator, in images; at most a twentieth of those "
        "seen", "Averaging", low=500, high=1_000_000, step=500, advanced=True,
    )  # fmt: skip
    evaluate_every: int = option(
        0, "measure and draw a grid after so many images; 0 is a fortieth of all, at least 8,000",
        "Measure every", low=0, high=1_000_000, step=1_000, advanced=True,
    )  # fmt: skip
    save_every: float = option(
        3.0, "most minutes of work that a power cut may cost", "Save every",
        low=0.05, high=60.0, step=0.5, unit="min", advanced=True,
    )  # fmt: skip
    seed: int = option(
        0, "the same seed, images and options are the same training", "Seed", low=0,
        high=SEEDS - 1, step=1, advanced=True,
    )  # fmt: skip
