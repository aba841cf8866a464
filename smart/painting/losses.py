"""Content, style and total variation losses: short pure functions on tensors.

Features are [N, C, H, W] and weights of their pixels [N, 1, H, W] or None for all alike. Style
losses depend on features only by their first two moments. So their gradient is an affine map of
each pixel's feature (see Pull), and both can be had tile by tile: sums first, then the pull.
Statistics are kept in float64 for float32 features, in float32 for narrower ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

CHUNK = 8192  # pixels that are cast to float32 at a time, so that they stay in the cache


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
class Sums:
    """What moments are made of: weight [N], first [N, C], second [N, C, C]; tiles just add."""

    weight: Tensor
    first: Tensor
    second: Tensor

    @classmethod
    def of(cls, features: Tensor, weight: Tensor | None = None) -> Sums:
        """The sums over all pixels of features, each counted by its weight."""
        flat = pixels_of(features)
        batch, pixels, channels = flat.shape
        dtype = _precise(flat)
        first = torch.zeros(batch, channels, dtype=dtype, device=flat.device)
        second = torch.zeros(batch, channels, channels, dtype=dtype, device=flat.device)
        share = None if weight is None else weight.flatten(2).transpose(1, 2).float()
        for start in range(0, pixels, CHUNK):
            part = flat[:, start : start + CHUNK].float()
            counted = part if share is None else part * share[:, start : start + CHUNK]
            first += counted.sum(1)
            second += counted.transpose(1, 2) @ part
        total = first.new_full((batch,), pixels) if share is None else share.sum((1, 2))
        return cls(total, first, second)

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.weight + other.weight, self.first + other.first, self.second + other.second
        )

    def moments(self) -> Moments:
        """The moments; those of nothing are zero."""
        total = self.weight.clamp_min(1e-12)
        return Moments(self.first / total[:, None], self.second / total[:, None, None])


@dataclass(frozen=True)
class Target:
    """What a style loss aims at: mean [N, C], covariance and its square root [N, C, C].

    second is the raw second moment, which Gram matrices are compared by.
    """

    mean: Tensor
    covariance: Tensor
    root: Tensor
    second: Tensor

    @classmethod
    def of(cls, moments: Moments) -> Target:
        """The target that has these moments."""
        covariance = moments.covariance
        return cls(moments.mean, covariance, square_root(covariance), moments.second)

    def to(self, like: Tensor) -> Target:
        """In the dtype of another tensor."""
        if self.mean.dtype == like.dtype:
            return self
        return Target(*(part.to(like.dtype) for part in (
            self.mean, self.covariance, self.root, self.second)))  # fmt: skip


@dataclass(frozen=True)
class Pull:
    """A style loss and where it pulls each feature.

    value is [N]. The gradient of a pixel of weight w is w / (sum of weights) times
    f @ matrix + offset, with matrix [N, C, C] and offset [N, 1, C]. Where there are fewer pixels
    than channels, direct [N, P, C] stands in their place.
    """

    value: Tensor
    matrix: Tensor | None = None
    offset: Tensor | None = None
    direct: Tensor | None = None

    def gradient(self, features: Tensor, share: Tensor | float) -> Tensor:
        """Gradient on features [N, C, h, w], where share is weight / sum of weights, [N, 1, h, w].

        It is in the dtype of the features and, like them, channels_last.
        """
        flat = pixels_of(features)
        if self.direct is not None:
            pull = self.direct.to(flat.dtype)
        else:
            assert self.matrix is not None
            assert self.offset is not None
            pull = torch.baddbmm(self.offset.to(flat.dtype), flat, self.matrix.to(flat.dtype))
        if isinstance(share, Tensor):
            pull = pull * share.flatten(2).transpose(1, 2).to(flat.dtype)
        else:
            pull = pull.mul_(share)
        batch, channels, height, width = features.shape
        return pull.reshape(batch, height, width, channels).permute(0, 3, 1, 2)


def _precise(features: Tensor) -> torch.dtype:
    """What sums are kept in: float64, unless the features are rounded to 8 bits anyway.

    Roots of covariances make the seventh digit of a sum the fourth of a gradient.
    """
    if features.dtype == torch.float32 and features.device.type != "mps":
        return torch.float64
    return torch.float32


def pixels_of(features: Tensor) -> Tensor:
    """[N, C, H, W] -> [N, H*W, C]; no copy when the features are channels_last."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)


def moments(features: Tensor, weight: Tensor | None = None) -> Moments:
    """Moments of [N, C, H, W] features over their pixels."""
    return Sums.of(features, weight).moments()


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
    mean, second = 0.0 * parts[0].mean, 0.0 * parts[0].second
    for weight, part in zip(weights, parts, strict=True):
        if weight:  # a picture that counts nothing may hold anything
            mean = mean + weight / total * part.mean
            second = second + weight / total * part.second
    return Moments(mean, second)


def square_root(matrix: Tensor) -> Tensor:
    """The symmetric positive semi-definite square root of [..., C, C]."""
    # On the processor: MPS has neither float64 nor eigenvalues, and it is done once a painting.
    values, vectors = torch.linalg.eigh(matrix.cpu().double())
    roots = values.clamp_min(0).sqrt()
    root: Tensor = (vectors * roots.unsqueeze(-2)) @ vectors.transpose(-1, -2)
    return root.to(matrix)


def wasserstein_pull(own: Moments, target: Target) -> Pull:
    """Squared Wasserstein-2 distance of two Gaussians, divided by the channels.

    |m - t|^2 + tr(S + T - 2 (T^(1/2) S T^(1/2))^(1/2)) for mean m and covariance S of the
    features, t and T of the target. The best transport of features f to the target is the affine
    map f -> t + A (f - m) with A = T^(1/2) (T^(1/2) S T^(1/2))^(-1/2) T^(1/2), and the gradient
    pulls every feature to its image: 2 (f - t - A (f - m)). One eigendecomposition serves value
    and gradient; directions without variance, where the gradient has no bound, are left alone.
    (Olkin & Pukelsheim 1982; first used as a style loss by crowsonkb/style-transfer-pytorch.)
    """
    channels = own.mean.shape[-1]
    covariance = own.covariance
    target = target.to(covariance)
    roots, inverse = _root_of(target.root @ covariance @ target.root)
    shift = own.mean - target.mean
    distance = (
        shift.square().sum(-1) + _trace(covariance) + _trace(target.covariance) - 2 * roots
    ) / channels
    away = torch.eye(channels, device=shift.device) - target.root @ inverse @ target.root
    constant = shift.unsqueeze(-2) - own.mean.unsqueeze(-2) @ away
    return Pull(distance, away * (2 / channels), constant * (2 / channels))


def _few_pixels(features: Tensor, weight: Tensor | None, target: Target) -> Pull:
    """wasserstein_pull where there are fewer pixels than channels.

    With g the centred features times the roots of their weights, g T g^T has the same non-zero
    eigenvalues as T^(1/2) S T^(1/2) and is smaller.
    """
    flat = pixels_of(features).to(_precise(features))
    channels = flat.shape[-1]
    target = target.to(flat)
    if weight is None:
        share = flat.new_full((1, flat.shape[1], 1), 1 / flat.shape[1])
    else:
        share = weight.flatten(2).transpose(1, 2).to(flat)
        share = share / share.sum(1, keepdim=True).clamp_min(1e-12)
    mean = (share * flat).sum(1)
    centred = flat - mean.unsqueeze(1)
    half = share.sqrt()
    moved = (centred * half) @ target.covariance
    roots, inverse = _root_of(moved @ (centred * half).transpose(-1, -2))
    shift = mean - target.mean
    distance = shift.square().sum(-1) + (share * centred.square()).sum((-1, -2))
    distance = (distance + _trace(target.covariance) - 2 * roots) / channels
    carried = (inverse @ moved) / half.clamp_min(1e-12)  # without weight there is no pull anyway
    direct = centred - torch.where(half > 0, carried, 0) + shift.unsqueeze(-2)
    return Pull(distance, direct=direct * (2 / channels))


def _trace(matrix: Tensor) -> Tensor:
    return matrix.diagonal(dim1=-2, dim2=-1).sum(-1)


def _root_of(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """tr(M^(1/2)) [N] and the pseudo-inverse M^(-1/2) of positive semi-definite [N, K, K]."""
    known = matrix.cpu() if matrix.device.type == "mps" else matrix  # MPS has no eigenvalues
    values, vectors = (part.to(matrix.device) for part in torch.linalg.eigh(known))
    kept = values > values[..., -1:].clamp_min(0) * 1e-6 + 1e-12
    roots = torch.where(kept, values, 1).sqrt()
    inverse = (vectors * torch.where(kept, 1 / roots, 0).unsqueeze(-2)) @ vectors.transpose(-1, -2)
    return torch.where(kept, roots, 0).sum(-1), inverse


def gram_pull(own: Moments, target: Target) -> Pull:
    """Mean squared difference of the raw second moments (Gram matrices).

    Gatys et al. 2016 (CVPR), with the Gram matrix divided by the number of pixels. The gradient
    is 4 (G - G_t) f / C^2.
    """
    difference = own.second - target.second.to(own.second)
    channels = difference.shape[-1]
    offset = difference.new_zeros(len(difference), 1, channels)
    value = difference.square().mean((-1, -2))
    return Pull(value, difference * (4 / channels**2), offset)


Style = Callable[[Moments, Target], Pull]
STYLE_LOSSES: dict[str, Style] = {"wasserstein": wasserstein_pull, "gram": gram_pull}


def pull_of(kind: str, features: Tensor, weight: Tensor | None, target: Target) -> Pull:
    """The style loss called kind ("wasserstein", "gram") of features that lie there whole."""
    if kind == "wasserstein" and features.shape[-1] * features.shape[-2] < features.shape[1]:
        return _few_pixels(features, weight, target)
    return STYLE_LOSSES[kind](moments(features, weight), target)


class _Styled(torch.autograd.Function):
    """A style loss with its closed gradient, for those who want autograd (training)."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, kind: str, target: Target) -> Tensor:
        pull = pull_of(kind, features, None, target)
        ctx.save_for_backward(
            pull.gradient(features, 1 / (features.shape[-1] * features.shape[-2]))
        )
        return pull.value.sum()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.saved_tensors[0] * gradient.to(ctx.saved_tensors[0].dtype), None, None


def wasserstein(features: Tensor, target: Target) -> Tensor:
    """The squared Wasserstein-2 distance (see wasserstein_pull) summed over the batch."""
    result: Tensor = _Styled.apply(features, "wasserstein", target)
    return result


def gram(features: Tensor, target: Target) -> Tensor:
    """The difference of Gram matrices (see gram_pull) summed over the batch."""
    result: Tensor = _Styled.apply(features, "gram", target)
    return result


def content(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of features [N, C, H, W], summed over the batch; a scalar."""
    return (features.float() - target.float()).square().mean((1, 2, 3)).sum()


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels of [N, 3, H, W], both ways; a scalar."""
    across = image[..., :, 1:] - image[..., :, :-1]
    down = image[..., 1:, :] - image[..., :-1, :]
    return across.square().mean((1, 2, 3)).sum() + down.square().mean((1, 2, 3)).sum()


def total_variation_gradient(image: Tensor) -> tuple[Tensor, Tensor]:
    """total_variation of each picture, [N], and its gradient, without a graph in memory."""
    gradient = torch.zeros_like(image)
    value = image.new_zeros(len(image))
    for dim in (-1, -2):
        length = image.shape[dim] - 1
        difference = image.narrow(dim, 1, length) - image.narrow(dim, 0, length)
        each = difference[0].numel()
        value += difference.square().sum((1, 2, 3)) / each
        difference.mul_(2 / each)
        gradient.narrow(dim, 1, length).add_(difference)
        gradient.narrow(dim, 0, length).sub_(difference)
    return value, gradient
