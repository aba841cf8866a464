"""What each step of a training is shown: real images in turn, and random numbers of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from smart.gan.distributed import World
from smart.options import TrainingOptions


def draws(seed: int, purpose: str, step: int) -> torch.Generator:
    """The random numbers that one step uses for one purpose, the same in every process."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{step}".encode()).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest[:8], "little") >> 1)


@dataclass(frozen=True)
class Reals:
    """The training images, uint8 [N, 3, R, R], in an order that follows from the seed."""

    images: Tensor
    options: TrainingOptions
    world: World

    def batch(self, number: int) -> Tensor:
        """This process's part of batch `number`, [n, 3, R, R] on the scale -1..1.

        Every image comes once before any comes again.
        """
        size, seed = self.options.batch, self.options.seed
        indices = self._places(torch.arange(number * size, (number + 1) * size))
        flips = torch.rand(size, generator=draws(seed, "mirror", number)) < 0.5
        here = self.images.device
        indices, flips = (self.world.share(part).to(here) for part in (indices, flips))
        real = self.images[indices].float() / 127.5 - 1
        if self.options.mirror == "yes":
            real = torch.where(flips.view(-1, 1, 1, 1), real.flip(3), real)
        return real.contiguous(memory_format=torch.channels_last)

    def _places(self, turns: Tensor) -> Tensor:
        """Which image each turn shows: turn t is in epoch t // N, each with its own order."""
        count = len(self.images)
        indices = torch.empty_like(turns)
        for epoch in range(int(turns[0]) // count, int(turns[-1]) // count + 1):
            order = torch.randperm(count, generator=draws(self.options.seed, "order", epoch))
            here = turns // count == epoch
            indices[here] = order[turns[here] % count]
        return indices
