"""Where the face is, and where the figure ends: masks for the painter.

The sitters of the bundled generator are aligned as the photographs it learned from (FFHQ), so
that eyes, nose and mouth are always in the same place. The outline of the figure is not; it is
found by what VGG sees, from places that are sure to be head or background.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from smart import images
from smart.painting.vgg import VGG

# Centre and half axes (x, y, a, b) as shares of the side, measured on the average face.
FEATURES = (
    (0.370, 0.465, 0.085, 0.050), (0.630, 0.465, 0.085, 0.050),  # eyes
    (0.500, 0.600, 0.070, 0.080), (0.500, 0.735, 0.120, 0.060),  # nose, mouth
)  # fmt: skip
SOFT = 0.5  # of an axis, over which a feature's mask fades
GRID = 64  # cells a side on which figure and ground are told apart
FINE = 256  # px a side of the picture that the outline follows
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
DIMENSIONS = 48
ROUNDS = 4
RIDGE = 0.05


def _place(side: int) -> tuple[Tensor, Tensor]:
    centres = (torch.arange(side) + 0.5) / side
    return centres[None, :].expand(side, -1), centres[:, None].expand(-1, side)


def _distance(ellipse: tuple[float, float, float, float], side: int) -> Tensor:
    """1 on the ellipse, less inside, [side, side]."""
    x, y = _place(side)
    centre_x, centre_y, a, b = ellipse
    return (((x - centre_x) / a).square() + ((y - centre_y) / b).square()).sqrt()


def aligned_features(side: int = FINE) -> Tensor:
    """Eyes, nose and mouth of an aligned face, [1, 1, side, side] in 0..1, with soft edges."""
    each = [1 - (_distance(ellipse, side) - 1) / SOFT for ellipse in FEATURES]
    return torch.stack(each).amax(0).clamp(0, 1)[None, None]


def _prior(side: int) -> Tensor:
    """How likely a place of an aligned portrait is the figure, as log odds, [side, side]."""
    x, y = _place(side)
    head = 4 - 3.2 * _distance((0.5, 0.50, 0.30, 0.42), side)
    # Shoulders widen from the neck down.
    half = 0.2 + 1.8 * (y - 0.80).clamp_min(0) ** 0.7
    body = torch.where(y > 0.80, 3 - 3 * (x - 0.5).abs() / half, -6.0)
    return torch.maximum(head, body).clamp(-4, 4)


@torch.no_grad()
def figure(picture: Tensor, network: VGG) -> Tensor:
    """The figure of an aligned portrait [N, 3, H, W] in 0..1 as a mask [N, 1, 256, 256] in 0..1.

    Cells of the picture are told apart by VGG features: a linear classifier learns from the
    places that are sure, and then from its own surer answers. The outline follows the picture's
    edges (guided filter, He et al. 2013, IEEE TPAMI 35).
    """
    small = images.resize(picture, FINE, FINE).to(network.device)
    features = network(small, LAYERS)
    cells = torch.cat([_cells(features[layer].float()) for layer in LAYERS], 1)
    cells = torch.cat([cells, 3 * _cells(small)], 1).cpu()  # small, and MPS has no eigenvalues
    small = small.cpu()
    outlines = [_outline(cells[i], small[i : i + 1]) for i in range(len(small))]
    return torch.cat(outlines)


def _cells(features: Tensor) -> Tensor:
    """Features on the grid, every channel with unit variance over all pictures' cells."""
    resized = F.interpolate(features, (GRID, GRID), mode="bilinear", antialias=True)
    resized = resized - resized.mean((2, 3), keepdim=True)
    spread: Tensor = (resized.std((2, 3), keepdim=True) + 1e-3) * resized.shape[1] ** 0.5
    return resized / spread


def _outline(cells: Tensor, picture: Tensor) -> Tensor:
    flat = cells.flatten(1).T  # (cells, channels)
    _, basis = torch.linalg.eigh(flat.T @ flat)
    flat = flat @ basis[:, -DIMENSIONS:]  # the principal components
    flat = flat / flat.std(0).clamp_min(1e-6)
    ones = torch.ones(len(flat), 1, device=flat.device)
    design = torch.cat([flat, ones], 1)
    prior = _prior(GRID).flatten().to(flat)
    odds = prior
    for _ in range(ROUNDS):
        belief = odds.sigmoid()
        sure = (2 * belief - 1).abs().square()[:, None]  # what is unsure teaches nothing
        left = design.T @ (design * sure) + RIDGE * len(flat) * torch.eye(len(design.T)).to(flat)
        answer = design @ torch.linalg.solve(left, design.T @ (sure[:, 0] * (2 * belief - 1)))
        odds = 0.7 * prior + 8 * answer
    mask = odds.sigmoid().reshape(1, 1, GRID, GRID)
    mask = F.interpolate(mask, (FINE, FINE), mode="bilinear")
    return _guided(mask, picture)


def _guided(mask: Tensor, picture: Tensor, radius: int = 6, noise: float = 2e-4) -> Tensor:
    """mask [1, 1, H, W] as a locally linear function of the picture's colours."""

    def blur(x: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(x, (radius,) * 4, mode="replicate"), 2 * radius + 1, stride=1)

    mean, mask_mean = blur(picture), blur(mask)
    pairs = blur(picture.unsqueeze(2).mul(picture.unsqueeze(1)).flatten(1, 2))
    pairs = pairs - mean.unsqueeze(2).mul(mean.unsqueeze(1)).flatten(1, 2)
    height, width = mask.shape[-2:]
    covariance = pairs.reshape(3, 3, height, width).permute(2, 3, 0, 1)
    covariance = covariance + noise * torch.eye(3, device=mask.device)
    shared = (blur(picture * mask) - mean * mask_mean)[0].permute(1, 2, 0)
    slope = torch.linalg.solve(covariance, shared.unsqueeze(-1))[..., 0].permute(2, 0, 1)[None]
    base = mask_mean - (slope * mean).sum(1, keepdim=True)
    return (blur(slope) * picture).sum(1, keepdim=True).add(blur(base)).clamp(0, 1)
