"""What the Studio tab does about the sitter: the six to choose from, wishes, relatives, mixing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import gradio as gr
from PIL import Image

from smart import images, networks, sitters
from smart.gan.directions import Direction
from smart.gan.generator import available
from smart.options import (
    FACES,
    SEEDS,
    SamplingOptions,
    default_of,
    following,
    options_of,
    sliders_text,
)
from smart.ui import photographs
from smart.ui.jobs import Desk, workshop

SITTERS = 6
THUMBNAIL = 256  # px
EASEL = 512  # px; previews are shown at this size whatever they are painted at
SKETCH = 512  # px; what is shown while a slider is dragged, and after an arrow key
FIRST_SEED = 12
WISHES = 12  # sliders on the page, at most
WALL = 9 + 3 + WISHES  # components that other sitters change (see Studio.wall)

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


def show_others(
    shown: list[Any] | None,
    kept: list[Person] | None,
    first_seed: float | None,
    psi: float,
    generator: str,
    request: gr.Request,
) -> list[Any]:
    """Other faces, unless these very ones are shown already."""
    if shown == [first_seed, psi, generator]:
        return [gr.skip()] * WALL
    return show_sitters(first_seed, psi, generator, kept, request)


def show_sitters(
    first_seed: float | None,
    psi: float,
    generator: str,
    kept: list[Person] | None = None,
    request: gr.Request | None = None,
) -> list[Any]:
    """Those who are kept and the faces from first_seed on; the first new one takes the chair."""
    if first_seed is None:
        raise gr.Error(
            f"The seed is empty; type a whole number from 0 to {SEEDS - 1}.",
            title="Seed", print_exception=False,
        )  # fmt: skip
    kept = [one for one in kept or [] if one["generator"] == generator][: SITTERS - 1]
    first = sampled(seed=first_seed, psi=psi, generator=generator)
    new = [following(first, index).to_dict() for index in range(SITTERS - len(kept))]
    return _seat([first_seed, psi, generator], [*kept, *new], kept, len(kept), request)


def show_relatives(
    request: gr.Request,
    shown: list[Any] | None,
    kept: list[Person] | None,
    distance: float,
    chosen: Person | None,
    *controls: Any,
) -> list[Any]:
    """The sitter and five relatives, who share what the sitter is asked for."""
    options = person(chosen, controls)
    if options.likeness:
        raise gr.Error(
            "A likeness has no family; choose one of the sitters.", print_exception=False
        )
    head = options.replace(relative=0, distance=distance)
    start = options.relative if options.relative else 1
    family = [head.replace(relative=(start + index) % SEEDS or 1) for index in range(SITTERS - 1)]
    tiles = [one.to_dict() for one in (head, *family)]
    return _seat(["relatives", *(shown or [])], tiles, kept or [], 0, request)


def _seat(
    shown: list[Any],
    tiles: list[Person],
    kept: Sequence[Person],
    place: int,
    request: gr.Request | None,
) -> list[Any]:
    """What changes when other people come: those on the wall, and who takes the chair."""
    options = sampled(**tiles[place])
    return [
        shown, gallery(tiles, kept, place), tiles, base_of(options),
        *_chair(request, lambda: face(options, EASEL)), list(kept), *controls_of(options),
    ]  # fmt: skip


def busy(request: gr.Request | None) -> bool:
    """Whether something is under way at the easel of this session."""
    return request is not None and desk.busy(request.session_hash or "")


def _chair(request: gr.Request | None, picture: Callable[[], Image.Image]) -> list[Any]:
    """Someone takes the chair in front of the easel and a film ends, unless it is in use."""
    if busy(request):
        return [gr.skip()] * 4
    shown = picture()
    return [
        gr.Image(shown, visible=True), shown, gr.Video(visible=False), gr.Image(visible=False)
    ]  # fmt: skip


def choose(tiles: list[Person], event: gr.SelectData, request: gr.Request) -> list[Any]:
    """The sitter one clicked, who is painted then and not a photograph; whether the easel is free.

    That is known now: the picture, which comes later, must not fall upon a finished portrait.
    """
    if not tiles:
        raise gr.Error("The sitters are gone; reload the page.", print_exception=False)
    options = sampled(**tiles[int(event.index) % len(tiles)])
    in_use = busy(request)
    if in_use:
        gr.Info(f"{caption(options)} sits for the next portrait.", duration=4)
    return [base_of(options), False, not in_use, *controls_of(options)]


def show_chosen(
    request: gr.Request, free: bool, chosen: Person | None, *controls: Any
) -> list[Any]:
    """As show, where the easel was free when the sitter was chosen."""
    return show(request, chosen, *controls) if free else [gr.skip()] * 4


def keep(
    kept: list[Person] | None, tiles: list[Person] | None, chosen: Person | None, *controls: Any
) -> list[Any]:
    """Keep who sits among the six when others come, or let them go."""
    kept, tiles = list(kept or []), list(tiles or [])
    who = person(chosen, controls).to_dict()
    if who in kept:
        kept.remove(who)
    else:
        if len(kept) >= SITTERS - 1:
            raise gr.Error(
                f"{SITTERS - 1} are kept already; let one of them go first.", print_exception=False
            )
        kept.append(who)
    if who not in tiles:  # someone who was changed takes the place of the one it began with
        base = sampled(**who)
        place = place_of(base, tiles)
        tiles[len(tiles) - 1 if place is None else place] = who
    return [kept, tiles, gallery(tiles, kept, tiles.index(who))]


def place_of(who: SamplingOptions, tiles: Sequence[Person]) -> int | None:
    """Where someone hangs, whatever they were asked for; None where they do not."""
    for place, tile in enumerate(tiles):
        if all(tile[name] == getattr(who, name) for name in ("seed", "relative", "likeness")):
            return place
    return None


def reset(chosen: Person | None) -> list[Any]:
    """The chosen one without any wishes."""
    return controls_of(sampled(**(chosen or {"seed": FIRST_SEED})))


def show(request: gr.Request, chosen: Person | None, *controls: Any) -> list[Any]:
    """The chosen sitter with all wishes takes the chair, unless the easel is in use."""
    options = person(chosen, controls)
    return _chair(request, lambda: face(options, EASEL))


def sketch(request: gr.Request, chosen: Person | None, *controls: Any) -> list[Any]:
    """While a slider is dragged: the same at once, and a little less sharp."""
    options = person(chosen, controls)
    return _chair(
        request,
        lambda: workshop.quick(lambda: images.to_pil(sitters.sketch(options, SKETCH)), "slider"),
    )


def show_subject(
    request: gr.Request,
    picture: str | None,
    use_photo: bool,
    tiles: list[Person] | None,
    chosen: Person | None,
    *controls: Any,
) -> list[Any]:
    """Who is painted takes the chair: the photograph or the chosen sitter, whose tile is marked."""
    if use_photo and picture:
        small = images.shrunk(photographs.opened(picture), EASEL)
        return [gr.Gallery(selected_index=None), *_chair(request, lambda: small)]
    options = person(chosen, controls)
    marked = gr.Gallery(selected_index=place_of(options, tiles or []))
    return [marked, *_chair(request, lambda: face(options, EASEL))]
