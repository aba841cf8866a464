"""Reads the OpenVINO intermediate representation (an XML graph and a blob of constants).

Only the standard library and numpy: nobody needs OpenVINO to get at the weights. The layout of the
two files: OpenVINO's documentation, "OpenVINO IR format" (version 10).
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from smart.weights import WeightsError
from smart.wording import named

_DTYPES: dict[str, np.dtype[Any]] = {
    "f32": np.dtype("<f4"),
    "f16": np.dtype("<f2"),
    "i32": np.dtype("<i4"),
    "i64": np.dtype("<i8"),
}


Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Layer:
    """One node of the graph: its type ("MatMul", "Const"), its inputs in port order, its value.

    value is the constant of a Const layer (read-only array) and None for every other type.
    """

    name: str
    type: str
    inputs: tuple[str, ...]
    value: Array | None = None


class Graph:
    """The layers of one IR by id, in the order of the file, which is an order of execution."""

    def __init__(self, layers: dict[str, Layer]) -> None:
        self.layers = layers
        self._users: dict[str, list[str]] = {}
        for identity, layer in layers.items():
            for source in layer.inputs:
                self._users.setdefault(source, []).append(identity)

    def of_type(self, kind: str) -> Iterator[tuple[str, Layer]]:
        """(id, layer) of every layer of the type, in order of execution."""
        return ((identity, layer) for identity, layer in self.layers.items() if layer.type == kind)

    def constant(self, name: str) -> Array:
        """The value of the constant with this name. Raises WeightsError when there is none."""
        for _, layer in self.of_type("Const"):
            if layer.name == name and layer.value is not None:
                return layer.value
        raise WeightsError(
            f"The IR holds no constant {named(name)!r}; it is another network's file."
        )

    def _layer(self, identity: str) -> Layer:
        if identity not in self.layers:
            raise WeightsError(f"The IR has no layer {named(identity)!r}; fetch it again.")
        return self.layers[identity]

    def operand(self, identity: str) -> Array:
        """The constant that a layer takes as an input, looked for through reshapes."""
        for source in self._layer(identity).inputs:
            layer = self.layers.get(source)
            if layer is not None and layer.type == "Reshape":
                layer = self.layers.get(layer.inputs[0]) if layer.inputs else None
            if layer is not None and layer.value is not None:
                return layer.value
        name = named(self._layer(identity).name)
        raise WeightsError(f"Layer {name!r} of the IR takes no constant; it is another network's.")

    def following(self, identity: str, kind: str) -> str:
        """The id of the first layer of the type met when walking forward along single uses."""
        start = named(self._layer(identity).name)
        for _ in self.layers:  # no longer way than through all of them: it may be a circle
            users = self._users.get(identity, [])
            if not users:
                break
            identity = users[0]
            if (layer := self.layers.get(identity)) is not None and layer.type == kind:
                return identity
        raise WeightsError(f"No {kind} follows {start!r} in the IR; it is another network's file.")


def read_ir(graph: bytes, constants: bytes) -> Graph:
    """A network from the contents of its .xml (graph) and .bin (constants).

    Raises WeightsError when the XML does not parse, names an unknown element type, or points
    outside the constants.
    """
    try:
        root = ElementTree.fromstring(graph)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        reason = named(error, 120)
        raise WeightsError(f"The IR's .xml does not parse ({reason}); fetch it again.") from error
    ports: dict[str, dict[int, str]] = {}
    for edge in root.iterfind("edges/edge"):
        source, target = edge.get("from-layer", ""), edge.get("to-layer", "")
        ports.setdefault(target, {})[_number(edge.get("to-port", "0"))] = source
    layers = {}
    for element in root.iterfind("layers/layer"):
        identity, kind = element.get("id", ""), element.get("type", "")
        inputs = tuple(source for _, source in sorted(ports.get(identity, {}).items()))
        value = _constant(element, constants) if kind == "Const" else None
        layers[identity] = Layer(element.get("name", ""), kind, inputs, value)
    if not layers:
        raise WeightsError("The .xml holds no layers; it is not an OpenVINO IR.")
    return Graph(layers)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise WeightsError(
            f"The IR's .xml gives {named(text, 40)!r} for a number; fetch it again."
        ) from error


def _constant(layer: ElementTree.Element, constants: bytes) -> Array:
    data = layer.find("data")
    name = named(layer.get("name", ""))
    if data is None:
        raise WeightsError(f"Constant {name!r} of the IR describes no data; fetch the file again.")
    dtype = _DTYPES.get(data.get("element_type", ""))
    if dtype is None:
        kind = named(data.get("element_type", ""))
        raise WeightsError(f"Constant {name!r} has the element type {kind!r}, which is not read.")
    shape = tuple(_number(number) for number in data.get("shape", "").split(",") if number.strip())
    offset, size = _number(data.get("offset", "-1")), _number(data.get("size", "-1"))
    proper = len(shape) <= 8 and all(0 < side < 2**31 for side in shape)
    count = math.prod(shape) if proper else -1
    if not proper or size != count * dtype.itemsize or offset < 0 or offset + size > len(constants):
        raise WeightsError(
            f"Constant {name!r} lies outside the .bin of {len(constants)} bytes or does not fit "
            "its shape; the .xml and the .bin do not belong together, fetch both again."
        )
    return np.frombuffer(constants, dtype, count, offset).reshape(shape)
