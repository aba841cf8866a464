"""What a person can choose. Every default, bound and help text stands here once.

Command-line flags, controls of the page and validation derive from these dataclasses.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

_KEY = "option"
SEEDS = 2**32
FACES = "faces"  # the generator of photographic faces in weights/
LARGEST_PRINT = 4961  # px, the longer side of A3 at 300 dots an inch


@dataclass(frozen=True)
class Option:
    """What is known of one option beside its type and default.

    low and high are inclusive bounds, step what a slider moves by, choices the only values there
    are. advanced options stay one click away in the page.
    """

    help: str
    label: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] = ()
    unit: str = ""
    advanced: bool = False


def option(default: Any, help: str, label: str, **more: Any) -> Any:
    """A dataclass field that knows its bounds and its words (see Option)."""
    return dataclasses.field(default=default, metadata={_KEY: Option(help, label, **more)})


def options_of(cls: type[Options]) -> dict[str, Option]:
    """Every option of a class by name, in order."""
    return {field.name: field.metadata[_KEY] for field in dataclasses.fields(cls)}


def default_of(cls: type[Options], name: str) -> Any:
    """The default of one option."""
    return next(field.default for field in dataclasses.fields(cls) if field.name == name)


@dataclass(frozen=True)
class Options:
    """Base of the option classes: they check themselves and travel as plain dicts."""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for name, spec in options_of(type(self)).items():
            value = _checked(name, getattr(self, name), hints[name], spec)
            object.__setattr__(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """Plain values by name, ready for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of to_dict; what is left out takes its default.

        Raises ValueError for an unknown name or a value out of bounds: values may come from
        anyone's file.
        """
        known = options_of(cls)
        if unknown := [name for name in values if name not in known]:
            raise ValueError(f"Unknown option {unknown[0]!r}; there are: {', '.join(known)}.")
        return cls(**values)

    def replace(self, **changes: Any) -> Self:
        """A copy with some values changed."""
        return dataclasses.replace(self, **changes)


def _checked(name: str, value: Any, kind: Any, spec: Option) -> Any:
    """value as the option's type, or ValueError with the value and the remedy."""
    remedy = _remedy(spec, kind)
    if kind is int or kind is float:
        try:
            number = float(value)
            exact = math.isfinite(number) and not isinstance(value, bool)
            exact = exact and (kind is float or number == int(number))
        except (TypeError, ValueError, OverflowError):
            exact = False
        if not exact:
            raise ValueError(f"{name} is {_short(value)}; it must be {remedy}.")
        value = kind(value) if kind is float else int(number if isinstance(value, str) else value)
        if (spec.low is not None and value < spec.low) or (
            spec.high is not None and value > spec.high
        ):
            raise ValueError(f"{name} is {value}; it must be {remedy}.")
    elif kind is str and not isinstance(value, str):
        raise ValueError(f"{name} is {_short(value)}; it must be {remedy}.")
    if spec.choices and value not in spec.choices:
        raise ValueError(f"{name} is {_short(value)}; it must be {remedy}.")
    return value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _remedy(spec: Option, kind: Any) -> str:
    if spec.choices:
        return "one of " + ", ".join(str(choice) for choice in spec.choices)
    noun = {int: "a whole number", float: "a number"}.get(kind, "text")
    if spec.low is not None and spec.high is not None:
        return f"{noun} from {spec.low:g} to {spec.high:.10g}"
    return noun


_T = TypeVar("_T", bound=Options)


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


def add_arguments(
    parser: argparse.ArgumentParser, cls: type[Options], skip: tuple[str, ...] = ()
) -> None:
    """One --flag for each option of cls, with its default, bounds and help.

    Values are kept as text and checked by the options themselves, so that the command line and
    the page refuse the same things in the same words. A flag that is not given is absent.
    """
    for name, spec in options_of(cls).items():
        if name in skip:
            continue
        hint = f"{spec.help} ({_remedy(spec, typing.get_type_hints(cls)[name])}"
        hint += f"{' ' + spec.unit if spec.unit else ''}, default {default_of(cls, name)})"
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            dest=name,
            default=argparse.SUPPRESS,
            metavar=name.upper(),
            help=hint.replace("%", "%%"),
        )


def from_arguments(cls: type[_T], arguments: argparse.Namespace, **more: Any) -> _T:
    """The options of cls from parsed arguments. Raises ValueError (see Options)."""
    given = {name: getattr(arguments, name) for name in options_of(cls) if hasattr(arguments, name)}
    return cls.from_dict({**given, **more})
