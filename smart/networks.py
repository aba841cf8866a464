"""The networks of the app, each loaded once, when it is first needed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch

from smart import weights
from smart.device import PRECISIONS, best_device, feature_dtype
from smart.gan import directions
from smart.gan.directions import Direction
from smart.gan.generator import Generator, load_generator
from smart.options import FACES
from smart.painting.feed_forward import Stylizer, load_stylizer
from smart.painting.vgg import VGG, load_vgg

SKETCHERS = {"portraits": "stylization-portraits", "general": "stylization"}  # in weights/


def generator(name: str = FACES) -> Generator:
    """The generator called name, loaded once, and again when its weights have changed.

    Raises WeightsError (see load_generator).
    """
    return _generator(name, stamp(name), best_device())


def stamp(name: str) -> int:
    """Changes when the weights of the generator called name do, as those of a training may."""
    folder = None if name == FACES else weights.local(name)
    if folder is None:
        return 0
    try:
        return (folder / weights.MODEL).stat().st_mtime_ns
    except OSError:
        return 0


def sliders(name: str = FACES) -> tuple[Direction, ...]:
    """The directions of the generator called name (see smart.gan.directions), read once."""
    return _sliders(name, stamp(name), best_device())


@lru_cache(maxsize=3)
def _sliders(name: str, _: int, __: torch.device) -> tuple[Direction, ...]:
    return directions.read(weights.find(name), generator(name))


@lru_cache(maxsize=3)
def _generator(name: str, _: int, device: torch.device) -> Generator:
    return load_generator(name, device)


def feature_network(name: str | None = None, precision: str | None = None) -> VGG:
    """The network the painter sees with: VGG-19 if it is on this machine, else VGG-16.

    name ("vgg16", "vgg19") and precision ("float32", "bfloat16") ask for certain ones. Loaded
    once for each file: a VGG-19 that has come meanwhile is used from the next call on.
    """
    found = weights.vgg19_file() if name in (None, "vgg19") else None
    device = best_device()
    dtype = PRECISIONS.get(precision or "", feature_dtype(device))
    changed = found.stat().st_mtime_ns if found else 0  # another revision may have come
    return _network("vgg19" if found else name or "vgg16", found, changed, device, dtype)


@lru_cache(maxsize=2)
def _network(name: str, _: Path | None, __: int, device: torch.device, dtype: torch.dtype) -> VGG:
    return load_vgg(name, device, dtype)


def stylizer(name: str = "portraits") -> Stylizer:
    """The network that sketches in one pass, by the option sketcher, loaded once."""
    return _stylizer(name, best_device())


@lru_cache(maxsize=2)
def _stylizer(name: str, device: torch.device) -> Stylizer:
    return load_stylizer(SKETCHERS[name], device)
