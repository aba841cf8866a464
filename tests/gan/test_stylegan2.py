"""StyleGAN2 with small random weights: what its papers promise, and the contract."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from smart.gan.latents import seed_latents, truncate
from smart.gan.stylegan2 import Level, StyledConv, StyleGAN2, double, low_pass
from smart.weights import WeightsError

ARGUMENTS = {
    "z_dim": 12,
    "w_dim": 16,
    "mapping_layers": 3,
    "mapping_width": 20,
    "channels": [12, 10, 8, 6],  # 32 px
    "clamp": None,
}


def random_tensors(arguments: dict[str, object]) -> dict[str, Tensor]:
    """Tensors of the right names and shapes that give lively pictures."""
    with torch.device("meta"):
        shapes = StyleGAN2(**arguments).state_dict()  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(3)
    made = {}
    for name, tensor in shapes.items():
        numbers = torch.randn(tensor.shape, generator=generator)
        if name.endswith("weight") or name.endswith("head.kernel"):
            numbers /= tensor.shape[-1] ** 0.5
        if name.endswith("style.bias"):
            numbers = 1 + 0.1 * numbers
        made[name] = numbers
    made["w_mean"] *= 0.1
    return made


@pytest.fixture(scope="module")
def network() -> StyleGAN2:
    return StyleGAN2.from_tensors(ARGUMENTS, random_tensors(ARGUMENTS))


@pytest.fixture(scope="module")
def w(network: StyleGAN2) -> Tensor:
    return network.map(seed_latents([0, 1, 2], network.z_dim))


def conv_of(network: StyleGAN2, name: str) -> StyledConv:
    found = network.synthesis.get_submodule(name)
    assert isinstance(found, StyledConv)
    return found


def test_keeps_the_contract(network: StyleGAN2, w: Tensor) -> None:
    assert (network.z_dim, network.w_dim, network.slots, network.sizes) == (12, 16, 8, (32,))
    pictures = network.synthesize(w)
    assert w.shape == (3, 16)
    assert pictures.shape == (3, 3, 32, 32)
    assert pictures.dtype == torch.float32
    assert pictures.is_contiguous()
    assert 0 <= pictures.min() < pictures.max() <= 1
    assert pictures.std() > 0.1
    assert torch.equal(network.synthesize(w), pictures)


def test_a_batch_at_once_is_the_single_ones(network: StyleGAN2, w: Tensor) -> None:
    """Alone a style goes into the kernel, in a batch onto the features."""
    plus = w[:, None].expand(-1, network.slots, -1)
    together = network.synthesis(plus)
    single = torch.cat([network.synthesis(row) for row in plus.split(1)])
    torch.testing.assert_close(together, single, rtol=0, atol=1e-4)


@pytest.mark.parametrize("up", [False, True])
def test_demodulation_keeps_unit_variance(w: Tensor, up: bool) -> None:
    """Of white noise, whatever the style: before the leaky ReLU, without noise and bias."""
    torch.manual_seed(0)
    conv = StyledConv(16, 12, 10, 128 if up else 64, up, None).requires_grad_(False)
    for tensor in conv.state_dict().values():
        tensor.normal_()
    conv.prepare()
    conv.noise_strength.zero_()
    conv.bias.zero_()
    # Smoothing takes variance away by design, so here it does nothing.
    smooth = torch.zeros(4, 4)
    smooth[1, 1] = 1
    x = torch.randn(1, 12, 64, 64)
    for row in w.split(1):
        y = conv(x, 3 * row, smooth)
        y = torch.where(y < 0, y / 0.2, y) / 2**0.5
        # A transposed convolution reaches a place with a quarter of its kernel on average.
        assert y.var() == pytest.approx(0.25 if up else 1.0, rel=0.1)


def test_styled_convolution_is_the_formula(network: StyleGAN2, w: Tensor) -> None:
    conv = conv_of(network, "8.conv")
    x = torch.randn(1, 10, 8, 8, generator=torch.Generator().manual_seed(0))
    style = conv.style(w[:1])[0]
    kernel = conv.kernel * style[None, :, None, None]
    kernel = kernel / (kernel.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
    y = F.conv2d(x, kernel, padding=1) + conv.noise_strength * conv.noise
    expected = F.leaky_relu(y + conv.bias[None, :, None, None], 0.2) * 2**0.5
    torch.testing.assert_close(conv(x, w[:1], low_pass(4)), expected, rtol=1e-4, atol=1e-5)


def test_upsampling_is_insertion_of_zeros_and_a_filter() -> None:
    picture = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    spread = torch.zeros(2, 3, 10, 10)
    spread[:, :, ::2, ::2] = picture
    kernel = low_pass(4).expand(3, 1, 4, 4)
    expected = F.conv2d(F.pad(spread, (2, 1, 2, 1)), kernel, groups=3)
    torch.testing.assert_close(double(picture, low_pass(4)), expected)
    # Away from the edge a flat picture stays flat.
    flat = double(torch.ones(1, 3, 6, 6), low_pass(4))[:, :, 2:-2, 2:-2]
    torch.testing.assert_close(flat, torch.ones_like(flat))


def test_the_picture_is_the_sum_of_all_levels(network: StyleGAN2, w: Tensor) -> None:
    """Skips: a head's bias reaches the picture doubled as often as there are levels behind it."""
    plus = w[:1, None].expand(-1, network.slots, -1)
    before = network.synthesis(plus)
    changed = copy.deepcopy(network)
    level = changed.synthesis.get_submodule("8")
    assert isinstance(level, Level)
    level.head.bias.data += torch.tensor([0.5, 0.0, -0.25])
    more = torch.tensor([0.5, 0.0, -0.25])[None, :, None, None].expand(1, 3, 8, 8)
    for _ in range(2):
        more = double(more, low_pass(4))
    torch.testing.assert_close(changed.synthesis(plus) - before, more, rtol=0, atol=1e-4)


@pytest.mark.parametrize("slot", range(8))
def test_every_slot_counts(network: StyleGAN2, w: Tensor, slot: int) -> None:
    plus = w[:1, None].repeat(1, network.slots, 1)
    assert torch.equal(network.synthesize(plus), network.synthesize(w[:1]))
    plus[:, slot] = w[1]
    difference = network.synthesis(plus) - network.synthesis(w[:1, None].repeat(1, 8, 1))
    assert difference.abs().max() > 1e-2


def test_the_last_slot_is_the_last_heads_alone(network: StyleGAN2, w: Tensor) -> None:
    changed = copy.deepcopy(network)
    level = changed.synthesis.get_submodule("32")
    assert isinstance(level, Level)
    level.head.kernel.data.zero_()
    plus = w[:1, None].repeat(1, network.slots, 1)
    before = changed.synthesis(plus)
    plus[:, -1] = w[1]
    assert torch.equal(changed.synthesis(plus), before)


def test_clamp_bounds_features(w: Tensor) -> None:
    arguments = ARGUMENTS | {"clamp": 0.5}
    network = StyleGAN2.from_tensors(arguments, random_tensors(ARGUMENTS))
    y = conv_of(network, "8.up")(torch.randn(2, 12, 4, 4) * 9, w[:2], low_pass(4))
    assert y.abs().max() == 0.5
    picture = network.synthesis(w[:1, None].repeat(1, 8, 1))
    assert picture.abs().max() <= 0.5 * 4 + 1e-5  # one head a level


def test_smaller_sizes_are_means() -> None:
    arguments = ARGUMENTS | {"channels": [4] * 7}
    network = StyleGAN2.from_tensors(arguments, random_tensors(arguments))
    assert network.sizes == (64, 128, 256)
    w = network.map(seed_latents([4], 12))
    picture = network.synthesis(w[:, None].repeat(1, network.slots, 1)).add(1).div(2)
    for size in (64, 128):
        expected = F.avg_pool2d(picture, 256 // size).clamp(0, 1)
        torch.testing.assert_close(network.synthesize(w, size), expected, rtol=0, atol=1e-5)


def test_the_length_of_z_does_not_matter(network: StyleGAN2) -> None:
    z = seed_latents([5], network.z_dim)
    torch.testing.assert_close(network.map(3 * z), network.map(z), rtol=1e-4, atol=1e-5)


def test_w_mean_is_found_from_the_same_draws(network: StyleGAN2) -> None:
    one, two = copy.deepcopy(network), copy.deepcopy(network)
    one.find_w_mean()
    two.find_w_mean()
    assert torch.equal(one.w_mean, two.w_mean)
    many = one.map(seed_latents(range(2000), one.z_dim)).mean(0)
    assert (many - one.w_mean).abs().max() < 0.15
    mean = one.synthesize(one.w_mean[None])
    assert torch.equal(
        one.synthesize(truncate(one.map(seed_latents([1], 12)), one.w_mean, 0)), mean
    )


@pytest.mark.parametrize("size", [0, 16, 33, 64])
def test_other_sizes_are_refused(network: StyleGAN2, w: Tensor, size: int) -> None:
    with pytest.raises(ValueError, match=f"{size} px; choose from 32"):
        network.synthesize(w, size)


@pytest.mark.parametrize("shape", [(16,), (1, 15), (1, 7, 16), (0, 16), (1, 1, 8, 16)])
def test_other_shapes_of_w_are_refused(network: StyleGAN2, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        network.synthesize(torch.zeros(shape))


def test_other_shapes_of_z_are_refused(network: StyleGAN2) -> None:
    with pytest.raises(ValueError, match="12"):
        network.map(torch.zeros(1, 16))


@pytest.mark.parametrize(
    "wrong",
    [
        {"z_dim": None},
        {"channels": "many"},
        {"channels": [4]},
        {"channels": [4] * 11},
        {"channels": [4, 10**9]},
        {"mapping_layers": 0},
        {"w_dim": True},
        {"clamp": -1},
        {"clamp": "256"},
        {"clamp": float("nan")},
    ],
)
def test_arguments_that_are_missing_or_wrong_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(WeightsError, match="channels"):
        StyleGAN2.from_tensors(ARGUMENTS | wrong, {})


def test_tensors_that_do_not_fit_are_refused() -> None:
    tensors = random_tensors(ARGUMENTS)
    bias = tensors.pop("synthesis.8.head.bias")
    with pytest.raises(WeightsError, match=r"synthesis\.8\.head\.bias"):
        StyleGAN2.from_tensors(ARGUMENTS, tensors)
    with pytest.raises(WeightsError, match=r"synthesis\.8\.head\.bias"):
        StyleGAN2.from_tensors(ARGUMENTS, tensors | {"synthesis.8.head.bias": bias[:2]})
    with pytest.raises(WeightsError, match="more"):
        StyleGAN2.from_tensors(ARGUMENTS, tensors | {"synthesis.8.head.bias": bias, "more": bias})
