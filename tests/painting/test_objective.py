"""The objective's gradient: against differences, whole against tiles, with masks and in batches."""

from __future__ import annotations

import pytest
import torch

from smart.options import PaintingOptions
from smart.painting.contract import Scene, StyleImage
from smart.painting.objective import Objective, Weighting
from smart.painting.style_targets import picture_moments, style_targets
from smart.painting.tiling import tiles
from smart.painting.vgg import VGG
from tests.painting.test_optimization import noise, smooth

OPTIONS = PaintingOptions(size=64)


def scene(height: int = 96, width: int = 80, **more: object) -> Scene:
    return Scene(smooth(height, width), [StyleImage(noise(1, 3, 70, 90, seed=1))], **more)  # type: ignore[arg-type]


def half(height: int, width: int) -> torch.Tensor:
    mask = torch.zeros(1, 1, height, width)
    mask[..., : width // 2] = 1
    return mask


@pytest.mark.parametrize("loss", ["wasserstein", "gram"])
@pytest.mark.parametrize("masked", [False, True])
def test_the_gradient_is_the_slope(vgg16: VGG, loss: str, masked: bool) -> None:
    more = {}
    if masked:
        more = {
            "keep": half(96, 80), "figure": half(96, 80).flip(-1) * 0.7,
            "ground_styles": [StyleImage(noise(1, 3, 64, 64, seed=5) ** 3)],
        }  # fmt: skip
    options = OPTIONS.replace(style_loss=loss, strength=0.7, face_weight=3.0)
    objective = Objective(vgg16, scene(**more), options)
    picture = smooth(96, 80) * 0.6 + 0.2 * noise(1, 3, 96, 80, seed=2)
    value, gradient = objective(picture)
    assert value.shape == (1,)
    step = 0.02 * gradient / gradient.norm()
    slope = (objective(picture + step)[0] - objective(picture - step)[0]) / (2 * step.norm())
    assert slope.item() == pytest.approx(gradient.norm().item(), rel=0.03)


@pytest.mark.parametrize(
    ("loss", "masked", "side", "tile", "count"),
    [
        ("wasserstein", False, 272, 128, 4),
        ("gram", False, 272, 128, 4),
        ("wasserstein", True, 512, 192, 9),
    ],
)
def test_tiles_give_the_gradient_of_the_whole(
    vgg16: VGG, loss: str, masked: bool, side: int, tile: int, count: int
) -> None:
    """Equal to 1e-4 and better, also across the seams, and at sides off the grid.

    No tile sees the whole picture.
    """
    height, width = side, side - 12
    more = {}
    if masked:
        more = {"figure": half(height, width), "keep": half(height, width),
                "ground_styles": [StyleImage(noise(1, 3, 64, 64, seed=5))]}  # fmt: skip
    posed = scene(height, width, **more)
    options = OPTIONS.replace(style_loss=loss)
    whole = Objective(vgg16, posed, options)
    parts = Objective(vgg16, posed, options, tile=tile)
    assert (len(whole.tiles), len(parts.tiles)) == (1, count)
    seen = [one.window(posed.content).shape[-2:] for one in parts.tiles]
    assert all(rows < height or columns < width for rows, columns in seen)
    picture = smooth(height, width) * 0.6 + 0.3 * noise(1, 3, height, width, seed=2)
    (value, gradient), (other_value, other) = whole(picture), parts(picture)
    assert other_value.item() == pytest.approx(value.item(), rel=1e-5)
    assert (gradient - other).norm() < 1e-5 * gradient.norm()
    assert (gradient - other).abs().max() < 1e-4 * gradient.abs().max()


def test_tiles_cover_a_picture_once() -> None:
    for height, width, core in ((512, 512, 128), (100, 700, 256), (33, 1000, 300), (16, 16, 64)):
        counted = torch.zeros(1, 1, height, width)
        for tile in tiles(height, width, core, 80):
            tile.place(counted, 1).add_(1)
            window = tile.window(counted)
            assert tile.core(window, 1).shape == tile.place(counted, 1).shape
            assert tile.rows[0] % 16 == tile.columns[0] % 16 == 0
        assert (counted == 1).all()


def test_statistics_do_not_depend_on_tiles(vgg16: VGG, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, layers = noise(1, 3, 300, 200), ["relu2_1", "relu5_1"]
    whole = picture_moments(vgg16, picture, layers)
    monkeypatch.setattr("smart.painting.style_targets.WHOLE", 1)
    monkeypatch.setattr("smart.painting.style_targets.TILE", 96)
    parts = picture_moments(vgg16, picture, layers)
    for layer in layers:
        assert torch.allclose(whole[layer].second, parts[layer].second, rtol=1e-5, atol=1e-9)


def test_a_picture_of_a_batch_is_not_disturbed_by_the_others(vgg16: VGG) -> None:
    content = torch.cat([smooth(64, 64), noise(1, 3, 64, 64) * 0.5])
    styles = [StyleImage(noise(1, 3, 70, 90, seed=1))]
    value, gradient = Objective(vgg16, Scene(content, styles), OPTIONS)(content * 0.8)
    for index in range(2):
        one = content[index : index + 1]
        alone, own = Objective(vgg16, Scene(one, styles), OPTIONS)(one * 0.8)
        assert alone.item() == pytest.approx(value[index].item(), rel=1e-4)
        assert (own - gradient[index]).norm() < 1e-3 * own.norm()


def test_targets_are_computed_once_and_kept(vgg16: VGG) -> None:
    image = noise(1, 3, 64, 64)
    one = style_targets(vgg16, [StyleImage(image)], 64**2, 1.0, ["relu1_1"])
    again = style_targets(vgg16, [StyleImage(image.clone(), 5.0)], 64**2, 1.0, ["relu1_1"])
    assert one is again
    assert style_targets(vgg16, [StyleImage(image)], 64**2, 2.0, ["relu1_1"]) is not one


def test_two_halves_of_one_painter_are_that_painter(vgg16: VGG) -> None:
    """Weights that sum to one painter give that painter, and so does one painter everywhere."""
    content, image = smooth(64, 64), noise(1, 3, 70, 90, seed=1)
    picture = content * 0.7
    value, gradient = Objective(vgg16, Scene(content, [StyleImage(image)]), OPTIONS)(picture)
    twice = Scene(content, [StyleImage(image, 0.3), StyleImage(image, 0.7)])
    other, same = Objective(vgg16, twice, OPTIONS)(picture)
    assert other.item() == pytest.approx(value.item(), rel=1e-4)
    assert (same - gradient).norm() < 1e-2 * gradient.norm()


def test_without_deep_layers_less_is_looked_at() -> None:
    assert Weighting().down_to(4).content_layer == "relu4_2"
    assert Weighting().down_to(3).content_layer is None
    assert list(Weighting().down_to(3).style_shares) == ["relu1_1", "relu2_1", "relu3_1"]


@pytest.mark.parametrize("name", ["keep", "figure"])
def test_masks_of_another_shape_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"mask '{name}' has the shape"):
        scene(**{name: torch.ones(5, 1, 8, 8), "ground_styles": [StyleImage(noise(1, 3, 32, 32))]})
