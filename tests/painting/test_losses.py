"""Losses against their formulas, written out in float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from smart.painting import losses
from smart.painting.losses import Moments, Target


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def wasserstein_by_formula(features: Tensor, target: Tensor) -> Tensor:
    """|m - t|^2 + tr(S + T - 2 (T^(1/2) S T^(1/2))^(1/2)), over C, in float64."""

    def statistics(x: Tensor) -> tuple[Tensor, Tensor]:
        flat = x.flatten(2)[0]
        return flat.mean(1), torch.cov(flat, correction=0)

    def root(matrix: Tensor) -> Tensor:
        values, vectors = torch.linalg.eigh(matrix)
        return vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T

    (m, s), (t, big_t) = statistics(features), statistics(target)
    half = root(big_t)
    cross = root(half @ s @ half)
    return ((m - t).square().sum() + torch.trace(s + big_t - 2 * cross)) / features.shape[1]


def target_of(features: Tensor) -> Target:
    return Target.of(losses.moments(features.float()))


@pytest.mark.parametrize("side", [2, 4, 20], ids=["fewer pixels than channels", "16", "400"])
def test_wasserstein(side: int) -> None:
    features, target = random(1, 24, side, side), random(1, 24, 15, 17, seed=1) ** 2
    result = losses.wasserstein(features.float(), target_of(target))
    assert result.item() == pytest.approx(wasserstein_by_formula(features, target).item(), rel=1e-4)


@pytest.mark.parametrize("side", [2, 4, 20])
def test_wasserstein_gradient(side: int) -> None:
    features = random(1, 24, side, side).float().requires_grad_()
    target = target_of(random(1, 24, 15, 17, seed=1) ** 2)
    losses.wasserstein(features, target).backward()
    assert features.grad is not None
    direction = torch.randn(features.shape, generator=torch.Generator().manual_seed(2)).double()
    step = 1e-3

    def at(offset: float) -> float:
        moved = features.detach().double() + offset * direction
        return wasserstein_by_formula(moved, random(1, 24, 15, 17, seed=1) ** 2).item()

    slope = (at(step) - at(-step)) / (2 * step)
    assert (features.grad.double() * direction).sum().item() == pytest.approx(slope, rel=2e-3)


def test_wasserstein_of_itself_is_nothing_and_shift_is_its_square() -> None:
    features = random(1, 8, 30, 30).float()
    assert losses.wasserstein(features, target_of(features)).item() == pytest.approx(0, abs=1e-5)
    assert losses.wasserstein(features + 0.5, target_of(features)).item() == pytest.approx(
        0.25, rel=1e-3
    )


def test_wasserstein_in_a_batch_is_the_sum() -> None:
    features, target = random(3, 16, 9, 9).float(), target_of(random(1, 16, 20, 20, seed=4))
    each = sum(losses.wasserstein(features[i : i + 1], target).item() for i in range(3))
    assert losses.wasserstein(features, target).item() == pytest.approx(each, rel=1e-5)


def test_constant_features_have_a_finite_gradient() -> None:
    for side in (2, 9):
        features = torch.full((1, 16, side, side), 0.3, requires_grad=True)
        losses.wasserstein(features, target_of(random(1, 16, 20, 20))).backward()
        assert features.grad is not None
        assert torch.isfinite(features.grad).all()


def test_wasserstein_in_bfloat16_is_near() -> None:
    features, target = random(1, 32, 40, 40), target_of(random(1, 32, 30, 30, seed=5) ** 3)
    exact = losses.wasserstein(features.float(), target).item()
    assert losses.wasserstein(features.bfloat16(), target).item() == pytest.approx(exact, rel=0.01)


def test_gram_and_content_and_total_variation() -> None:
    features, other = random(1, 6, 5, 7), random(1, 6, 5, 7, seed=1)
    flat, flat_other = features[0].flatten(1), other[0].flatten(1)
    expected = ((flat @ flat.T - flat_other @ flat_other.T) / 35).square().mean()
    found = losses.gram(features.float(), target_of(other))
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)
    assert losses.content(features, other).item() == pytest.approx(
        (features - other).square().mean().item(), rel=1e-5
    )
    across = (features[..., 1:] - features[..., :-1]).square().mean()
    down = (features[..., 1:, :] - features[..., :-1, :]).square().mean()
    assert losses.total_variation(features).item() == pytest.approx((across + down).item())


@pytest.mark.parametrize("kind", ["wasserstein", "gram"])
@pytest.mark.parametrize("side", [3, 12], ids=["fewer pixels than channels", "more"])
def test_weights_of_pixels_count_like_copies(kind: str, side: int) -> None:
    """A mask of zeros and ones gives what the picture cut out gives; weights are relative."""
    features = random(2, 12, side, 2 * side).float()
    target = target_of(random(1, 12, 15, 17, seed=1) ** 2)
    mask = torch.zeros(2, 1, side, 2 * side)
    mask[..., :side] = 0.3
    cut = losses.pull_of(kind, features[..., :side], None, target)
    masked = losses.pull_of(kind, features, mask, target)
    assert torch.allclose(masked.value, cut.value, rtol=1e-5)
    share = mask / mask.sum((1, 2, 3), keepdim=True)
    gradient = masked.gradient(features, share)
    expected = cut.gradient(features[..., :side], 1 / side**2)
    assert torch.allclose(gradient[..., :side], expected, rtol=1e-3, atol=1e-7)
    assert not gradient[..., side:].any()


def test_gram_gradient() -> None:
    features = random(1, 6, 5, 7).float().requires_grad_()
    target = losses.moments(random(1, 6, 9, 9, seed=1).float())
    losses.gram(features, Target.of(target)).backward()
    flat = features.detach().double().requires_grad_()
    pixels = flat.flatten(2)[0]
    (pixels @ pixels.T / 35 - target.second[0].double()).square().mean().backward()
    assert features.grad is not None
    assert flat.grad is not None
    assert torch.allclose(features.grad.double(), flat.grad, rtol=1e-4, atol=1e-8)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 30), st.integers(1, 30), st.booleans())
def test_total_variation_has_its_gradient(height: int, width: int, batch: bool) -> None:
    image = random(1 + batch, 3, height + 1, width + 1).requires_grad_()
    value, gradient = losses.total_variation_gradient(image.detach())
    losses.total_variation(image).backward()
    assert value.sum().item() == pytest.approx(losses.total_variation(image).item())
    assert torch.allclose(gradient, image.grad)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_pooled_moments_are_those_of_all_pixels(widths: list[int]) -> None:
    parts = [random(1, 5, 3, width, seed=width + index) for index, width in enumerate(widths)]
    whole = losses.moments(torch.cat(parts, -1))
    pooled = losses.pool([losses.moments(part) for part in parts], widths)
    assert torch.allclose(pooled.mean, whole.mean, atol=1e-6)
    assert torch.allclose(pooled.second, whole.second, atol=1e-6)
    assert torch.allclose(pooled.covariance, whole.covariance, atol=1e-6)


def test_weights_that_sum_to_one_picture_give_that_picture() -> None:
    one, two = (losses.moments(random(1, 5, 6, 6, seed=seed)) for seed in (1, 2))
    pooled = losses.pool([one, two], [0.7, 0])
    assert torch.equal(pooled.mean, one.mean)
    assert torch.equal(pooled.second, one.second)
    for weights in ([0, 0], [1], [-1, 2]):
        with pytest.raises(ValueError, match="do not fit 2 pictures"):
            losses.pool([one, two], weights)


def test_square_root() -> None:
    matrix = Moments(torch.zeros(1, 7), torch.cov(random(7, 40))[None]).covariance
    root = losses.square_root(matrix)
    assert torch.allclose(root @ root, matrix, atol=1e-10)
    assert torch.allclose(root, root.transpose(-1, -2), atol=1e-10)
