"""Tensors as checkpoints describe them: numbers still in the file, and a window on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from smart.weights import WeightsError

DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
REMEDY = "get the file again, or as a plain state dict, from whoever made it"


@dataclass(eq=False, slots=True)
class Storage:
    """count numbers as bytes; read gives them when they are wanted."""

    dtype: torch.dtype
    count: int
    read: Callable[[], bytes | memoryview] | None = None


@dataclass(eq=False, slots=True)
class StoredTensor:
    """A tensor as a file describes it: a window on a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def tensor(self) -> Tensor:
        """The numbers, contiguous, on the CPU. Raises WeightsError when they are not all there."""
        numbers = (self.offset, *self.shape, *self.strides)
        plain = all(type(n) is int and 0 <= n < 2**48 for n in numbers)
        if not plain or len(self.shape) != len(self.strides) or len(self.shape) > 8:
            raise WeightsError(f"A tensor has no proper shape; {REMEDY}.")
        extent = 1 + sum((n - 1) * step for n, step in zip(self.shape, self.strides, strict=True))
        total = 1
        for n in self.shape:
            total *= n
        # An expanded tensor could claim any size from one number.
        if not 0 < total <= self.storage.count or self.offset + extent > self.storage.count:
            raise WeightsError(
                f"A tensor of the shape {list(self.shape)} asks for more numbers than the "
                f"{self.storage.count} that are stored; {REMEDY}."
            )
        data = self.storage.read() if self.storage.read else b""
        if len(data) != self.storage.count * self.storage.dtype.itemsize:
            raise WeightsError(f"A tensor of the shape {list(self.shape)} is cut off; {REMEDY}.")
        start = self.offset * self.storage.dtype.itemsize
        part = bytearray(data[start : start + extent * self.storage.dtype.itemsize])
        flat = torch.frombuffer(part, dtype=self.storage.dtype)
        return flat.as_strided(self.shape, self.strides).contiguous()
