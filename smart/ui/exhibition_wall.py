"""An exhibition on the page: its portraits as files, and the wall of them as HTML."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from smart import exhibition as exhibitions
from smart import images
from smart.exhibition import REFINING, Exhibition, Place
from smart.pipeline import Portrait
from smart.progress import Progress

SMALL = 400  # px; what hangs on the page, sharp on a phone's screen, too
QUALITY = 84  # of pictures in the text of the page
GROWING = 256  # px; the one that is being refined, sent with the page's text
SKETCH, FINER, STOPPED = "a sketch", "refined", "refined as far as it came"


@dataclass
class Hung:
    """An exhibition as files: the page serves them, and forgets them after a while."""

    shown: Exhibition
    folder: Path
    made: set[str]  # all files, so that the page can take them away after a while
    files: dict[Place, Path] = field(default_factory=dict)
    small: dict[Any, Path] = field(default_factory=dict)  # by place; a sitter's by its row
    known: dict[Place, Portrait] = field(default_factory=dict)  # what files hold, while it is hung
    stages: dict[Place, str] = field(default_factory=dict)  # how far each portrait is
    painters: list[tuple[str, str]] = field(init=False)  # as exhibitions.painter_words
    sitters: list[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.painters = [exhibitions.painter_words(one) for one in self.shown.choices]
        self.sitters = [exhibitions.sitter_words(one) for one in self.shown.samplings]

    def words(self, place: Place) -> str:
        """Who was painted by whom."""
        row, column = place
        return f"{self.sitters[row][0]} after {self.painters[column][0]}"


def collect(hung: Hung) -> None:
    """What was painted since the last look becomes files that the page can show."""
    for row, face in list(hung.shown.faces.items()):
        if row not in hung.small:
            hung.small[row] = _keep(hung, face, hung.folder / f"{row + 1}-sitter.jpg")
    for place, portrait in list(hung.shown.cells.items()):
        if hung.known.get(place) is portrait:
            continue
        stage = "refined" if exhibitions.refined(portrait) else "sketch"
        name = exhibitions.file_name(hung.shown, place)
        # Another stage is another file: what is fetched at the moment stays whole.
        path = hung.folder / stage / name
        path.parent.mkdir(exist_ok=True)
        portrait.save(path)
        hung.made.add(str(path))
        small = images.shrunk(portrait.image, SMALL)
        hung.small[place] = _keep(hung, small, path.with_suffix(".jpg"))
        hung.files[place], hung.known[place] = path, portrait
        hung.stages[place] = _stage(portrait)


def _keep(hung: Hung, picture: Image.Image, path: Path) -> Path:
    picture.save(path, "JPEG", quality=90)
    hung.made.add(str(path))
    return path


def wall(hung: Hung, progress: Progress | None = None) -> str:
    """The wall as it stands: a table of pictures, places still empty keep their room."""
    heads = [
        f'<th scope="col">{html.escape(name)}<i>{html.escape(works)}</i></th>'
        for name, works in hung.painters
    ]
    rows = []
    for row, (name, differs) in enumerate(hung.sitters):
        face = '<span class="place"></span>'
        if row in hung.small:
            face = f'<img src="{_address(hung.small[row])}" alt="">'
        head = f'<th scope="row">{face}<b>{html.escape(name)}</b><i>{html.escape(differs)}</i></th>'
        cells = [_cell(hung, (row, column), progress) for column in range(len(heads))]
        rows.append(f"<tr>{head}{''.join(cells)}</tr>")
    return (
        '<div class="wall-frame" tabindex="0" role="region" aria-label="The exhibition">'
        f'<table class="wall" style="--columns:{len(heads)}">'
        f"<thead><tr><td></td>{''.join(heads)}</tr></thead><tbody>{''.join(rows)}</tbody>"
        "</table></div>"
    )


def _cell(hung: Hung, place: Place, progress: Progress | None) -> str:
    here = progress is not None and hung.shown.now == place
    now = ' class="now"' if here else ""
    if place not in hung.small:
        return f'<td{now}><span class="place"></span></td>'
    address = _address(hung.small[place])
    if here and progress is not None and progress.stage == REFINING:
        preview = progress.preview
        if preview is not None:
            small = images.shrunk(images.to_pil(preview), GROWING)
            address = images.data_uri(small, quality=QUALITY)
    words = html.escape(f"{hung.words(place)}, {hung.stages[place]}")
    return (
        f'<td{now}><button type="button" data-row="{place[0]}" data-column="{place[1]}">'
        f'<img src="{address}" alt="{words}"></button></td>'
    )


def _stage(portrait: Portrait) -> str:
    if not exhibitions.refined(portrait):
        return SKETCH
    return STOPPED if portrait.stopped else FINER


def _address(path: Path) -> str:
    """Where the page finds a file of its own, whatever stands before its address."""
    return html.escape(f"gradio_api/file={path}")
