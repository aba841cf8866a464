"""Reads .pt and .pkl files into plain data, by a pickle reader that runs nothing."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from smart.conversion.restricted_pickle import Machine
from smart.conversion.stored_tensor import REMEDY, Storage
from smart.weights import WeightsError

# An honest file is gone through twice at most: as text that holds bytes, then as an inner file.
_READS = 2
_MAGIC = 0x1950A86A20F9469CFC6C  # what the older of PyTorch's two formats begins with


def read_checkpoint(path: Path) -> Any:
    """What a .pt or .pkl file holds, as plain data: dicts, lists, numbers, StoredTensor, Inert.

    Reads PyTorch's zip files, its older format, and pickles as NVIDIA's networks come in. Nothing
    in the file is executed. Raises WeightsError in one sentence for a file that is missing or cut
    off, or that names a function or class which plain weights do not need.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror}); {REMEDY}.") from error
    try:
        return read_bytes(data)
    except WeightsError as error:
        raise WeightsError(f"{path.name}: {error}") from error


def read_bytes(data: bytes, depth: int = 0) -> Any:
    """As read_checkpoint, of a file's content. depth counts files inside of files."""
    with _one_sentence():
        if data[:4] == b"PK\x03\x04":
            return _read_zip(data, depth)
        return _read_plain(data, depth)


@contextlib.contextmanager
def _one_sentence() -> Iterator[None]:
    """A WeightsError for all that malformed bytes provoke in pickletools, zipfile, the machine."""
    try:
        yield
    except WeightsError:
        raise
    except (
        ValueError, LookupError, TypeError, AttributeError, ArithmeticError, EOFError, OSError,
        MemoryError, RuntimeError, struct.error, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        reason = (str(error).splitlines() or [""])[0][:80].rstrip(". ") or type(error).__name__
        raise WeightsError(
            f"This is no checkpoint or a damaged one ({reason}); {REMEDY}."
        ) from error


def _machine(data: bytes, depth: int, storage: Callable[..., Storage]) -> Machine:
    # Inside of an inner file there is a storage and no third one.
    blob = None if depth else lambda inner: read_bytes(inner, depth + 1)
    return Machine(_READS * len(data), storage, blob)


def _read_zip(data: bytes, depth: int) -> Any:
    archive = zipfile.ZipFile(io.BytesIO(data))
    files = {info.filename: info for info in archive.infolist()}
    # PyTorch compresses nothing, so what is larger inside than outside is a trap.
    if sum(info.file_size for info in files.values()) > len(data):
        raise WeightsError(f"The zip claims to hold more than its own size; {REMEDY}.")
    pickles = [name for name in files if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise WeightsError(f"This zip is no PyTorch checkpoint, it has no data.pkl; {REMEDY}.")
    folder = pickles[0].removesuffix("/data.pkl")
    order = files.get(f"{folder}/byteorder")
    if order is not None and archive.read(order) != b"little":
        raise WeightsError("The numbers are big-endian; save the file again on a usual machine.")
    storages: dict[str, Storage] = {}

    def storage(key: str, dtype: torch.dtype, count: int) -> Storage:
        if key not in storages:
            info = files[f"{folder}/data/{key}"]
            storages[key] = Storage(dtype, count, lambda: _entry(archive, info))
        return storages[key]

    return _machine(data, depth, storage).run(io.BytesIO(archive.read(pickles[0])))


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with _one_sentence():
        return archive.read(info)


def _read_plain(data: bytes, depth: int) -> Any:
    """A bare pickle, or PyTorch's older format: five pickles and then the numbers."""
    file = io.BytesIO(data)
    storages: dict[str, Storage] = {}

    def storage(key: str, dtype: torch.dtype, count: int) -> Storage:
        return storages.setdefault(key, Storage(dtype, count))

    def load() -> Any:
        return _machine(data, depth, storage).run(file)

    first = load()
    if not (type(first) is int and first == _MAGIC):
        return first
    version, system = load(), load()
    if version != 1001 or type(system) is not dict or system.get("little_endian") is not True:
        raise WeightsError(f"This version of PyTorch's older format is not known; {REMEDY}.")
    content, keys = load(), load()
    position, view = file.tell(), memoryview(data)
    for key in keys:
        found = storages[key]
        (count,) = struct.unpack_from("<q", data, position)
        end = position + 8 + count * found.dtype.itemsize
        if count != found.count or end > len(data):
            raise WeightsError(f"The file ends before its numbers do; {REMEDY}.")
        found.read = lambda part=view[position + 8 : end]: part  # type: ignore[misc]
        position = end
    return content
