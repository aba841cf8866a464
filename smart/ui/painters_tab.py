"""The Painters tab: everyone who can paint, who they are, and adding one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from smart.ui import adding, painter_details
from smart.ui.events import PRIVATE
from smart.ui.handlers import status
from smart.ui.own_painters import own_painters
from smart.ui.panels import Studio

ALONE: dict[str, Any] = {"concurrency_id": "painters", "concurrency_limit": 1, **PRIVATE}
SILENT: dict[str, Any] = {"show_progress": "hidden", "queue": False, **PRIVATE}
WELCOME = "Everyone who can paint here, by artist. <a href='#new-painter'>Add another</a> below."
# On a phone the painter who was chosen is below all others.
TO_THE_PAINTER = """() => { const head = document.querySelector("#painter-head");
  if (window.innerWidth < 640) head.scrollIntoView({ block: "start" }); }"""
TO_THE_TOP = "() => window.scrollTo({ top: 0, behavior: 'instant' })"


@dataclass
class PaintersTab:
    """The components of the tab that handlers read and write."""

    search: gr.Textbox
    again: gr.Button
    shown: gr.State
    painters: gr.Gallery
    count: gr.HTML
    broken: gr.HTML
    looked_at: gr.State
    head: gr.HTML
    works: gr.Gallery
    credits: gr.HTML
    paint: gr.Button
    own: gr.Row
    new_name: gr.Textbox
    rename: gr.Button
    remove: gr.Button
    sure: gr.Row
    really: gr.Button
    not_really: gr.Button
    session: gr.State
    where: gr.HTML
    pictures: gr.Gallery
    table: gr.Dataframe
    name: gr.Textbox
    artist: gr.Textbox
    year: gr.Textbox
    licence: gr.Dropdown
    source: gr.Textbox
    current: gr.State
    seen: gr.State
    sketch: gr.Image
    status: gr.HTML
    save: gr.Button

    def wall(self) -> list[Any]:
        """In the order of painter_details.wall."""
        return [self.shown, self.painters, self.count, self.broken]

    def details(self) -> list[Any]:
        """In the order of painter_details.details."""
        return [
            self.looked_at, self.head, self.works, self.credits, self.paint, self.own,
            self.new_name, self.sure, self.remove,
        ]  # fmt: skip

    def form(self) -> list[Any]:
        """What adding.save reads."""
        return [
            self.pictures, self.table, self.name, self.artist, self.year, self.licence,
            self.source,
        ]  # fmt: skip


def build(tab: gr.Tab, rooms: gr.Tabs, studio: Studio) -> PaintersTab:
    """Lay out the tab and wire it up; call inside it, after the Studio."""
    parts: dict[str, Any] = {
        "shown": gr.State([]), "looked_at": gr.State(""), "seen": gr.State([]),
        "current": gr.State([]),
        "session": gr.State("", delete_callback=own_painters.forget),
    }  # fmt: skip
    with gr.Row(equal_height=False, elem_id="painters-room"):
        with gr.Column(scale=8, min_width=280):
            parts |= _wall()
        with gr.Column(scale=10, min_width=280):
            parts |= _details()
    with gr.Row(equal_height=False, elem_id="new-painter"):
        with gr.Column(scale=8, min_width=280):
            parts |= _pictures()
        with gr.Column(scale=6, min_width=260):
            parts |= _facts()
        with gr.Column(scale=5, min_width=260):
            parts |= _sketch()
    room = PaintersTab(**parts)
    _wire_wall(room, tab, rooms, studio)
    _wire_form(room, studio)
    return room


def _heading(title: str, text: str) -> None:
    gr.HTML(f"<h2>{title}</h2><p>{text}</p>", elem_classes="step", padding=False)


def _wall() -> dict[str, Any]:
    _heading("The painters", WELCOME)
    with gr.Row(elem_classes="tight", equal_height=True):
        parts: dict[str, Any] = {
            "search": gr.Textbox(
                label="Search", placeholder="Name, work, year or licence", elem_id="find-painter",
                max_length=painter_details.MAX_SEARCH, scale=4, min_width=180,
            ),
            "again": gr.Button("Look again", elem_id="look-again", scale=1, min_width=140),
        }  # fmt: skip
    parts["count"] = gr.HTML(elem_classes="note", elem_id="painter-count", padding=False)
    parts["painters"] = gr.Gallery(
        columns=3, allow_preview=False, show_label=False, label="All painters", buttons=[],
        object_fit="cover", height="auto", elem_id="all-painters", elem_classes="choice",
        interactive=False, format="jpeg",
    )  # fmt: skip
    parts["broken"] = gr.HTML(visible=False, elem_id="broken-painters", padding=False)
    return parts


def _details() -> dict[str, Any]:
    parts: dict[str, Any] = {
        "head": gr.HTML(elem_classes="step", elem_id="painter-head", padding=False),
        "credits": gr.HTML(elem_id="painter-credits", padding=False),
        "paint": gr.Button("Paint with this painter", variant="primary", elem_id="paint-with"),
    }
    with gr.Row(elem_classes="tight", equal_height=False, visible=False) as parts["own"]:
        parts["new_name"] = gr.Textbox(
            label="Name", elem_id="painter-name", scale=4, min_width=160, max_length=80
        )
        parts["rename"] = gr.Button("Rename", elem_id="rename", scale=1, min_width=90)
        parts["remove"] = gr.Button("Remove", elem_id="remove", scale=1, min_width=90)
    with gr.Row(elem_classes="tight", visible=False, elem_id="sure") as parts["sure"]:
        gr.HTML(
            "<p>Remove this painter and the pictures for good? Portraits stay on the wall, but "
            "none like them can be painted again.</p>",
            elem_classes="note", padding=False,
        )  # fmt: skip
        parts["really"] = gr.Button(
            "Yes, remove", variant="stop", elem_id="really", min_width=110, scale=1
        )
        parts["not_really"] = gr.Button("Keep", elem_id="not-really", min_width=90, scale=1)
    parts["works"] = gr.Gallery(
        columns=2, show_label=False, label="Works", buttons=["fullscreen"], height="auto",
        object_fit="contain", elem_id="works", interactive=False, format="jpeg",
    )  # fmt: skip
    return parts


def _pictures() -> dict[str, Any]:
    _heading("Add a painter", "One picture is enough; several of one hand are better.")
    return {
        "where": gr.HTML(elem_classes="note", elem_id="new-where", padding=False),
        "pictures": gr.Gallery(
            label="Pictures", columns=3, height=260, file_types=["image"], interactive=True,
            type="filepath", buttons=[], object_fit="cover", allow_preview=False,
            elem_id="new-pictures",
        ),
        "table": gr.Dataframe(
            headers=["File", "Title", "Year"], type="array", static_columns=[0], column_count=3,
            label="Titles and years", elem_id="new-titles", visible=False, interactive=True,
            column_widths=["32%", "46%", "22%"], max_height=260, buttons=[], wrap=True,
        ),
    }  # fmt: skip


def _facts() -> dict[str, Any]:
    text: dict[str, Any] = {"max_length": 300}
    return {
        "name": gr.Textbox(
            label="Name", info="What stands under the picture.", elem_id="new-name", max_length=80
        ),
        "artist": gr.Textbox(label="Artist", elem_id="new-artist", **text),
        "year": gr.Textbox(
            label="Year", placeholder="1760-1849", elem_id="new-year", **text
        ),
        "licence": gr.Dropdown(
            list(adding.LICENCES), value=None, label="Licence", allow_custom_value=True,
            info="Choose one, or type another.", elem_id="new-licence",
        ),
        "source": gr.Textbox(
            label="Source", info="Where the pictures are from: a book, a museum, an address.",
            elem_id="new-source", **text,
        ),
    }  # fmt: skip


def _sketch() -> dict[str, Any]:
    return {
        "sketch": gr.Image(
            show_label=False, label="Sketch", interactive=False, format="jpeg", buttons=[],
            elem_id="new-sketch", alt_text="A sitter, sketched after the new pictures",
            visible=False,
        ),
        "status": gr.HTML(status(adding.GIVE), elem_id="new-status", padding=False),
        "save": gr.Button("Save", variant="primary", elem_id="save-painter"),
    }  # fmt: skip


def _wire_wall(room: PaintersTab, tab: gr.Tab, rooms: gr.Tabs, studio: Studio) -> None:
    looked = [room.search, room.looked_at]
    everything = [*looked, studio.painter, studio.second]
    changed = [*room.wall(), *room.details(), *studio.painters_wall()]
    tab.select(
        painter_details.open_tab, looked, [*room.wall(), *room.details(), room.where], **SILENT
    )
    room.search.change(  # not input, which does not know of what is pasted with a mouse
        painter_details.search, looked, room.wall(), trigger_mode="always_last",
        show_progress="hidden", concurrency_id="search", concurrency_limit=4, **PRIVATE,
    )  # fmt: skip
    room.again.click(painter_details.look_again, everything, changed, **SILENT)
    room.painters.select(painter_details.choose, room.shown, room.details(), **SILENT).then(
        None, js=TO_THE_PAINTER, **PRIVATE
    )
    room.paint.click(
        painter_details.paint_with, [room.looked_at, studio.second],
        [rooms, *studio.painters_wall()], **SILENT,
    ).then(None, js=TO_THE_TOP, **PRIVATE)  # fmt: skip
    for change in (room.rename.click, room.new_name.submit):
        change(painter_details.rename, [*everything, room.new_name], changed, **SILENT)
    room.remove.click(
        lambda: [gr.Row(visible=True), gr.Button(visible=False)], None,
        [room.sure, room.remove], **SILENT,
    )  # fmt: skip
    room.not_really.click(
        lambda: [gr.Row(visible=False), gr.Button(visible=True)], None,
        [room.sure, room.remove], **SILENT,
    )  # fmt: skip
    room.really.click(painter_details.remove, everything, changed, **SILENT)


def _wire_form(room: PaintersTab, studio: Studio) -> None:
    room.pictures.change(
        adding.given, [room.pictures, room.table],
        [room.pictures, room.table, room.current], **SILENT,
    ).then(
        adding.sketch, [room.pictures, room.current, room.seen],
        [room.sketch, room.status, room.seen],
        trigger_mode="always_last", show_progress="minimal",
        show_progress_on=[room.status], **ALONE,
    )  # fmt: skip
    room.save.click(
        adding.save, [*room.form(), room.search, studio.painter, studio.second],
        [
            room.session, *room.form(), room.current, room.seen, room.sketch, room.status,
            *room.wall(), *room.details(), *studio.painters_wall(),
        ],
        show_progress="minimal", show_progress_on=[room.status], **ALONE,
    )  # fmt: skip
