"""From a seed to a painted portrait: the only module that knows sitter and painter.

seed -> z -> map -> w -> synthesize -> sitter -> paint -> portrait -> PNG with provenance.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import smart
from smart import images, provenance, sitters
from smart.device import best_device
from smart.networks import feature_network, stamp, stylizer
from smart.options import FACES, PaintingOptions, SamplingOptions
from smart.painting import masks, painter
from smart.painting.contract import Scene, StyleImage
from smart.painting.vgg import VGG
from smart.portrait import Photo as Photo
from smart.portrait import Portrait as Portrait
from smart.portrait import load_portrait as load_portrait
from smart.progress import Cancelled, OnProgress, Progress, ignore
from smart.provenance import SKETCHER, Leg, Recipe
from smart.styles import Catalogue, Choice

SMALLEST_PHOTO = 64  # px a side; below there is no face to paint
# Painted at once. A processor is busy with one picture of 256 px: more only leave its cache.
BATCH_PIXELS = {"cpu": 512**2, "mps": 1024**2, "cuda": 2048**2}
like = provenance.read


@dataclass(frozen=True)
class Order:
    """Who paints: choices the figure or everything, ground what is behind it; seen with network."""

    choices: tuple[Choice, ...]
    ground: tuple[Choice, ...] = ()
    network: VGG | None = None


def paint_seed(
    sampling: SamplingOptions,
    choices: Sequence[Choice],
    painting: PaintingOptions,
    on_progress: OnProgress = ignore,
    network: VGG | None = None,
    ground: Sequence[Choice] = (),
) -> Portrait:
    """A portrait of the sitter that grows from a seed, seen with network (None: the best here).

    Where ground is given, choices paint the figure and ground what is behind it. What
    options.face_weight holds is where the sitter's eyes, nose and mouth are.
    """
    order = Order(tuple(choices), tuple(ground), network)
    (portrait,) = _paint([sampling], order, [Leg(painting)], on_progress)
    return portrait


def paint_seeds(
    samplings: Sequence[SamplingOptions],
    choices: Sequence[Choice],
    painting: PaintingOptions,
    on_progress: OnProgress = ignore,
    network: VGG | None = None,
    ground: Sequence[Choice] = (),
) -> Iterator[Portrait]:
    """Portraits of several sitters, painted together as far as that is faster.

    Each is what paint_seed makes of it, to within rounding. Progress is that of all of them; a
    preview shows those that are on the easel, [N, 3, H, W]. Cancelled ends with the batch that
    is being painted.
    """
    order = Order(tuple(choices), tuple(ground), network)
    together = max(1, BATCH_PIXELS.get(best_device().type, 512**2) // painting.size**2)
    for first in range(0, len(samplings), together):
        batch = samplings[first : first + together]

        def report(progress: Progress, first: int = first, count: int = len(batch)) -> None:
            share = progress.step / progress.total
            share = share if progress.fraction is None else progress.fraction
            share = (first + share * count) / len(samplings)
            on_progress(dataclasses.replace(progress, fraction=share))

        made = _paint(batch, order, [Leg(painting)], report)
        yield from made
        if made[-1].stopped:
            return


def paint_photo(
    photo: Photo | str | Path | Image.Image,
    choices: Sequence[Choice],
    painting: PaintingOptions,
    on_progress: OnProgress = ignore,
    ground: Sequence[Choice] = (),
) -> Portrait:
    """A portrait after a photograph. Raises images.ImageError for what is no usable picture."""
    if isinstance(photo, str | Path):
        photo = images.open_image(photo, SMALLEST_PHOTO)
    if isinstance(photo, Image.Image):
        photo = Photo(photo)
    order = Order(tuple(choices), tuple(ground))
    (portrait,) = _paint(photo, order, [Leg(painting)], on_progress)
    return portrait


def repeat(
    recipe: Recipe, on_progress: OnProgress = ignore, photo: Photo | None = None
) -> Portrait:
    """Paint a recipe again: the same pixels on the same machine, stopped where it was stopped."""
    subject = _subject(recipe, photo)
    (portrait,) = _paint(subject, _order_of(recipe), list(recipe.legs), on_progress)
    return portrait


def go_on(
    portrait: Portrait,
    on_progress: OnProgress = ignore,
    size: int | None = None,
    photo: Photo | None = None,
    catalogue: Catalogue | None = None,
) -> Portrait:
    """Go on with a portrait: where it was stopped, or from a sketch, or at a larger size.

    A finished one is refined further at its size. One of a photograph needs the photo; catalogue
    holds the painters (None: those in styles/). Raises ValueError as provenance.parse does, and
    for a size below that of the portrait.
    """
    recipe = provenance.parse(portrait.provenance, "The portrait", catalogue=catalogue)
    largest = max(leg.painting.size for leg in recipe.legs)
    if size is not None and size < largest:
        raise ValueError(
            f"size is {size}, but the portrait has {largest} px already; give at least that."
        )
    leg = Leg(recipe.painting.replace(size=size or largest, engine="optimization"))
    picture = images.to_tensor(portrait.image)
    legs = [*recipe.legs, leg]
    (further,) = _paint(_subject(recipe, photo), _order_of(recipe), legs, on_progress, picture)
    return further


def drawn(sampling: SamplingOptions) -> Tensor:
    """The sitter as portraits are painted after, [1, 3, H, W] in 0..1, as large as there is.

    The last one is kept: whoever sits for several painters is drawn once. Not to be changed.
    """
    return _drawn(sampling, stamp(sampling.generator), best_device())


@lru_cache(maxsize=1)
def _drawn(sampling: SamplingOptions, _: int, __: torch.device) -> Tensor:
    return sitters.face(sampling)


def _subject(recipe: Recipe, photo: Photo | None) -> list[SamplingOptions] | Photo:
    if recipe.sampling is not None:
        return [recipe.sampling]
    if photo is None:
        raise ValueError(
            "The portrait was painted after a photograph, which it does not contain; give that, "
            "too (--photo, and its masks), or use `paint PHOTO` with the same options."
        )
    if photo.source()["photo"] != recipe.photo:
        raise ValueError(
            "The photograph or its masks are not those that the portrait was painted after; give "
            "the same files."
        )
    return photo


def _order_of(recipe: Recipe) -> Order:
    network = None
    if recipe.network != SKETCHER:
        network = feature_network(recipe.network, recipe.precision)
    return Order(recipe.choices, recipe.ground, network)


def _paint(
    subject: Sequence[SamplingOptions] | Photo,
    order: Order,
    legs: list[Leg],
    on_progress: OnProgress,
    earlier: Tensor | None = None,
) -> list[Portrait]:
    """A portrait of each sitter, in one batch, leg after leg.

    earlier is what all legs but the last gave, where it is known.
    """
    scene = _scene(subject, order, legs[-1].painting)
    for index in range(0 if earlier is None else len(legs) - 1, len(legs)):
        leg = legs[index]
        seen = _seen(order, leg.painting)
        report = _stopping_after(leg.stopped_after, on_progress)
        done = _done_before(legs, index)
        sketcher = partial(stylizer, leg.painting.sketcher)
        result = painter.paint(scene, leg.painting, seen, sketcher, report, earlier, done)
        # What goes on is what a PNG holds.
        pictures = [images.to_pil(picture) for picture in result.image]
        earlier = torch.cat([images.to_tensor(picture) for picture in pictures])
    legs = [*legs[:-1], Leg(legs[-1].painting, result.steps if result.stopped else None)]
    return [
        Portrait(picture, _provenance(source, order, legs, seen), result.stopped)
        for source, picture in zip(_sources(subject), pictures, strict=True)
    ]


def _sources(subject: Sequence[SamplingOptions] | Photo) -> list[dict[str, Any]]:
    if isinstance(subject, Photo):
        return [subject.source()]
    return [{"sitter": provenance.sitter_to_dict(one)} for one in subject]


def _scene(
    subject: Sequence[SamplingOptions] | Photo, order: Order, painting: PaintingOptions
) -> Scene:
    keep, figure = None, None
    if isinstance(subject, Photo):
        content = images.to_tensor(subject.picture)
        keep, figure = (
            None if mask is None else images.to_tensor(mask)[:, :1]
            for mask in (subject.keep, subject.figure)
        )
    else:
        content = torch.cat([drawn(one) for one in subject])
        if all(one.generator == FACES for one in subject):  # the others are not aligned
            keep = masks.aligned_features()
    if painting.face_weight == 0:
        keep = None
    if not order.ground:
        return Scene(content, _style_images(order.choices), keep)
    if figure is None:
        figure = masks.figure(content, order.network or feature_network())
    ground = _style_images(order.ground)
    return Scene(content, _style_images(order.choices), keep, figure, ground)


def _seen(order: Order, painting: PaintingOptions) -> VGG | None:
    """The network that is seen with; only what is needed is loaded."""
    if painting.engine == "optimization" or order.ground:
        return order.network or feature_network()
    return None


def _done_before(legs: list[Leg], index: int) -> int | None:
    """The steps a leg need not do again; None where the picture before was finished."""
    if index == 0:
        return 0
    before, here = legs[index - 1], legs[index]
    if before.painting.engine == "feed-forward":
        return 0
    same = before.painting.size == here.painting.size
    return before.stopped_after if same else None


def _provenance(
    source: dict[str, Any], order: Order, legs: list[Leg], seen: VGG | None
) -> dict[str, Any]:
    known = {
        "version": provenance.VERSION,
        "software": f"SMART {smart.__version__}",
        **source,
        **provenance.legs_to_dict(legs),
        "styles": provenance.painters_to_list(order.choices),
        "network": seen.key if seen else SKETCHER,
        "precision": str(seen.dtype if seen else torch.float32).removeprefix("torch."),
        "device": best_device().type,
        "torch": torch.__version__,
    }
    if order.ground:
        known["ground"] = provenance.painters_to_list(order.ground)
    return known


def _style_images(choices: Sequence[Choice]) -> list[StyleImage]:
    """Every work of every choice; the works of one choice share its weight."""
    return [
        StyleImage(images.to_tensor(work.open()), choice.weight / len(choice.works))
        for choice in choices
        if choice.weight > 0
        for work in choice.works
    ]


def _stopping_after(steps: int | None, on_progress: OnProgress) -> OnProgress:
    """on_progress, and Cancelled once the given number of steps is done (None: never)."""

    def report(progress: Progress) -> None:
        on_progress(progress)
        if steps is not None and progress.step >= steps:
            raise Cancelled

    return report
