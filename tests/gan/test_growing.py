"""How a face grows: readings of the lower levels, and one way up."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from smart.gan import growing
from smart.gan.generator import load_generator
from smart.gan.latents import seed_latents
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.options import FACES


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), side=st.sampled_from([2, 4]), channels=st.integers(2, 6))
def test_a_reading_finds_a_linear_map_again(seed: int, side: int, channels: int) -> None:
    chance = torch.Generator().manual_seed(seed)
    features = torch.randn(40, side, side, channels, generator=chance)
    true = growing.Reading(
        0.05 * torch.randn(channels, 12, generator=chance),
        0.1 * torch.randn(12, generator=chance),
    )
    found = growing.fit(features, true(features), ridge=1e-9)
    assert torch.allclose(found(features), true(features), atol=1e-3)


def test_sizes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="resize them"):
        growing.fit(torch.zeros(2, 4, 4, 3), torch.zeros(2, 3, 4, 4))


@pytest.fixture(scope="module")
def network() -> MobileStyleGAN:
    loaded = load_generator(FACES)
    assert isinstance(loaded, MobileStyleGAN)
    return loaded


def test_a_face_grows_to_what_the_network_makes(network: MobileStyleGAN) -> None:
    readings = growing.load_readings(FACES)
    assert list(readings) == [4, 8, 16, 32]
    w = network.map(seed_latents([12], network.z_dim))
    w = torch.lerp(network.w_mean.expand_as(w), w, 0.7)
    pictures = list(growing.growth(network, w, readings))
    assert [one.shape[-1] for one in pictures] == growing.sizes(network, readings)
    assert [one.shape[-1] for one in pictures] == [8, 16, 32, 64, 128, 256, 512, 1024]
    assert torch.equal(pictures[-1], network.synthesize(w))
    for one, size in zip(pictures[4:7], network.preview_sizes, strict=True):
        assert torch.allclose(one, network.preview(w, size), atol=1e-5)
    # What is read from the lower levels is this face already, not just any.
    w = network.map(seed_latents([13], network.z_dim))
    other = torch.lerp(network.w_mean.expand_as(w), w, 0.7)
    for one, stranger in zip(pictures[:4], growing.growth(network, other, readings), strict=False):
        true = functional.interpolate(pictures[-1], one.shape[-1], mode="area")
        error, wrong = ((read - true).square().mean() for read in (one, stranger))
        assert float(error) < 0.02
        assert float(error) < float(wrong)


def test_without_readings_it_begins_with_the_heads(network: MobileStyleGAN) -> None:
    w = network.w_mean[None]
    first = next(growing.growth(network, w, {}))
    assert first.shape[-1] == network.preview_sizes[0]
    assert growing.sizes(network, {}) == [*network.preview_sizes, network.sizes[-1]]
