"""Directions in w along which a sitter changes in one respect: the sliders.

A folder of weights may hold directions.safetensors, found as scripts/find_directions.py does it.
Where it holds none, the principal components of w (Harkonen et al. 2020, GANSpace, arXiv
2004.02546) serve as sliders without names of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from smart import weights
from smart.gan.generator import Generator
from smart.reading import parse_json
from smart.weights import WeightsError
from smart.wording import named

FILE = "directions.safetensors"
COMPONENTS = 8  # sliders of a generator without directions of its own
_SAMPLES = 4096
_REACH = 2.0  # standard deviations of a principal component at 1 or -1
_KNOWN = 64  # most directions in a file
_FARTHEST = 1e6  # in units of a vector; ours are below 10


@dataclass(frozen=True)
class Direction:
    """One slider: the slots from start to before stop move along vector.

    label is what people call it; less and more say what -1 and 1 look like. reading gives where a
    sitter stands, (w - w_mean) . reading, in units of vector; -1 and 1 take everyone to -reach and
    reach, from wherever they stand, and nobody beyond.
    """

    name: str
    label: str
    less: str
    more: str
    start: int
    stop: int
    vector: Tensor  # [w_dim]
    reading: Tensor  # [w_dim]
    reach: float


def read(folder: Path, generator: Generator) -> tuple[Direction, ...]:
    """The directions of a generator's folder, or its principal components where it has none.

    Raises WeightsError when the file is damaged or of another generator.
    """
    path = folder / FILE
    if not path.is_file():
        return principal(generator)
    tensors = weights.read_file(path)
    found = []
    for name, known in _described(path).items():
        vector, reading = (tensors.get(f"{name}.{part}") for part in ("vector", "reading"))
        if vector is None or reading is None:
            raise _damaged(path)
        if vector.shape != (generator.w_dim,) or reading.shape != (generator.w_dim,):
            raise WeightsError(
                f"{path} has directions of {vector.numel()} numbers for a generator of "
                f"{generator.w_dim}; it belongs to another one, remove it."
            )
        known = {**known, "vector": vector.float(), "reading": reading.float()}
        try:
            direction = Direction(name, **known)
        except TypeError as error:
            raise _damaged(path) from error
        if not _sensible(direction, generator.slots):
            raise _damaged(path)
        found.append(direction)
    return tuple(found)


def _sensible(one: Direction, slots: int) -> bool:
    """Whether what the file told of a direction can be shown and used."""
    texts = (one.name, one.label, one.less, one.more)
    places = type(one.start) is type(one.stop) is int and 0 <= one.start < one.stop <= slots
    reach = isinstance(one.reach, int | float) and 0 < one.reach <= _FARTHEST
    return places and reach and all(isinstance(t, str) and t == named(t) for t in texts)


def write(path: Path, directions: Sequence[Direction]) -> None:
    """Write directions.safetensors, whole or not at all."""
    from safetensors.torch import save_file

    from smart.images import atomic

    described, tensors = {}, {}
    for one in directions:
        described[one.name] = {
            "label": one.label, "less": one.less, "more": one.more,
            "start": one.start, "stop": one.stop, "reach": one.reach,
        }  # fmt: skip
        tensors[f"{one.name}.vector"] = one.vector.contiguous().clone()
        tensors[f"{one.name}.reading"] = one.reading.contiguous().clone()
    with atomic(path) as temporary:
        save_file(tensors, temporary, {"directions": json.dumps(described)})


def principal(generator: Generator, count: int = COMPONENTS) -> tuple[Direction, ...]:
    """The first principal components of w as directions "1", "2" ..., through all slots."""
    random = torch.Generator("cpu").manual_seed(0)
    z = torch.randn(_SAMPLES, generator.z_dim, generator=random)
    w = generator.map(z.to(generator.w_mean.device)).cpu().double()
    covariance = torch.cov((w - w.mean(0)).T)
    values, vectors = torch.linalg.eigh(covariance)
    found = []
    for index in range(min(count, generator.w_dim)):
        vector = vectors[:, -1 - index]
        # eigh leaves the sign open: let the largest part be positive, on every machine.
        vector = vector * vector[vector.abs().argmax()].sign()
        step = _REACH * values[-1 - index].clamp_min(1e-12).sqrt()
        found.append(
            Direction(
                str(index + 1),
                f"Component {index + 1}",
                "less",
                "more",
                0,
                generator.slots,
                (vector * step).float(),
                (vector / step).float(),
                1.0,
            )
        )
    return tuple(found)


def move(
    w: Tensor, w_mean: Tensor, directions: Sequence[Direction], asked: Mapping[str, float]
) -> Tensor:
    """w+ [N, slots, w_dim] moved as asked for, by name of direction and amount -1..1.

    Raises ValueError for a name there is not and an amount out of bounds.
    """
    known = {one.name: one for one in directions}
    for name, amount in asked.items():
        if name not in known:
            names = ", ".join(known) or "none"
            raise ValueError(f"There is no slider {name[:40]!r}; there are: {names}.")
        if not -1 <= amount <= 1:
            raise ValueError(f"{name} is {amount:g}; it must be a number from -1 to 1.")
    if not asked:
        return w
    moved = w.clone()
    for name, amount in asked.items():
        one = known[name]
        # Where each stands before anything has moved: sliders do not depend on their order.
        stands = (w[:, one.start : one.stop].mean(1) - w_mean) @ one.reading.to(w)  # (N,)
        left = (one.reach - stands if amount > 0 else stands + one.reach).clamp(min=0)
        step = amount * left
        moved[:, one.start : one.stop] += step[:, None, None] * one.vector.to(w)
    return moved


def _described(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            described = parse_json((file.metadata() or {}).get("directions", ""))
    except (OSError, ValueError, SafetensorError) as error:
        raise _damaged(path) from error
    if not isinstance(described, dict) or len(described) > _KNOWN:
        raise _damaged(path)
    if not all(isinstance(known, dict) for known in described.values()):
        raise _damaged(path)
    return described


def _damaged(path: Path) -> WeightsError:
    return WeightsError(f"{path} is damaged; restore it, or remove it to do without sliders.")
