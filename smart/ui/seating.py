"""What the Studio does about the sitter: the six to choose from, who sits, who is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr
from PIL import Image

from smart import images, sitters
from smart.options import SEEDS, SamplingOptions, following
from smart.ui import handlers, photographs, sitting
from smart.ui.handlers import status
from smart.ui.jobs import workshop
from smart.ui.sitting import (
    EASEL,
    FIRST_SEED,
    SITTERS,
    SKETCH,
    WISHES,
    Person,
    base_of,
    busy,
    caption,
    controls_of,
    face,
    gallery,
    person,
    place_of,
    sampled,
)
from smart.ui.sizes import sizes, usual_size

CHAIR = 14  # components that someone who sits down changes (see Studio.chair)
WALL = 5 + CHAIR + 3 + WISHES  # components that other sitters change (see Studio.wall)
KEEP, LET_GO = "Keep", "Let go"
STAYS, GOES = "{sitter} stays when others come.", "{sitter} goes when others come."
SITS = "{sitter} sits. Press Paint."


def open_page(
    request: gr.Request, psi: float, first_seed: int, generator: str
) -> Iterator[list[Any]]:
    """What a new visitor sees: the painters at once, then the six sitters."""
    yield [
        *handlers.painter_wall(request.session_hash),
        gr.Dropdown(sitting.origins()),
        gr.Dropdown(sizes(), value=usual_size()),  # whom the page is served to is known only now
        *[gr.skip()] * WALL,
    ]
    yield [*[gr.skip()] * (handlers.PAINTERS + 2), *show_sitters(first_seed, psi, generator)]


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
    words = "" if request is not None else handlers.INVITATION  # to whoever has just come
    return [
        shown, gallery(tiles, kept, place), tiles, base_of(options),
        *_chair(request, kept, options, lambda: face(options, EASEL), words), list(kept),
        *controls_of(options),
    ]  # fmt: skip


def keep_button(kept: Sequence[Person], who: Person) -> gr.Button:
    """What a press would do for who sits."""
    return gr.Button(LET_GO if who in kept else KEEP)


def _chair(
    request: gr.Request | None,
    kept: Sequence[Person] | None,
    who: SamplingOptions,
    picture: Callable[[], Image.Image],
    words: str = "",
    free: bool = True,
) -> list[Any]:
    """Someone takes the chair in front of the easel, unless it is in use, in the order of
    Studio.chair.

    A portrait, its buttons and a film go from the easel: the line below says who is there now.
    """
    told = [keep_button(kept or [], who.to_dict()), "", who.to_dict()]
    if busy(request) or not free:
        return [*told, *[gr.skip()] * (CHAIR - len(told))]
    shown = picture()
    return [
        *told, gr.Image(shown, visible=True), shown, gr.Video(visible=False),
        gr.Image(visible=False), gr.ImageSlider(visible=False), False,
        status(words or SITS.format(sitter=caption(who))), gr.Button(visible=False),
        gr.DownloadButton(visible=False), gr.Button(visible=False), gr.Button(visible=False),
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
    request: gr.Request,
    free: bool,
    kept: list[Person] | None,
    chosen: Person | None,
    *controls: Any,
) -> list[Any]:
    """As show, where the easel was free when the sitter was chosen."""
    options = person(chosen, controls)
    return _chair(request, kept, options, lambda: face(options, EASEL), free=free)


def keep(
    kept: list[Person] | None, tiles: list[Person] | None, chosen: Person | None, *controls: Any
) -> list[Any]:
    """Keep who sits among the six when others come, or let them go; the words that say so."""
    kept, tiles = list(kept or []), list(tiles or [])
    options = person(chosen, controls)
    who, words = options.to_dict(), GOES
    if who in kept:
        kept.remove(who)
    else:
        words = STAYS
        if len(kept) >= SITTERS - 1:
            raise gr.Error(
                f"{SITTERS - 1} are kept already; let one of them go first.", print_exception=False
            )
        kept.append(who)
    if who not in tiles:  # someone who was changed takes the place of the one it began with
        place = place_of(options, tiles, kept)
        free = [index for index, one in enumerate(tiles) if one not in kept] or [len(tiles)]
        place = free[-1] if place is None else place
        tiles[place : place + 1] = [who]
    told = f"<p role='status'>{words.format(sitter=caption(options))}</p>"
    shown = gallery(tiles, kept, tiles.index(who))
    return [kept, tiles, shown, keep_button(kept, who), told]


def reset(chosen: Person | None) -> list[Any]:
    """The chosen one without any wishes."""
    return controls_of(sampled(**(chosen or {"seed": FIRST_SEED})))


def show(
    request: gr.Request, kept: list[Person] | None, chosen: Person | None, *controls: Any
) -> list[Any]:
    """The chosen sitter with all wishes takes the chair, unless the easel is in use."""
    options = person(chosen, controls)
    return _chair(request, kept, options, lambda: face(options, EASEL))


def show_changed(
    request: gr.Request,
    seated: Person | None,
    kept: list[Person] | None,
    chosen: Person | None,
    *controls: Any,
) -> list[Any]:
    """As show, unless this one sits already: leaving a field must not take a portrait away."""
    if seated == person(chosen, controls).to_dict():
        return [gr.skip()] * CHAIR
    return show(request, kept, chosen, *controls)


def sketch(
    request: gr.Request, kept: list[Person] | None, chosen: Person | None, *controls: Any
) -> list[Any]:
    """While a slider is dragged: the same at once, and a little less sharp."""
    options = person(chosen, controls)
    return _chair(
        request, kept, options,
        lambda: workshop.quick(lambda: images.to_pil(sitters.sketch(options, SKETCH)), "slider"),
    )  # fmt: skip


def show_subject(
    request: gr.Request,
    picture: str | None,
    use_photo: bool,
    tiles: list[Person] | None,
    kept: list[Person] | None,
    chosen: Person | None,
    *controls: Any,
) -> list[Any]:
    """Who is painted takes the chair: the photograph or the chosen sitter, whose tile is marked."""
    options = person(chosen, controls)
    if use_photo and picture:
        small = images.shrunk(photographs.opened(picture), EASEL)
        seated = _chair(request, kept, options, lambda: small, handlers.PHOTO_SITS)
        return [gr.Gallery(selected_index=None), *seated]
    marked = gr.Gallery(selected_index=place_of(options, tiles or []))
    return [marked, *_chair(request, kept, options, lambda: face(options, EASEL))]
