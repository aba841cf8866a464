"""A photograph and its likeness: the frame around the face, and the search for the sitter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr
from PIL import Image, ImageDraw

from smart import images
from smart import likeness as likenesses
from smart.gan.face_frame import Frame
from smart.progress import Cancelled
from smart.ui import photographs
from smart.ui.handlers import status
from smart.ui.jobs import Job, workshop
from smart.ui.painting import easel_at_work, left_the_line
from smart.ui.seating import keep_button
from smart.ui.sitting import EASEL, SITTERS, base_of, controls_of, desk, face, gallery

if TYPE_CHECKING:
    from smart.ui.panels import Studio

GUIDE = 420  # px, the longer side
EYES, OVAL = 0.47, (0.27, 0.18, 0.73, 0.87)  # of the frame's side, as sitters have them
SET = "<p>Set the frame: eyes on the line, chin at the foot of the oval. Then press Search.</p>"
NO_FACE = f"<p><b>No face was found by itself.</b></p>{SET}"


def propose(picture: str | None) -> list[Any]:
    """The frame around the face that was found, to be corrected: guide, sliders and their panel."""
    photo = photographs.opened(picture)
    try:
        frame = workshop.quick(lambda: likenesses.frame_of(photo))
    except ValueError as error:
        raise gr.Error(str(error), title="Photograph", print_exception=False) from error
    words = SET if frame.found else NO_FACE
    if not frame.found:
        side = 0.8 * min(photo.size)
        frame = Frame((photo.width - side) / 2, (photo.height - side) / 2, side)
    x = 100 * (frame.left + frame.side / 2) / photo.width
    y = 100 * (frame.top + frame.side / 2) / photo.height
    size = 100 * frame.side / min(photo.size)
    x, y, size = (round(2 * value) / 2 for value in (x, y, size))
    return [
        gr.Column(visible=True), _guide(photo, x, y, size),
        *(gr.Slider(value=min(max(v, low), high))
          for v, low, high in ((x, 0, 100), (y, 0, 100), (size, 10, 200))),
        words,
    ]  # fmt: skip


def frame_from(photo: Image.Image, x: float, y: float, size: float) -> Frame:
    """The square with its middle at x, y (per cent) and a side of size per cent of the shorter."""
    side = max(16.0, size / 100 * min(photo.size))
    return Frame(x / 100 * photo.width - side / 2, y / 100 * photo.height - side / 2, side)


def guide(picture: str | None, x: float, y: float, size: float) -> Image.Image:
    """The photograph, dark outside the frame, with an oval and a line where face and eyes go."""
    return _guide(photographs.opened(picture), x, y, size)


def _guide(photo: Image.Image, x: float, y: float, size: float) -> Image.Image:
    photo = images.shrunk(photo, GUIDE)
    frame = frame_from(photo, x, y, size)
    left, top, side = frame.left, frame.top, frame.side
    square = (left, top, left + side, top + side)
    bright = Image.new("L", photo.size, 90)
    ImageDraw.Draw(bright).rectangle(square, fill=255)
    shown = Image.composite(photo, Image.new("RGB", photo.size, "#181612"), bright)
    draw = ImageDraw.Draw(shown)
    draw.rectangle(square, outline="#fbf8f2", width=2)
    oval = [(left, top)[i % 2] + side * share for i, share in enumerate(OVAL)]
    draw.ellipse(oval, outline="#dd7153", width=3)
    eyes = top + EYES * side
    draw.line((left + 0.2 * side, eyes, left + 0.8 * side, eyes), fill="#dd7153", width=3)
    return shown


def search(studio: Studio, request: gr.Request, values: dict[str, Any]) -> Iterator[dict[Any, Any]]:
    """Find the sitter; on the easel one sees who it is so far, and Stop keeps that one."""
    photo = photographs.opened(values["camera"])
    frame = frame_from(photo, values["frame_x"], values["frame_y"], values["frame_side"])
    session = request.session_hash or ""
    job: Job[likenesses.Found] = Job(
        lambda report: likenesses.find(photo, frame, report), "likeness"
    )
    desk.put(session, job)
    try:
        shown = images.shrunk(photo, EASEL)
        yield from easel_at_work(studio, job, shown, "Looking for the nearest sitter.")
        found = job.result()
    except ValueError as error:
        raise gr.Error(str(error), title="Likeness", print_exception=False) from error
    except Cancelled:
        yield left_the_line(studio)
        return
    finally:
        desk.remove(session, job)
    who = found.options.to_dict()
    kept = [*(values["kept"] or [])[: SITTERS - 2], who]
    tiles = [one for one in values["tiles"] or [] if one not in kept]
    tiles = [*kept, *tiles][:SITTERS]
    place = tiles.index(who)
    yield {
        studio.easel: gr.Image(face(found.options, EASEL), visible=True),
        studio.status: status(found.words),
        studio.paint: gr.Button(visible=True),
        studio.stop: gr.Button(visible=False),
        studio.kept: kept,
        studio.keep: keep_button(kept, who),
        studio.seated: who,
        studio.tiles: tiles,
        studio.sitters: gallery(tiles, kept, place),
        studio.chosen: base_of(found.options),
        studio.use_photo: False,
        studio.framing: gr.Column(visible=False),
        **dict(zip(studio.controls(), controls_of(found.options), strict=True)),
    }
