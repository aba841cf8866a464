"""From a seed to a painted portrait: the only module that knows sitter and painter.

seed -> z -> map -> w -> synthesize -> sitter -> paint -> portrait -> PNG with provenance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import smart
from smart import images, styles, weights
from smart.device import PRECISIONS, best_device, feature_dtype
from smart.gan import latents
from smart.gan.generator import Generator, load_generator
from smart.options import SEEDS, PaintingOptions, SamplingOptions
from smart.painting import painter
from smart.painting.contract import StyleImage
from smart.painting.feed_forward import Stylizer, load_stylizer
from smart.painting.vgg import VGG, load_vgg
from smart.progress import Cancelled, OnProgress, Progress, ignore
from smart.styles import Choice, StyleError

GENERATOR = "faces"
SKETCHER = "stylization"
SMALLEST_PHOTO = 64  # px a side; below there is no face to paint
PROVENANCE_VERSION = 1


@dataclass(frozen=True)
class Portrait:
    """A finished picture and everything that made it (see `like`)."""

    image: Image.Image
    provenance: dict[str, Any]
    stopped: bool = False

    @property
    def manner(self) -> str:
        """How it was made, as people write it: "seen with VGG-16", "sketched in one pass"."""
        name = str(self.provenance["network"])
        if name == SKETCHER:
            return "sketched in one pass"
        return "seen with " + name.upper().replace("VGG", "VGG-")

    def save(self, path: str | Path) -> Path:
        """Write a PNG with the provenance inside. Raises ValueError."""
        return images.save_png(self.image, path, self.provenance)


@lru_cache(maxsize=2)
def generator(name: str = GENERATOR) -> Generator:
    """The face generator, loaded once."""
    return load_generator(name, best_device())


def feature_network(name: str | None = None, precision: str | None = None) -> VGG:
    """The network the painter sees with: VGG-19 if it is on this machine, else VGG-16.

    name ("vgg16", "vgg19") and precision ("float32", "bfloat16") ask for certain ones. Loaded
    once for each file: a VGG-19 that has come meanwhile is used from the next call on.
    """
    found = weights.vgg19_file() if name in (None, "vgg19") else None
    device = best_device()
    dtype = PRECISIONS.get(precision or "", feature_dtype(device))
    return _network("vgg19" if found else name or "vgg16", found, device, dtype)


@lru_cache(maxsize=2)
def _network(name: str, _: Path | None, device: torch.device, dtype: torch.dtype) -> VGG:
    return load_vgg(name, device, dtype)


@lru_cache(maxsize=1)
def stylizer() -> Stylizer:
    """The network that sketches in one pass, loaded once."""
    return load_stylizer(SKETCHER, best_device())


def sitter(options: SamplingOptions, size: int) -> Tensor:
    """The face of a seed, [1, 3, size, size] in 0..1 on the CPU; size 256, 512 or 1024."""
    face_of = generator()
    z = latents.seed_latents([options.seed], face_of.z_dim)
    w = face_of.map(z.to(face_of.w_mean.device))
    w = latents.truncate(w, face_of.w_mean, options.psi)
    return face_of.synthesize(w, size).cpu()


def sitters(
    options: SamplingOptions, count: int, size: int, on_progress: OnProgress = ignore
) -> Iterator[tuple[SamplingOptions, Image.Image]]:
    """The faces of count seeds from options.seed on, one after the other."""
    for index in range(count):
        one = options.replace(seed=(options.seed + index) % SEEDS)
        face = images.to_pil(sitter(one, size))
        on_progress(Progress(index + 1, count, "sampling faces"))
        yield one, face


def paint_seed(
    sampling: SamplingOptions,
    choices: Sequence[Choice],
    painting: PaintingOptions,
    on_progress: OnProgress = ignore,
    network: VGG | None = None,
) -> Portrait:
    """A portrait of the sitter that grows from a seed, seen with network (None: the best here)."""
    face = sitter(sampling, max(generator().sizes))
    source = {"sitter": {"generator": GENERATOR, **sampling.to_dict()}}
    return _paint(face, source, choices, painting, on_progress, network)


def paint_photo(
    photo: str | Path | Image.Image,
    choices: Sequence[Choice],
    painting: PaintingOptions,
    on_progress: OnProgress = ignore,
) -> Portrait:
    """A portrait after a photograph. Raises images.ImageError for what is no usable picture.

    Of the photograph the provenance holds only a checksum, not its name.
    """
    if not isinstance(photo, Image.Image):
        photo = images.open_image(photo, SMALLEST_PHOTO)
    digest = hashlib.sha256(photo.tobytes()).hexdigest()
    source = {"photo": {"sha256": digest}}
    return _paint(images.to_tensor(photo), source, choices, painting, on_progress)


def _paint(
    content: Tensor,
    source: dict[str, Any],
    choices: Sequence[Choice],
    painting: PaintingOptions,
    on_progress: OnProgress,
    network: VGG | None = None,
) -> Portrait:
    # Only one of the two networks is seen with, and only that one is loaded.
    optimized = painting.engine == "optimization"
    seen = (network or feature_network()) if optimized else None
    result = painter.paint(content, _style_images(choices), painting, seen, stylizer, on_progress)
    provenance = {
        "version": PROVENANCE_VERSION,
        "software": f"SMART {smart.__version__}",
        **source,
        "painting": painting.to_dict(),
        "styles": [
            {
                "slug": choice.slug,
                "weight": choice.weight,
                "works": {work.slug: work.sha256 for work in choice.works},
            }
            for choice in choices
        ],
        "network": seen.key if seen else SKETCHER,
        "precision": str(seen.dtype if seen else torch.float32).removeprefix("torch."),
        "device": best_device().type,
        "torch": torch.__version__,
    }
    if result.stopped:
        provenance["stopped_after"] = result.steps
    return Portrait(images.to_pil(result.image), provenance, result.stopped)


def _style_images(choices: Sequence[Choice]) -> list[StyleImage]:
    """Every work of every choice; the works of one choice share its weight."""
    return [
        StyleImage(images.to_tensor(work.open()), choice.weight / len(choice.works))
        for choice in choices
        if choice.weight > 0
        for work in choice.works
    ]


@dataclass(frozen=True)
class Recipe:
    """What a PNG says of how it was made, checked: enough to make it again."""

    sampling: SamplingOptions
    painting: PaintingOptions
    choices: tuple[Choice, ...]
    stopped_after: int | None
    network: str
    precision: str


def like(path: str | Path) -> Recipe:
    """The recipe inside a portrait's PNG, against the painters that are here now.

    Raises ValueError when the picture carries none, is of a photograph, or a painting it was made
    with is not here or has changed.
    """
    provenance = images.read_provenance(path)
    name = Path(path).name
    if "photo" in provenance:
        raise ValueError(
            f"{name} was painted after a photograph, which it does not contain; "
            "use `paint PHOTO` with the same options."
        )
    sitting, painted = provenance.get("sitter"), provenance.get("painting")
    if not isinstance(sitting, dict) or not isinstance(painted, dict):
        raise ValueError(f"{name} is no portrait of SMART; give a PNG that `portrait` made.")
    stopped = provenance.get("stopped_after")
    if stopped is not None and (type(stopped) is not int or not 0 <= stopped < 10**6):
        raise ValueError(f"{name} tells no whole number of steps; give the PNG as it was saved.")
    if sitting.get("generator", GENERATOR) != GENERATOR:
        raise ValueError(f"{name} shows a sitter of another generator than {GENERATOR!r}.")
    network, precision = provenance.get("network"), provenance.get("precision")
    if network not in ("vgg16", "vgg19", SKETCHER) or precision not in list(PRECISIONS):
        raise ValueError(f"{name} was painted with a network that is not known here.")
    return Recipe(
        SamplingOptions.from_dict({k: v for k, v in sitting.items() if k != "generator"}),
        PaintingOptions.from_dict(painted),
        _choices_of(provenance.get("styles"), name),
        stopped,
        network,
        precision,
    )


def _choices_of(listed: Any, name: str) -> tuple[Choice, ...]:
    catalogue = styles.scan()
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ValueError(f"{name} names no painter; give a PNG that `portrait` made.")
    choices = []
    for item in listed[:100]:
        weight = item.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise StyleError(
                f"{name} gives a painter the weight {str(weight)[:20]}; it is damaged."
            )
        choice = catalogue.choose(f"{str(item.get('slug', ''))[:200]}:{weight}")
        now = {work.slug: work.sha256 for work in choice.works}
        if item.get("works") != now:
            raise StyleError(
                f"The pictures of {choice.slug!r} are not those that painted {name}; "
                "bring them back, or paint with --style instead of --like."
            )
        choices.append(choice)
    if not choices:
        raise StyleError(f"{name} names no painter; give a PNG that `portrait` made.")
    return tuple(choices)


def repeat(recipe: Recipe, on_progress: OnProgress = ignore) -> Portrait:
    """Paint a recipe again: the same pixels on the same machine, stopped where it was stopped."""
    return paint_seed(
        recipe.sampling,
        recipe.choices,
        recipe.painting,
        _stopping_after(recipe.stopped_after, on_progress),
        None if recipe.network == SKETCHER else feature_network(recipe.network, recipe.precision),
    )


def _stopping_after(steps: int | None, on_progress: OnProgress) -> OnProgress:
    """on_progress, and Cancelled once the given number of steps is done (None: never)."""

    def report(progress: Progress) -> None:
        on_progress(progress)
        if steps is not None and progress.step >= steps:
            raise Cancelled

    return report
