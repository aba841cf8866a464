"""What the Studio tab does before painting: the painters, the photograph."""

from __future__ import annotations

import html
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import gradio as gr
from PIL import Image

from smart import images, styles
from smart.styles import Style, Work
from smart.ui import sitting
from smart.ui.sitting import THUMBNAIL, busy

ALL_WORKS = "All works together"
CANVAS = 1024  # px; what one brushes over, on a phone, too
INVITATION = "Press Paint, or choose another sitter and painter first."
PHOTO_SITS = "Your photograph sits. Brush over what should stay true, then press Paint."
NO_PHOTO = "That was no photograph; give a PNG, JPEG or WebP picture."


@lru_cache(maxsize=256)
def _thumbnail(key: tuple[str, ...], works: tuple[Work, ...]) -> Image.Image:
    return styles.contact_picture(works, THUMBNAIL)


def painters() -> tuple[Style, ...]:
    """The painters that can be used now."""
    return styles.scan().styles


def names() -> dict[str, str]:
    """What the painters are called, by slug."""
    return styles.scan().names()


def name_of(slug: str) -> str:
    """What a painter, or the painter of a work, is called."""
    return styles.scan().name_of(slug)


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
        gr.Dropdown(sitting.origins()),
        *[gr.skip()] * sitting.WALL,
    ]  # fmt: skip
    yield [*[gr.skip()] * 8, *sitting.show_sitters(first_seed, psi, generator)]


def _no_painter() -> str:
    return "<p>There is no painter yet: put a picture into the folder styles/ and reload.</p>"


def choose_painter(slugs: list[str], event: gr.SelectData) -> list[Any]:
    """The painter one clicked, with the works to choose from where there are several."""
    index = int(event.index)
    if not 0 <= index < len(slugs):
        raise gr.Error("This painter is gone; reload the page.")
    return _painter_shown(slugs[index])


def _painter_shown(slug: str) -> list[Any]:
    artist = slug.split("/")[0]
    style = next((style for style in painters() if style.slug == artist), None)
    if style is None:
        raise gr.Error("This painter is gone; reload the page.")
    if len(style.works) == 1:
        return [slug, gr.Dropdown(visible=False), credit(slug)]
    together = (f"{ALL_WORKS} ({len(style.works)})", artist)
    choices = [together, *((work.title, work.slug) for work in style.works)]
    return [slug, gr.Dropdown(choices, value=slug, visible=True), credit(slug)]


def painter_controls(slug: str, slugs: list[str] | None) -> list[Any]:
    """Choose this painter or work for someone who sees the painters slugs.

    In the order painters, slugs, painter, work, credit.
    """
    found = painters()
    here = [style.slug for style in found]
    shown = _painter_shown(slug)
    place = here.index(slug.split("/")[0])
    if here == slugs:
        return [gr.Gallery(selected_index=place), gr.skip(), *shown]
    return [gr.Gallery(painter_tiles(found), selected_index=place), here, *shown]


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
    words = gr.skip() if busy(request) else status(PHOTO_SITS)
    # Only out of sight: a component that is not there gives up its picture.
    return [gr.Image(visible="hidden"), gr.ImageEditor(brush, visible=True), True, words]


def clear_photo(request: gr.Request) -> list[Any]:
    """The photograph goes, and another can be given."""
    words = gr.skip() if busy(request) else status(INVITATION)
    return [gr.Image(None, visible=True), gr.ImageEditor(None, visible=False), False, words]


def status(text: str, share: float | None = None, right: str = "") -> str:
    bar = ""
    if share is not None:
        bar = f'<div class="bar"><i style="width:{100 * share:.1f}%"></i></div>'
    return (
        f'<div class="line" role="status"><span>{html.escape(text)}</span>'
        f"<b>{html.escape(right)}</b></div>{bar}"
    )
