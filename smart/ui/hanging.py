"""What hangs on the wall of whom, and how it is shown there."""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from smart import pipeline, wall
from smart.provenance import who_sat
from smart.ui import handlers, home
from smart.ui.sitting import caption as sitter_caption
from smart.wall import Foreign, Hung, SessionWalls, Wall
from smart.wording import named

if TYPE_CHECKING:
    from smart.ui.wall_panel import WallPanel

FIRST, FURTHER, MOST = 24, 48, 1000  # portraits shown at first, with each click, and at most
STAY = 600  # seconds that a wall of strangers outlives its page: a phone may only be asleep
EMPTY = "Nothing hangs here yet. Every portrait you paint comes here by itself."
AT_HOME = "What you painted, kept in the folder {folder}. Choose one to see what can be done."
AWAY = (
    "What you painted since you came. Only you see it, the latest {most} stay, and it goes when "
    "you leave: download what you want to keep."
)
LEFT_ALONE = "In the folder, but no portrait, and left alone:"
TITLE = "{sitter} after {painter}, {size} px"
BEHIND = "{painter}, {ground} behind"
UNKNOWN = "Someone"
PHOTOGRAPH = "A photograph"

sessions = SessionWalls()


def wall_of(request: gr.Request) -> Wall:
    """The folder of one's own on one's own machine, else a wall that only this session has."""
    if home.own_machine():
        return Wall(wall.portraits_folder())
    return sessions.of(request.session_hash or "")


def leave(request: gr.Request) -> None:
    """The page was closed: its wall goes, unless it is opened again soon."""
    session = request.session_hash or ""
    timer = threading.Timer(STAY, sessions.drop_unused, [session, time.monotonic()])
    timer.daemon = True
    timer.start()


def hang(panel: WallPanel, request: gr.Request, portrait: pipeline.Portrait) -> dict[Any, Any]:
    """Hang a portrait that has just been painted; what changes on the page.

    A wall that takes nothing any more must not cost the portrait on the easel: it only warns.
    """
    here = wall_of(request)
    try:
        here.hang(portrait.image, portrait.provenance)
    except ValueError as error:
        gr.Warning(str(error), title="The wall")
        return {}
    if not home.own_machine():
        sessions.make_room()
    return show(panel, request)


def show(panel: WallPanel, request: gr.Request, most: int = FIRST) -> dict[Any, Any]:
    """The visitor's wall with its newest portraits, none of them chosen."""
    seen = wall_of(request).view(min(most, MOST))
    names = handlers.names(request.session_hash)
    tiles = [(one.picture(), caption(one, names)) for one in seen.hung]
    return {
        panel.tiles: gr.Gallery(tiles, selected_index=None, visible=bool(tiles)),
        panel.names: [one.name for one in seen.hung],
        panel.words: _words(bool(tiles), seen.foreign),
        panel.more: gr.Button(visible=seen.more and most < MOST),
        panel.everything: gr.Button(visible=bool(tiles)),
    }


def _words(any_hang: bool, foreign: tuple[Foreign, ...]) -> str:
    if not any_hang:
        words = EMPTY
    elif home.own_machine():
        words = AT_HOME.format(folder=wall.portraits_folder().name)
    else:
        words = AWAY.format(most=wall.SESSION_PORTRAITS)
    lines = "".join(f"<li>{html.escape(one.reason)}</li>" for one in foreign[:20])
    left = f"<details><summary>{LEFT_ALONE} {len(foreign)}</summary><ul>{lines}</ul></details>"
    return f"<p>{html.escape(words)}</p>" + (left if foreign else "")


def title(one: Hung, names: Mapping[str, str]) -> str:
    """Who was painted, after whom, and how large."""
    painter = _painters(one.known.get("styles"), names)
    if one.known.get("ground"):
        ground = _painters(one.known["ground"], names)
        painter = BEHIND.format(painter=painter, ground=ground)
    return TITLE.format(sitter=sitter_of(one.known), painter=painter, size=max(one.size))


def caption(one: Hung, names: Mapping[str, str]) -> str:
    """What stands under a portrait: its title and when it was made."""
    return f"{title(one, names)}, {date_of(one.made)}"


def date_of(made: float) -> str:
    """The day and the minute, such as 25 Nov, 14:20, with the year where it is another one."""
    then = time.localtime(made)
    this_year = then.tm_year == time.localtime().tm_year
    return f"{then.tm_mday} " + time.strftime("%b, %H:%M" if this_year else "%b %Y", then)


def sitter_of(known: Mapping[str, Any]) -> str:
    """Who sits in a portrait, in words, also where its text is damaged."""
    sitter = known.get("sitter")
    if not isinstance(sitter, dict):
        return PHOTOGRAPH
    try:
        who = who_sat(sitter)
    except ValueError:
        return UNKNOWN
    return sitter_caption(who)


def _painters(listed: Any, names: Mapping[str, str]) -> str:
    items = listed if isinstance(listed, list) else []
    slugs = [named(one.get("slug", "")) for one in items if isinstance(one, dict)]
    return " and ".join(names.get(slug.split("/")[0], slug) for slug in slugs[:4])
