"""The contract of every generator, and the way to one by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from smart import weights
from smart.weights import WeightsError


class Generator(Protocol):
    """map(z) -> w, synthesize(w) -> picture; the same for bundled, trained and imported ones.

    slots is how many times w enters the synthesis, sizes the widths in px there are (the native
    one is the largest), w_mean [w_dim] the centre of truncation, on the generator's device.
    """

    z_dim: int
    w_dim: int
    slots: int
    sizes: tuple[int, ...]
    w_mean: Tensor

    def map(self, z: Tensor) -> Tensor:
        """z [N, z_dim] -> w [N, w_dim]."""
        ...

    def synthesize(self, w: Tensor, size: int | None = None) -> Tensor:
        """w [N, w_dim] or [N, slots, w_dim] -> pictures [N, 3, size, size] in 0..1.

        size None is the native size. Raises ValueError for another size or shape.
        """
        ...


def load_generator(name: str | Path, device: torch.device | str = "cpu") -> Generator:
    """The generator of a folder, a name in weights/ or a Hub id, ready on device.

    Raises WeightsError when it is missing, damaged, or of an architecture that is not known.
    """
    folder = weights.find(name)
    config = weights.read_config(folder)
    build = _architectures().get(config["architecture"])
    if build is None:
        known = ", ".join(_architectures())
        raise WeightsError(
            f"{folder.name} holds a {config['architecture']!r}, no generator; known are: {known}."
        )
    return build(config.get("arguments", {}), weights.read_tensors(folder), device)


_Build = Callable[[dict[str, Any], dict[str, Tensor], torch.device | str], Generator]


def _architectures() -> dict[str, _Build]:
    from smart.gan.mobile_stylegan import MobileStyleGAN
    from smart.gan.style_generator import StyleGenerator

    return {
        "mobile_stylegan": MobileStyleGAN.from_tensors,
        "style_generator": StyleGenerator.from_tensors,
    }
