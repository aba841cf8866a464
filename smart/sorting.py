"""Sorting a museum: which images are alike, and which are like the few that one picked.

A network that has learned to see (VGG) describes every image; what is near in that description
looks alike to people, too. So ten picked portraits bring up the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from smart import images
from smart.gan.dataset import ImageSet, cache_folder, load
from smart.gan.selection import Selection, beside, write_selection
from smart.images import atomic
from smart.progress import OnProgress, Progress, ignore

SIZE = 64  # px at which images are described
LAYER = "relu5_1"
_GRID = 2  # places in a row that are described apart: a portrait has its face above
_BATCH = 64
_FEEDBACK = 0.025  # part of all images that a first ranking adds to what was picked
_PRINCIPAL = 64  # components in which groups are looked for
_ROUNDS = 30


@dataclass(frozen=True)
class Museum:
    """Images with their descriptions [N, D], rows of length one about their common mean."""

    images: ImageSet
    descriptions: Tensor

    def __len__(self) -> int:
        return len(self.images.names)

    def find(self, names: Sequence[str]) -> list[int]:
        """The indices of names, whole or without folder and ending. Raises ValueError."""
        places: dict[str, list[int]] = {}
        for index, name in enumerate(self.images.names):
            for key in {name, Path(name).name, Path(name).stem}:
                places.setdefault(key, []).append(index)
        found = []
        for name in names:
            here = places.get(name) or places.get(Path(name).name) or []
            if len(here) != 1:
                count = "no image" if not here else f"{len(here)} images"
                raise ValueError(
                    f"{count} of these {'is' if len(here) < 2 else 'are'} called {name!r}; give "
                    "the whole name as in the folder."
                )
            found.append(here[0])
        return found

    def rank(self, like: Sequence[int], unlike: Sequence[int] = ()) -> Tensor:
        """How much each image is like the picked ones and not like the others, [N] in -1..1.

        Cosines to the mean of like, less that of unlike, twice: what a first ranking puts on top
        says more of what is meant than a few picks do (Rocchio 1971). Picked images come first,
        dropped ones last. Raises ValueError when none is picked.
        """
        if not like:
            raise ValueError("No image is picked; pick a few that you want more of.")
        chosen, dropped = torch.tensor(list(like)), torch.tensor(list(unlike), dtype=torch.long)
        target = self._mean(chosen)
        if len(dropped):
            target = F.normalize(target - self._mean(dropped), dim=0)
        scores = self.descriptions @ target
        best = scores.argsort(descending=True)[: max(1, round(_FEEDBACK * len(self)))]
        best = best[~torch.isin(best, dropped)]
        if len(best):
            target = F.normalize(target + self._mean(best), dim=0)
            scores = self.descriptions @ target
        scores[dropped], scores[chosen] = -1.0, 1.0
        return scores.clamp(-1, 1)

    def _mean(self, indices: Tensor) -> Tensor:
        return F.normalize(self.descriptions[indices].mean(0), dim=0)

    def groups(self, count: int) -> list[list[int]]:
        """The images in groups that look alike, the largest first, the most typical in front.

        k-means from centres that lie far apart; the same images always give the same groups.
        Raises ValueError for more groups than images.
        """
        if not 1 <= count <= len(self):
            raise ValueError(f"{count} groups cannot be made of {len(self)} images; ask for fewer.")
        points = self._principal()
        centres = _far_apart(points, count)
        for _ in range(_ROUNDS):
            nearest = torch.cdist(points, centres).argmin(1)
            sums = torch.zeros_like(centres).index_add_(0, nearest, points)
            sizes = torch.bincount(nearest, minlength=count).clamp_min(1)[:, None]
            moved = torch.where(sizes > 0, sums / sizes, centres)
            if torch.allclose(moved, centres, atol=1e-6):
                break
            centres = moved
        distances = torch.cdist(points, centres)
        nearest = distances.argmin(1)
        found = []
        for group in range(count):
            members = (nearest == group).nonzero().flatten()
            found.append(members[distances[members, group].argsort()].tolist())
        return sorted((group for group in found if group), key=len, reverse=True)

    def _principal(self) -> Tensor:
        size = min(_PRINCIPAL, *self.descriptions.shape)
        covariance = self.descriptions.T @ self.descriptions
        _, vectors = torch.linalg.eigh(covariance)
        principal: Tensor = self.descriptions @ vectors[:, -size:]
        return principal

    def sheet(self, indices: Sequence[int], columns: int = 12) -> Image.Image:
        """Thumbnails of images side by side."""
        return images.sheet([self.thumbnail(index) for index in indices], columns, gap=2)

    def thumbnail(self, index: int) -> Image.Image:
        """One image, SIZE px a side."""
        return images.to_pil(self.images.pixels[index].float() / 255)


def open_museum(
    source: str | Path | Sequence[str | Path],
    crop: str = "center",
    on_progress: OnProgress = ignore,
) -> Museum:
    """Read and describe the images of a folder, a zip or a list of files.

    Descriptions are kept in the cache. Raises ValueError as dataset.load does.
    """
    loaded = load(source, SIZE, crop=crop, on_progress=on_progress, fewest=2)
    return Museum(loaded, _standardised(describe(loaded, on_progress)))


def describe(loaded: ImageSet, on_progress: OnProgress = ignore) -> Tensor:
    """VGG features [N, D] of images of SIZE px, from the cache where they are there."""
    from smart.networks import feature_network

    network = feature_network()
    path = cache_folder() / f"{loaded.digest[:32]}-{network.key}-{LAYER}.safetensors"
    with contextlib.suppress(OSError, ValueError, KeyError):
        from safetensors.torch import load_file

        kept: Tensor = load_file(path)["features"].float()
        if len(kept) == len(loaded.names):
            return kept
    rows = []
    for start in range(0, len(loaded.names), _BATCH):
        part = loaded.pixels[start : start + _BATCH].to(network.device).float() / 255
        with torch.no_grad():
            found = network(part, (LAYER,))[LAYER].float() / network.energy[LAYER] ** 0.5
        rows.append(F.adaptive_avg_pool2d(found, _GRID).flatten(1).half().cpu())
        done = min(start + _BATCH, len(loaded.names))
        on_progress(Progress(done, len(loaded.names), "looking at the images"))
    features = torch.cat(rows)
    with contextlib.suppress(OSError, ValueError):  # without a cache it only takes longer
        from safetensors.torch import save_file

        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as temporary:
            save_file({"features": features}, temporary)
    return features.float()


def _standardised(features: Tensor) -> Tensor:
    """Mean 0, deviation 1, length 1, of square roots: no strong feature drowns the rest."""
    roots = features.clamp_min(0).sqrt()
    return F.normalize((roots - roots.mean(0)) / (roots.std(0) + 1e-6), dim=1)


def _far_apart(points: Tensor, count: int) -> Tensor:
    """Centres to begin with, drawn by their distance to those before (k-means++), always alike."""
    generator = torch.Generator().manual_seed(0)
    chosen = [int(points.square().sum(1).argmin())]
    distance = (points - points[chosen[0]]).square().sum(1)
    for _ in range(count - 1):
        weights = distance.double().clamp_min(1e-12)
        chosen.append(int(torch.multinomial(weights, 1, generator=generator)))
        distance = torch.minimum(distance, (points - points[chosen[-1]]).square().sum(1))
    return points[chosen].clone()


def keep_best(scores: Tensor, count: int) -> list[int]:
    """The indices of the count highest scores, the best first. Raises ValueError."""
    if not 1 <= count <= len(scores):
        raise ValueError(f"{count} of {len(scores)} images cannot be kept; ask for fewer.")
    order: list[int] = scores.argsort(descending=True)[:count].tolist()
    return order


def keep_above(scores: Tensor, threshold: float) -> list[int]:
    """The indices of scores of at least threshold, the best first."""
    return keep_best(scores, count) if (count := int((scores >= threshold).sum())) else []


def around(scores: Tensor, count: int, each: int = 12) -> tuple[list[int], list[int]]:
    """What a cut after count images keeps last and leaves out first, each nearest to the cut."""
    order: list[int] = scores.argsort(descending=True).tolist()
    return order[max(0, count - each) : count][::-1], order[count : count + each]


def save(
    museum: Museum, keep: Sequence[int], source: Path, about: dict[str, object], out: Path | None
) -> Path:
    """Write the selection beside the images, or to out. Raises ValueError with the remedy."""
    names = tuple(museum.images.names[index] for index in keep)
    if not names:
        raise ValueError("Nothing would be kept; lower the threshold or pick other images.")
    try:
        return write_selection(out or beside(source), Selection(names, about))
    except ValueError as error:
        raise ValueError(f"{error} Or name another file with --out.") from error
