"""Sketch and portrait together, on the real bundled networks."""

from __future__ import annotations

import math

import pytest
import torch

from smart import images, sitters, styles
from smart.options import PaintingOptions, SamplingOptions
from smart.painting.contract import Scene, StyleImage
from smart.painting.feed_forward import Stylizer, load_stylizer
from smart.painting.objective import Objective
from smart.painting.optimization import Easel
from smart.painting.painter import paint, sketch
from smart.painting.vgg import VGG
from smart.progress import Cancelled, Progress
from tests.painting.test_optimization import noise, smooth

OPTIONS = PaintingOptions(size=192, effort=10)


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return load_stylizer()


def test_the_sketch_is_seen_first_and_is_where_the_portrait_starts(
    vgg16: VGG, stylizer: Stylizer
) -> None:
    scene = Scene(smooth(192, 144), [StyleImage(noise(1, 3, 90, 90, seed=2))])
    seen: list[Progress] = []
    painted = paint(scene, OPTIONS, vgg16, lambda: stylizer, seen.append)
    assert seen[0].step == 0
    assert torch.equal(seen[0].preview, sketch(scene, OPTIONS, stylizer))
    assert all(p.preview.shape == (1, 3, 192, 144) for p in seen if p.preview is not None)
    assert torch.equal(seen[-1].preview, painted.image)
    assert seen[-1].step == painted.steps


def test_stopped_at_once_the_sketch_is_kept(vgg16: VGG, stylizer: Stylizer) -> None:
    scene = Scene(smooth(128, 128), [StyleImage(noise(1, 3, 64, 64))])
    options = OPTIONS.replace(size=128)

    def stop(_: Progress) -> None:
        raise Cancelled

    painted = paint(scene, options, vgg16, lambda: stylizer, stop)
    assert (painted.steps, painted.stopped) == (0, True)
    assert torch.equal(painted.image, sketch(scene, options, stylizer))


def test_feed_forward_needs_no_feature_network(stylizer: Stylizer) -> None:
    options = OPTIONS.replace(engine="feed-forward")
    scene = Scene(smooth(300, 150), [StyleImage(noise(1, 3, 64, 64))])
    painted = paint(scene, options, None, lambda: stylizer)
    assert painted.image.shape == (1, 3, 192, 96)
    assert (painted.steps, painted.stopped, math.isnan(painted.loss)) == (1, False, True)
    with pytest.raises(ValueError, match="feature network"):
        paint(scene, OPTIONS, None, lambda: stylizer)


def test_the_bare_sitter_needs_no_stylizer(vgg16: VGG) -> None:
    def none() -> Stylizer:
        raise AssertionError

    options = OPTIONS.replace(size=64, start="sitter")
    painted = paint(Scene(smooth(64, 64), [StyleImage(noise(1, 3, 64, 64))]), options, vgg16, none)
    assert painted.image.shape == (1, 3, 64, 64)


@pytest.mark.parametrize("shape", [(300, 20), (20, 300), (64, 64)])
def test_pictures_of_any_shape(vgg16: VGG, stylizer: Stylizer, shape: tuple[int, int]) -> None:
    content = smooth(*shape)
    for engine in ("optimization", "feed-forward"):
        options = PaintingOptions(size=64, effort=10, engine=engine)
        for style in (noise(1, 3, 16, 16), noise(1, 3, 16, 300)):
            scene = Scene(content, [StyleImage(style)])
            painted = paint(scene, options, vgg16, lambda: stylizer)
            assert torch.isfinite(painted.image).all()
            assert max(painted.image.shape[-2:]) == 64


def test_nobody_to_paint_after() -> None:
    one = [StyleImage(noise(1, 3, 32, 32))]
    for nobody in ([], [StyleImage(noise(1, 3, 32, 32), 0.0)]):
        with pytest.raises(ValueError, match="No painter is chosen"):
            Scene(smooth(64, 64), nobody)
        with pytest.raises(ValueError, match="No painter is chosen"):
            Scene(smooth(64, 64), one, figure=torch.ones(1, 1, 8, 8), ground_styles=nobody)


def test_the_easel_is_whole_and_sharp_at_every_size() -> None:
    drawing = noise(1, 3, 96, 64)
    easel = Easel(smooth(96, 64), drawing)
    assert torch.equal(easel.whole(), drawing)
    easel.picture = easel.at(48)  # a small size that changed nothing yet
    assert torch.allclose(easel.whole(), drawing, atol=0.02)
    bare = Easel(smooth(96, 64), None)
    bare.picture = bare.at(48)
    assert bare.whole().shape == (1, 3, 96, 64)


def test_the_network_for_portraits_reads_paintings_as_the_general_one(vgg16: VGG) -> None:
    """Only its transformer was trained, and by the objective it sketches better a held-out work."""
    general, ours = load_stylizer("stylization"), load_stylizer("stylization-portraits")
    for key, tensor in general.style.state_dict().items():
        assert torch.equal(tensor, ours.style.state_dict()[key])
    painting = styles.scan().choose("cassatt").works[0].open()
    face = sitters.face(SamplingOptions(seed=13), 512)
    scene = Scene(face, [StyleImage(images.to_tensor(painting))])
    options = PaintingOptions(size=512)
    objective = Objective(vgg16, scene, options)
    values = [objective(sketch(scene, options, one))[0].item() for one in (general, ours)]
    assert values[1] < 0.9 * values[0]
