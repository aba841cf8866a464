"""An exhibition on one sheet, as a printed catalogue would have it: names, faces, portraits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from smart import images
from smart.exhibition import (
    Exhibition,
    Place,
    painter_words,
    refined,
    sitter_words,
    told,
)

PAPER, INK, SOFT, LINE = "#fbf8f2", "#211e19", "#6b6154", "#d5cab7"
VERMILION = "#b3412a"
LARGEST_CELL = 512  # px
LARGEST_SIDE = 4096  # px, of all cells together
FONTS = Path(__file__).parent / "ui" / "assets"
SERIF, ITALIC = "fraunces-latin-wght-normal.woff2", "fraunces-latin-wght-italic.woff2"
SANS = "instrument-sans-latin-wght-normal.woff2"
TITLE = "Faces that nobody has"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=64)
def _font(file: str, weight: int, size: int) -> Font:
    """A font of the page; Pillow's own where it was built without what reads it."""
    try:
        font = ImageFont.truetype(FONTS / file, size)
        font.set_variation_by_axes([weight])
    except (OSError, NotImplementedError):
        return ImageFont.load_default(size)
    return font


class _Sheet:
    """The measures of a sheet, all in shares of a cell, and the pen."""

    def __init__(self, exhibition: Exhibition) -> None:
        self.exhibition = exhibition
        rows, columns = len(exhibition.samplings), len(exhibition.choices)
        most = LARGEST_SIDE // max(rows, columns)
        self.cell = min(exhibition.painting.size, LARGEST_CELL, most)
        self.cell = max(self.cell, 192)  # below, no name can be read
        self.gap = round(self.cell * 0.07)
        self.margin = round(self.cell * 0.24)
        self.side = round(self.cell * 0.52)  # the column of the sitters
        self.head = round(self.cell * 0.66)  # title, and the painters' names
        self.foot = round(self.cell * 0.12)
        width = 2 * self.margin + self.side + columns * (self.cell + self.gap)
        height = self.head + rows * (self.cell + self.gap) - self.gap + self.foot + self.margin
        self.picture = Image.new("RGB", (width, self.margin // 2 + height), PAPER)
        self.pen = ImageDraw.Draw(self.picture)

    def size(self, share: float) -> int:
        return max(9, round(self.cell * share))

    def corner(self, place: Place) -> tuple[int, int]:
        """Left and top of a place."""
        row, column = place
        left = self.margin + self.side + self.gap + column * (self.cell + self.gap)
        return left, self.margin // 2 + self.head + row * (self.cell + self.gap)

    def write(
        self, at: tuple[float, float], text: str, font: Font, fill: str = INK, width: int = 0
    ) -> float:
        """One line of text from its left end on the base line, cut where it is too wide."""
        if width and font.getlength(text) > width:
            while text and font.getlength(f"{text.rstrip()} …") > width:
                text = text[:-1]
            text = f"{text.rstrip()} …"
        self.pen.text(at, text, font=font, fill=fill, anchor="ls")
        return font.getlength(text)


def draw(
    exhibition: Exhibition, pictures: Mapping[Place, Image.Image] | None = None
) -> Image.Image:
    """The sheet: painters along the top, sitters down the side, what hangs by now between them.

    pictures are those that hang, where they are no longer in exhibition.cells. Places where
    nothing hangs are left as outlines.
    """
    if pictures is None:
        pictures = {place: portrait.image for place, portrait in exhibition.cells.items()}
    sheet = _Sheet(exhibition)
    _title(sheet)
    _painters(sheet)
    _sitters(sheet)
    for place in exhibition.places:
        left, top = sheet.corner(place)
        if place in pictures:
            picture = pictures[place]
            if picture.size != (sheet.cell, sheet.cell):
                picture = images.square(picture, sheet.cell)
            sheet.picture.paste(picture, (left, top))
        else:
            edge = sheet.cell - 1
            sheet.pen.rectangle((left, top, left + edge, top + edge), outline=LINE, width=2)
    _foot(sheet)
    return sheet.picture


def save(
    exhibition: Exhibition,
    target: Path,
    pictures: Mapping[Place, Image.Image] | None = None,
) -> Path:
    """Write the sheet as a PNG with the provenance of every portrait on it. Raises ValueError."""
    return images.save_png(draw(exhibition, pictures), target, told(exhibition))


def _title(sheet: _Sheet) -> None:
    base = sheet.margin // 2 + sheet.size(0.22)
    x = float(sheet.margin)
    font = _font(SERIF, 600, sheet.size(0.17))
    x += sheet.write((x, base), "SMART", font)
    x += sheet.write((x, base), ".", font, VERMILION) + sheet.size(0.08)
    font = _font(ITALIC, 400, sheet.size(0.105))
    if x + font.getlength(TITLE) <= sheet.picture.width - sheet.margin:
        sheet.write((x, base), TITLE, font, SOFT)
    y = base + sheet.size(0.08)
    sheet.pen.line((sheet.margin, y, sheet.picture.width - sheet.margin, y), LINE, 2)


def _painters(sheet: _Sheet) -> None:
    for column, choice in enumerate(sheet.exhibition.choices):
        name, works = painter_words(choice)
        left, top = sheet.corner((0, column))
        base = top - sheet.size(0.16 if works else 0.07)
        sheet.write((left, base), name, _font(SERIF, 500, sheet.size(0.092)), INK, sheet.cell)
        if works:
            at = (left, top - sheet.size(0.06))
            sheet.write(at, works, _font(ITALIC, 400, sheet.size(0.068)), SOFT, sheet.cell)


def _sitters(sheet: _Sheet) -> None:
    for row, sampling in enumerate(sheet.exhibition.samplings):
        _, top = sheet.corner((row, 0))
        face = sheet.exhibition.faces.get(row)
        if face is not None:
            face = face.resize((sheet.side, sheet.side), Image.Resampling.LANCZOS)
            sheet.picture.paste(face, (sheet.margin, top))
        else:
            edge = sheet.side - 1
            box = (sheet.margin, top, sheet.margin + edge, top + edge)
            sheet.pen.rectangle(box, outline=LINE, width=2)
        name, differs = sitter_words(sampling)
        base = top + sheet.side + sheet.size(0.11)
        font = _font(SERIF, 500, sheet.size(0.082))
        sheet.write((sheet.margin, base), name, font, INK, sheet.side)
        if differs:
            at = (sheet.margin, base + sheet.size(0.09))
            sheet.write(at, differs, _font(ITALIC, 400, sheet.size(0.062)), SOFT, sheet.side)


def _foot(sheet: _Sheet) -> None:
    """How it was made, in small print; the last sentence where there is room for it."""
    cells = sheet.exhibition.cells.values()
    finer = sum(refined(portrait) for portrait in cells)
    many = "1 portrait" if len(cells) == 1 else f"{len(cells)} portraits"
    how = "sketched in one pass"
    if finer:
        how = "refined step by step" if finer == len(cells) else f"{how}, {finer} of them refined"
    font = _font(SANS, 400, sheet.size(0.058))
    width = sheet.picture.width - 2 * sheet.margin
    words = f"{many}, {how}."
    more = f"{words} Everything to make them again is in this file."
    at = (sheet.margin, math.floor(sheet.picture.height - sheet.margin * 0.62))
    sheet.write(at, more if font.getlength(more) <= width else words, font, SOFT, width)
