"""What all generators do alike: fill a network with weights, and spread w over its slots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from smart.weights import require_tensors

_N = TypeVar("_N", bound=nn.Module)


def filled(network: _N, tensors: Mapping[str, Tensor], name: str, device: torch.device | str) -> _N:
    """A network that was made on the meta device with these weights, for use only.

    Raises WeightsError when names or shapes of tensors differ from the network's.
    """
    require_tensors(network.state_dict(), tensors, name)
    network.load_state_dict(tensors, assign=True)
    return network.requires_grad_(False).eval().to(device)


def one_for_each_slot(w: Tensor, slots: int, w_mean: Tensor) -> Tensor:
    """w [N, w_dim] or w+ [N, slots, w_dim] -> w+ [N, slots, w_dim], where w_mean [w_dim] lies.

    Raises ValueError for another shape.
    """
    w, w_dim = w.to(w_mean), len(w_mean)
    if w.ndim == 2 and w.shape[1] == w_dim and len(w):
        return w[:, None].expand(-1, slots, -1)
    if w.ndim == 3 and w.shape[1:] == (slots, w_dim) and len(w):
        return w
    raise ValueError(
        f"w has the shape {list(w.shape)}; pass [N, {w_dim}] or "
        f"[N, {slots}, {w_dim}], N at least 1."
    )
