"""What each control promises, on the real bundled networks at small sizes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from smart import images, sitters
from smart.options import PaintingOptions, SamplingOptions
from smart.painting import color, masks
from smart.painting.contract import Painted, Scene, StyleImage
from smart.painting.feed_forward import Stylizer, load_stylizer
from smart.painting.painter import paint
from smart.painting.vgg import VGG
from smart.progress import Cancelled, Progress
from tests.painting.test_optimization import noise, smooth

OPTIONS = PaintingOptions(size=64, effort=20)
ENGINES = ("optimization", "feed-forward")
Painter = Callable[..., Painted]


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return load_stylizer()


@pytest.fixture
def painted(vgg16: VGG, stylizer: Stylizer) -> Painter:
    def run(scene: Scene, options: PaintingOptions, **more: object) -> Painted:
        return paint(scene, options, vgg16, lambda: stylizer, **more)  # type: ignore[arg-type]

    return run


def style(seed: int = 1) -> StyleImage:
    """Blotches of a few strong colours."""
    return StyleImage((smooth(60, 60) if seed == 0 else noise(1, 3, 12, 12, seed=seed))
                      .repeat_interleave(6, -1).repeat_interleave(6, -2) ** 2)  # fmt: skip


SCENE = Scene(smooth(64, 64), [style()])


def away(picture: Tensor, other: Tensor) -> float:
    return float((picture - other).square().mean().sqrt())


@pytest.mark.parametrize("engine", ENGINES)
def test_strength_goes_from_the_sitter_to_the_painter(painted: Painter, engine: str) -> None:
    content = SCENE.content
    nothing = painted(SCENE, OPTIONS.replace(engine=engine, strength=0.0))
    assert torch.equal(nothing.image, content)
    steps = [
        away(painted(SCENE, OPTIONS.replace(engine=engine, strength=s)).image, content)
        for s in (0.05, 0.3, 0.6, 1.0)
    ]
    assert steps == sorted(steps)
    assert steps[0] < 0.35 * steps[-1]


@pytest.mark.parametrize("engine", ENGINES)
def test_own_colours_are_those_of_the_sitter(painted: Painter, engine: str) -> None:
    """Chroma of the result equals the sitter's, in every preview, too; light and dark do not."""
    seen: list[Tensor] = []

    def watch(progress: Progress) -> None:
        if progress.preview is not None:
            seen.append(progress.preview)

    options = OPTIONS.replace(engine=engine, colors="sitter")
    made = painted(SCENE, options, on_progress=watch)

    def chroma(picture: Tensor) -> Tensor:
        return picture - color.luminance(picture)

    for picture in (made.image, *seen):
        assert torch.allclose(chroma(picture), chroma(SCENE.content), atol=1e-5)
    assert seen
    assert away(color.luminance(made.image), color.luminance(SCENE.content)) > 0.03


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_any_chroma_stays_exact_in_the_gamut(seed: int) -> None:
    source, light = noise(1, 3, 5, 5, seed=seed), noise(1, 3, 5, 5, seed=seed + 1) ** 3
    result = color.with_colors_of(light, source)
    assert result.min() >= 0
    assert result.max() <= 1
    expected = source - color.luminance(source)
    assert torch.allclose(result - color.luminance(result), expected, atol=1e-5)
    assert torch.allclose(color.with_colors_of(source, source), source, atol=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_weights_that_sum_to_one_painter_give_that_painter(painted: Painter, engine: str) -> None:
    one, two = style(), style(2)
    options = OPTIONS.replace(engine=engine)
    alone = painted(Scene(SCENE.content, [one]), options).image
    with_nobody = [one, dataclasses.replace(two, weight=0.0)]
    assert torch.equal(painted(Scene(SCENE.content, with_nobody), options).image, alone)
    mixed = painted(Scene(SCENE.content, [one, two]), options).image
    other = painted(Scene(SCENE.content, [two]), options).image
    assert away(mixed, alone) > 0
    assert away(mixed, alone) < away(other, alone) * 1.2


def test_strokes_of_twice_the_size_are_coarser(painted: Painter) -> None:
    """The share of a picture's energy that is coarse grows with the strokes."""

    def coarse(picture: Tensor) -> float:
        small = images.resize(images.resize(picture, 16, 16), 64, 64)
        return float(small.var() / (picture - small).var())

    fine = StyleImage(noise(1, 3, 64, 64, seed=3).round())
    scene = Scene(torch.full((1, 3, 64, 64), 0.5), [fine])
    options = OPTIONS.replace(content_weight=0.0, start="noise", effort=60)
    shares = [coarse(painted(scene, options.replace(stroke_size=s)).image) for s in (0.5, 1.0, 2.0)]
    assert shares[0] < shares[2]
    assert shares[1] < shares[2]


def test_what_is_kept_stays_closer(painted: Painter, vgg16: VGG) -> None:
    """The features of the marked half stay nearer to the sitter's; those of the other do not."""
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., :32] = 1
    scene = dataclasses.replace(SCENE, keep=mask)

    def distances(weight: float) -> Tensor:
        image = painted(scene, OPTIONS.replace(effort=100, face_weight=weight)).image
        with torch.no_grad():
            change = (
                vgg16(image, ["relu4_2"])["relu4_2"] - vgg16(SCENE.content, ["relu4_2"])["relu4_2"]
            )
        return change.float().square().mean((0, 1, 2))  # (columns,)

    loose, tight = distances(0.0), distances(20.0)
    assert tight[:4].sum() < 0.7 * loose[:4].sum()
    assert tight[4:].sum() > 0.8 * loose[4:].sum()


@pytest.mark.parametrize("engine", ENGINES)
def test_figure_and_ground_have_painters_of_their_own(painted: Painter, engine: str) -> None:
    """Red paints the left half and blue the right."""

    def plain(r: float, g: float, b: float) -> StyleImage:
        tint = torch.tensor([r, g, b]).view(1, 3, 1, 1)
        return StyleImage((tint + 0.15 * (noise(1, 3, 64, 64) - 0.5)).clamp(0, 1))

    mask = torch.zeros(1, 1, 32, 32)
    mask[..., :16] = 1
    scene = Scene(SCENE.content, [plain(0.9, 0.1, 0.1)], figure=mask,
                  ground_styles=[plain(0.1, 0.1, 0.9)])  # fmt: skip
    image = painted(scene, OPTIONS.replace(engine=engine, effort=60)).image
    left, right = image[..., :28].mean((0, 2, 3)), image[..., 36:].mean((0, 2, 3))
    assert left[0] > left[2] + 0.1
    assert right[2] > right[0] + 0.1


def test_noise_has_a_seed(painted: Painter) -> None:
    options = OPTIONS.replace(start="noise")
    first = painted(SCENE, options).image
    assert torch.equal(first, painted(SCENE, options).image)
    assert not torch.equal(first, painted(SCENE, options.replace(noise_seed=1)).image)


def test_gram_and_wasserstein_both_paint(painted: Painter) -> None:
    pictures = {
        loss: painted(SCENE, OPTIONS.replace(style_loss=loss)).image
        for loss in ("gram", "wasserstein")
    }
    start = painted(SCENE, OPTIONS.replace(engine="feed-forward")).image
    for picture in pictures.values():
        assert away(picture, start) > 0.02
    assert away(*pictures.values()) > 0.01


def test_a_stopped_portrait_goes_on_where_it_was(painted: Painter) -> None:
    """Continued, it comes as near to the painter as in one go, in the steps that were left."""
    options = PaintingOptions(size=128, effort=40)
    scene = Scene(smooth(128, 128), [style()])
    whole = painted(scene, options)

    def stop(progress: Progress) -> None:
        if progress.step == 10:
            raise Cancelled

    half = painted(scene, options, on_progress=stop)
    assert (half.steps, half.stopped) == (10, True)
    seen: list[Progress] = []
    rest = painted(scene, options, earlier=half.image, done=10, on_progress=seen.append)
    assert seen[0].step == 10
    assert torch.equal(seen[0].preview, half.image)
    assert seen[-1].step == seen[-1].total == whole.steps
    assert rest.loss < 1.15 * whole.loss
    assert rest.loss < half.loss


def test_a_finished_portrait_is_made_larger(painted: Painter) -> None:
    small = painted(SCENE, OPTIONS).image
    seen: list[Progress] = []
    large = painted(SCENE, OPTIONS.replace(size=128), earlier=small, done=None,
                    on_progress=seen.append)  # fmt: skip
    assert large.image.shape == (1, 3, 128, 128)
    assert {report.stage for report in seen[1:]} <= {"painting at 91 px", "painting at 128 px"}
    blurred = images.resize(large.image, 32, 32)
    assert away(blurred, images.resize(small, 32, 32)) < away(
        images.resize(SCENE.content, 32, 32), images.resize(small, 32, 32)
    )


def test_several_at_once_are_what_each_is_alone(painted: Painter) -> None:
    contents = torch.cat([smooth(64, 64), smooth(64, 64).flip(-1) * 0.8])
    both = painted(Scene(contents, [style()]), OPTIONS)
    assert both.image.shape == (2, 3, 64, 64)
    for index in range(2):
        alone = painted(Scene(contents[index : index + 1], [style()]), OPTIONS).image
        assert away(alone, both.image[index : index + 1]) < 0.02


def test_the_face_of_an_aligned_sitter_is_where_it_is() -> None:
    mask = masks.aligned_features(256)[0, 0]
    assert mask.shape == (256, 256)
    assert mask[119, 95] == mask[119, 161] == mask[188, 128] == 1  # eyes, mouth
    assert mask[20, 128] == mask[250, 128] == mask[128, 10] == 0
    assert torch.allclose(mask, mask.flip(-1), atol=1e-5)


def test_the_figure_is_told_from_the_ground(vgg16: VGG) -> None:
    """Sitter 13 stands before a meadow: what is green is ground, nearly all else is she."""
    face = sitters.face(SamplingOptions(seed=13), 256)
    mask = masks.figure(face, vgg16)
    assert mask.shape == (1, 1, 256, 256)
    red, green, blue = face[0]
    meadow = (green > red + 0.04) & (green > blue + 0.04)
    assert 0.1 < meadow.float().mean() < 0.5
    wrong = (mask[0, 0] > 0.5) == meadow
    assert wrong.float().mean() < 0.05
    assert torch.equal(mask, masks.figure(face, vgg16))
