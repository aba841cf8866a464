"""The contract of every generator, and the way to one by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from smart import images, weights
from smart.gan.run import runs
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


@runtime_checkable
class Previewing(Protocol):
    """What a generator that can end early has beside the contract."""

    preview_sizes: tuple[int, ...]

    def preview(self, w: Tensor, size: int) -> Tensor:
        """As synthesize for one of preview_sizes, faster and only about right."""
        ...


def load_generator(name: str | Path, device: torch.device | str = "cpu") -> Generator:
    """The generator of a folder, a name in weights/ or a Hub id, ready on device.

    Raises WeightsError when it is missing, damaged, or of an architecture that is not known.
    """
    folder = weights.find(name)
    config = weights.read_config(folder)
    build = architectures().get(config["architecture"])
    if build is None:
        known = ", ".join(architectures())
        raise WeightsError(
            f"{folder.name} holds a {config['architecture']!r}, no generator; known are: {known}."
        )
    tensors = weights.read_tensors(folder)
    if (folder / weights.HEADS).is_file():
        heads = weights.read_file(folder / weights.HEADS)
        tensors |= {f"heads.{key}": tensor for key, tensor in heads.items()}
    return build(config.get("arguments", {}), tensors, device)


def preview(generator: Generator, w: Tensor, size: int) -> Tensor:
    """Pictures [N, 3, size, size] in 0..1 as soon as may be: only about right where that is faster.

    w [N, w_dim] or w+ [N, slots, w_dim]. From the head for size if the generator has one, else its
    smallest pictures that are large enough, resampled. Raises ValueError for another shape or a
    size below 1.
    """
    if size < 1:
        raise ValueError(f"A preview of {size} px cannot be made; ask for at least 1.")
    if isinstance(generator, Previewing):
        for made in sorted(generator.preview_sizes):
            if made >= size:
                return images.resize(generator.preview(w, made), size, size)
    made = min((side for side in generator.sizes if side >= size), default=max(generator.sizes))
    return images.resize(generator.synthesize(w, made), size, size)


@dataclass(frozen=True)
class Available:
    """A generator that can sit: its name for load_generator, and what people call it."""

    name: str
    title: str


def available() -> list[Available]:
    """The generators in weights/ and the trainings of one's own that have a snapshot."""
    found = []
    for info in weights.listing():
        if info.folder and not info.problem and info.architecture in architectures():
            found.append(Available(info.name, info.name.replace("-", " ").capitalize()))
    taken = {one.name for one in found}
    for run in runs():
        if run.name not in taken and (weights.trained_folder(run.name) / weights.MODEL).is_file():
            found.append(Available(run.name, f"{run.name} (your training)"))
    return found


_Build = Callable[[dict[str, Any], dict[str, Tensor], torch.device | str], Generator]


def architectures() -> dict[str, _Build]:
    """How each kind of generator is built from its arguments and tensors."""
    from smart.gan.dcgan import DCGAN
    from smart.gan.mobile_stylegan import MobileStyleGAN
    from smart.gan.style_generator import StyleGenerator
    from smart.gan.stylegan2 import StyleGAN2

    return {
        "mobile_stylegan": MobileStyleGAN.from_tensors,
        "style_generator": StyleGenerator.from_tensors,
        "stylegan2": StyleGAN2.from_tensors,
        "dcgan": DCGAN.from_tensors,
    }
