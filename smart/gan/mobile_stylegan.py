"""MobileStyleGAN: the bundled generator of 1024 px faces (arXiv 2104.04767).

Its layers are in smart.gan.mobile_synthesis, the heads that show previews in
smart.gan.preview_heads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smart.gan.alike import filled, one_for_each_slot
from smart.gan.mobile_synthesis import FIRST_LEVEL, SLOPE, Synthesis
from smart.gan.preview_heads import heads_for
from smart.gan.wavelet import inverse_haar
from smart.weights import HEADS, WeightsError

_REMEDY = "restore the folder from where it came"


class MobileStyleGAN(nn.Module):
    """A generator (see smart.gan.generator) of 1024 x 1024 faces with 16 slots of w+.

    Slot 0 styles level 4, each further level takes two (transform and first convolution; second
    convolution), the last one styles the head. Slots 0 to 14 are those of StyleGAN2 for the same
    levels, so its layer ranges carry over: about 0-4 pose and shape, 5-8 features, 9-15 colours.
    """

    w_mean: Tensor

    def __init__(self, z_dim: int, w_dim: int, mapping_layers: int, widths: list[int]) -> None:
        super().__init__()
        self.z_dim, self.w_dim, self.slots = z_dim, w_dim, 2 * len(widths)
        native = FIRST_LEVEL << len(widths)
        self.sizes: tuple[int, ...] = (native // 4, native // 2, native)
        inputs = [z_dim] + [w_dim] * (mapping_layers - 1)
        self.mapping = nn.ModuleList(nn.Linear(width, w_dim) for width in inputs)
        self.synthesis = Synthesis(w_dim, widths)
        self.heads = nn.ModuleDict()
        self.register_buffer("w_mean", torch.empty(w_dim))

    @property
    def preview_sizes(self) -> tuple[int, ...]:
        """Sizes in px that preview makes, the smallest first; none without heads."""
        return tuple(int(size) for size in self.heads)

    @classmethod
    def from_tensors(
        cls,
        arguments: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        device: torch.device | str = "cpu",
    ) -> Self:
        """The network that the arguments describe with these weights, for use only.

        Raises WeightsError when an argument is missing or not sensible, or when the tensors'
        names or shapes differ from what the arguments call for. Heads for previews are those whose
        tensors are there (see smart.gan.preview_heads).
        """
        names, widths = ("z_dim", "w_dim", "mapping_layers"), arguments.get("widths")
        numbers = [arguments.get(name) for name in names]
        numbers += widths if isinstance(widths, list) and 2 <= len(widths) <= 10 else [None]
        if not all(type(number) is int and 0 < number <= 4096 for number in numbers):
            raise WeightsError(
                f"config.json has to give {', '.join(names)} and a list of widths as whole numbers "
                f"up to 4096 for mobile_stylegan; {_REMEDY}."
            )
        with torch.device("meta"):
            network = cls(**{name: arguments[name] for name in names}, widths=arguments["widths"])
            channels = dict(zip(network.synthesis.levels, arguments["widths"][1:], strict=True))
            del channels[network.synthesis.levels[-1]]  # it has the network's own head
            network.heads = heads_for(tensors, network.w_dim, channels)
        return filled(network, tensors, "mobile_stylegan", device)

    # Not inference_mode: what that makes can never again enter a computation with gradients.
    @torch.no_grad()
    def map(self, z: Tensor) -> Tensor:
        """z [N, z_dim], standard normal -> w [N, w_dim]. Raises ValueError for another shape."""
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"z has the shape {list(z.shape)}; pass [N, {self.z_dim}].")
        x = z.to(self.w_mean)
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            x = F.leaky_relu_(layer(x), SLOPE).mul_(math.sqrt(2))
        return x

    @torch.no_grad()
    def synthesize(self, w: Tensor, size: int | None = None) -> Tensor:
        """w [N, w_dim] or w+ [N, slots, w_dim] -> faces [N, 3, size, size], RGB in 0..1.

        size is one of sizes, None the native 1024. 512 is the wavelet averages of the same
        picture, 256 their means over 2 x 2. Raises ValueError for another size or shape.
        """
        size = self.sizes[-1] if size is None else size
        if size not in self.sizes:
            known = ", ".join(str(side) for side in self.sizes)
            raise ValueError(f"The generator makes no faces of {size!r} px; choose from {known}.")
        w = one_for_each_slot(w, self.slots, self.w_mean)
        # A processor is faster with one face at a time, whose parts stay in its cache.
        step = 1 if w.device.type == "cpu" else 8
        faces = [self._faces(w[start : start + step], size) for start in range(0, len(w), step)]
        return faces[0] if len(faces) == 1 else torch.cat(faces)

    @torch.no_grad()
    def preview(self, w: Tensor, size: int) -> Tensor:
        """As synthesize, but at once and only about right; size is one of preview_sizes.

        Raises ValueError for a size without a head or for another shape of w.
        """
        if size not in self.preview_sizes:
            known = ", ".join(str(side) for side in self.preview_sizes)
            remedy = f"choose from {known}" if known else f"its weights lack {HEADS}"
            raise ValueError(f"The generator makes no previews of {size!r} px; {remedy}.")
        return self.draft(w, size).clamp_(0, 1)

    def draft(self, w: Tensor, size: int) -> Tensor:
        """Pictures before they are clamped to 0..1: with gradients for w or w+.

        size is one of preview_sizes, or the native one for what the whole network makes. Raises
        ValueError for another size or shape.
        """
        w = one_for_each_slot(w, self.slots, self.w_mean)
        if size == self.sizes[-1]:
            x = self.synthesis(w, 12)
        elif size in self.preview_sizes:
            x = self.synthesis.features(w, size // 2)
            x = self.heads[str(size)](x, w[:, self.synthesis.slots_up_to(size // 2) :])
        else:
            known = ", ".join(str(side) for side in (*self.preview_sizes, self.sizes[-1]))
            remedy = "" if self.preview_sizes else f", or restore {HEADS} for smaller ones"
            raise ValueError(
                f"The generator makes no drafts of {size!r} px; choose from {known}{remedy}."
            )
        return inverse_haar(x.contiguous()).add(1).div(2)

    @torch.no_grad()
    def coefficients(self, w: Tensor, bands: int = 12) -> Tensor:
        """Haar coefficients of the unclamped picture on the scale -1..1, as haar orders them.

        w [N, w_dim] or w+ [N, slots, w_dim] -> [N, bands, 512, 512]; the first 3 bands are LL.
        """
        coefficients: Tensor = self.synthesis(one_for_each_slot(w, self.slots, self.w_mean), bands)
        return coefficients

    def _faces(self, w: Tensor, size: int) -> Tensor:
        if size == self.sizes[-1]:
            return self.draft(w, size).clamp_(0, 1)
        x = self.coefficients(w, bands=3) / 2  # LL is twice the mean of 2 x 2
        if size == self.sizes[0]:
            x = F.avg_pool2d(x, 2)
        return x.add(1).div_(2).clamp_(0, 1).contiguous()
