"""The painter on small pictures, with the real bundled network."""

from __future__ import annotations

import pytest
import torch

from smart.options import PaintingOptions
from smart.painting.contract import Scene, StyleImage
from smart.painting.objective import Objective
from smart.painting.optimization import paint, pyramid
from smart.painting.vgg import VGG
from smart.progress import Cancelled, Progress


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def smooth(height: int, width: int) -> torch.Tensor:
    return torch.nn.functional.interpolate(
        noise(1, 3, 5, 5, seed=9), (height, width), mode="bicubic"
    ).clamp(0, 1)


QUICK = PaintingOptions(size=64, effort=20)


def test_the_loss_falls_and_the_picture_moves_to_the_style(vgg16: VGG) -> None:
    content, style = smooth(64, 64), noise(1, 3, 60, 80, seed=1)
    reports: list[Progress] = []
    scene = Scene(content, [StyleImage(style)])
    painted = paint(scene, QUICK, vgg16, reports.append)
    assert painted.image.shape == (1, 3, 64, 64)
    assert not painted.stopped
    assert painted.steps == len(reports) == reports[-1].total
    assert [report.step for report in reports] == list(range(1, len(reports) + 1))
    assert reports[-1].fraction == 1
    assert reports[-1].preview.shape == (1, 3, 64, 64)
    losses = [report.loss for report in reports]
    assert losses[-1] < 0.5 * losses[0]  # type: ignore[operator]
    objective = Objective(vgg16, scene, QUICK)
    assert objective(painted.image)[0] < 0.5 * objective(content)[0]
    assert 0 <= painted.image.min() <= painted.image.max() <= 1


def test_painting_twice_gives_the_same_pixels(vgg16: VGG) -> None:
    arguments = (Scene(smooth(48, 64), [StyleImage(noise(1, 3, 40, 40))]), QUICK, vgg16)
    assert torch.equal(paint(*arguments).image, paint(*arguments).image)


def test_a_quiet_picture_is_painted_too(vgg16: VGG) -> None:
    """Grey and smooth: its first gradients are small, and curvature must not be thrown away."""
    grey = smooth(128, 128).mean(1, keepdim=True).expand(-1, 3, -1, -1) * 0.2 + 0.4
    options = PaintingOptions(size=128, effort=10)
    painted = paint(Scene(grey, [StyleImage(noise(1, 3, 90, 120, seed=1))]), options, vgg16)
    assert (painted.image - grey).abs().mean() > 0.02


def test_stop_keeps_the_picture_as_it_stands(vgg16: VGG) -> None:
    seen: list[torch.Tensor] = []

    def stop_after_five(progress: Progress) -> None:
        if progress.preview is not None:
            seen.append(progress.preview)
        if progress.step == 5:
            raise Cancelled

    scene = Scene(smooth(64, 64), [StyleImage(noise(1, 3, 64, 64))])
    painted = paint(scene, QUICK, vgg16, stop_after_five)
    assert painted.stopped
    assert painted.steps == 5
    assert torch.equal(painted.image, seen[-1])


@pytest.mark.parametrize("shape", [(300, 40), (40, 300), (16, 16), (64, 17)])
def test_paintings_and_pictures_of_any_shape(vgg16: VGG, shape: tuple[int, int]) -> None:
    options = PaintingOptions(size=64, effort=10)
    for content, style in (
        (smooth(*shape), noise(1, 3, 50, 50)),
        (smooth(64, 64), noise(1, 3, *shape)),
    ):
        image = paint(Scene(content, [StyleImage(style)]), options, vgg16).image
        assert torch.isfinite(image).all()
        assert max(image.shape[-2:]) == 64


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_pictures_never_give_nan(vgg16: VGG, value: float) -> None:
    flat = torch.full((1, 3, 64, 64), value)
    options = PaintingOptions(size=64, effort=10)
    for content, style in ((flat, noise(1, 3, 40, 40)), (smooth(64, 64), flat), (flat, flat)):
        scene = Scene(content, [StyleImage(style)])
        assert torch.isfinite(paint(scene, options, vgg16).image).all()


def test_a_painter_of_weight_nothing_changes_nothing(vgg16: VGG) -> None:
    content, one, two = smooth(64, 64), noise(1, 3, 50, 50), noise(1, 3, 50, 50, seed=3) ** 4
    alone = paint(Scene(content, [StyleImage(one)]), QUICK, vgg16).image
    both = paint(Scene(content, [StyleImage(one), StyleImage(two, 0.0)]), QUICK, vgg16).image
    assert torch.equal(alone, both)
    assert not torch.equal(alone, paint(Scene(content, [StyleImage(two)]), QUICK, vgg16).image)


def test_likeness_holds_the_sitter(vgg16: VGG) -> None:
    content = smooth(64, 64)
    scene = Scene(content, [StyleImage(noise(1, 3, 64, 64))])
    far, near = (
        (paint(scene, QUICK.replace(content_weight=w), vgg16).image - content).square().mean()
        for w in (0.0, 1.0)
    )
    assert near < far


def test_nobody_to_paint_after() -> None:
    with pytest.raises(ValueError, match="No painter is chosen"):
        Scene(smooth(64, 64), [])


def test_pyramid_ends_at_the_size_and_spends_less_where_it_is_dear() -> None:
    for size in (64, 128, 200, 256, 512, 1000, 2048, 4961):
        scales = pyramid(size)
        assert scales[-1].size == size
        assert [s.size for s in scales] == sorted({s.size for s in scales})
        assert [s.steps for s in scales] == sorted((s.steps for s in scales), reverse=True)
        assert sum(s.steps for s in pyramid(size, 200)) > sum(s.steps for s in scales)
    assert [scale.size for scale in pyramid(256)] == [128, 181, 256]
    assert [scale.size for scale in pyramid(256, started=True)] == [181, 256]
    assert [scale.size for scale in pyramid(64, started=True)] == [64]
