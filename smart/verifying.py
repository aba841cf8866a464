"""Whether weights are what they should be: readable, unchanged, of their architecture's shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from smart import weights
from smart.folders import LOCK, LOCKED, MODEL, WeightsError, damaged


def problems(folder: Path) -> list[str]:
    """What is wrong with a folder of weights, each in some words; [] where nothing is.

    Every file is read in full. Files are compared with lock.json where there is one, and built into
    their architecture where SMART knows it.
    """
    try:
        if wrong := damaged(folder):
            return wrong
        config = weights.read_config(folder)
        for name in LOCKED:
            if name.endswith(".safetensors") and (folder / name).is_file():
                weights.read_file(folder / name)
        if not (folder / MODEL).is_file():
            return [f"{MODEL} is missing"]
        _build(folder, config["architecture"])
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        return [str(error).rstrip(".")]
    return []


def vgg19_problems(file: Path) -> list[str]:
    """The same for a file of VGG-19, which may be the whole one in the Hub's cache."""
    from smart.painting.vgg import BLOCKS

    try:
        wrong = damaged(file.parent, names=[MODEL])
        if not wrong:
            _require_vgg(file, BLOCKS["vgg19"])
    except (ValueError, TypeError) as error:
        return [str(error).rstrip(".")]
    return wrong


def is_locked(folder: Path) -> bool:
    """Whether there is something to compare with."""
    return (folder / LOCK).is_file()


def _build(folder: Path, architecture: str) -> None:
    from smart.gan import directions, snapshot
    from smart.gan.generator import architectures, load_generator
    from smart.painting.feed_forward import load_stylizer
    from smart.painting.vgg import BLOCKS

    others: dict[str, Callable[[Path], object]] = {"stylization": load_stylizer}
    if architecture == "vgg":
        blocks = weights.read_config(folder).get("blocks", BLOCKS["vgg16"])
        _require_vgg(folder / MODEL, blocks)
    elif architecture in architectures():
        generator = load_generator(folder)
        directions.read(folder, generator)
        if architecture == snapshot.ARCHITECTURE:
            snapshot.load_pair(folder)
    elif architecture in others:
        others[architecture](folder)


def _require_vgg(file: Path, blocks: Sequence[int]) -> None:
    from smart.painting.vgg import tensor_shapes

    shapes = tensor_shapes(blocks)
    found = weights.read_file(file, shapes)
    for key, shape in shapes.items():
        if key not in found or tuple(found[key].shape) != shape:
            raise WeightsError(f"{file} has no {key} of the shape of VGG.")
