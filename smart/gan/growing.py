"""A face on its way up through the generator: what can be read from each level's features.

MobileStyleGAN has heads for its upper levels only (see smart.gan.preview_heads). Below, a reading
is the best linear map from the features of one place to the colours it stands for, fitted to the
network's own faces by scripts/fit_readings.py: it shows what the level knows, and adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from smart import weights
from smart.gan.alike import one_for_each_slot
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.gan.mobile_synthesis import FIRST_LEVEL, joined
from smart.gan.wavelet import haar, inverse_haar

READINGS = "readings.safetensors"
RIDGE = 0.02  # of the variance of standardised features; less repeats the noise of few faces


class Reading(NamedTuple):
    """Features [.., C] @ matrix [C, 12] + offset [12] are Haar coefficients on the scale -1..1."""

    matrix: Tensor
    offset: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """Features of a level [N, h, w, C] -> pictures [N, 3, 2h, 2w] in 0..1."""
        coefficients = (features @ self.matrix + self.offset).permute(0, 3, 1, 2).contiguous()
        return inverse_haar(coefficients).add(1).div(2).clamp(0, 1)


def fit(features: Tensor, pictures: Tensor, ridge: float = RIDGE) -> Reading:
    """The reading of features [N, h, w, C] that comes nearest to pictures [N, 3, 2h, 2w] in 0..1.

    Ridge regression; raises ValueError where the sizes do not belong together.
    """
    height, width = features.shape[1:3]
    if pictures.shape[-2:] != (2 * height, 2 * width) or len(pictures) != len(features):
        raise ValueError(
            f"Features of {width} x {height} places need as many pictures of {2 * width} x "
            f"{2 * height} px, not {list(pictures.shape)}; resize them."
        )
    x = features.flatten(0, 2).double()
    y = haar(pictures * 2 - 1).permute(0, 2, 3, 1).flatten(0, 2).double()
    x_mean, y_mean, spread = x.mean(0), y.mean(0), x.std(0) + 1e-6
    centred = (x - x_mean) / spread
    square = centred.T @ centred
    square.diagonal().add_(ridge * len(x))
    matrix = torch.linalg.solve(square, centred.T @ (y - y_mean)) / spread[:, None]
    return Reading(matrix.float(), (y_mean - x_mean @ matrix).float())


def load_readings(name: str | Path, device: torch.device | str = "cpu") -> dict[int, Reading]:
    """The readings beside a generator's weights, by level; none where the file is not there.

    Raises WeightsError for a damaged file.
    """
    path = weights.find(name) / READINGS
    if not path.is_file():
        return {}
    tensors = {key: value.float().to(device) for key, value in weights.read_file(path).items()}
    levels = sorted({int(key.split(".")[0]) for key in tensors if key.split(".")[0].isdigit()})
    return {
        level: Reading(tensors[f"{level}.matrix"], tensors[f"{level}.offset"])
        for level in levels
        if {f"{level}.matrix", f"{level}.offset"} <= tensors.keys()
    }


@torch.no_grad()
def upward(network: MobileStyleGAN, w: Tensor, last: int) -> Iterator[Tensor]:
    """Features of each level from the first to last, [N, level, level, C], one after the other."""
    w = one_for_each_slot(w, network.slots, network.w_mean)
    x = network.synthesis.first(w)
    yield x
    while x.shape[1] < last:
        x = joined(network.synthesis.grown(x, w))
        yield x


@torch.no_grad()
def growth(network: MobileStyleGAN, w: Tensor, readings: Mapping[int, Reading]) -> Iterator[Tensor]:
    """The face as far as each level has it, smallest first: [N, 3, size, size] in 0..1.

    One pass through the network, which goes on where one asks for the next picture. A level
    without reading or head is passed over; the last picture is the generator's own.
    """
    w = one_for_each_slot(w, network.slots, network.w_mean)
    synthesis = network.synthesis
    native = network.sizes[-1]
    features = synthesis.const.new_empty(0)
    for features in upward(network, w, native // 4):
        level = features.shape[1]
        if str(2 * level) in network.heads:
            left = w[:, synthesis.slots_up_to(level) :]
            made = network.heads[str(2 * level)](features, left)
            yield inverse_haar(made.contiguous()).add(1).div(2).clamp_(0, 1)
        elif level in readings:
            yield readings[level](features)
    strips = synthesis.grown(features, w)
    whole = joined(synthesis.head(strip, w[:, -1], 12) for strip in strips).permute(0, 3, 1, 2)
    yield inverse_haar(whole.contiguous()).add(1).div(2).clamp_(0, 1)


def sizes(network: MobileStyleGAN, readings: Mapping[int, Reading]) -> list[int]:
    """Sizes in px of the pictures that growth gives."""
    levels = [FIRST_LEVEL, *network.synthesis.levels[:-1]]
    known = [2 * level for level in levels if level in readings or str(2 * level) in network.heads]
    return [*known, network.sizes[-1]]
