"""What the Studio tab does before painting: the painters, the photograph."""

from __future__ import annotations

import html
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import gradio as gr
from PIL import Image

from smart import images, styles
from smart.styles import Style, Work
from smart.ui import own_painters, photographs
from smart.ui.sitting import THUMBNAIL, busy

ALL_WORKS = "All works together"
PAINTERS = 6  # components that other painters change (see Studio.painters_wall)
INVITATION = "Press Paint, or choose another sitter and painter first."
PHOTO_SITS = "Your photograph sits. Brush over what should stay true, then press Paint."
NO_PHOTO = "That was no photograph; give a PNG, JPEG or WebP picture."


@lru_cache(maxsize=256)
def _thumbnail(key: tuple[str, ...], works: tuple[Work, ...]) -> Image.Image:
    return styles.contact_picture(works, THUMBNAIL)


def painters(session: str | None = "") -> tuple[Style, ...]:
    """The painters that a session can use now: everyone's, and its own."""
    return own_painters.catalogue(session).styles


def names(session: str | None) -> dict[str, str]:
    """What the painters of a session are called, by slug."""
    return own_painters.catalogue(session).names()


def painter_tiles(found: tuple[Style, ...]) -> list[tuple[Image.Image, str]]:
    """Thumbnail and name of each painter."""
    return [(thumbnail(style), style.name) for style in found]


def thumbnail(style: Style) -> Image.Image:
    """The painter's first work as a square; kept, since everyone sees it."""
    one = style.works[:1]
    return _thumbnail(tuple(work.sha256 for work in one), one)


def painter_wall(session: str | None, chosen: str = "", second: str = "") -> list[Any]:
    """The painters as they are now, in the order of Studio.painters_wall.

    chosen is the painter or work that stays so, as far as it is there; else it is the first.
    second is the second painter.
    """
    found = painters(session)
    slugs = [style.slug for style in found]
    first = chosen.split("/")[0]
    place = slugs.index(first) if first in slugs else 0
    names = [("Nobody", ""), *((style.name, style.slug) for style in found)]
    shown = ["", gr.Dropdown(visible=False), _no_painter()]
    if found:
        works = {work.slug for work in found[place].works}
        shown = _painter_shown(found[place], chosen if chosen in works else "")
    return [
        gr.Gallery(painter_tiles(found), selected_index=place if found else None),
        slugs,
        *shown,
        gr.Dropdown(names, value=second if second in slugs else ""),
    ]


def _no_painter() -> str:
    return "<p>There is no painter yet: add one under Painters.</p>"


def choose_painter(slugs: list[str], request: gr.Request, event: gr.SelectData) -> list[Any]:
    """The painter one clicked, with the works to choose from where there are several."""
    index = int(event.index)
    found = {style.slug: style for style in painters(request.session_hash)}
    if not 0 <= index < len(slugs) or slugs[index] not in found:
        raise gr.Error("This painter is gone; reload the page.", print_exception=False)
    return _painter_shown(found[slugs[index]])


def _painter_shown(style: Style, work: str = "") -> list[Any]:
    slug = work or style.slug
    if len(style.works) == 1:
        return [style.slug, gr.Dropdown(visible=False), _credit(style, style.works)]
    together = (f"{ALL_WORKS} ({len(style.works)})", style.slug)
    choices = [together, *((one.title, one.slug) for one in style.works)]
    shown = [one for one in style.works if one.slug == work] or style.works
    return [slug, gr.Dropdown(choices, value=slug, visible=True), _credit(style, shown)]


def painter_controls(slug: str, slugs: list[str] | None, session: str | None) -> list[Any]:
    """Choose this painter or work for someone who sees the painters slugs.

    In the order painters, slugs, painter, work, credit. Raises gr.Error for one who is not here.
    """
    first = choice(slug, session).slug.split("/")[0]
    found = painters(session)
    here = [style.slug for style in found]
    place = here.index(first)
    shown = _painter_shown(found[place], "" if slug == first else slug)
    if here == slugs:
        return [gr.Gallery(selected_index=place), gr.skip(), *shown]
    return [gr.Gallery(painter_tiles(found), selected_index=place), here, *shown]


def choose_work(slug: str, request: gr.Request) -> list[str]:
    """One work of the painter, or all of them."""
    return [slug, credit(slug, request.session_hash)]


def credit(slug: str, session: str | None = "") -> str:
    """Who made the works that are painted after, as HTML."""
    chosen = choice(slug, session)
    first = chosen.slug.split("/")[0]
    style = next(style for style in painters(session) if style.slug == first)
    return _credit(style, chosen.works)


def _credit(style: Style, works: Sequence[Work]) -> str:
    titles = [f"<i>{html.escape(w.title)}</i>{_year(w)}" for w in works[:8]]
    who = html.escape(style.artist or style.name)
    who += f" ({html.escape(style.year)})" if style.year else ""
    licence = f"<p>{html.escape(style.licence)}.</p>" if style.licence else ""
    return f"<p><b>{who}</b>: {'; '.join(titles)}.</p>{licence}"


def _year(work: Work) -> str:
    return f", {html.escape(work.year)}" if work.year else ""


def choice(slug: str, session: str | None = "") -> styles.Choice:
    """The painter or work called slug, with a weight behind a colon, of those the session has."""
    try:
        return own_painters.catalogue(session).choose(slug)
    except ValueError as error:
        raise gr.Error(str(error), title="Painter", print_exception=False) from error


def seat_photo(picture: str | None, request: gr.Request) -> list[Any]:
    """A photograph that was given takes the chair and lies ready for the brush; or it is gone.

    It is the server that fills the editor: a file dropped on one that is still being drawn is lost,
    and of one that is decoded slowly the editor reports an empty canvas.
    """
    if not picture:
        return [gr.Image(visible=True), gr.ImageEditor(None, visible=False), False, gr.skip()]
    # One brushes over a small copy; its mask is stretched over the photograph, which stays here.
    canvas = images.shrunk(photographs.opened(picture), photographs.CANVAS)
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
        f'<div class="line" role="status"><span>{html.escape(text)}</span> '
        f"<b>{html.escape(right)}</b></div>{bar}"
    )
