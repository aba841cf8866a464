"""DCGAN, the plainest of generators: for small ones that others have trained.

Radford, Metz and Chintala 2016 (arXiv 1511.06434). Batch normalisation is a constant in use and
folded into the kernels by smart.conversion.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from smart.gan.alike import filled
from smart.weights import WeightsError

FIRST_LEVEL = 4  # px; every further layer doubles it


class DCGAN(nn.Module):
    """A generator (see smart.gan.generator) without a mapping: w is z, so there is one slot.

    widths[i] are the channels at 4 * 2**i px; the picture is twice as large as the last of them.
    """

    w_mean: Tensor

    def __init__(self, z_dim: int, widths: list[int]) -> None:
        super().__init__()
        self.z_dim = self.w_dim = z_dim
        self.slots = 1
        self.sizes: tuple[int, ...] = (FIRST_LEVEL << len(widths),)
        self.first = nn.ConvTranspose2d(z_dim, widths[0], 4)
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, stride=2, padding=1)
            for a, b in itertools.pairwise([*widths, 3])
        )
        # Truncation towards the origin shortens z; nothing else is the centre of a normal draw.
        self.register_buffer("w_mean", torch.zeros(z_dim))

    @classmethod
    def from_tensors(
        cls,
        arguments: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        device: torch.device | str = "cpu",
    ) -> Self:
        """The network that the arguments describe with these weights, for use only.

        Raises WeightsError when an argument is missing or not sensible, or when the tensors'
        names or shapes differ from what the arguments call for.
        """
        z_dim, widths = arguments.get("z_dim"), arguments.get("widths")
        numbers = [z_dim, *(widths if isinstance(widths, list) and 1 <= len(widths) <= 8 else [0])]
        if not all(type(number) is int and 0 < number <= 4096 for number in numbers):
            raise WeightsError(
                "config.json has to give z_dim and a list of widths as whole numbers up to 4096 "
                "for dcgan; convert the file again."
            )
        with torch.device("meta"):
            network = cls(arguments["z_dim"], arguments["widths"])
        return filled(network, tensors, "dcgan", device)

    @torch.no_grad()
    def map(self, z: Tensor) -> Tensor:
        """z [N, z_dim], standard normal -> the same. Raises ValueError for another shape."""
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z has the shape {list(z.shape)}; pass [N, {self.z_dim}].")
        return z.to(self.w_mean)

    @torch.no_grad()
    def synthesize(self, w: Tensor, size: int | None = None) -> Tensor:
        """w [N, w_dim] or [N, 1, w_dim] -> pictures [N, 3, R, R], RGB in 0..1.

        size is R or None. Raises ValueError for another size or shape.
        """
        if size is not None and size not in self.sizes:
            raise ValueError(
                f"The generator makes no pictures of {size!r} px; it makes {self.sizes[0]}."
            )
        plus = w.ndim == 3 and w.shape[1] == 1
        if not (plus or w.ndim == 2) or w.shape[-1] != self.w_dim or not len(w):
            raise ValueError(
                f"w has the shape {list(w.shape)}; pass [N, {self.w_dim}] or "
                f"[N, 1, {self.w_dim}], N at least 1."
            )
        w = w.to(self.w_mean).reshape(-1, self.w_dim, 1, 1)
        return torch.cat([self._pictures(part) for part in torch.split(w, 64)])

    def _pictures(self, w: Tensor) -> Tensor:
        x: Tensor = self.first(w)
        for layer in self.layers:
            x = layer(x.relu_())
        return x.tanh_().add_(1).div_(2)
