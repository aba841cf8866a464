"""Where to compute, chosen at run time: CUDA, then MPS, then the processor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import torch

from smart import serving

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@lru_cache(maxsize=1)
def best_device() -> torch.device:
    """The device named by SMART_DEVICE, otherwise the fastest one there is.

    Raises ValueError when SMART_DEVICE names one that is not there.
    """
    name = serving.current().device
    if name:
        try:
            torch.empty(1, device=name)
        except (RuntimeError, AssertionError) as error:
            raise ValueError(
                f"SMART_DEVICE is {name!r}, which is not here; unset it or use cpu."
            ) from error
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def feature_dtype(device: torch.device) -> torch.dtype:
    """The dtype in which VGG runs fastest without harm: bfloat16 where it has matrix units.

    The picture, the statistics and the optimiser stay float32. SMART_PRECISION=float32 or
    bfloat16 overrides.
    """
    name = serving.current().precision
    if name in PRECISIONS:
        return PRECISIONS[name]
    if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    # Older PyTorch cannot say what the processor can do.
    ask: Callable[[], Mapping[str, object]] = getattr(torch.cpu, "get_capabilities", dict)
    if device.type == "cpu" and ask().get("amx_bf16"):
        return torch.bfloat16
    return torch.float32
