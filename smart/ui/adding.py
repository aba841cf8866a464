"""A painter is added: the pictures, their titles, a sketch before it is saved, and saving."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from smart import new_style, pipeline, styles
from smart.new_style import Limits, NewStyle, NewWork
from smart.options import PaintingOptions, SamplingOptions
from smart.ui import handlers, home, own_painters, painter_details
from smart.ui.handlers import status
from smart.ui.jobs import workshop
from smart.ui.sitting import EASEL, FIRST_SEED, face

LICENCES = ("public domain", "CC0", "CC BY 4.0", "CC BY-SA 4.0", "my own work")
SKETCH = Limits(works=4, longest=512)  # what the sketch looks at: it is to come at once
SKETCH_SIZE = 320  # px
MOST = 1000  # pictures and rows that are looked at, whoever sends them
GIVE = "Give a picture, and you see here what it makes of a sitter."
SKETCHED = "A sketch. The Studio paints it better, and larger."
SKETCHED_FIRST = "A sketch after the first four. The Studio looks at all of them."
SAVED = "{name} is here now, in the Studio, too."
PICTURES = "Pictures"

Pictures = list[tuple[str, str | None]] | None  # files in the page's own upload folder
Table = list[list[Any]] | None


def _paths(pictures: Pictures) -> list[Path]:
    return [Path(path) for path, _ in (pictures or [])[:MOST]]


def _told(paths: Sequence[Path], table: Table) -> list[tuple[str, str]]:
    """Title and year of each picture: a row is that of the first one so named that has none."""
    given = (table or [])[:MOST]
    rows = [[new_style.cleaned(cell) for cell in row[:3]] for row in given if len(row) >= 3]
    told = []
    for path in paths:
        row = next((row for row in rows if row[0] == path.name), None)
        if row is not None:
            rows.remove(row)
        told.append((row[1], row[2]) if row else ("", ""))
    return told


def given(pictures: Pictures, table: Table) -> list[Any]:
    """The names of the files under the pictures, and a row for each of them.

    What was typed about those that were there before stays.
    """
    paths = _paths(pictures)
    rows = [
        [path.name, title or new_style.title_of(path), year]
        for path, (title, year) in zip(paths, _told(paths, table), strict=True)
    ][: own_painters.HOME.works]
    shown = gr.skip()
    if any(caption != Path(path).name for path, caption in pictures or []):
        shown = [(str(path), path.name) for path in paths]
    return [shown, gr.Dataframe(rows, visible=bool(rows)), _marks(paths)]


def _marks(paths: Sequence[Path]) -> list[Any]:
    """What tells these pictures from others."""
    return [[path.name, path.stat().st_size if path.is_file() else 0] for path in paths]


def sketch(pictures: Pictures, current: list[Any], seen: list[Any]) -> list[Any]:
    """A sitter sketched after the pictures, before anything is saved.

    Not after those that were sketched already (seen), nor where others have come meanwhile, or
    where they were saved: current are the marks of those that lie in the form.
    """
    paths = _paths(pictures)
    now = _marks(paths)
    if now == seen or now != current:
        return [gr.skip()] * 3
    if not paths:
        return [gr.Image(None, visible=False), status(GIVE), []]
    try:
        picture = _sketched(tuple(NewWork(path) for path in paths[: SKETCH.works]))
    except (ValueError, OSError) as error:
        raise gr.Error(str(error), title=PICTURES, print_exception=False) from error
    words = SKETCHED_FIRST if len(paths) > SKETCH.works else SKETCHED
    return [gr.Image(picture, visible=True), status(words), now]


def _sketched(works: tuple[NewWork, ...]) -> Image.Image:
    with tempfile.TemporaryDirectory(prefix="smart-") as folder:
        home = Path(folder) / "new"
        home.mkdir()
        new_style.write(NewStyle("New", works), home, SKETCH)
        choice = styles.scan(Path(folder)).choose("new")
        painting = PaintingOptions(size=SKETCH_SIZE, engine="feed-forward")
        sitter = face(SamplingOptions(seed=FIRST_SEED), EASEL)  # who is drawn already
        return workshop.quick(lambda: pipeline.paint_photo(sitter, (choice,), painting)).image


def save(
    request: gr.Request,
    pictures: Pictures,
    table: Table,
    name: str,
    artist: str,
    year: str,
    licence: str | None,
    source: str,
    *around: Any,
) -> list[Any]:
    """Into styles/, or for a visitor into the session; then the form is empty again.

    around: what is searched for, and the Studio's painter and second painter. Returns the session
    if it has painters to be removed when it ends, the form, the tab and the Studio's painters.
    """
    text, chosen, second = (str(one or "") for one in around)
    session = request.session_hash
    paths = _paths(pictures)
    told = zip(paths, _told(paths, table), strict=True)
    works = tuple(NewWork(path, *about) for path, about in told)
    name = new_style.cleaned(name) or new_style.cleaned(artist)
    new = NewStyle(name, works, artist, year, licence or "", source)
    try:
        folder, limits = own_painters.place(session)
        slug = new_style.save(new, folder, own_painters.catalogue(session), limits)
    except (ValueError, OSError) as error:
        raise gr.Error(str(error), title="New painter", print_exception=False) from error
    return [
        "" if home.own_machine() else session,
        gr.Gallery(None), gr.Dataframe(None, visible=False), "", "", "", None, "", [], [],
        gr.Image(None, visible=False), status(SAVED.format(name=name)),
        *painter_details.wall(session, text, slug), *painter_details.details(session, slug),
        *handlers.painter_wall(session, chosen, second),
    ]  # fmt: skip
