"""The painter watched at work: the terms of its loss, what layers keep, what channels answer."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smart.painting import losses, watched
from smart.painting.contract import Scene, StyleImage
from smart.painting.objective import Objective
from smart.painting.vgg import VGG, pink_noise
from smart.progress import Cancelled


@given(st.floats(watched.LEAST, watched.MOST))
def test_the_balance_is_the_ratio_of_the_weights(balance: float) -> None:
    options, weighting = watched.weighed(balance)
    style = sum(weighting.style_shares.values())
    assert style / options.content_weight == pytest.approx(balance, rel=1e-6)
    assert max(style, options.content_weight) == pytest.approx(1.0)


@pytest.mark.parametrize("balance", [0.0, -1.0, 1e9, float("nan")])
def test_other_balances_are_refused(balance: float) -> None:
    with pytest.raises(ValueError, match="choose from"):
        watched.weighed(balance)


@pytest.fixture(scope="module")
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    return pink_noise(48, 48, 1), pink_noise(64, 48, 2)


@pytest.mark.parametrize("balance", [0.1, 10.0])
def test_the_parts_add_up_to_the_loss(
    vgg16: VGG, pair: tuple[torch.Tensor, torch.Tensor], balance: float
) -> None:
    content, style = pair
    loss = watched.objective(vgg16, content, style, balance)
    picture = pink_noise(48, 48, 3)
    value, gradient = loss(picture)
    options, weighting = watched.weighed(balance)
    smooth, _ = losses.total_variation_gradient(picture)
    total = (
        sum(weighting.style_shares.values()) * loss.parts.style
        + options.content_weight * loss.parts.content
        + options.smoothness * float(smooth)
    )
    assert total == pytest.approx(float(value), rel=1e-4)
    plain = Objective(vgg16, Scene(content, [StyleImage(style)]), options, weighting)
    same, pull = plain(picture)
    assert torch.equal(value, same)
    assert torch.equal(gradient, pull)


def test_at_the_start_the_content_wishes_nothing(
    vgg16: VGG, pair: tuple[torch.Tensor, torch.Tensor]
) -> None:
    seen: list[watched.Parts] = []
    watched.repaint(vgg16, *pair, 10.0, 6, lambda parts, _: seen.append(parts))
    assert seen[0].content == 0
    assert seen[-1].content > 0
    assert seen[-1].style < 0.6 * seen[0].style


def test_shallow_layers_keep_every_pixel(
    vgg16: VGG, pair: tuple[torch.Tensor, torch.Tensor]
) -> None:
    errors = {}
    for layer in ("relu1_1", "relu4_1"):
        made = watched.rebuilt(vgg16, pair[0], layer, 25, lambda *_: None)
        errors[layer] = float((made - pair[0]).square().mean())
    assert errors["relu1_1"] < 0.3 * errors["relu4_1"]


def test_a_texture_comes_nearer_and_can_be_stopped(
    vgg16: VGG, pair: tuple[torch.Tensor, torch.Tensor]
) -> None:
    seen: list[float] = []

    def step(parts: watched.Parts, _: torch.Tensor) -> None:
        seen.append(parts.style)
        if len(seen) == 8:
            raise Cancelled

    with pytest.raises(Cancelled):
        watched.texture(vgg16, pair[1], "relu2_1", 48, 50, step)
    assert len(seen) == 8
    assert seen[-1] < 0.5 * seen[0]
    with pytest.raises(ValueError, match="no layer"):
        watched.texture(vgg16, pair[1], "relu9_9", 48, 1, step)


def test_the_strongest_channels_are_in_order(
    vgg16: VGG, pair: tuple[torch.Tensor, torch.Tensor]
) -> None:
    channels, maps, count = watched.strongest(vgg16, pair[0], "relu3_1", 5)
    assert count == 256
    assert len(set(channels)) == 5
    assert maps.shape == (5, 12, 12)
    assert float(maps.min()) >= 0
    assert torch.allclose(maps.flatten(1).amax(1), torch.ones(5))
    assert watched.strongest(vgg16, pair[0], "relu3_1", 2)[0] == channels[:2]
    with pytest.raises(ValueError, match="no layer"):
        watched.strongest(vgg16, pair[0], "relu4_2", 5)
