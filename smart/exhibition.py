"""Several sitters by several painters: an exhibition that is hung portrait by portrait.

All are sketched first, row by row, so that the whole wall can be seen soon; then, where that is
wanted, one after the other is refined. What hangs is kept whenever it is stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from smart import archive, images, pipeline, provenance, styles
from smart.archive import MOST_BYTES
from smart.options import PaintingOptions, SamplingOptions
from smart.pipeline import Portrait
from smart.progress import Cancelled, OnProgress, Progress, ignore
from smart.styles import Choice

MOST = 8  # sitters, and painters
LARGEST = 1024  # px; 64 of them are 200 MB
THUMBNAIL = 256  # px; the sitter beside the row
SKETCHING, REFINING = "sketching", "refining"  # the stages of the work
_OF_THE_CELL = ("sitter", "styles")  # of a provenance: the rest is the same for many

Place = tuple[int, int]  # row (the sitter) and column (the painter), from 0


@dataclass
class Exhibition:
    """Sitters down the side, painters along the top, and the portraits that hang already.

    cells grows while it is hung, in the thread that hangs; faces are small pictures of the
    sitters by row, [THUMBNAIL, THUMBNAIL], as far as they were seen. now is the place that is
    being painted. painting.engine counts for nothing: sketches come first, refining is asked for
    in hang. Raises ValueError for too many or too few, the same one twice, and too large a size.
    """

    samplings: tuple[SamplingOptions, ...]
    choices: tuple[Choice, ...]
    painting: PaintingOptions = field(default_factory=PaintingOptions)
    cells: dict[Place, Portrait] = field(default_factory=dict)
    faces: dict[int, Image.Image] = field(default_factory=dict)
    now: Place | None = None

    def __post_init__(self) -> None:
        slugs = [choice.slug for choice in self.choices]
        for name, every in (("sitters", list(self.samplings)), ("painters", slugs)):
            if not 1 <= len(every) <= MOST:
                raise ValueError(
                    f"The exhibition has {len(every)} {name}; choose from 1 to {MOST} of them."
                )
        for slug in slugs:
            if slugs.count(slug) > 1:
                raise ValueError(f"The painter {slug} is chosen twice; choose each once.")
        for one in self.samplings:
            if self.samplings.count(one) > 1:
                raise ValueError(
                    f"The sitter of seed {one.seed} is chosen twice; choose each once."
                )
        if self.painting.size > LARGEST:
            raise ValueError(
                f"size is {self.painting.size}; in an exhibition it must be at most {LARGEST}."
            )

    @property
    def places(self) -> list[Place]:
        """All places in the order in which they are filled: row by row."""
        return [(r, c) for r in range(len(self.samplings)) for c in range(len(self.choices))]

    def hang(self, on_progress: OnProgress = ignore, refine: bool = False) -> bool:
        """Paint what does not hang yet, and if wanted refine it; True where it was stopped.

        Reports are of the stage SKETCHING and then REFINING, each with a step and a share of its
        own for each portrait; those of the second have previews of the one that is refined.
        Cancelled keeps what is there, a portrait that is being refined as it stands.
        """
        try:
            self._sketch(on_progress)
            if refine:
                self._refine(on_progress)
        except Cancelled:
            return True
        finally:
            self.now = None
        return False

    def _sketch(self, on_progress: OnProgress) -> None:
        painting = self.painting.replace(engine="feed-forward")
        missing = [place for place in self.places if place not in self.cells]
        for index, place in enumerate(missing):
            self.now = place
            row, column = place
            on_progress(Progress(index + 1, len(missing), SKETCHING, fraction=index / len(missing)))
            sampling = self.samplings[row]
            if row not in self.faces:
                face = images.to_pil(pipeline.drawn(sampling))
                self.faces[row] = face.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
            self.cells[place] = pipeline.paint_seed(sampling, (self.choices[column],), painting)
        self.now = None
        if missing:
            on_progress(Progress(len(missing), len(missing), SKETCHING, fraction=1.0))

    def _refine(self, on_progress: OnProgress) -> None:
        waiting = [place for place in self.places if not refined(self.cells[place])]
        for index, place in enumerate(waiting):
            self.now = place
            sketch = self.cells[place]
            # A preview with the first report: none of the portrait before is shown in this place.
            begin = Progress(
                index + 1, len(waiting), REFINING, preview=images.to_tensor(sketch.image),
                fraction=index / len(waiting),
            )  # fmt: skip
            on_progress(begin)

            def report(progress: Progress, index: int = index) -> None:
                share = progress.step / max(1, progress.total)
                share = share if progress.fraction is None else progress.fraction
                fraction = (index + share) / len(waiting)
                on_progress(
                    Progress(
                        index + 1, len(waiting), REFINING, progress.loss, progress.preview, fraction
                    )
                )

            made = pipeline.go_on(sketch, report)
            if not made.stopped or made.provenance["stopped_after"] > 0:
                self.cells[place] = made
            if made.stopped:
                raise Cancelled


def refined(portrait: Portrait) -> bool:
    """Whether it is more than a sketch."""
    return bool(portrait.provenance["painting"]["engine"] == "optimization")


def sitter_words(sampling: SamplingOptions) -> tuple[str, str]:
    """What a sitter is called, and in what he or she differs from the one of that seed, if so."""
    if sampling.likeness:
        return "A likeness", "as asked for" if sampling.asked() else ""
    differs = []
    if sampling.relative:
        differs.append(f"relative {sampling.relative}")
    if sampling.features_from is not None or sampling.colors_from is not None:
        differs.append("mixed")
    if sampling.asked():
        differs.append("as asked for")
    return f"Sitter {sampling.seed}", ", ".join(differs)


def painter_words(choice: Choice) -> tuple[str, str]:
    """The painter's name, and the work or how many of them are painted after."""
    name = choice.name or choice.slug
    if len(choice.works) > 1:
        return name, f"{len(choice.works)} works"
    title = choice.works[0].title
    return name, "" if title == name else title


def file_name(exhibition: Exhibition, place: Place) -> str:
    """What the file of a portrait is called: "2-3-sitter-13-hokusai.png", counted from 1."""
    row, column = place
    sampling, choice = exhibition.samplings[row], exhibition.choices[column]
    who = "likeness" if sampling.likeness else f"sitter-{sampling.seed}"
    painter = styles.slugify(choice.slug)[:60]
    return f"{row + 1}-{column + 1}-{who}-{painter}.png"


def save_cells(exhibition: Exhibition, folder: Path) -> list[Path]:
    """Write each portrait that hangs as a PNG with its provenance; the folder is made.

    Raises ValueError where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"The folder {folder} cannot be made ({error.strerror}); choose another."
        ) from error
    return [
        exhibition.cells[place].save(folder / file_name(exhibition, place))
        for place in exhibition.places
        if place in exhibition.cells
    ]


def pack(files: Mapping[str, Path], target: Path) -> Path:
    """Write portraits by the names they shall have into a zip (see archive.pack).

    Raises ValueError for more files than an exhibition has places, for more than MOST_BYTES, and
    where it cannot be written.
    """
    if not 1 <= len(files) <= MOST**2:
        raise ValueError(f"There are {len(files)} pictures; an archive takes 1 to {MOST**2}.")
    try:
        size = sum(path.stat().st_size for path in files.values())
    except OSError as error:
        raise ValueError("A picture of the exhibition is gone; hang it again.") from error
    if size > MOST_BYTES:
        raise ValueError(
            f"The pictures have {size // 10**6} MB together; an archive takes at most "
            f"{MOST_BYTES // 10**6}, so choose a smaller size."
        )
    return archive.pack(files, target)


def told(exhibition: Exhibition) -> dict[str, Any]:
    """The provenance of all portraits that hang, with what they share written once.

    told_of gives each back. What would be too long for a picture's text, codes of likenesses and
    long lists of works, is told by its checksum.
    """
    common: list[dict[str, Any]] = []
    hung = []
    for (row, column), portrait in sorted(exhibition.cells.items()):
        made = {k: v for k, v in portrait.provenance.items() if k not in _OF_THE_CELL}
        if made not in common:
            common.append(made)
        hung.append({"row": row, "column": column, "made": common.index(made)})
    known: dict[str, Any] = {
        "sitters": [provenance.sitter_to_dict(one) for one in exhibition.samplings],
        "painters": provenance.painters_to_list(exhibition.choices),
        "made": common,
        "cells": hung,
    }
    if len(json.dumps(known, ensure_ascii=False)) > images.MAX_PROVENANCE - 100:
        for one in known["sitters"]:
            if "likeness" in one:
                one["likeness_sha256"] = _checksum(one.pop("likeness"))
        for painter in known["painters"]:
            painter["works_sha256"] = _checksum(painter.pop("works"))
    return {"exhibition": known}


def told_of(known: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """The provenance of one portrait out of what told gives. Raises KeyError where none hangs."""
    inside = known["exhibition"]
    for cell in inside["cells"]:
        if (cell["row"], cell["column"]) == place:
            sitter, painter = inside["sitters"][place[0]], inside["painters"][place[1]]
            return {**inside["made"][cell["made"]], "sitter": sitter, "styles": [painter]}
    raise KeyError(place)


def _checksum(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
