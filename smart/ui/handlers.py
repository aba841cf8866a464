"""What the Studio tab does before painting: sitters, painters, the photograph."""

from __future__ import annotations

import html
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import gradio as gr
from PIL import Image

from smart import images, networks, pipeline, styles
from smart.gan.generator import available
from smart.options import FACES, SEEDS, SamplingOptions
from smart.styles import Style, Work
from smart.ui.jobs import Desk, workshop

SITTERS = 6
THUMBNAIL = 256  # px
EASEL = 512  # px; previews are shown at this size whatever they are painted at
FIRST_SEED = 12
ALL_WORKS = "All works together"
CANVAS = 1024  # px; what one brushes over, on a phone, too
INVITATION = "Press Paint, or choose another sitter and painter first."
PHOTO_SITS = "Your photograph sits. Brush over what should stay true, then press Paint."
NO_PHOTO = "That was no photograph; give a PNG, JPEG or WebP picture."

desk = Desk()


def face(options: SamplingOptions, size: int | None) -> Image.Image:
    """The sitter as options say; kept, since people come back to the ones they saw.

    size None is the largest there is.
    """
    return _face(options, size, networks.stamp(options.generator))


@lru_cache(maxsize=96)
def _face(options: SamplingOptions, size: int | None, _: int) -> Image.Image:
    return workshop.quick(lambda: images.to_pil(pipeline.sitter(options, size)))


def origins() -> list[tuple[str, str]]:
    """The generators that sitters can come from, with what people call them."""
    others = [(one.title, one.name) for one in available() if one.name != FACES]
    return [("Photographic faces", FACES), *others]


def sampled(seed: float | None, psi: float, generator: str) -> SamplingOptions:
    """The options, of a generator that is on this machine and nothing else."""
    if generator != FACES and generator not in {name for _, name in origins()}:
        raise gr.Error("This generator is gone; choose another.", print_exception=False)
    options: SamplingOptions = checked(
        SamplingOptions, seed=seed or 0, psi=psi, generator=generator
    )
    return options


@lru_cache(maxsize=256)
def _thumbnail(key: tuple[str, ...], works: tuple[Work, ...]) -> Image.Image:
    return styles.contact_picture(works, THUMBNAIL)


def painters() -> tuple[Style, ...]:
    """The painters that can be used now."""
    return styles.scan().styles


def painter_tiles(found: tuple[Style, ...]) -> list[tuple[Image.Image, str]]:
    """Thumbnail and name of each painter."""
    tiles = []
    for style in found:
        one = style.works[:1]
        tiles.append((_thumbnail(tuple(work.sha256 for work in one), one), style.name))
    return tiles


def open_page(psi: float, first_seed: int, generator: str) -> Iterator[list[Any]]:
    """What a new visitor sees: the painters at once, then the six sitters."""
    catalogue = styles.scan()
    found = catalogue.styles
    first = _painter_shown(found[0].slug) if found else ["", gr.skip(), _no_painter()]
    bad = "\n".join(f"- **{item.slug}**: {item.reason}" for item in catalogue.bad)
    bad = f"These could not be used:\n\n{bad}" if bad else ""
    yield [
        gr.Gallery(painter_tiles(found), selected_index=0 if found else None),
        [style.slug for style in found],
        *first,
        gr.Markdown(bad, visible=bool(bad)),
        gr.Dropdown([("Nobody", ""), *((style.name, style.slug) for style in found)], value=""),
        gr.Dropdown(origins()),
        *[gr.skip()] * 4,
    ]  # fmt: skip
    row = show_sitters(first_seed, psi, generator)
    yield [*[gr.skip()] * 8, *row]


def _no_painter() -> str:
    return "<p>There is no painter yet: put a picture into the folder styles/ and reload.</p>"


def show_others(
    shown: list[Any] | None,
    first_seed: float | None,
    psi: float,
    generator: str,
    request: gr.Request,
) -> list[Any]:
    """Six other faces, unless these very ones are shown already."""
    if shown == [first_seed, psi, generator]:
        return [gr.skip()] * 4
    return show_sitters(first_seed, psi, generator, request)


def show_sitters(
    first_seed: float | None, psi: float, generator: str, request: gr.Request | None = None
) -> list[Any]:
    """The six faces from first_seed on; the first of them takes the chair."""
    if first_seed is None:
        raise gr.Error(
            f"The seed is empty; type a whole number from 0 to {SEEDS - 1}.",
            title="Seed", print_exception=False,
        )  # fmt: skip
    options = sampled(first_seed, psi, generator)
    seeds = [(options.seed + index) % SEEDS for index in range(SITTERS)]
    # Drawn at the easel's size, so that whoever is chosen next is there at once.
    each = [options.replace(seed=seed) for seed in seeds]
    faces = [face(one, EASEL).reduce(EASEL // THUMBNAIL) for one in each]
    tiles = [(picture, f"Sitter {seed}") for picture, seed in zip(faces, seeds, strict=True)]
    chair = show_chosen(seeds[0], psi, generator, request)
    return [[first_seed, psi, generator], gr.Gallery(tiles, selected_index=0), seeds[0], chair]


def choose_sitter(first_seed: float | None, event: gr.SelectData) -> list[Any]:
    """The seed of the sitter one clicked, who is painted then and not a photograph."""
    options = checked(SamplingOptions, seed=first_seed or 0)
    return [int((options.seed + int(event.index) % SITTERS) % SEEDS), False]


def show_chosen(seed: float, psi: float, generator: str, request: gr.Request | None = None) -> Any:
    """The chosen sitter takes the chair, unless the easel is in use."""
    if request is not None and desk.busy(request.session_hash or ""):
        return gr.skip()
    return gr.Image(face(sampled(seed, psi, generator), EASEL))


def choose_painter(slugs: list[str], event: gr.SelectData) -> list[Any]:
    """The painter one clicked, with the works to choose from where there are several."""
    index = int(event.index)
    if not 0 <= index < len(slugs):
        raise gr.Error("This painter is gone; reload the page.")
    return _painter_shown(slugs[index])


def _painter_shown(slug: str) -> list[Any]:
    style = next((style for style in painters() if style.slug == slug), None)
    if style is None:
        raise gr.Error("This painter is gone; reload the page.")
    if len(style.works) == 1:
        return [slug, gr.Dropdown(visible=False), credit(slug)]
    together = (f"{ALL_WORKS} ({len(style.works)})", slug)
    choices = [together, *((work.title, work.slug) for work in style.works)]
    return [slug, gr.Dropdown(choices, value=slug, visible=True), credit(slug)]


def choose_work(slug: str) -> list[str]:
    """One work of the painter, or all of them."""
    return [slug, credit(slug)]


def credit(slug: str) -> str:
    """Who made the works that are painted after, as HTML."""
    chosen = choice(slug)
    style = next(style for style in painters() if style.slug == slug.split("/")[0])
    titles = [f"<i>{html.escape(w.title)}</i>{_year(w)}" for w in chosen.works[:8]]
    who = html.escape(style.artist or style.name)
    who += f" ({html.escape(style.year)})" if style.year else ""
    licence = f"<p>{html.escape(style.licence)}.</p>" if style.licence else ""
    return f"<p><b>{who}</b>: {'; '.join(titles)}.</p>{licence}"


def _year(work: Work) -> str:
    return f", {html.escape(work.year)}" if work.year else ""


def choice(slug: str) -> styles.Choice:
    """The painter or work called slug, with a weight behind a colon."""
    try:
        return styles.scan().choose(slug)
    except ValueError as error:
        raise gr.Error(str(error), title="Painter", print_exception=False) from error


def checked(cls: Any, **values: Any) -> Any:
    """The options, or their complaint as the page shows it."""
    try:
        return cls(**values)
    except ValueError as error:
        raise gr.Error(str(error), title="Settings", print_exception=False) from error


def seat_photo(picture: Image.Image | None, request: gr.Request) -> list[Any]:
    """A photograph that was given takes the chair and lies ready for the brush; or it is gone.

    It is the server that fills the editor: a file dropped on one that is still being drawn is lost,
    and of one that is decoded slowly the editor reports an empty canvas.
    """
    if picture is None:
        return [gr.Image(visible=True), gr.ImageEditor(None, visible=False), False, gr.skip()]
    # One brushes over a small copy; its mask is stretched over the photograph, which stays here.
    canvas = images.shrunk(picture.convert("RGB"), CANVAS)
    brush = {"background": canvas, "layers": [], "composite": None}
    words = gr.skip() if desk.busy(request.session_hash or "") else status(PHOTO_SITS)
    # Only out of sight: a component that is not there gives up its picture.
    return [gr.Image(visible="hidden"), gr.ImageEditor(brush, visible=True), True, words]


def clear_photo(request: gr.Request) -> list[Any]:
    """The photograph goes, and another can be given."""
    words = gr.skip() if desk.busy(request.session_hash or "") else status(INVITATION)
    return [gr.Image(None, visible=True), gr.ImageEditor(None, visible=False), False, words]


def show_subject(
    picture: Image.Image | None,
    use_photo: bool,
    shown: list[Any] | None,
    seed: float,
    psi: float,
    generator: str,
    request: gr.Request,
) -> list[Any]:
    """Who is painted takes the chair: the photograph or the chosen sitter, whose tile is marked."""
    if use_photo and picture is not None:
        chair = gr.skip()
        if not desk.busy(request.session_hash or ""):
            chair = gr.Image(images.shrunk(picture.convert("RGB"), EASEL))
        return [gr.Gallery(selected_index=None), chair]
    place = int(seed - (shown or [seed])[0]) % SEEDS
    marked = gr.Gallery(selected_index=place if place < SITTERS else None)
    return [marked, show_chosen(seed, psi, generator, request)]


def status(text: str, share: float | None = None, right: str = "") -> str:
    bar = ""
    if share is not None:
        bar = f'<div class="bar"><i style="width:{100 * share:.1f}%"></i></div>'
    return (
        f'<div class="line" role="status"><span>{html.escape(text)}</span>'
        f"<b>{html.escape(right)}</b></div>{bar}"
    )
