"""Who sits: pictures, wishes and captions of sitters, and where they hang among the six."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import gradio as gr
from PIL import Image

from smart import images, networks, sitters
from smart.gan.directions import Direction
from smart.gan.generator import available
from smart.options import (
    FACES,
    SamplingOptions,
    default_of,
    options_of,
    sliders_text,
)
from smart.ui.jobs import Desk, workshop

SITTERS = 6
THUMBNAIL = 256  # px
EASEL = 512  # px; previews are shown at this size whatever they are painted at
SKETCH = 512  # px; what is shown while a slider is dragged, and after an arrow key
FIRST_SEED = 12
WISHES = 12  # sliders on the page, at most

desk = Desk()
Person = dict[str, Any]  # SamplingOptions as a dict: what the page keeps of a sitter


def face(options: SamplingOptions, size: int | None) -> Image.Image:
    """The sitter as options say; kept, since people come back to the ones they saw.

    size None is the largest there is.
    """
    return _face(options, size, networks.stamp(options.generator))


@lru_cache(maxsize=96)
def _face(options: SamplingOptions, size: int | None, _: int) -> Image.Image:
    return workshop.quick(lambda: images.to_pil(sitters.face(options, size)), "face")


def origins() -> list[tuple[str, str]]:
    """The generators that sitters can come from, with what people call them."""
    others = [(one.title, one.name) for one in available() if one.name != FACES]
    return [("Photographic faces", FACES), *others]


def checked(cls: Any, **values: Any) -> Any:
    """The options, or their complaint as the page shows it."""
    try:
        return cls(**values)
    except ValueError as error:
        words = str(error)
        for name, spec in options_of(cls).items():
            if "_" in name:  # what people see is the label
                words = words.replace(f"{name} is", f"“{spec.label}” is")
        raise gr.Error(words, title="Settings", print_exception=False) from error


def sampled(**values: Any) -> SamplingOptions:
    """The options, of a generator that is on this machine and nothing else."""
    generator = values.get("generator", FACES)
    if generator != FACES and generator not in {name for _, name in origins()}:
        raise gr.Error("This generator is gone; choose another.", print_exception=False)
    options: SamplingOptions = checked(SamplingOptions, **values)
    return options


def person(chosen: Person | None, controls: Sequence[Any]) -> SamplingOptions:
    """Who sits: the chosen one with what the controls ask for.

    controls are features_from, colors_from, face_noise and the sliders, in the page's order.
    """
    base = sampled(**(chosen or {"seed": FIRST_SEED}))
    features, colors, noise, *amounts = controls
    names = [one.name for one in _sliders(base.generator)]
    asked = dict(zip(names, (float(value or 0) for value in amounts), strict=False))
    return sampled(
        **{
            **base.to_dict(), "features_from": features, "colors_from": colors,
            "face_noise": noise, "sliders": sliders_text(asked),
        }
    )  # fmt: skip


def controls_of(options: SamplingOptions) -> list[Any]:
    """The controls as they stand for someone: the inverse of person."""
    asked, known = options.asked(), _sliders(options.generator)
    updates: list[Any] = [
        gr.Number(options.features_from),
        gr.Number(options.colors_from),
        gr.Radio(value=options.face_noise),
    ]
    for index in range(WISHES):
        if index >= len(known):
            updates.append(gr.Slider(value=0, visible=False))
            continue
        one = known[index]
        updates.append(
            gr.Slider(value=asked.get(one.name, 0), label=one.label, info=words(one), visible=True)
        )
    return updates


def words(one: Direction) -> str:
    """What the two ends of a slider look like."""
    return f"{one.less} … {one.more}"


def _sliders(generator: str) -> tuple[Direction, ...]:
    return _sliders_read(generator, networks.stamp(generator))


@lru_cache(maxsize=8)  # a click must not wait for the portrait that is being painted
def _sliders_read(generator: str, _: int) -> tuple[Direction, ...]:
    return workshop.quick(lambda: sitters.sliders_of(generator))[:WISHES]


def base_of(options: SamplingOptions) -> Person:
    """Someone without what the controls ask for."""
    plain = {
        name: default_of(SamplingOptions, name)
        for name in ("features_from", "colors_from", "face_noise", "sliders")
    }
    return {**options.to_dict(), **plain}


def caption(options: SamplingOptions) -> str:
    """What stands under a picture."""
    name = "Your likeness" if options.likeness else f"Sitter {options.seed}"
    if options.relative:
        name += f", relative {options.relative}"
    if options.features_from is not None or options.colors_from is not None:
        name += ", mixed"
    return name


def gallery(tiles: Sequence[Person], kept: Sequence[Person], selected: int | None) -> Any:
    """The six pictures; a star marks those that stay."""
    shown = []
    for tile in tiles:
        options = sampled(**tile)
        # Drawn at the easel's size, so that whoever is chosen next is there at once.
        picture = face(options, EASEL).reduce(EASEL // THUMBNAIL)
        shown.append((picture, ("★ " if tile in kept else "") + caption(options)))
    return gr.Gallery(shown, selected_index=selected)


def busy(request: gr.Request | None) -> bool:
    """Whether something is under way at the easel of this session."""
    return request is not None and desk.busy(request.session_hash or "")


def place_of(
    who: SamplingOptions, tiles: Sequence[Person], kept: Sequence[Person] = ()
) -> int | None:
    """Where someone hangs, whatever they were asked for; None where they do not.

    Those who are kept stay as they are: their places are nobody else's.
    """
    if who.to_dict() in tiles:
        return tiles.index(who.to_dict())
    for place, tile in enumerate(tiles):
        same = all(tile[name] == getattr(who, name) for name in ("seed", "relative", "likeness"))
        if same and tile not in kept:
            return place
    return None
