"""Settings back into the controls of the Studio, and a kept portrait back onto the easel."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image

from smart import images, movie, pipeline
from smart import settings as all_settings
from smart.options import PaintingOptions, SamplingOptions
from smart.settings import GIVE_PHOTOGRAPH, Settings
from smart.ui import handlers, home, own_painters, painting
from smart.ui.seating import keep_button
from smart.ui.sitting import (
    EASEL,
    SITTERS,
    base_of,
    controls_of,
    face,
    gallery,
    place_of,
    sampled,
)
from smart.ui.sizes import SIZES, sizes
from smart.wall import readable_name

if TYPE_CHECKING:
    from smart.ui.panels import Studio

COMPARED = 1024  # px; two pictures of a print would take seconds to encode
VARIETIES = 10**6  # relatives and noises that Vary draws from: short enough to be typed

Updates = dict[Any, Any]


def outputs(studio: Studio) -> list[Any]:
    """Every component that a recall changes."""
    return [
        *studio.at_the_easel(), studio.asked, studio.shown, studio.sitters, studio.tiles,
        studio.chosen, studio.kept, studio.keep, studio.keep_words, studio.seated, studio.psi,
        studio.generator, studio.distance, studio.use_photo, *studio.controls(),
        studio.painters, studio.slugs, studio.painter, studio.work, studio.credit,
        studio.second, studio.role, studio.share, *studio.options.values(),
    ]  # fmt: skip


def inputs(studio: Studio) -> dict[str, Any]:
    """What a recall must know of the page, by name."""
    return {
        "tiles": studio.tiles, "kept": studio.kept, "slugs": studio.slugs,
        "first_seed": studio.first_seed,
    }  # fmt: skip


def controls(
    studio: Studio, settings: Settings, values: Mapping[str, Any], session: str | None
) -> Updates:
    """Every control as the settings say; who sits is shown only where the easel is free."""
    painters: Updates = _painters(studio, settings, values, session)
    return painters | hand_and_sitter(studio, settings, values)


def hand_and_sitter(studio: Studio, settings: Settings, values: Mapping[str, Any]) -> Updates:
    """Every control but those of the painters."""
    updates: Updates = {}
    for name, value in settings.painting.to_dict().items():
        updates[studio.options[name]] = value
    size = settings.painting.size
    if size not in SIZES or size > home.largest():  # the command line paints any
        updates[studio.options["size"]] = gr.Dropdown(sizes(size), value=size)
    if settings.sampling is not None:
        updates |= seat(studio, settings.sampling, values)
    return updates


def portrait_settings(
    studio: Studio, known: dict[str, Any], values: Mapping[str, Any], session: str | None
) -> tuple[Updates, list[str], bool]:
    """The controls as a portrait says, what cannot be set, and whether its painters are here."""
    here = own_painters.catalogue(session)
    gone = all_settings.not_here(known, here)
    if not gone or not here.styles:
        back, notes = all_settings.of_portrait(known, "The portrait", here)
        return controls(studio, back, values, session), notes, True
    # Any painter serves to read the rest; the one who is chosen stays.
    known = all_settings.with_painter(known, here.choose(here.styles[0].slug))
    back, notes = all_settings.of_portrait(known, "The portrait", here)
    words = all_settings.NOT_HERE.format(painter=" and ".join(gone))
    return hand_and_sitter(studio, back, values), [words, *notes], False


def _painters(
    studio: Studio, settings: Settings, values: Mapping[str, Any], session: str | None
) -> Updates:
    try:
        choices, ground = settings.choices(own_painters.catalogue(session))
    except ValueError as error:
        raise gr.Error(str(error), title="Painter", print_exception=False) from error
    first, *others = (*choices, *ground)
    found = handlers.painters(session)
    seconds = [("Nobody", ""), *((style.name, style.slug) for style in found)]
    second = others[0].slug if others else ""
    if second not in {slug for _, slug in seconds}:  # a single work
        seconds += [(w.title, w.slug) for style in found for w in style.works if w.slug == second]
    parts = (studio.painters, studio.slugs, studio.painter, studio.work, studio.credit)
    mixed = bool(second) and settings.role == "mix"
    shown = handlers.painter_controls(first.slug, values["slugs"], session)
    return {
        **dict(zip(parts, shown, strict=True)),
        studio.second: gr.Dropdown(seconds, value=second),
        studio.role: gr.Radio(value=settings.role, visible=bool(second)),
        studio.share: gr.Slider(value=settings.share, visible=mixed),
    }


def seat(studio: Studio, sampling: SamplingOptions, values: Mapping[str, Any]) -> Updates:
    options = sampled(**sampling.to_dict())
    who = options.to_dict()
    tiles, kept = list(values["tiles"] or []), list(values["kept"] or [])
    place = place_of(options, tiles, kept)
    if place is None:  # takes the place of someone who need not stay
        free = [index for index, one in enumerate(tiles) if one not in kept]
        place = free[0] if free else len(tiles)
    tiles[place : place + 1] = [who]
    try:
        picture = face(options, EASEL)
        shown = gallery(tiles[:SITTERS], kept, place)
    except ValueError as error:
        raise gr.Error(str(error), title="Sitter", print_exception=False) from error
    return {
        studio.sitters: shown,
        studio.tiles: tiles[:SITTERS],
        studio.kept: kept,
        studio.keep: keep_button(kept, who),
        studio.keep_words: "",
        studio.seated: who,
        studio.chosen: base_of(options),
        studio.use_photo: False,
        studio.psi: options.psi,
        studio.generator: options.generator,
        studio.distance: options.distance,
        # So that leaving the field of the first seed does not bring six others.
        studio.shown: [values["first_seed"], options.psi, options.generator],
        studio.asked: picture,
        **dict(zip(studio.controls(), controls_of(options), strict=True)),
    }


def sitter_at_the_easel(studio: Studio, sampling: SamplingOptions, words: str) -> Updates:
    """Who sits now, where the portrait was, unless one is being painted."""
    return {
        studio.easel: gr.Image(face(sampled(**sampling.to_dict()), EASEL), visible=True),
        studio.compare: gr.ImageSlider(visible=False),
        studio.comparing: False,
        studio.film: gr.Video(visible=False),
        studio.film_picture: gr.Image(visible=False),
        studio.status: handlers.status(words),
        studio.before_after: gr.Button(visible=False),
        studio.download: gr.DownloadButton(visible=False),
        studio.go_on: gr.Button(visible=False),
        studio.film_button: gr.Button(visible=False),
    }


def portrait_at_the_easel(
    studio: Studio, file: Path, title: str, words: str, folder: Path
) -> Updates:
    """A saved portrait as if it had just been painted: to download, compare, and go on with.

    folder takes the copies that the page fetches.
    """
    portrait = pipeline.load_portrait(file)
    path = folder / f"{readable_name(portrait.provenance)}.png"
    shutil.copyfile(file, path)
    frames = movie.Frames(painting.FILM_FRAMES, painting.FILM_SIZE)
    made = painting.Finished(portrait, frames, None, title)
    pair = None
    if isinstance(portrait.provenance.get("sitter"), dict):
        small = images.shrunk(portrait.image, COMPARED)
        subject = painting.before(made).resize(small.size, Image.Resampling.LANCZOS)
        pair = (
            images.save_png(subject, folder / "sitter.png"),
            images.save_png(small, folder / "compared.png"),
        )
    return painting.on_the_easel(studio, made, path, pair, words)


def varied(settings: Settings) -> Settings:
    """Something near: a relative of the sitter by the same hand, or a likeness begun otherwise.

    Raises ValueError for a portrait of a photograph, which is not here.
    """
    if settings.sampling is None:
        raise ValueError(GIVE_PHOTOGRAPH)
    number = random.randrange(1, VARIETIES)
    if settings.sampling.likeness:  # has no family
        changed: PaintingOptions = settings.painting.replace(
            engine="optimization", start="noise", noise_seed=number
        )
        return _with(settings, settings.sampling, changed)
    return _with(settings, settings.sampling.replace(relative=number), settings.painting)


def _with(settings: Settings, sampling: SamplingOptions, hand: PaintingOptions) -> Settings:
    return Settings(
        sampling, settings.painter, hand, settings.second, settings.role, settings.share
    )
