"""Content, style and total variation losses: short pure functions on tensors.

Features are [N, C, H, W]; every loss is summed over the batch, so that the pictures of a batch
do not disturb each other, and computed in float32 whatever the dtype of the features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """First and second raw moments of features: mean [N, C], second [N, C, C] = E[f f^T]."""

    mean: Tensor
    second: Tensor

    @property
    def covariance(self) -> Tensor:
        """E[f f^T] - mean mean^T, [N, C, C]."""
        return self.second - self.mean.unsqueeze(-1) * self.mean.unsqueeze(-2)


@dataclass(frozen=True)
class Target:
    """What a style loss aims at: mean [N, C], covariance and its square root [N, C, C]."""

    mean: Tensor
    covariance: Tensor
    root: Tensor

    @classmethod
    def of(cls, moments: Moments) -> Target:
        """The target that has these moments."""
        covariance = moments.covariance
        return cls(moments.mean, covariance, square_root(covariance))


def pixels_of(features: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, H*W, C]; no copy when the features are channels_last."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)


def moments(features: Tensor) -> Moments:
    """Moments of [N, C, H, W] features over their pixels."""
    flat = pixels_of(features).float()
    return Moments(flat.mean(-2), flat.transpose(-1, -2) @ flat / flat.shape[-2])


def pool(parts: Sequence[Moments], weights: Sequence[float]) -> Moments:
    """Moments of several pictures taken as one, each counting by its weight.

    With weights in proportion to the pixels this is exactly the moments of all pixels together:
    raw moments add, which means and covariances do not. Weights are normalised to sum to 1.
    """
    total = float(sum(weights))
    if len(parts) != len(weights) or total <= 0 or min(weights) < 0:
        raise ValueError(
            f"Weights {list(weights)} do not fit {len(parts)} pictures; give each one."
        )
    shares = [weight / total for weight in weights]
    mean = torch.zeros_like(parts[0].mean)
    second = torch.zeros_like(parts[0].second)
    for share, part in zip(shares, parts, strict=True):
        mean += share * part.mean
        second += share * part.second
    return Moments(mean, second)


def square_root(matrix: Tensor) -> Tensor:
    """The symmetric positive semi-definite square root of [..., C, C]."""
    values, vectors = torch.linalg.eigh(matrix.double())
    roots = values.clamp_min(0).sqrt()
    root: Tensor = (vectors * roots.unsqueeze(-2)) @ vectors.transpose(-1, -2)
    return root.to(matrix.dtype)


class _Wasserstein(torch.autograd.Function):
    """Squared Wasserstein-2 distance with its closed gradient.

    Between Gaussians the best transport of features f to the target is the affine map
    f -> t + A (f - m) with A = T^(1/2) (T^(1/2) S T^(1/2))^(-1/2) T^(1/2), and the gradient pulls
    every feature to its image: 2 (f - t - A (f - m)) / pixels. One eigendecomposition in the
    forward pass serves value and gradient; directions without variance, where the gradient has
    no bound, are left alone.
    """

    @staticmethod
    def forward(ctx: Any, flat: Tensor, mean: Tensor, covariance: Tensor, root: Tensor) -> Tensor:
        pixels, channels = flat.shape[-2:]
        own_mean = flat.mean(-2, dtype=torch.float32)
        centred = flat - own_mean.unsqueeze(-2)  # [N, P, C], float32 whatever flat is
        shift = own_mean - mean
        if pixels < channels:
            # f T f^T has the same non-zero eigenvalues as T^(1/2) S T^(1/2) and is smaller.
            moved = centred @ covariance
            roots, inverse = _root_of(moved @ centred.transpose(-1, -2) / pixels)
            trace = centred.square().sum((-1, -2)) / pixels
            pull = centred - inverse @ moved + shift.unsqueeze(-2)
            ctx.save_for_backward(pull.to(flat.dtype))
        else:
            own = centred.transpose(-1, -2) @ centred / pixels
            roots, inverse = _root_of(root @ own @ root)
            trace = own.diagonal(dim1=-2, dim2=-1).sum(-1)
            identity = torch.eye(channels, device=flat.device)
            away = identity - root @ inverse @ root  # f - A f, so that one product is the gradient
            constant = shift.unsqueeze(-2) - own_mean.unsqueeze(-2) @ away
            ctx.save_for_backward(flat, away.to(flat.dtype), constant.to(flat.dtype))
        target_trace = covariance.diagonal(dim1=-2, dim2=-1).sum(-1)
        distance = shift.square().sum(-1) + trace + target_trace - 2 * roots
        return distance.sum() / channels

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if len(ctx.saved_tensors) == 1:
            (pull,) = ctx.saved_tensors
        else:
            flat, away, constant = ctx.saved_tensors
            pull = torch.baddbmm(constant, flat, away)
        pixels, channels = pull.shape[-2:]
        return pull * (2 * gradient / (pixels * channels)).to(pull.dtype), None, None, None


def _root_of(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """tr(M^(1/2)) [N] and the pseudo-inverse M^(-1/2) of positive semi-definite [N, K, K]."""
    values, vectors = torch.linalg.eigh(matrix)
    kept = values > values[..., -1:].clamp_min(0) * 1e-6 + 1e-12
    roots = torch.where(kept, values, 1).sqrt()
    inverse = (vectors * torch.where(kept, 1 / roots, 0).unsqueeze(-2)) @ vectors.transpose(-1, -2)
    return torch.where(kept, roots, 0).sum(-1), inverse


def wasserstein(features: Tensor, target: Target) -> Tensor:
    """Squared 2-Wasserstein distance of two Gaussians, divided by the channels; a scalar.

    |m - t|^2 + tr(S + T - 2 (T^(1/2) S T^(1/2))^(1/2)) for mean m and covariance S of features
    [N, C, H, W] over their pixels, mean t and covariance T of the target.
    (Olkin & Pukelsheim 1982; first used as a style loss by crowsonkb/style-transfer-pytorch.)
    """
    flat = pixels_of(features)
    result: Tensor = _Wasserstein.apply(flat, target.mean, target.covariance, target.root)
    return result


def gram(features: Tensor, target: Moments) -> Tensor:
    """Mean squared difference of the raw second moments (Gram matrices), a scalar.

    Gatys et al. 2016 (CVPR), with the Gram matrix divided by the number of pixels.
    """
    return (moments(features).second - target.second).square().mean((-1, -2)).sum()


def content(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of features [N, C, H, W], summed over the batch; a scalar."""
    return (features.float() - target.float()).square().mean((1, 2, 3)).sum()


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels of [N, 3, H, W], both ways; a scalar."""
    across = image[..., :, 1:] - image[..., :, :-1]
    down = image[..., 1:, :] - image[..., :-1, :]
    return across.square().mean((1, 2, 3)).sum() + down.square().mean((1, 2, 3)).sum()
