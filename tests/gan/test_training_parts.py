"""Losses, augmentation, measures, diagnosis and the critic's eye, each by its law."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smart.gan import losses, metrics
from smart.gan.augment import DRAWS, augment, strength_for
from smart.gan.critic import Critic
from smart.gan.critics_eye import look, overlay
from smart.gan.diagnosis import diagnose
from smart.gan.style_generator import Architecture

TINY = Architecture(
    base=4, widths=(16, 8, 8), convolutions=1, critic_convolutions=1, z_dim=8, w_dim=8,
    mapping_layers=2,
)  # fmt: skip


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=8), st.floats(-5, 5))
def test_only_the_difference_of_a_pair_counts(logits: list[float], shift: float) -> None:
    real = torch.tensor(logits, dtype=torch.float64)
    fake = real.flip(0)
    for loss in (losses.critic_loss, losses.generator_loss):
        torch.testing.assert_close(loss(real + shift, fake + shift), loss(real, fake))
    torch.testing.assert_close(losses.critic_loss(real, fake), losses.generator_loss(fake, real))


def test_nothing_told_apart_costs_log_two() -> None:
    same = torch.zeros(4)
    assert losses.critic_loss(same, same).item() == pytest.approx(math.log(2))


def test_the_gradient_penalty_of_a_known_function() -> None:
    """Of D(x) = a . x it is |a|^2, and its own gradient reaches a."""
    a = torch.randn(3, 4, 4, requires_grad=True)
    x = torch.randn(5, 3, 4, 4, requires_grad=True)
    penalty = losses.gradient_penalty((x * a).sum((1, 2, 3)), x)
    torch.testing.assert_close(penalty, a.square().sum().expand(5))
    penalty.mean().backward()
    torch.testing.assert_close(a.grad, 2 * a.detach())


def test_augmentation_follows_its_draws_and_lets_gradients_through() -> None:
    x = torch.rand(16, 3, 16, 16) * 2 - 1
    draws = torch.rand(16, DRAWS, generator=torch.Generator().manual_seed(0))
    assert augment(x, draws, 0) is x
    once, again = augment(x, draws, 0.5), augment(x, draws, 0.5)
    assert torch.equal(once, again)
    assert (augment(x, draws, 0.8) - x).abs().mean() > (augment(x, draws, 0.1) - x).abs().mean()
    assert torch.isfinite(once).all()
    x.requires_grad_()
    augment(x, draws, 0.8).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_what_the_draws_do_not_choose_stays() -> None:
    x = torch.rand(4, 3, 16, 16) * 2 - 1
    draws = torch.ones(4, DRAWS) * 0.99
    torch.testing.assert_close(augment(x, draws, 0.5), x, atol=1e-5, rtol=0)


@given(st.integers(0, 300_000), st.integers(0, 300_000))
def test_fewer_images_are_varied_more(a: int, b: int) -> None:
    small, large = sorted((a, b))
    assert 0 <= strength_for(large) <= strength_for(small) <= 0.5


def test_measures_are_least_for_the_same_source_and_grow_with_the_difference() -> None:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(200, 3, 32, 32, generator=generator).mul(0.3)
    real, same = pictures[:100], pictures[100:]
    off, far = same + 0.1, (same + 0.4).clamp(0, 1)
    distances = [metrics.sliced_wasserstein(real, other) for other in (same, off, far)]
    assert distances == sorted(distances)
    assert metrics.sliced_wasserstein(real, same) == metrics.sliced_wasserstein(real, same)
    rows = [part.flatten(1)[:, :50] for part in (real, same, off, far)]
    kernel = [metrics.kernel_distance(rows[0], other) for other in rows[1:]]
    assert kernel == sorted(kernel)
    assert abs(kernel[0]) < 2


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100), st.permutations(range(12)))
def test_the_kernel_distance_knows_no_order_and_is_symmetric(seed: int, order: list[int]) -> None:
    rows = torch.randn(24, 6, generator=torch.Generator().manual_seed(seed))
    real, fake = rows[:12], rows[12:]
    value = metrics.kernel_distance(real, fake)
    assert metrics.kernel_distance(fake, real) == pytest.approx(value, abs=1e-6)
    assert metrics.kernel_distance(real[order], fake) == pytest.approx(value, abs=1e-6)


def test_diversity_is_nothing_where_all_are_the_same() -> None:
    one = torch.rand(1, 3, 32, 32)
    assert metrics.diversity(one.expand(5, -1, -1, -1)) == pytest.approx(0, abs=1e-6)
    assert metrics.diversity(torch.rand(5, 3, 32, 32)) > 0.01


def row(seen: int, **values: float) -> dict[str, float]:
    usual = {"critic_loss": 0.5, "generator_loss": 1.2, "overfit": 0.1, "augmentation": 0.2}
    return {"seen": seen, **usual, **values}


def measured(seen: int, kernel: float, diversity: float = 0.9) -> dict[str, float]:
    return row(seen, swd=kernel * 10, kernel=kernel, diversity=diversity)


@pytest.mark.parametrize(
    ("stats", "kind", "word"),
    [
        ([], "early", "Nothing"),
        ([row(4096)], "early", "just begun"),
        ([measured(10_000, 9), measured(20_000, 4)], "learning", "fell from 9 to 4"),
        ([measured(10_000, 9), measured(20_000, 4, 0.2)], "collapsing", "20%"),
        ([row(i * 4096, overfit=0.8) for i in range(5)], "overfitting", "80%"),
        ([row(i * 4096, generator_loss=9.0) for i in range(5)], "runaway", "Double the stability"),
        ([measured(i * 10_000, 3 + i) for i in range(1, 8)], "idle", "60,000 images ago"),
        ([row(4096, critic_loss=math.nan)], "broken", "no longer numbers"),
    ],
)  # fmt: skip
def test_it_says_in_words_what_is_wrong(stats: list, kind: str, word: str) -> None:
    found = diagnose(stats, 100_000)
    assert [finding.kind for finding in found] == [kind]
    assert word in found[0].message


def test_the_critics_parts_add_up_to_its_judgement() -> None:
    """Completeness (arXiv 1703.01365, 3): D(picture) - D(blur) is what the places add up to."""
    torch.manual_seed(0)
    critic = Critic(TINY).requires_grad_(False)
    pictures = torch.rand(3, 3, 16, 16)
    seen = look(critic, pictures)
    difference = seen.logits - seen.baseline
    torch.testing.assert_close(seen.parts.sum((1, 2)), difference, atol=0.05, rtol=0.1)
    drawn = overlay(pictures, seen, 64)
    assert drawn.shape == (3, 3, 64, 64)
    assert 0 <= drawn.min() <= drawn.max() <= 1
    with pytest.raises(ValueError, match="knows \\[N, 3, 16, 16\\]"):
        look(critic, torch.rand(1, 3, 32, 32))
