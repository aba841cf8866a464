"""What the Painters tab shows: all painters by artist, a search, one in full, broken ones."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

import gradio as gr
from PIL import Image

from smart import images, new_style, styles
from smart.styles import BadStyle, Style, StyleError, Work
from smart.ui import handlers, home, own_painters

LARGE, SMALL, MANY = 900, 480, 12  # px of a work's longer side; many works are shown smaller
MAX_SEARCH = 200  # characters
HERE = "It is saved into the folder styles/ and stays there."
VISITING = "Only you see it here, as long as this page stays open; then it is deleted."
BROKEN = "What could not be used"
NOBODY = "No painter is called so, and no work; look for something else."
NONE_YET = "There is no painter yet; add one below."
COUNT = "{painters} painters with {works} works"
FOUND = "{found} of {painters} painters"


def wall(session: str | None, text: str, looked_at: str) -> list[Any]:
    """The painters that the search finds: their slugs, thumbnails, how many, and broken ones."""
    catalogue = own_painters.catalogue(session)
    found = styles.search(catalogue.styles, str(text or "")[:MAX_SEARCH])
    slugs = [style.slug for style in found]
    tiles = [(handlers.thumbnail(style), _caption(style)) for style in found]
    place = slugs.index(looked_at) if looked_at in slugs else None
    return [
        slugs,
        gr.Gallery(tiles, selected_index=place, visible=bool(found)),
        f"<p role='status'>{_count(found, catalogue.styles)}</p>",
        gr.HTML(_broken(catalogue.bad), visible=bool(catalogue.bad)),
    ]


def _caption(style: Style) -> str:
    parts = [style.name]
    if style.artist and style.artist != style.name:
        parts.append(style.artist)
    told = " · ".join(parts)
    if len(style.works) > 1:
        told += f", {len(style.works)}\N{NO-BREAK SPACE}works"
    return told


def _count(found: Sequence[Style], everyone: Sequence[Style]) -> str:
    if not everyone:
        return NONE_YET
    if not found:
        return NOBODY
    if len(found) < len(everyone):
        return FOUND.format(found=len(found), painters=len(everyone))
    works = sum(len(style.works) for style in everyone)
    return COUNT.format(painters=len(everyone), works=works)


def _broken(bad: Sequence[BadStyle]) -> str:
    """Each with its reason, which ends with the remedy."""
    listed = "".join(
        f"<li><b>{html.escape(one.slug)}</b>: {html.escape(one.reason)}</li>" for one in bad
    )
    return f"<h3>{BROKEN}</h3><ul>{listed}</ul>" if bad else ""


def details(session: str | None, slug: str) -> list[Any]:
    """One painter in full, in the order of PaintersTab.details; the first if slug is gone."""
    everyone = styles.search(own_painters.catalogue(session).styles, "")
    style = next((one for one in everyone if one.slug == slug), None)
    style = style or next(iter(everyone), None)
    if style is None:
        return ["", "", gr.Gallery([], visible=False), "", gr.Button(visible=False),
                gr.Row(visible=False), "", gr.Row(visible=False), gr.Button()]  # fmt: skip
    own = any(new_style.removable(style, home) for home in own_painters.may_change(session))
    size = LARGE if len(style.works) <= MANY else SMALL
    works = [(_shown(work, size), _title(work)) for work in style.works]
    return [
        style.slug,
        _head(style),
        gr.Gallery(works, columns=1 if len(works) == 1 else 2, selected_index=None, visible=True),
        _credits(style),
        gr.Button(visible=True),
        gr.Row(visible=own),
        style.name if own else "",
        gr.Row(visible=False),
        gr.Button(visible=True),
    ]


def _shown(work: Work, size: int) -> Image.Image:
    return images.shrunk(work.open(), size)


def _title(work: Work) -> str:
    return f"{work.title}, {work.year}" if work.year else work.title


def _head(style: Style) -> str:
    who = [style.artist] if style.artist != style.name else []
    under = ", ".join(html.escape(part) for part in (*who, style.year) if part)
    return f"<h2>{html.escape(style.name)}</h2><p>{under}</p>"


def _credits(style: Style) -> str:
    told = [("Licence", html.escape(style.licence)), ("Source", _linked(style.source))]
    rows = "".join(f"<dt>{label}</dt><dd>{text or 'not told'}</dd>" for label, text in told)
    return f"<dl>{rows}</dl>"


def _linked(text: str) -> str:
    """The text, its addresses as links; nobody is asked before they are clicked."""
    return re.sub(
        r"https?://[^\s<>&\"']+",
        lambda found: (
            f'<a href="{found[0]}" target="_blank" rel="noopener nofollow">{found[0]}</a>'
        ),
        html.escape(text),
    )


def open_tab(request: gr.Request, text: str, looked_at: str) -> list[Any]:
    """The tab as it is when one comes to it; whoever was looked at stays as one left it."""
    session = request.session_hash
    there = {style.slug for style in own_painters.catalogue(session).styles}
    shown = [looked_at, *[gr.skip()] * 8] if looked_at in there else details(session, looked_at)
    return [*wall(session, text, shown[0]), *shown, _where()]


def _where() -> str:
    return f"<p>{HERE if home.own_machine() else VISITING}</p>"


def look_again(
    request: gr.Request, text: str, looked_at: str, chosen: str, second: str
) -> list[Any]:
    """Read the folders anew: the tab and the Studio's painters."""
    session = request.session_hash
    shown = details(session, looked_at)
    studio = handlers.painter_wall(session, str(chosen), str(second))
    return [*wall(session, text, shown[0]), *shown, *studio]


def search(request: gr.Request, text: str, looked_at: str) -> list[Any]:
    """While one types."""
    return wall(request.session_hash, text, looked_at)


def choose(shown: list[str], request: gr.Request, event: gr.SelectData) -> list[Any]:
    """The painter one clicked, in full."""
    index = int(event.index)
    if not 0 <= index < len(shown):
        raise gr.Error("This painter is gone; press Look again.", print_exception=False)
    return details(request.session_hash, shown[index])


def paint_with(request: gr.Request, looked_at: str, second: str) -> list[Any]:
    """To the Studio, where this painter is chosen."""
    session = request.session_hash
    handlers.choice(looked_at, session)  # gone meanwhile: say so
    return [gr.Tabs(selected="studio"), *handlers.painter_wall(session, looked_at, str(second))]


def rename(
    request: gr.Request, text: str, looked_at: str, chosen: str, second: str, name: str
) -> list[Any]:
    """Another name for a painter that was added in the browser."""
    _change(request.session_hash, looked_at, name)
    return look_again(request, text, looked_at, chosen, second)


def remove(request: gr.Request, text: str, looked_at: str, chosen: str, second: str) -> list[Any]:
    """A painter that was added in the browser goes for good."""
    _change(request.session_hash, looked_at, None)
    return look_again(request, text, "", chosen, second)


def _change(session: str | None, slug: str, name: str | None) -> None:
    """Rename, or remove where name is None, what the session may change."""
    catalogue = own_painters.catalogue(session)
    style = next((one for one in catalogue.styles if one.slug == slug), None)
    try:
        for home in own_painters.may_change(session):
            if style is not None and new_style.removable(style, home):
                if name is None:
                    return new_style.remove(catalogue, slug, home)
                return new_style.rename(catalogue, slug, home, str(name))
        raise StyleError("This painter was not added here; only its owner changes it.")
    except ValueError as error:
        raise gr.Error(str(error), title="Painter", print_exception=False) from error
