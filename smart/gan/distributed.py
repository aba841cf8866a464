"""Several processes that train one network: torchrun with gloo on processors, nccl on GPUs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class World:
    """Which of how many processes this is; one alone is World()."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes files."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """The part of a global batch [N, ...] that this process works on."""
        part = len(batch) // self.size
        return batch[self.rank * part : (self.rank + 1) * part]

    def average(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by their mean over all processes, in one message."""
        if self.size == 1:
            return
        tensors = list(tensors)
        flat = torch.cat([tensor.detach().flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.size
        sizes = [tensor.numel() for tensor in tensors]
        for tensor, mean in zip(tensors, torch.split(flat, sizes), strict=True):
            tensor.detach().copy_(mean.view_as(tensor))

    def average_gradients(self, network: nn.Module) -> None:
        """Every parameter's gradient becomes the mean over all processes."""
        self.average(p.grad for p in network.parameters() if p.grad is not None)

    def agree(self, value: float) -> float:
        """The first process's value, in every process."""
        if self.size == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0)
        return float(box[0])


def join() -> World:
    """The world that torchrun has set up in the environment; alone without it.

    Raises ValueError where the processes do not find each other.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World()
    if not distributed.is_initialized():
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        try:
            distributed.init_process_group("nccl" if cuda else "gloo")
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"The {size} processes did not find each other ({str(error).splitlines()[0]}); "
                "check --rdzv_endpoint, --nnodes and the firewall."
            ) from error
    return World(distributed.get_rank(), size)


def leave() -> None:
    """Part from the other processes, if there are any."""
    if distributed.is_initialized():
        distributed.destroy_process_group()
