"""Reads the pickles of PyTorch and of NVIDIA's networks, and runs nothing that stands in them.

A pickle is a program: whoever loads it calls the functions it names. Here its instructions are read
by pickletools, which only takes them apart, and a small machine builds plain data from them: dicts,
lists, numbers, text, tensors that are still bytes, and for everything else an Inert that holds a
name and its arguments. No name is ever looked up, imported or called. A name that is not among
those of tensors and networks ends the reading, as it has no business there.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from smart.conversion.stored_tensor import DTYPES, REMEDY, Storage, StoredTensor
from smart.weights import WeightsError

PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"
_DICTS = {"collections.OrderedDict", "dnnlib.util.EasyDict", "dnnlib.EasyDict"}
_BLOB = "torch.storage._load_from_bytes"
_ENCODE = "_codecs.encode"
_TENSORS = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"}
_PARAMETERS = {
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
}
# Named in honest files beside the weights (options, scalars); they become an Inert and stay one.
_INERT = {
    PERSISTENT,
    "argparse.Namespace",
    "builtins.set",
    "__builtin__.set",
    _ENCODE,
    "numpy.dtype",
    "numpy.ndarray",
    *(f"numpy.{c}.multiarray.{f}" for c in ("core", "_core") for f in ("scalar", "_reconstruct")),
    "torch.Size",
    "torch.device",
    *(str(dtype) for dtype in DTYPES.values()),
}
_STORAGES = {f"torch.{name}": dtype for name, dtype in DTYPES.items()}
_ALLOWED = {*_DICTS, _BLOB, *_TENSORS, *_PARAMETERS, *_STORAGES, *_INERT}
_TENSORFLOW = "dnnlib.tflib."
# What honest files hold as keys; a nested tuple could take for ever to hash.
_KEYS = (str, int, float, bytes, type(None))


@dataclass(eq=False, slots=True)
class Inert:
    """What a pickle wanted made by a call: the name, its arguments, the state. Never called."""

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None


@dataclass(eq=False, slots=True)
class _Global:
    """A name on the machine's stack."""

    name: str


class Machine:
    """Carries out one pickle's instructions on plain data.

    budget bounds the bytes of inner files, blob reads one, storage finds a tensor's. Instructions
    take time in proportion to their own length, so a small file cannot keep it busy; sharing is
    kept, so a small file cannot unfold into a large structure either.
    """

    def __init__(
        self,
        budget: int,
        storage: Callable[[str, torch.dtype, int], Storage],
        blob: Callable[[bytes], Any] | None,
    ) -> None:
        self.budget, self.storage, self.blob = budget, storage, blob
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def run(self, file: io.BytesIO) -> Any:
        for opcode, argument, _ in pickletools.genops(file):
            if opcode.name == "STOP":
                return self.stack.pop()
            self._step(opcode.name, argument)
        raise WeightsError(f"The pickle has no end; {REMEDY}.")

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _PUSHES:
            stack.append(argument)
        elif name in _MAKES:
            stack.append(_MAKES[name]())
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[argument])
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif name in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[argument] = stack[-1]
        elif name in _METHODS:
            _METHODS[name](self)
        elif name == "GLOBAL":
            self._name(*argument.split(" ", 1))
        elif name not in ("PROTO", "FRAME"):
            raise WeightsError(f"The pickle uses {name}, which no checkpoint needs; {REMEDY}.")

    def _mark(self) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def _since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    def _push(self, value: Any) -> None:
        self.stack.append(value)

    def _tuple_of(self, count: int) -> None:
        items = tuple(self.stack[-count:])
        if len(items) != count:
            raise IndexError("the stack is empty")
        self.stack[-count:] = [items]

    def _append(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise TypeError("what it appends to is no list")
        self.stack[-1].extend(items)

    def _set(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not dict or len(items) % 2:
            raise TypeError("what it sets items of is no dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.stack[-1][_key(key)] = value

    def _add(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not set:
            raise TypeError("what it adds to is no set")
        self.stack[-1].update(_key(item) for item in items)

    def _dict(self) -> None:
        items = self._since_mark()
        self.stack.append({})
        self._set(items)

    def _pop_two(self) -> list[Any]:
        second, first = self.stack.pop(), self.stack.pop()
        return [first, second]

    def _name(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            raise TypeError("a name that is no text")
        full = f"{module}.{name}"
        if full.startswith(_TENSORFLOW):
            raise WeightsError(
                "It is a TensorFlow pickle, which cannot be read here; convert it first with "
                "`python legacy.py --source=FILE --dest=NEW` of NVIDIA's stylegan2-ada-pytorch."
            )
        if full not in _ALLOWED:
            raise WeightsError(
                f"It names {full[:80]!r}, which plain weights do not need and which may run "
                f"code, so nothing of it was run; {REMEDY}."
            )
        self.stack.append(_Global(full))

    def _call(self) -> None:
        function, arguments = self._pop_two()
        if type(function) is not _Global or type(arguments) is not tuple:
            raise TypeError("it calls what is no function")
        self.stack.append(self._stand_in(function.name, arguments))

    def _stand_in(self, name: str, arguments: tuple[Any, ...]) -> Any:
        if name in _DICTS and not arguments:
            return {}
        if name in _TENSORS:
            storage, offset, shape, strides = arguments[:4]
            if type(storage) is not Storage or not type(shape) is type(strides) is tuple:
                raise TypeError("a tensor without a storage")
            return StoredTensor(storage, offset, shape, strides)
        if name in _PARAMETERS:
            return arguments[0]
        if name == _BLOB:
            (data,) = arguments
            # Each is read once in an honest file. Inside of one there is a storage, no other.
            if type(data) is not bytes or self.blob is None:
                raise WeightsError(f"Files are nested in it without sense; {REMEDY}.")
            self._spend(len(data))
            return self.blob(data)
        if name == _ENCODE and len(arguments) == 2 and type(arguments[0]) is str:
            self._spend(len(arguments[0]))
            return arguments[0].encode("latin-1")  # how older protocols hold bytes
        if name in _STORAGES or name in _DICTS:
            raise TypeError(f"{name} is called in an unusual way")
        return Inert(name, arguments)

    def _spend(self, size: int) -> None:
        self.budget -= size
        if self.budget < 0:
            raise WeightsError(f"The same part is read again and again; {REMEDY}.")

    def _build(self) -> None:
        made, state = self._pop_two()
        if type(made) is Inert:
            made.state = state
        elif type(made) is not dict:  # a state dict's own notes are of no use
            raise TypeError("it sets the state of what has none")
        self.stack.append(made)

    def _persistent(self) -> None:
        kind, storage, key, _, count, *view = self.stack.pop()
        if kind != "storage" or type(storage) is not _Global or type(key) is not str or any(view):
            raise TypeError("it refers to what is no storage")
        if type(count) is not int or count < 0:
            raise TypeError("a storage without a size")
        self.stack.append(self.storage(key, _STORAGES[storage.name], count))


def _key(key: Any) -> Any:
    long = isinstance(key, int) and key.bit_length() > 64
    if not isinstance(key, _KEYS) or long:
        raise TypeError("a key of a dict is neither text nor number")
    return key


_PUSHES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE",
    "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip
_MAKES: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}
_METHODS: dict[str, Callable[[Machine], Any]] = {
    "MARK": Machine._mark,
    "POP_MARK": Machine._since_mark,
    "POP": lambda m: m.stack.pop() if m.stack else m._since_mark(),
    "DUP": lambda m: m.stack.append(m.stack[-1]),
    "TUPLE": lambda m: m._push(tuple(m._since_mark())),
    "TUPLE1": lambda m: m._tuple_of(1),
    "TUPLE2": lambda m: m._tuple_of(2),
    "TUPLE3": lambda m: m._tuple_of(3),
    "LIST": lambda m: m._push(m._since_mark()),
    "DICT": Machine._dict,
    "APPEND": lambda m: m._append([m.stack.pop()]),
    "APPENDS": lambda m: m._append(m._since_mark()),
    "SETITEM": lambda m: m._set(m._pop_two()),
    "SETITEMS": lambda m: m._set(m._since_mark()),
    "ADDITEMS": lambda m: m._add(m._since_mark()),
    "STACK_GLOBAL": lambda m: m._name(*m._pop_two()),
    "REDUCE": Machine._call,
    "NEWOBJ": Machine._call,
    "BUILD": Machine._build,
    "BINPERSID": Machine._persistent,
}
