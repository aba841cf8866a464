"""Training images as one tensor: cropped, resized, without duplicates, kept in a small cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from smart import serving
from smart.gan.face_squares import FaceSquares, Find
from smart.gan.selection import read_selection
from smart.gan.sources import Entry, SourceError, entries
from smart.images import ImageError, atomic, sweep
from smart.progress import OnProgress, Progress, ignore
from smart.reading import json_file
from smart.threads import cores

FEWEST = 32  # images of which anything can be learnt
CROPS = {"center": 0.5, "top": 0.15}  # where the square lies in a standing image
FACE = "face"  # the crop that is looked for
_SAME = 6.0  # mean difference in grey levels (of 255) of duplicates at 16 px, at most,
_FAINT = 0.2  # and at most this part of the contrast: faint drawings differ by little
_VERSION = 3  # of what is cached
_BATCH = 256
_MOST_CACHED = 500_000_000  # bytes of what is told of half a million images


@dataclass(frozen=True)
class ImageSet:
    """pixels uint8 [N, 3, R, R] with the names of the images, in order.

    left_out holds (name, reason) of what could not be read, duplicates (name, name of the one
    that stays), digest stands for exactly these pixels.
    """

    pixels: Tensor
    names: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]
    digest: str


def load(
    source: str | Path | Sequence[str | Path],
    resolution: int,
    *,
    crop: str = "center",
    selection: Path | None = None,
    keep_duplicates: bool = False,
    cache: Path | None = None,
    on_progress: OnProgress = ignore,
    fewest: int = FEWEST,
    find_face: Find | None = None,
) -> ImageSet:
    """The images of a folder, a zip or a list of files, as squares of resolution px.

    crop says which square of an image that is none ("center", "top"), or "face": head and
    shoulders around the face that find_face (smart.likeness.face_in) finds, and no image without
    one. selection is a file that `sort` wrote, of which only what it keeps is taken. Duplicates,
    also mirrored, are left out unless they are to be kept. The pixels lie in the folder cache
    (default SMART_CACHE, or the user's), memory-mapped; a second load takes no time. Raises
    SourceError, also for fewer than fewest images or for images that are all the same; Cancelled
    leaves nothing half-written.
    """
    if crop not in CROPS and (crop != FACE or find_face is None):
        raise SourceError(f"crop is {crop!r}; it must be one of {', '.join((*CROPS, FACE))}.")
    found = entries(source)
    if selection is not None:
        kept = set(read_selection(selection).keep)
        found = [entry for entry in found if entry.name in kept]
        if not found:
            raise SourceError(f"{selection.name} keeps none of these images; sort them again.")
    folder = cache or cache_folder()
    key = _key(found, resolution, crop)
    cached = _from_cache(folder, key, resolution)
    if cached is None:
        faces = FaceSquares(find_face, folder) if crop == FACE and find_face else None
        cached = _read(found, resolution, crop, faces, folder, key, on_progress)
    pixels, names, left_out, doubles = cached
    if not keep_duplicates and doubles:
        drop = {name for name, _ in doubles}
        stays = [index for index, name in enumerate(names) if name not in drop]
        names, pixels = [names[index] for index in stays], pixels[stays]
    _refuse_too_few(names, left_out, doubles, fewest)
    if len(pixels) > 1 and bool((pixels == pixels[:1]).all()):
        raise SourceError("All the images are the same; there is nothing to learn from them.")
    digest = hashlib.sha256()
    for part in torch.split(pixels, 1024):
        digest.update(part.contiguous().numpy().data)
    return ImageSet(pixels, tuple(names), _pairs(left_out), _pairs(doubles), digest.hexdigest())


def cache_folder() -> Path:
    """SMART_CACHE, or smart/ in the user's cache folder."""
    if named := serving.current().cache:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smart"


def square(image: Image.Image, resolution: int, crop: str = "center") -> Image.Image:
    """The square of an image, resolution px a side."""
    place = (0.5, CROPS[crop])
    size = (resolution, resolution)
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS, centering=place)


_Cached = tuple[Tensor, list[str], list[list[str]], list[list[str]]]


def _pairs(rows: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((row[0], row[1]) for row in rows)


def _key(found: list[Entry], resolution: int, crop: str) -> str:
    """Names, sizes and times: what is read anew when any of it changes."""
    what = [_VERSION, resolution, crop, [(entry.name, entry.stamp) for entry in found]]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


def _from_cache(folder: Path, key: str, resolution: int) -> _Cached | None:
    """What was cached; None, so that it is made again, when it is not there or damaged."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, EOFError):
        about = json_file(folder / f"{key}.json", _MOST_CACHED)
        path = folder / f"{key}.npy"
        names = [str(name) for name in about["names"]]
        left_out, doubles = (_rows_of(about[part]) for part in ("left_out", "duplicates"))
        if path.stat().st_size != about["bytes"]:
            return None
        array = np.load(path, mmap_mode="c")
        if array.shape == (len(names), 3, resolution, resolution) and array.dtype == np.uint8:
            return torch.from_numpy(array), names, left_out, doubles
    return None


def _rows_of(value: Any) -> list[list[str]]:
    """Pairs of texts as the cache holds them. Raises ValueError or TypeError for anything else."""
    rows = [[str(first), str(second)] for first, second in value]
    if rows != value:
        raise ValueError("no pairs of texts")
    return rows


def _read(
    found: list[Entry],
    resolution: int,
    crop: str,
    faces: FaceSquares | None,
    folder: Path,
    key: str,
    on_progress: OnProgress,
) -> _Cached:
    def one(entry: Entry) -> np.ndarray[Any, Any] | str:
        try:
            if faces is not None:
                picture = faces.square(entry, resolution)
            else:
                picture = square(entry.open(), resolution, crop)
        except ImageError as error:
            return str(error)
        return np.asarray(picture).transpose(2, 0, 1)

    names, left_out, arrays = [], [], []
    # Pillow decodes without Python's lock; batches keep what waits small. A search for a face
    # uses all cores by itself, and takes long enough to be told of, and stopped, after each.
    workers, batch = (1, 1) if faces is not None else (cores(), _BATCH)
    stage = "looking for faces" if faces is not None else "reading images"
    on_progress(Progress(0, len(found), stage))
    try:
        with ThreadPoolExecutor(workers) as pool:
            for start in range(0, len(found), batch):
                part = found[start : start + batch]
                for entry, read in zip(part, pool.map(one, part), strict=True):
                    if isinstance(read, str):
                        left_out.append([entry.name, read])
                    else:
                        names.append(entry.name)
                        arrays.append(read)
                on_progress(Progress(min(start + batch, len(found)), len(found), stage))
    finally:
        if faces is not None:  # also when it is stopped: it takes long
            faces.keep()
    array = np.stack(arrays) if arrays else np.zeros((0, 3, resolution, resolution), np.uint8)
    pixels = torch.from_numpy(array)
    doubles = [[names[a], names[b]] for a, b in duplicates(pixels)]
    about: dict[str, Any] = {"names": names, "left_out": left_out, "duplicates": doubles}
    with contextlib.suppress(ValueError, OSError):  # without a cache it only takes longer
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        with atomic(folder / f"{key}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, array)
        about["bytes"] = (folder / f"{key}.npy").stat().st_size
        with atomic(folder / f"{key}.json") as temporary:
            temporary.write_text(json.dumps(about), encoding="utf-8")
        return _from_cache(folder, key, resolution) or (pixels, names, left_out, doubles)
    return pixels, names, left_out, doubles


def duplicates(pixels: Tensor) -> list[tuple[int, int]]:
    """(index, index of the earlier one it repeats) of images that look the same, also mirrored.

    pixels uint8 [N, 3, R, R]. Compared at 16 px in colour; contrast and brightness count.
    """
    if len(pixels) < 2:
        return []
    small = torch.cat(
        [
            torch.nn.functional.adaptive_avg_pool2d(part.float(), 16)
            for part in torch.split(pixels, 1024)
        ]
    )
    flat, mirrored = small.flatten(1), small.flip(3).flatten(1)
    limits = (_FAINT * flat.std(1)).clamp_max(_SAME) * flat.shape[1]
    found: dict[int, int] = {}
    for start in range(0, len(flat), 512):
        for other in (flat, mirrored):
            # Euclidean distances are one matrix product; few pairs are left to be looked at.
            near = torch.cdist(flat[start : start + 512], other) <= 2 * _SAME * flat.shape[1] ** 0.5
            for row, column in near.nonzero().tolist():
                later, earlier = start + row, column
                if earlier >= later or later in found or earlier in found:
                    continue
                if float((flat[later] - other[earlier]).abs().sum()) <= float(limits[later]):
                    found[later] = earlier
    return sorted(found.items())


def _refuse_too_few(
    names: list[str], left_out: list[list[str]], doubles: list[list[str]], fewest: int
) -> None:
    if len(names) >= fewest:
        return
    why = []
    if left_out:
        why.append(f"{len(left_out)} could not be read, first {left_out[0][1]}")
    if doubles:
        why.append(f"{len(doubles)} repeat others")
    more = f" ({'; '.join(why)})" if why else ""
    raise SourceError(
        f"There are {len(names)} usable images, and {fewest} is the fewest to begin with{more}; "
        "add more. A thousand is a good number."
    )
