"""The noise of a generator: what places curls and pores, fixed as it came, drawn anew, or off."""

from __future__ import annotations

import copy

import torch
from torch import nn

from smart.gan.generator import Generator

BUFFER = "noise"  # what generators call the pictures that are added behind their convolutions


def with_noise(generator: Generator, seed: int | None) -> Generator:
    """The same generator, sharing its weights, with noise drawn from seed, or without any (None).

    Raises ValueError for one that has no noise.
    """
    if not isinstance(generator, nn.Module) or not _places(generator):
        raise ValueError("This generator has no noise of its own; leave the noise fixed.")
    shared = [*generator.parameters(), *generator.buffers()]
    twin: Generator = copy.deepcopy(generator, {id(tensor): tensor for tensor in shared})
    assert isinstance(twin, nn.Module)
    # Drawn on the CPU, so that a seed is the same noise everywhere.
    random = None if seed is None else torch.Generator("cpu").manual_seed(seed)
    for module in _places(twin):
        before = module.get_buffer(BUFFER)
        drawn = torch.zeros(before.shape)
        if random is not None:
            drawn.normal_(generator=random)
        module.register_buffer(BUFFER, drawn.to(before))
    return twin


def _places(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if BUFFER in module._buffers]
