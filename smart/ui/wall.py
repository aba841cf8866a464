"""What is done with the portraits on the wall: recall, vary, compare, delete, download, a link."""

from __future__ import annotations

import html
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image, ImageOps

from smart import images, provenance, settings
from smart.settings import Settings
from smart.ui import handlers, hanging, own_painters, painting, recalling
from smart.ui.sitting import busy
from smart.ui.sitting import caption as sitter_caption
from smart.wall import Hung

if TYPE_CHECKING:
    from smart.ui.panels import Studio

CHOOSE = "Choose a portrait on the wall first."
RECALLED = "Recalled, with all its settings: {title}."
RECALLED_PART = "Recalled: {title}."
RECALLED_BUSY = "The settings of {title} are for the next portrait."
SITTER_RECALLED = "{sitter} sits again; this picture holds no painter."
NEAR = "Something near {title}. The painter begins."
CANNOT_VARY = "{painter} does not paint here any more; press Recall to see the portrait."
BY_LINK = "These settings came with the link: {sitter} after {painter}. Press Paint."
LINK_HERE = "The link is in the address bar and copied."
LINK_FIELD = "The link is in the address bar; copy it from here, too."
LINK_PHOTOGRAPH = "The photograph stays with you: the link gives the sitter you chose instead."
ALIKE = "They were made with the same settings."
NOW_ANOTHER = "Now choose the other portrait, to see both under a slider."
DELETE, SURE = "Delete", "Delete for good?"
COMPARE, COMPARING = "Compare", "Choose the other"
PAPER = "#fbf8f2"
ALWAYS = ("Sitter", "Size")  # told of a portrait also where they are as usual

Values = dict[str, Any]
Updates = dict[Any, Any]


def found(request: gr.Request, name: str | None) -> Hung:
    """The portrait of this name on the visitor's own wall."""
    if not name:
        raise gr.Error(CHOOSE, title="The wall", print_exception=False)
    try:
        return hanging.wall_of(request).find(str(name))
    except ValueError as error:
        raise gr.Error(str(error), title="The wall", print_exception=False) from error


def choose(
    studio: Studio, request: gr.Request, event: gr.SelectData, values: Values
) -> Iterator[Updates]:
    """A click on a portrait: it is chosen, or compared with the one that was chosen before."""
    panel, names = studio.portraits, values["names"] or []
    if not 0 <= int(event.index) < len(names):
        raise gr.Error("This portrait hangs here no more; reload the page.", print_exception=False)
    name = names[int(event.index)]
    if values["pairing"] and values["name"] and name != values["name"]:
        yield from _compare(studio, request, values["name"], name)
        return
    one = found(request, name)
    names = handlers.names(request.session_hash)
    called = hanging.caption(one, names)
    # The page takes its own copy, which it deletes after a while.
    yield {
        panel.chosen: name,
        panel.pairing: False,
        panel.about: _about(one, called, names),
        panel.actions: gr.Column(visible=True),
        panel.pair: gr.ImageSlider(visible=False),
        panel.compare: gr.Button(COMPARE),
        panel.delete: gr.Button(DELETE, variant="secondary"),
        panel.sure: None,
    }


def _about(one: Hung, called: str, names: dict[str, str]) -> str:
    words = settings.words_of(one.known, names)
    usual = settings.words_of({"sitter": {}, "painting": {}})
    lines = "".join(
        f"<div><dt>{html.escape(label)}</dt><dd>{html.escape(value)}</dd></div>"
        for label, value in words.items()
        if value and (usual.get(label) != value or label in ALWAYS)
    )
    return f"<h3>{html.escape(called)}</h3><dl>{lines}</dl>"


def _compare(studio: Studio, request: gr.Request, left: str, right: str) -> Iterator[Updates]:
    panel = studio.portraits
    one, other = found(request, left), found(request, right)
    names = handlers.names(request.session_hash)
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        paths = []
        size: tuple[int, int] | None = None
        for place, hung in enumerate((one, other)):
            picture = images.shrunk(_opened(hung), recalling.COMPARED)
            size = size or picture.size
            if picture.size != size:  # of another shape: on paper, whole
                picture = ImageOps.pad(picture, size, Image.Resampling.LANCZOS, color=PAPER)
            paths.append(str(images.save_png(picture, f"{folder}/{place}.png")))
        yield {
            panel.pair: gr.ImageSlider((paths[0], paths[1]), visible=True),
            panel.about: _differing(one, other, names),
            panel.pairing: False,
            panel.compare: gr.Button(COMPARE),
        }


def _opened(one: Hung) -> Image.Image:
    try:
        return images.open_image(one.path)
    except ValueError as error:
        raise gr.Error(str(error), title="The wall", print_exception=False) from error


def _differing(one: Hung, other: Hung, names: dict[str, str]) -> str:
    lines = "".join(
        f"<tr><th>{html.escape(label)}</th><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>"
        for label, a, b in settings.differences(one.known, other.known, names)
    )
    left, right = (html.escape(hanging.caption(hung, names)) for hung in (one, other))
    if not lines:
        return f"<h3>{left}<br>{right}</h3><p>{ALIKE}</p>"
    head = f"<thead><tr><td></td><th>{left}</th><th>{right}</th></tr></thead>"
    return f"<table>{head}<tbody>{lines}</tbody></table>"


def begin_pairing(studio: Studio, request: gr.Request, values: Values) -> Updates:
    """Compare was pressed: the next click says with what; a second press takes it back."""
    found(request, values["name"])
    pairing = not values["pairing"]
    panel = studio.portraits
    if pairing:
        gr.Info(NOW_ANOTHER, title="Compare", duration=4)
    return {panel.pairing: pairing, panel.compare: gr.Button(COMPARING if pairing else COMPARE)}


def recall(studio: Studio, request: gr.Request, values: Values) -> Iterator[Updates]:
    """All settings of the chosen portrait, and the portrait itself on the easel."""
    one = found(request, values["name"])
    title = hanging.title(one, handlers.names(request.session_hash))
    yield from _recalled(studio, request, values, one.path, one.known, title)


def _recalled(
    studio: Studio,
    request: gr.Request,
    values: Values,
    path: Path,
    known: dict[str, Any],
    title: str,
) -> Iterator[Updates]:
    try:
        updates, notes, paintable = recalling.portrait_settings(
            studio, known, values, request.session_hash
        )
        if busy(request):
            gr.Info(RECALLED_BUSY.format(title=title), duration=5)
            yield updates
            return
        recalled = RECALLED if paintable else RECALLED_PART
        words = " ".join([recalled.format(title=title), *notes])
        with tempfile.TemporaryDirectory(prefix="smart-") as folder:
            shown = recalling.portrait_at_the_easel(studio, path, title, words, Path(folder))
            if not paintable:
                shown[studio.go_on] = gr.Button(visible=False)
            yield updates | shown
    except ValueError as error:
        raise gr.Error(str(error), title="Recall", print_exception=False) from error


def recall_file(studio: Studio, request: gr.Request, values: Values) -> Iterator[Updates]:
    """Settings from a picture that was given: a portrait, or a face with who sits alone."""
    if not values["given"]:
        return
    path = Path(values["given"])
    try:
        known = images.read_provenance(path)
        if isinstance(known.get("faces"), dict):
            who = provenance.sitter_in(path)
            words = SITTER_RECALLED.format(sitter=sitter_caption(who))
            yield _with_sitter(studio, request, values, who, words)
            return
        picture = images.open_image(path)
    except ValueError as error:
        raise gr.Error(str(error), title="Settings", print_exception=False) from error
    hung = Hung(path.name, path, 0.0, picture.size, known, b"")
    title = hanging.title(hung, handlers.names(request.session_hash))
    for updates in _recalled(studio, request, values, path, known, title):
        yield {**updates, studio.portraits.given: None}


def _with_sitter(
    studio: Studio, request: gr.Request, values: Values, who: Any, words: str
) -> Updates:
    updates = recalling.seat(studio, who, values) | {studio.portraits.given: None}
    if busy(request):
        return updates
    return updates | recalling.sitter_at_the_easel(studio, who, words)


def vary(studio: Studio, request: gr.Request, values: Values) -> Updates:
    """The settings of something near the chosen portrait; painting it comes right after."""
    painting.alone(request)
    one = found(request, values["name"])
    here = own_painters.catalogue(request.session_hash)
    if gone := settings.not_here(one.known, here):
        words = CANNOT_VARY.format(painter=" and ".join(gone))
        raise gr.Error(words, title="Vary", print_exception=False)
    try:
        near = recalling.varied(settings.of_portrait(one.known, "The portrait", here)[0])
    except ValueError as error:
        raise gr.Error(str(error), title="Vary", print_exception=False) from error
    title = hanging.title(one, handlers.names(request.session_hash))
    return recalling.controls(studio, near, values, request.session_hash) | {
        studio.status: handlers.status(NEAR.format(title=title))
    }


def delete(studio: Studio, request: gr.Request, values: Values) -> Updates:
    """The first press asks, the second one deletes for good."""
    panel, name = studio.portraits, values["name"]
    found(request, name)
    if values["sure"] != name:
        return {panel.delete: gr.Button(SURE, variant="stop"), panel.sure: name}
    here = hanging.wall_of(request)
    try:
        here.take_down(name)
    except ValueError as error:
        raise gr.Error(str(error), title="The wall", print_exception=False) from error
    return hanging.show(panel, request, len(values["names"] or []) or hanging.FIRST) | {
        **hanging.unmarked(panel),
        panel.delete: gr.Button(DELETE, variant="secondary"),
    }


def download(request: gr.Request, name: str | None) -> Iterator[str]:
    """The file of the chosen portrait; the page takes its own copy."""
    one = found(request, name)
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        path = Path(folder) / one.name
        try:
            shutil.copyfile(one.path, path)
        except OSError as error:
            raise gr.Error(f"{one.name} cannot be read ({error.strerror}).") from error
        yield str(path)


def download_all(request: gr.Request) -> Iterator[str]:
    """All portraits as a zip; the page takes its own copy."""
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        path = Path(folder) / "portraits.zip"
        try:
            hanging.wall_of(request).write_zip(path)
        except ValueError as error:
            raise gr.Error(str(error), title="The wall", print_exception=False) from error
        yield str(path)


def show_more(studio: Studio, request: gr.Request, values: Values) -> Updates:
    """Older portraits, too."""
    count = len(values["names"] or []) + hanging.FURTHER
    return hanging.show(studio.portraits, request, count)


def link(studio: Studio, values: Values) -> str:
    """The controls as the query of a link."""
    made = painting.settings_of(studio, values)
    try:
        query = settings.to_query(made)
    except ValueError as error:
        raise gr.Error(str(error), title="Link", print_exception=False) from error
    if values["use_photo"]:
        gr.Info(LINK_PHOTOGRAPH, title="Link", duration=6)
    return query


def open_link(studio: Studio, request: gr.Request, values: Values) -> Updates:
    """The settings in the address of the page, where there are any."""
    try:
        came: Settings | None = settings.from_query(dict(request.query_params or {}))
        if came is None:
            return {studio.status: gr.skip()}
        updates = recalling.controls(studio, came, values, request.session_hash)
    except (ValueError, gr.Error) as error:
        reason = str(getattr(error, "message", error)).rstrip(".")
        words = settings.BROKEN.format(reason=reason)
        gr.Warning(words, title="Link", duration=10)
        return {studio.status: handlers.status(words)}
    if came.sampling is None:
        return updates
    painter = own_painters.catalogue(request.session_hash).name_of(came.painter)
    words = BY_LINK.format(sitter=sitter_caption(came.sampling), painter=painter)
    return updates | recalling.sitter_at_the_easel(studio, came.sampling, words)
