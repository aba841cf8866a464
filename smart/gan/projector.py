"""A likeness: the sitter of the generator who is nearest to a photograph.

Projection into the latent space by descent, as StyleGAN2's projector does it (Karras et al. 2020,
arXiv 1912.04958, appendix D) with features instead of LPIPS, first in W and then for each slot in
W+ (Abdal et al. 2019, arXiv 1904.03189). The search runs in whitened coordinates of W, in which
what is typical for the generator has length 1 (after Zhu et al. 2020, arXiv 2012.09036): staying
near the origin keeps a face a face.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional as F

from smart import images
from smart.gan.generator import Generator, preview
from smart.gan.latents import seed_latents, truncate
from smart.progress import Cancelled, OnProgress, Progress, ignore

# picture [N, 3, H, W] in 0..1 -> feature maps [N, C, h, w], with gradients
Features = Callable[[Tensor], Sequence[Tensor]]

TARGET = 256  # px a side of the photograph
SEEN = 128  # px at which features are looked at
DRAWN = 4096  # w that say what is typical
SAMPLED = 0.8  # psi of the faces among which the search starts
DESCRIBED = 64  # px at which those are compared
BATCH = 16
MIDDLE = (0.5, 0.53, 0.36, 0.46)  # of the picture: the face's ellipse, centre and half axes
LITTLE = 0.45  # nearness: faces reach 0.6 to 0.8, what is none 0.25 to 0.35
AROUND = 0.3  # weight of what is around it


@dataclass(frozen=True)
class Search:
    """How long is searched, and how freely."""

    samples: int = 192  # faces among which it starts
    w_steps: int = 60  # for the face as a whole
    steps: int = 110  # for each slot of w+ on its own
    last_steps: int = 24  # with the whole network, whose colours previews know only about
    rate: float = 0.08  # of Adam, in whitened coordinates
    pixels: float = 3.0  # weight of colours against features
    typical: float = 0.02  # how much an unlikely face costs
    together: float = 0.1  # how much slots cost that differ from each other
    first_seed: int = 40_000


@dataclass(frozen=True)
class Likeness:
    """Who was found: w+ [1, slots, w_dim], and how near.

    nearness is the share of the difference between the photograph and the mean face that w+ takes
    away, in the features, 0..1: below LITTLE what was looked for is hardly a face, or lies
    otherwise than the generator's faces. stopped says whether it was ended early, after step.
    """

    w_plus: Tensor
    nearness: float
    step: int
    stopped: bool


@runtime_checkable
class Drafting(Protocol):
    """A generator with gradients."""

    def draft(self, w: Tensor, size: int) -> Tensor:
        """w+ [N, slots, w_dim] -> about [N, 3, size, size] in 0..1, not clamped."""
        ...


def project(
    target: Tensor,
    generator: Generator,
    features: Features,
    on_progress: OnProgress = ignore,
    search: Search | None = None,
) -> Likeness:
    """The sitter nearest to target [1, 3, 256, 256] in 0..1, laid as the generator lays faces.

    features is any network for pictures with gradients for them (VGG's first four blocks). The same
    arguments give the same likeness on the same machine. on_progress gets a Progress with the face
    as it stands after every step; when it raises Cancelled the likeness is returned as it stands.
    Raises ValueError for another shape, or a generator without gradients.
    """
    if target.shape != (1, 3, TARGET, TARGET):
        raise ValueError(
            f"The photograph has the shape {list(target.shape)}; crop it to [1, 3, {TARGET}, "
            f"{TARGET}] first."
        )
    if not isinstance(generator, Drafting):
        raise ValueError(
            f"A {type(generator).__name__} has no gradients to search with; use the bundled faces "
            "or a generator trained here."
        )
    return _Projection(target, generator, features, search or Search(), on_progress).run()


class _Projection:
    """One search; coordinates [1, 1 or slots, w_dim] are what is searched for."""

    def __init__(
        self,
        target: Tensor,
        generator: Generator,
        features: Features,
        search: Search,
        on_progress: OnProgress,
    ) -> None:
        self.generator, self.features, self.search = generator, features, search
        self.on_progress = on_progress
        self.target = target.to(generator.w_mean)
        self.wanted = self._seen(self.target)
        self.space = Space(generator)
        self.coordinates = generator.w_mean.new_zeros(1, 1, generator.w_dim)
        looks = -(-search.samples // BATCH)
        self.total = looks + search.w_steps + search.steps + search.last_steps
        self.step = 0

    def run(self) -> Likeness:
        stopped = False
        try:
            self._start()
            self._descend("turning to the photograph", self.search.w_steps, SEEN)
            each = self.coordinates.expand(-1, self.generator.slots, -1)
            self.coordinates = each.clone()
            self._descend("taking its features", self.search.steps, TARGET)
            self._descend("taking its colours", self.search.last_steps, self.generator.sizes[-1])
        except Cancelled:
            stopped = True
        w_plus = self._w_plus(self.coordinates).detach()
        return Likeness(w_plus, self._nearness(w_plus), self.step, stopped)

    @torch.no_grad()
    def _start(self) -> None:
        """From sampled faces to the photograph by ridge regression, w on features."""
        first, codes, seen = self.search.first_seed, [], []
        seeds = range(first, first + self.search.samples)
        for start in range(0, len(seeds), BATCH):
            z = seed_latents(seeds[start : start + BATCH], self.generator.z_dim)
            w = truncate(self.generator.map(z), self.generator.w_mean, SAMPLED)
            faces = preview(self.generator, w, SEEN)
            codes.append(w)
            seen.append(self._described(faces))
            self._report("looking through faces", None, faces[:1])
        if codes:
            wanted = self._described(self.target)
            w = regressed(torch.cat(seen), torch.cat(codes), wanted)
            self.coordinates = self.space.coordinates(w)[:, None]

    def _described(self, faces: Tensor) -> Tensor:
        """[N, D]: features of small pictures, each map of about the same weight."""
        small = images.resize(faces, DESCRIBED, DESCRIBED)
        maps = [F.normalize(found.float(), dim=1) for found in self.features(small)[-2:]]
        maps.append(2 * images.resize(small, 16, 16))
        return torch.cat([found.flatten(1) / found[0, 0].numel() ** 0.5 for found in maps], 1)

    def _descend(self, stage: str, steps: int, size: int) -> None:
        """Adam on the coordinates; its rate rises at once and falls to nothing along a cosine."""
        search, moved = self.search, self.coordinates.clone().requires_grad_(True)
        optimizer = torch.optim.Adam([moved], search.rate, betas=(0.9, 0.99))
        side = min(size, TARGET)
        target = images.resize(self.target, side, side)
        weight = _weight(side).to(target)
        for index in range(steps):
            for group in optimizer.param_groups:
                fall = 0.5 + 0.5 * math.cos(math.pi * index / steps)
                group["lr"] = search.rate * min(1, (index + 1) / 5) * fall
            face = self.generator.draft(self._w_plus(moved), size)  # type: ignore[attr-defined]
            face = _reduced(face, side)
            loss = self._difference(self._seen(face), self.wanted)
            loss = loss + search.pixels * (weight * (face - target).square()).mean()
            loss = loss + search.typical * moved.square().mean()
            apart = moved - moved.mean(1, keepdim=True)
            loss = loss + search.together * apart.square().mean()
            (moved.grad,) = torch.autograd.grad(loss, moved)
            optimizer.step()
            self.coordinates = moved.detach()
            self._report(stage, float(loss.detach()), face.detach().clamp(0, 1))

    def _report(self, stage: str, loss: float | None, shown: Tensor) -> None:
        self.step += 1
        self.on_progress(Progress(self.step, self.total, stage, loss, shown.cpu()))

    def _w_plus(self, coordinates: Tensor) -> Tensor:
        return self.space.w(coordinates).expand(-1, self.generator.slots, -1)

    def _seen(self, face: Tensor) -> list[Tensor]:
        maps = self.features(_reduced(face, SEEN))
        return [F.normalize(found.float(), dim=1) for found in maps]

    def _difference(self, found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
        """Mean squared difference of normalised features, the face before what is around it."""
        total = found[0].new_zeros(())
        for one, other in zip(found, wanted, strict=True):
            apart = (one - other).square().sum(1, keepdim=True)
            total = total + (_weight(one.shape[-1]).to(apart) * apart).mean()
        return total / len(found)

    @torch.no_grad()
    def _nearness(self, w_plus: Tensor) -> float:
        mean = self.generator.w_mean.expand(1, self.generator.slots, -1)
        mine, means = (
            self._difference(self._seen(preview(self.generator, w, SEEN)), self.wanted)
            for w in (w_plus, mean)
        )
        return max(0.0, 1 - float(mine / means.clamp_min(1e-12)))


class Space:
    """W in coordinates in which what is typical for a generator has mean 0 and variance 1."""

    def __init__(self, generator: Generator) -> None:
        z = torch.randn(DRAWN, generator.z_dim, generator=torch.Generator().manual_seed(0))
        w = generator.map(z) - generator.w_mean
        values, vectors = torch.linalg.eigh((w.T @ w).double() / DRAWN)
        self.mean = generator.w_mean
        scales = values.clamp_min(1e-6 * float(values[-1])).sqrt()
        self.out = (vectors * scales).T.to(w)
        self.back = (vectors / scales).to(w)

    def w(self, coordinates: Tensor) -> Tensor:
        """Coordinates [..., w_dim] -> w [..., w_dim]."""
        w: Tensor = self.mean + coordinates @ self.out
        return w

    def coordinates(self, w: Tensor) -> Tensor:
        """w [..., w_dim] -> coordinates [..., w_dim]."""
        coordinates: Tensor = (w - self.mean) @ self.back
        return coordinates


def regressed(known: Tensor, values: Tensor, wanted: Tensor) -> Tensor:
    """The values [1, V] that go with wanted [1, D], from known [N, D] with values [N, V].

    Ridge regression, of the strength that predicts each of the known best from the others.
    """
    centre, middle = known.mean(0), values.mean(0)
    known, away = known - centre, values - middle
    products = (known @ known.T).double()
    best: tuple[float, Tensor] | None = None
    for strength in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0):
        ridge = strength * products.diagonal().mean() * torch.eye(len(known)).to(products)
        inverse = torch.linalg.inv(products + ridge)
        weights = inverse @ away.double()
        error = float((weights / inverse.diagonal()[:, None]).square().mean())
        if best is None or error < best[0]:
            best = error, weights
    assert best is not None
    return middle + (wanted - centre) @ known.T @ best[1].to(values)


def _reduced(face: Tensor, side: int) -> Tensor:
    return face if face.shape[-1] == side else F.interpolate(face, (side, side), mode="area")


def _weight(size: int) -> Tensor:
    """[1, 1, size, size]: 1 in the face, AROUND far from it, 1 on average."""
    places = (torch.arange(size) + 0.5) / size
    x, y = (places - MIDDLE[0]) / MIDDLE[2], (places[:, None] - MIDDLE[1]) / MIDDLE[3]
    inside = torch.sigmoid(6 * (1 - (x.square() + y.square()).sqrt()))
    weight = AROUND + (1 - AROUND) * inside
    return (weight / weight.mean())[None, None]
