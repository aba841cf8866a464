"""The small style generator and its critic: shapes, scales, the contract, bad weights."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smart.gan.critic import Critic
from smart.gan.style_generator import PRESETS, RESOLUTIONS, Architecture, StyleGenerator
from smart.weights import WeightsError

TINY = Architecture(
    base=4, widths=(16, 8, 8), convolutions=1, critic_convolutions=1, z_dim=8, w_dim=8,
    mapping_layers=2,
)  # fmt: skip


def generator(architecture: Architecture = TINY, seed: int = 0) -> StyleGenerator:
    torch.manual_seed(seed)
    return StyleGenerator(architecture).requires_grad_(False)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_every_preset_fits_its_resolution(resolution: int, preset: str) -> None:
    architecture = Architecture.of(resolution, preset)
    assert architecture.resolution == resolution
    with torch.device("meta"):
        made = StyleGenerator(architecture)(torch.empty(2, architecture.z_dim))
        judged = Critic(architecture)(made)
    assert made.shape == (2, 3, resolution, resolution)
    assert judged.shape == (2,)
    assert Architecture.from_dict(architecture.to_dict()) == architecture


def test_pictures_and_judgements_have_a_sensible_size_from_the_start() -> None:
    architecture = Architecture.of(32, "small")
    made = generator(architecture)(torch.randn(32, 128))
    assert 0.2 < made.std() < 3
    assert Critic(architecture)(made.clamp(-1, 1)).std() < 5


def test_the_contract_of_a_generator() -> None:
    network = generator()
    network.find_w_mean()
    w = network.map(torch.randn(5, 8))
    pictures = network.synthesize(w)
    assert pictures.shape == (5, 3, 16, 16)
    assert 0 <= pictures.min() <= pictures.max() <= 1
    each = w[:, None].expand(-1, network.slots, -1)
    torch.testing.assert_close(network.synthesize(each, 16), pictures)
    torch.testing.assert_close(network.synthesize(w[2:3]), pictures[2:3], atol=1e-5, rtol=0)
    assert network.w_mean.abs().sum() > 0


def test_each_slot_of_w_does_something() -> None:
    network = generator()
    w = network.map(torch.randn(1, 8))[:, None].repeat(1, network.slots, 1)
    before = network.synthesize(w)
    for slot in range(network.slots):
        changed = w.clone()
        changed[:, slot] = network.map(torch.randn(1, 8))
        assert (network.synthesize(changed) - before).abs().max() > 1e-4


@pytest.mark.parametrize("shape", [(8,), (2, 7), (0, 8), (2, 5, 8), (1, 3, 7)])
def test_another_shape_of_w_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="w has the shape"):
        generator().synthesize(torch.zeros(shape))


def test_another_size_or_z_is_refused() -> None:
    with pytest.raises(ValueError, match="it makes 16"):
        generator().synthesize(torch.zeros(1, 8), 32)
    with pytest.raises(ValueError, match="z has the shape"):
        generator().map(torch.zeros(1, 9))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(0, 1000))
def test_demodulation_ignores_the_length_of_the_style(count: int, seed: int) -> None:
    """A styled convolution keeps its scale however strong the style is (arXiv 1912.04958, 2.2)."""
    torch.manual_seed(seed)
    conv = generator().levels[0].convs[0]
    conv.style.bias.zero_()
    x, w = torch.randn(count, 16, 4, 4), torch.randn(count, 8)
    torch.testing.assert_close(conv(x, w), conv(x, 3 * w), atol=1e-4, rtol=1e-3)


def test_from_tensors_gives_the_same_network_and_refuses_others() -> None:
    network = generator()
    tensors = dict(network.state_dict())
    again = StyleGenerator.from_tensors(TINY.to_dict(), tensors)
    w = torch.randn(2, 8)
    assert torch.equal(again.synthesize(w), network.synthesize(w))
    with pytest.raises(WeightsError, match="whole numbers"):
        StyleGenerator.from_tensors(TINY.to_dict() | {"widths": [16, "8"]}, tensors)
    with pytest.raises(WeightsError, match="whole numbers"):
        StyleGenerator.from_tensors(TINY.to_dict() | {"base": 10**9}, tensors)
    tensors.pop("const")
    with pytest.raises(WeightsError, match="'const'"):
        StyleGenerator.from_tensors(TINY.to_dict(), tensors)


def test_a_resolution_there_is_not() -> None:
    with pytest.raises(ValueError, match="no 'small' network for 100 px"):
        Architecture.of(100, "small")
