"""Latent vectors: seeds, truncation, interpolation. Pure functions on tensors."""

from __future__ import annotations

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
        generator = torch.Generator("cpu").manual_seed(seed)
        rows.append(torch.randn(z_dim, generator=generator))
    return torch.stack(rows) if rows else torch.empty(0, z_dim)


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
