"""Latent vectors: seeds, truncation, interpolation. Pure functions on tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from smart.options import SEEDS


def seed_latents(seeds: Sequence[int], z_dim: int) -> Tensor:
    """z [N, z_dim] ~ N(0, I), one row a seed, drawn on the CPU so that a seed is the same face
    everywhere, whatever stands beside it in the batch. Raises ValueError for what is no seed.
    """
    rows = []
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEEDS:
            raise ValueError(f"seed is {seed!r}; it must be a whole number from 0 to {SEEDS - 1}.")
        rows.append(_draw(seed, z_dim))
    return torch.stack(rows) if rows else torch.empty(0, z_dim)


def _draw(seed: int, z_dim: int) -> Tensor:
    return torch.randn(z_dim, generator=torch.Generator("cpu").manual_seed(seed))


def truncate(w: Tensor, w_mean: Tensor, psi: float) -> Tensor:
    """w_mean + psi (w - w_mean): psi 0 is the mean, 1 leaves w [..., w_dim] as it is.

    Karras et al. 2019 (arXiv 1812.04948), the truncation trick in W.
    """
    return torch.lerp(w_mean.expand_as(w), w, psi)


def lerp(start: Tensor, end: Tensor, amount: float) -> Tensor:
    """The straight line from start (amount 0) to end (1): for w, which fills a flat space."""
    return torch.lerp(start, end, amount)


def slerp(start: Tensor, end: Tensor, amount: float) -> Tensor:
    """The great circle from start (0) to end (1) along the last dimension: for z, whose length
    hardly varies. Lengths are interpolated, too; parallel vectors fall back to the line.

    Shoemake 1985; for latents White 2016 (arXiv 1609.04468).
    """
    if amount in (0.0, 1.0):
        return (end if amount else start).clone()
    lengths = [side.norm(dim=-1, keepdim=True).clamp_min(1e-12) for side in (start, end)]
    cosine = (start / lengths[0] * (end / lengths[1])).sum(-1, keepdim=True).clamp(-1, 1)
    angle = cosine.acos()
    sine = angle.sin()
    near = sine.abs() < 1e-5
    safe = torch.where(near, 1.0, sine)
    first = torch.where(near, 1 - amount, ((1 - amount) * angle).sin() / safe)
    second = torch.where(near, amount, (amount * angle).sin() / safe)
    length = torch.lerp(lengths[0], lengths[1], amount)
    result: Tensor = length * (first * start / lengths[0] + second * end / lengths[1])
    return result


def relative(z: Tensor, number: int, distance: float) -> Tensor:
    """A relative of z [N, z_dim]: distance 0 is z itself, 1 a stranger, drawn from number.

    On the great circle to another draw, so that relatives are as likely as anyone.
    """
    # What a seed draws after its sitter: nobody is a relative in the very direction of themselves.
    other = _draw(number, 2 * z.shape[1])[z.shape[1] :].expand_as(z).to(z)
    # What is left of the other one at a right angle to z: the angle alone is the distance then.
    along = (other * z).sum(1, keepdim=True) / z.square().sum(1, keepdim=True).clamp_min(1e-12)
    across = other - along * z
    across = across * (z.norm(dim=1, keepdim=True) / across.norm(dim=1, keepdim=True))
    angle = torch.tensor(distance * math.pi / 2, dtype=z.dtype)
    turned: Tensor = z * angle.cos() + across * angle.sin()
    return turned


def layer_groups(slots: int) -> tuple[slice, slice]:
    """Which slots of w+ make features and hair, and which colours and light; pose is before them.

    In networks numbered as StyleGAN2 those are 5 to 8 and from 9 on (Karras et al. 2019); in
    smaller ones the second and the last third. With one slot there is nothing to mix: both are
    empty.
    """
    if slots >= 12:
        return slice(5, 9), slice(9, slots)
    first, second = round(slots / 3), round(slots * 2 / 3)
    if slots < 3:
        return slice(slots, slots), slice(slots, slots)
    return slice(first, second), slice(second, slots)


def closed_walk(points: Tensor, steps: int) -> Tensor:
    """A smooth way through points [K, ...] and back to the first, [K * steps, ...].

    A closed Catmull-Rom curve (Catmull and Rom 1974): index k * steps is point k, and neither the
    place nor the pace jumps anywhere, at the seam neither.
    """
    before, after, second = (points.roll(shift, 0) for shift in (1, -1, -2))
    t = torch.arange(steps, dtype=points.dtype, device=points.device) / steps
    t = t.view(1, -1, *[1] * (points.ndim - 1))  # (1, steps, 1 ...)
    start, end, before, second = (
        side.unsqueeze(1) for side in (points, after, before, second)
    )  # (K, 1, ...)
    way = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - second) * t**2
        + (3 * start - before - 3 * end + second) * t**3
    )
    return way.flatten(0, 1)
