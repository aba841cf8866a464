"""The peer of the training benchmark: a DCGAN by the recipe that every tutorial gives.

Radford, Metz and Chintala 2016 (arXiv 1511.06434): 64 px, 100 latents, transposed convolutions with
batch normalisation, 64 channels at the widest picture, weights from N(0, 0.02), Adam with rate
0.0002 and beta 0.5, batches of 128, the plain loss on logits.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Z, WIDTH, BATCH, SIZE = 100, 64, 128, 64


def _generator() -> nn.Sequential:
    layers: list[nn.Module] = []
    widths = [Z, WIDTH * 8, WIDTH * 4, WIDTH * 2, WIDTH]
    for index, (a, b) in enumerate(itertools.pairwise(widths)):
        stride, padding = (1, 0) if index == 0 else (2, 1)
        layers += [
            nn.ConvTranspose2d(a, b, 4, stride, padding, bias=False),
            nn.BatchNorm2d(b),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1, bias=False), nn.Tanh())


def _critic() -> nn.Sequential:
    layers: list[nn.Module] = []
    widths = [3, WIDTH, WIDTH * 2, WIDTH * 4, WIDTH * 8]
    for index, (a, b) in enumerate(itertools.pairwise(widths)):
        layers.append(nn.Conv2d(a, b, 4, 2, 1, bias=False))
        if index:
            layers.append(nn.BatchNorm2d(b))
        layers.append(nn.LeakyReLU(0.2, inplace=True))
    return nn.Sequential(*layers, nn.Conv2d(WIDTH * 8, 1, 4, 1, 0, bias=False), nn.Flatten(0))


def _start(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class DCGAN:
    """images uint8 [N, 3, 64, 64]; step shows one batch, sample gives pictures in 0..1."""

    def __init__(self, images: Tensor, device: torch.device | str = "cpu", seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.device, self.images, self.seen = torch.device(device), images, 0
        self.generator = (
            _generator().apply(_start).to(self.device, memory_format=torch.channels_last)
        )
        self.critic = _critic().apply(_start).to(self.device, memory_format=torch.channels_last)
        self.optimizers = [
            torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999))
            for network in (self.critic, self.generator)
        ]

    def step(self) -> None:
        """One batch: real against generated for the critic, then the generator."""
        chosen = torch.randint(len(self.images), (BATCH,))
        real = self.images[chosen].to(self.device).float() / 127.5 - 1
        real = torch.where((torch.rand(BATCH, 1, 1, 1) < 0.5).to(self.device), real.flip(3), real)
        fake = self.generator(torch.randn(BATCH, Z, 1, 1, device=self.device))
        loss = _loss(self.critic(real), 1.0) + _loss(self.critic(fake.detach()), 0.0)
        self._learn(self.optimizers[0], loss)
        self._learn(self.optimizers[1], _loss(self.critic(fake), 1.0))
        self.seen += BATCH

    def _learn(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    @torch.no_grad()
    def sample(self, count: int, seed: int = 0) -> Tensor:
        """Pictures [count, 3, 64, 64] in 0..1."""
        z = torch.randn(count, Z, 1, 1, generator=torch.Generator().manual_seed(seed))
        self.generator.eval()
        made = torch.cat([self.generator(part.to(self.device)) for part in z.split(128)])
        self.generator.train()
        return made.float().add(1).div(2).clamp(0, 1)


def _loss(logits: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
