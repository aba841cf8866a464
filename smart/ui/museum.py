"""Sorting in the School tab: groups to pick from, then all images ranked by the picked ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from smart import sorting, weights
from smart.gan.dataset import FACE
from smart.ui import teaching
from smart.ui.handlers import status
from smart.ui.jobs import Job

GROUPS, TYPICAL, SIDE = 12, 8, 24  # groups shown, images of each, images on each side of a cut
_museums: dict[tuple[str, str], sorting.Museum] = {}


def groups(path: str, files: list[str] | None, name: str, crop: str) -> Iterator[list[Any]]:
    """Look at all images and show typical ones of each group, to pick from."""
    teaching.refuse_strangers()
    try:
        source = teaching.source_of(path, files, name.strip() or "images")
        if crop == FACE:  # they are not looked for before it is known which works are kept
            crop = "center"
        job = Job(lambda report: sorting.open_museum(source, crop, report), "sorting")
        for progress in job.watch(0.5):
            yield [*[gr.skip()] * 3, status(*teaching.counted(progress)), gr.skip()]
        museum = job.result()
    except (ValueError, OSError) as error:
        raise gr.Error(str(error), title="Sorting", print_exception=False) from error
    _museums.clear()  # one at a time: its descriptions can take 100 MB
    _museums[str(source), crop] = museum
    found = museum.groups(min(GROUPS, len(museum)))
    shown = [index for group in found for index in group[:TYPICAL]]
    picked = {"source": str(source), "crop": crop, "shown": shown, "like": [], "unlike": []}
    words = f"{len(museum):,} images in {len(found)} groups. Click the ones you want more of."
    yield [_tiles(museum, picked), picked, gr.Slider(maximum=len(museum), value=len(museum) // 5),
           status(words), ""]  # fmt: skip


def _tiles(museum: sorting.Museum, picked: dict[str, Any], cut: int | None = None) -> gr.Gallery:
    marks = {**dict.fromkeys(picked["unlike"], "fewer"), **dict.fromkeys(picked["like"], "more")}
    tiles = []
    for place, index in enumerate(picked["shown"]):
        side = "" if cut is None else ("kept" if place < cut else "left out")
        tiles.append((museum.thumbnail(index), marks.get(index, side)))
    return gr.Gallery(tiles, selected_index=None, visible=True)


def pick(picked: dict[str, Any], meaning: str, event: gr.SelectData) -> list[Any]:
    """A click on an image: more, or fewer, like it; a second click takes it back."""
    museum = _museum(picked)
    index = picked["shown"][int(event.index)]
    changed = {key: [one for one in picked[key] if one != index] for key in ("like", "unlike")}
    if index not in picked[meaning]:
        changed[meaning].append(index)
    picked = picked | changed
    more, fewer = len(picked["like"]), len(picked["unlike"])
    words = (
        f"{more} you want more of, {fewer} you want fewer of. Ten are enough; then Sort and keep."
    )
    return [_tiles(museum, picked, picked.get("cut")), picked, status(words)]


def _museum(picked: dict[str, Any]) -> sorting.Museum:
    teaching.refuse_strangers()
    try:
        return _museums[picked["source"], picked["crop"]]
    except KeyError as error:
        raise gr.Error("Press Show groups first.", print_exception=False) from error


def _place(source: Path, best: list[int]) -> Path:
    """Where a selection lies: not among the images, and each in a file of its own, as a training
    that was begun with it needs it again.
    """
    what = hashlib.sha256(repr((str(source.resolve()), sorted(best))).encode()).hexdigest()[:8]
    folder = weights.runs_folder().resolve() / ".selections"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{source.stem or 'images'}-{what}.json"


def sort(picked: dict[str, Any], count: float) -> list[Any]:
    """Rank all images by the picked ones; show the best, and both sides of the cut."""
    museum = _museum(picked)
    try:
        scores = museum.rank(picked["like"], picked["unlike"])
        best = sorting.keep_best(scores, int(count))
        kept, left = sorting.around(scores, int(count), SIDE)
        about = {key: [museum.images.names[i] for i in picked[key]] for key in ("like", "unlike")}
        source = Path(picked["source"])
        saved = sorting.save(
            museum, best, source, {**about, "crop": picked["crop"]}, _place(source, best)
        )
    except (ValueError, OSError) as error:
        raise gr.Error(str(error), title="Sorting", print_exception=False) from error
    shown = [*best[:SIDE], *(one for one in kept if one not in best[:SIDE])]
    picked = picked | {"shown": [*shown, *left], "cut": len(shown)}
    words = f"Keeps {len(best):,}: the best, the last kept, and the first left out are shown."
    return [_tiles(museum, picked, len(shown)), picked, str(saved), status(words)]
