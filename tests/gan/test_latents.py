"""Latent codes: seeds that stay, and interpolation that keeps its laws."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from smart.gan.latents import (
    closed_walk,
    layer_groups,
    lerp,
    relative,
    seed_latents,
    slerp,
    truncate,
)

seeds = st.integers(0, 2**32 - 1)
amounts = st.floats(0, 1)


def pair(seed: int, n: int = 3) -> tuple[Tensor, Tensor]:
    z = seed_latents([seed], 2 * n * 32).reshape(2, n, 32)
    return z[0], z[1]


@given(st.lists(seeds, min_size=1, max_size=4))
@settings(deadline=None)
def test_a_seed_does_not_depend_on_its_place(chosen: list[int]) -> None:
    together = seed_latents(chosen, 64)
    assert together.shape == (len(chosen), 64)
    for row, seed in zip(together, chosen, strict=True):
        assert torch.equal(row, seed_latents([seed], 64)[0])


def test_seeds_do_not_touch_the_global_generator() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    seed_latents([1, 2], 512)
    assert torch.equal(torch.get_rng_state(), before)


def test_seeds_are_standard_normal_and_differ() -> None:
    z = seed_latents(range(64), 512)
    assert z.dtype == torch.float32
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02
    assert not torch.equal(z[0], z[1])


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, "7", None, True, float("nan")])
def test_what_is_no_seed_is_refused_with_the_value(seed: Any) -> None:
    with pytest.raises(ValueError, match="4294967295") as caught:
        seed_latents([seed], 8)
    assert str(seed) in str(caught.value)


@given(seeds, amounts)
@settings(deadline=None)
def test_truncation(seed: int, psi: float) -> None:
    w, mean = pair(seed)[0], pair(seed)[1][0]
    assert torch.equal(truncate(w, mean, 0), mean.expand_as(w))
    assert torch.equal(truncate(w, mean, 1), w)
    torch.testing.assert_close(truncate(w, mean, psi) - mean, psi * (w - mean))


def test_truncation_takes_w_plus() -> None:
    w = seed_latents([3], 2 * 16 * 8).reshape(2, 16, 8)
    assert torch.equal(truncate(w, torch.zeros(8), 0.5), w / 2)


@pytest.mark.parametrize("way", [lerp, slerp])
@given(seed=seeds)
@settings(deadline=None)
def test_both_ends_are_exact(way: Any, seed: int) -> None:
    a, b = pair(seed)
    assert torch.equal(way(a, b, 0.0), a)
    assert torch.equal(way(a, b, 1.0), b)


@pytest.mark.parametrize("way", [lerp, slerp])
@given(seed=seeds, t=amounts)
@settings(deadline=None)
def test_there_and_back_is_the_same_way(way: Any, seed: int, t: float) -> None:
    a, b = pair(seed)
    torch.testing.assert_close(way(a, b, t), way(b, a, 1 - t), rtol=1e-4, atol=1e-4)


@given(seeds, amounts)
@settings(deadline=None)
def test_slerp_stays_on_the_sphere_and_turns_evenly(seed: int, t: float) -> None:
    a, b = (5 * torch.nn.functional.normalize(v.double(), dim=-1) for v in pair(seed))
    middle = slerp(a, b, t)
    torch.testing.assert_close(middle.norm(dim=-1), torch.full((3,), 5.0, dtype=torch.float64))
    whole = ((a * b).sum(-1) / 25).acos()
    part = ((a * middle).sum(-1) / 25).clamp(-1, 1).acos()
    torch.testing.assert_close(part, t * whole, rtol=1e-4, atol=1e-6)


def test_slerp_between_parallel_codes_is_straight() -> None:
    a, _ = pair(1)
    torch.testing.assert_close(slerp(a, a, 0.3), a)
    torch.testing.assert_close(slerp(a, 3 * a, 0.5), 2 * a)


@given(seeds, seeds, amounts)
@settings(deadline=None)
def test_relatives_are_as_long_and_as_far_as_asked(seed: int, number: int, distance: float) -> None:
    z = seed_latents([seed], 512)
    kin = relative(z, number, distance)
    torch.testing.assert_close(kin.norm(), z.norm(), rtol=1e-3, atol=0)
    cosine = float((kin * z).sum() / kin.norm() / z.norm())
    assert cosine == pytest.approx(math.cos(distance * math.pi / 2), abs=2e-3)


def test_a_relative_at_no_distance_is_oneself() -> None:
    z = seed_latents([3, 4], 64)
    torch.testing.assert_close(relative(z, 9, 0.0), z)


@given(st.integers(2, 6), st.integers(1, 12), seeds)
@settings(deadline=None)
def test_a_walk_passes_everyone_and_closes(count: int, steps: int, seed: int) -> None:
    points = seed_latents([seed], count * 20).view(count, 4, 5)
    way = closed_walk(points, steps)
    assert way.shape == (count * steps, 4, 5)
    torch.testing.assert_close(way[::steps], points)
    turned = closed_walk(points.roll(1, 0), steps)
    torch.testing.assert_close(turned, way.roll(steps, 0))


def test_a_walk_keeps_its_pace_at_every_sitter() -> None:
    points = seed_latents([1], 40).view(4, 10)
    way = closed_walk(points, 200)
    pace = (way.roll(-1, 0) - way).norm(dim=1)
    jump = (pace.roll(-1) - pace).abs().max() / pace.mean()
    assert jump < 0.05


@pytest.mark.parametrize("slots", [3, 5, 8, 10, 12, 14, 16, 18])
def test_groups_of_layers_do_not_overlap_and_end_with_the_slots(slots: int) -> None:
    middle, fine = layer_groups(slots)
    assert 0 < middle.start < middle.stop == fine.start < fine.stop == slots
    assert slots != 16 or (middle, fine) == (slice(5, 9), slice(9, 16))


def test_one_slot_is_not_mixed() -> None:
    assert all(group == slice(1, 1) for group in layer_groups(1))
