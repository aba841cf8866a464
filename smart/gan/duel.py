"""The game of generator and critic, with a trained pair: marks, and what they teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from smart.gan.critic import Critic
from smart.gan.critics_eye import look, overlay
from smart.gan.latents import seed_latents, truncate
from smart.gan.style_generator import StyleGenerator

STRIDE = 0.03  # of the code's distance from the mean, a step of advice


@dataclass(frozen=True)
class Round:
    """What a generator made, and what the critic said.

    pictures [N, 3, R, R] and overlays [N, 3, size, size] in 0..1 on the CPU; marks are the
    critic's logits: more is more real.
    """

    pictures: Tensor
    overlays: Tensor
    marks: tuple[float, ...]

    @property
    def best(self) -> int:
        """The one that the critic believes most."""
        return max(range(len(self.marks)), key=self.marks.__getitem__)

    @property
    def worst(self) -> int:
        """The one that the critic believes least."""
        return min(range(len(self.marks)), key=self.marks.__getitem__)


def made(generator: StyleGenerator, seeds: Sequence[int], psi: float = 1.0) -> Tensor:
    """Pictures of seeds, [N, 3, R, R] in 0..1."""
    w = generator.map(seed_latents(seeds, generator.z_dim))
    return generator.synthesize(truncate(w, generator.w_mean, psi))


def judged(critic: Critic, pictures: Tensor, size: int = 256) -> Round:
    """The critic's marks, and where each picture looked real or false to it."""
    seen = look(critic, pictures)
    marks = tuple(float(mark) for mark in seen.logits)
    return Round(pictures.cpu(), overlay(pictures, seen, size).cpu(), marks)


def advised(
    generator: StyleGenerator, critic: Critic, seed: int, steps: int, psi: float = 1.0
) -> tuple[Tensor, tuple[float, float]]:
    """A picture after its code w has gone steps along the critic's gradient.

    ([1, 3, R, R] in 0..1 on the CPU, marks before and after). In training the same gradient goes
    one way further, to the weights of the generator. A step that lowers the mark is halved.
    """
    w = generator.map(seed_latents([seed], generator.z_dim))
    w = truncate(w, generator.w_mean, psi)
    side = generator.sizes[0]
    stride = STRIDE * float((w - generator.w_mean).norm())
    best, start, before = w, None, float("-inf")
    for _ in range(steps + 1):
        with torch.enable_grad():
            moving = w.detach().requires_grad_()
            mark = critic(generator.draft(moving, side).clamp(0, 1) * 2 - 1).sum()
            (gradient,) = torch.autograd.grad(mark, moving)
        now = float(mark.detach())
        start = now if start is None else start
        if now >= before:
            best, before, uphill = w, now, gradient
        else:
            stride /= 2
        w = best + stride * uphill / uphill.norm().clamp_min(1e-12)
    assert start is not None
    return generator.synthesize(best).cpu(), (start, before)
