"""Where the face is in a photograph, as a square laid like the generator lays its own faces.

There is no network for it: the generator shows what a face is. The features of its sampled faces,
averaged place by place around eyes, nose and mouth, are a template; they are whitened, so that what
every picture has does not count (linear discriminant analysis: Hariharan, Malik & Ramanan 2012,
"Discriminative Decorrelation for Clustering and Classification"). The photograph is searched for
it at many sizes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from smart import images
from smart.gan.generator import Generator, preview
from smart.gan.latents import seed_latents, truncate

# picture [N, 3, H, W] in 0..1 -> feature maps [N, C, h, w], fine to coarse
Features = Callable[[Tensor], Sequence[Tensor]]

FOUND = 0.13  # score: faces have 0.17 to 0.45, what is none at most 0.10
SEARCHED = 320  # px, the longer side in which the face is looked for
COARSE, FINE = 64, 128  # px a side of a face where it is looked for, and where it is measured
STRIDE = 4  # px of the picture to a feature of the map that is used
CENTRE = (0.30, 0.90, 0.20, 0.80)  # of the square: eyes, nose and mouth; top, bottom, left, right
SIDES = (1.5, 0.2)  # of the photograph's shorter side: the largest square and the smallest
STEPS = 4  # sizes to a factor of two
FACES = 48  # make the template
FIRST_SEED = 30_000
RIDGE = 0.1  # of the mean variance of a feature
SMALLEST = 32  # px a side of a photograph that is searched


@dataclass(frozen=True)
class Frame:
    """A square of a photograph in px, which may reach beyond its border.

    score is how much what is in it looks like a face, about 0 to 0.5.
    """

    left: float
    top: float
    side: float
    score: float = 1.0

    @property
    def found(self) -> bool:
        """Whether there is a face at all."""
        return self.score >= FOUND


def find_frame(photo: Tensor, features: Features, generator: Generator) -> Frame:
    """The square in photo [1, 3, H, W] in 0..1 that lies as the generator's own faces do.

    features is any network for pictures that has a map with STRIDE px to a feature, as VGG's third
    block. Whether it is a face says Frame.found. To search several photographs keep a FaceFinder.
    Raises ValueError for another shape, a photograph that is too small, or features without
    such a map.
    """
    return FaceFinder(features, generator).find(photo)


def crop(photo: Tensor, frame: Frame, size: int) -> Tensor:
    """The square of photo [1, 3, H, W] as [1, 3, size, size]; beyond its border it is mirrored."""
    side = max(1, round(frame.side))
    for dimension, start in ((-2, frame.top), (-1, frame.left)):
        length = photo.shape[dimension]
        places = torch.arange(round(start), round(start) + side, device=photo.device)
        places = places.remainder(2 * length)
        places = torch.minimum(places, 2 * length - 1 - places)
        photo = photo.index_select(dimension, places)
    return images.resize(photo, size, size)


class FaceFinder:
    """Finds frames with the features and the faces of a generator; made in a few seconds."""

    def __init__(self, features: Features, generator: Generator) -> None:
        z = seed_latents(range(FIRST_SEED, FIRST_SEED + FACES), generator.z_dim)
        w = truncate(generator.map(z), generator.w_mean, 0.8)
        faces = torch.cat([preview(generator, part, FINE) for part in torch.split(w, 8)])
        faces = torch.cat([faces, faces.flip(-1)])
        self.coarse = Template(features, images.resize(faces, COARSE, COARSE))
        self.fine = Template(features, faces)

    @torch.no_grad()
    def find(self, photo: Tensor) -> Frame:
        """The best frame in photo [1, 3, H, W] in 0..1 (see find_frame)."""
        if photo.ndim != 4 or photo.shape[:2] != (1, 3) or min(photo.shape[-2:]) < SMALLEST:
            raise ValueError(
                f"The photograph has the shape {list(photo.shape)}; pass [1, 3, height, width] of "
                f"at least {SMALLEST} px a side."
            )
        small = images.fit_within(photo.to(self.coarse.mean), SEARCHED)
        height, width = small.shape[-2:]
        largest, smallest = (share * min(height, width) for share in SIDES)
        count = math.ceil(STEPS * math.log2(largest / smallest)) + 1
        sides = [largest * 2 ** (-index / STEPS) for index in range(count)]
        best = max((self._within(small, side) for side in sides), key=lambda found: found.score)
        # Once more where it is, larger and in smaller steps.
        sides = [best.side * 2 ** (index / 8) for index in range(-3, 4)]
        best = max((self._near(small, best, side) for side in sides), key=lambda found: found.score)
        factor = photo.shape[-1] / width
        return Frame(best.left * factor, best.top * factor, best.side * factor, best.score)

    def _within(self, photo: Tensor, side: float) -> Frame:
        """The best square of that side anywhere in the photograph."""
        margin = 0.2 * side  # the middle of a face may lie at the border
        height, width = (length + 2 * margin for length in photo.shape[-2:])
        return self._search(self.coarse, photo, side, (-margin, -margin), (height, width))

    def _near(self, photo: Tensor, frame: Frame, side: float) -> Frame:
        """The best square of that side whose middle is about where that of frame is."""
        reach = 1.3 * side
        corner = (frame.top + (frame.side - reach) / 2, frame.left + (frame.side - reach) / 2)
        return self._search(self.fine, photo, side, corner, (reach, reach))

    def _search(
        self,
        template: Template,
        photo: Tensor,
        side: float,
        corner: tuple[float, float],
        extent: tuple[float, float],
    ) -> Frame:
        """The best square of that side in the rectangle at corner (top, left) of that extent."""
        scale = template.side / side
        sides = [max(template.side, STRIDE * round(length * scale / STRIDE)) for length in extent]
        window = _sampled(photo, corner, scale, sides)
        score, row, column = template.match(window)
        return Frame(corner[1] + column / scale, corner[0] + row / scale, side, score)


def _sampled(
    photo: Tensor, corner: tuple[float, float], scale: float, sides: Sequence[int]
) -> Tensor:
    """The part of photo at corner (top, left), enlarged by scale to sides (height, width)."""
    height, width = (round(length * scale) for length in photo.shape[-2:])
    enlarged = images.resize(photo, max(1, width), max(1, height))
    for dimension, start, side in zip((-2, -1), corner, sides, strict=True):
        places = torch.arange(side, device=photo.device) + round(start * scale)
        places = places.clamp(0, enlarged.shape[dimension] - 1)
        enlarged = enlarged.index_select(dimension, places)
    return enlarged


class Template:
    """What the middle of a face looks like in whitened features, each of them of length 1."""

    def __init__(self, features: Features, faces: Tensor) -> None:
        """faces [N, 3, side, side] in 0..1, all of which lie alike."""
        self.side = faces.shape[-1]
        self.features = features
        with torch.no_grad():
            seen = torch.cat([self._seen(part) for part in torch.split(faces, 16)])
            self.mean = seen.mean((0, 2, 3))
            rows = (seen - self.mean[:, None, None]).permute(1, 0, 2, 3).flatten(1)
            covariance = (rows @ rows.T / rows.shape[1]).double()
            values, vectors = torch.linalg.eigh(covariance)
            scales = (values.clamp_min(0) + RIDGE * values.mean()).rsqrt()
            self.whitening = (vectors * scales @ vectors.T).to(self.mean)
            places = self.side // STRIDE
            top, bottom, left, right = (round(share * places) for share in CENTRE)
            middle = self._whitened(seen).mean(0)[:, top:bottom, left:right]
        self.top, self.left = top, left
        count = middle.shape[1] * middle.shape[2]
        self.kernel = middle / (middle.norm() * math.sqrt(count))  # a score is then a cosine

    def match(self, picture: Tensor) -> tuple[float, float, float]:
        """The best score in picture [1, 3, H, W], and the top and left px of the face's square."""
        scores = F.conv2d(self._whitened(self._seen(picture)), self.kernel[None])[0, 0]
        row, column = divmod(int(scores.argmax()), scores.shape[1])
        top = row + _peak(scores[:, column], row) - self.top
        left = column + _peak(scores[row], column) - self.left
        return float(scores[row, column]), top * STRIDE, left * STRIDE

    def _seen(self, picture: Tensor) -> Tensor:
        for found in self.features(picture):
            if found.shape[-1] == picture.shape[-1] // STRIDE:
                return found.float()
        raise ValueError(
            f"The features have no map with {STRIDE} px to a feature; add one, as VGG's relu3_3."
        )

    def _whitened(self, seen: Tensor) -> Tensor:
        rows = torch.einsum("dc,nchw->ndhw", self.whitening, seen - self.mean[:, None, None])
        return F.normalize(rows, dim=1)


def _peak(line: Tensor, index: int) -> float:
    """How far beside index the top of the parabola through its neighbours is, -0.5 to 0.5."""
    if not 0 < index < len(line) - 1:
        return 0.0
    before, here, after = line[index - 1 : index + 2].tolist()
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, 0.5 * (before - after) / bend))
