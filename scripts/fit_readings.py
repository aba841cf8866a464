"""Fits the readings that show how a bundled face grows (smart/gan/growing.py).

python scripts/fit_readings.py --out weights/faces/readings.safetensors [--faces 192]

For each level below the heads: ridge regression from the features of one place to the Haar
coefficients of the 128 px preview, reduced. Seeds below FIRST_SEED are never seen. About ten
seconds on one processor core; the same numbers come out each time on the same machine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from smart.gan.generator import load_generator
from smart.gan.growing import fit, upward
from smart.gan.latents import seed_latents, truncate
from smart.gan.mobile_stylegan import MobileStyleGAN

FIRST_SEED = 80_000
PSI = 0.8
JUDGES = 8
MOST = 64  # faces whose places are counted at the larger levels; there are enough of them


def seen(network: MobileStyleGAN, first: int, count: int) -> tuple[dict[int, Tensor], Tensor]:
    """Features of the levels below the heads, and the 128 px previews, of faces from first on."""
    smallest = network.preview_sizes[0]
    features: dict[int, list[Tensor]] = {}
    pictures = []
    for seed in range(first, first + count):
        w = network.map(seed_latents([seed], network.z_dim))
        w = truncate(w, network.w_mean, PSI)
        for x in upward(network, w, smallest // 4):
            features.setdefault(x.shape[1], []).append(x)
        pictures.append(network.preview(w, smallest))
    return {level: torch.cat(parts) for level, parts in features.items()}, torch.cat(pictures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=192)
    arguments = parser.parse_args()
    network = load_generator("faces")
    assert isinstance(network, MobileStyleGAN)
    features, pictures = seen(network, FIRST_SEED, arguments.faces)
    unseen, true = seen(network, FIRST_SEED - JUDGES, JUDGES)
    tensors = {}
    for level, x in features.items():
        count = len(x) if level <= 8 else MOST
        reading = fit(x[:count], F.interpolate(pictures[:count], size=2 * level, mode="area"))
        tensors[f"{level}.matrix"] = reading.matrix.half().contiguous()
        tensors[f"{level}.offset"] = reading.offset.half().contiguous()
        error = reading(unseen[level]) - F.interpolate(true, size=2 * level, mode="area")
        decibel = -10 * float(error.square().mean().log10())
        print(f"{2 * level} px: {decibel:.1f} dB on faces not seen", flush=True)
    save_file(tensors, arguments.out, metadata={"format": "pt"})


if __name__ == "__main__":
    main()
