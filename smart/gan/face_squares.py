"""Squares around the face in each training image: head and shoulders, all laid alike.

A generator learns people from far fewer images when eyes and mouths lie in the same places
(Karras et al. 2018, "Progressive Growing of GANs", appendix C, do so for CelebA-HQ). Looking for a
face takes a good part of a second, so where it was is kept in the cache as the search goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from smart import images
from smart.gan.face_frame import Frame, crop
from smart.gan.sources import Entry
from smart.images import ImageError, atomic
from smart.reading import json_file

Find = Callable[[Image.Image], Frame]  # see smart.gan.face_frame.FaceFinder

# Of Frame.score. Painted faces have less than photographed ones (0.13 there): of 2,400 works
# looked at nearly all above this hold a face, and those below 0.06 none.
PAINTED = 0.08
MOST_ENLARGED = 1.5  # times; a blurred face teaches blur
WIDTH = 1.45  # of the square of a face: with the hair and the shoulders
LOWER = 0.10  # of the side of the face: shoulders say more than what is above the hair
_FILE, _VERSION, _MOST, _EVERY = "face-frames.json", 1, 50_000, 100
_MOST_BYTES = 50_000_000


class FaceSquares:
    """Cuts the square around the face out of images; what it found is kept in folder."""

    def __init__(self, find: Find, folder: Path) -> None:
        self.find, self.path = find, folder / _FILE
        self.known: dict[str, list[float]] = {}
        self.new = 0
        with contextlib.suppress(OSError, ValueError):
            read = json_file(self.path, _MOST_BYTES)
            if isinstance(read, dict):
                self.known = {key: row for key, row in read.items() if _is_frame(row)}

    def square(self, entry: Entry, resolution: int) -> Image.Image:
        """Head and shoulders, resolution px a side.

        Raises ImageError where no face is found, or one that is too small.
        """
        picture = entry.open()
        frame = self._frame(entry, picture)
        if frame.score < PAINTED:
            raise ImageError(f"{entry.name} holds no face that was found.")
        side = WIDTH * frame.side
        if side * MOST_ENLARGED < resolution:
            raise ImageError(f"{entry.name} holds a face of {frame.side:.0f} px, too few.")
        left = frame.left + (frame.side - side) / 2
        top = frame.top + (frame.side - side) / 2 + LOWER * frame.side
        cut = crop(images.to_tensor(picture), Frame(left, top, side), resolution)
        return images.to_pil(cut.clamp(0, 1))

    def keep(self) -> None:
        """Write what was found to the cache, if it can be."""
        rows = dict(list(self.known.items())[-_MOST:])
        with contextlib.suppress(ValueError, OSError):  # without a cache it only takes longer
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic(self.path) as temporary:
                temporary.write_text(json.dumps(rows), encoding="utf-8")
        self.new = 0

    def _frame(self, entry: Entry, picture: Image.Image) -> Frame:
        what = json.dumps([_VERSION, entry.name, entry.stamp])
        key = hashlib.sha256(what.encode()).hexdigest()[:24]
        if key not in self.known:
            try:
                found = self.find(picture)
            except ValueError as error:
                raise ImageError(f"{entry.name} is too small to look for a face in.") from error
            row = [found.left, found.top, found.side, found.score]
            self.known[key] = [round(value, 4) for value in row]
            self.new += 1
            if self.new >= _EVERY:
                self.keep()
        return Frame(*self.known[key])


def _is_frame(row: object) -> bool:
    return (
        isinstance(row, list)
        and len(row) == 4
        and all(isinstance(value, int | float) and abs(value) < 1e9 for value in row)
        and row[2] > 0
    )
