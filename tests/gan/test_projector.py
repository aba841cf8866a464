"""The sitter nearest to a photograph: with the bundled faces, and with a generator of one's own."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from smart.gan.latents import seed_latents, truncate
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.gan.projector import Features, Search, Space, project, regressed
from smart.gan.style_generator import Architecture, StyleGenerator
from smart.painting.vgg import load_vgg
from smart.progress import Cancelled, Progress

SHORT = Search(samples=48, w_steps=8, steps=5, last_steps=1)
LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


@pytest.fixture(scope="module")
def features() -> Features:
    network = load_vgg("vgg16")

    def seen(picture: Tensor) -> list[Tensor]:
        found = network(picture, LAYERS)
        return [found[layer] for layer in LAYERS]

    return seen


@pytest.fixture(scope="module")
def target(faces: MobileStyleGAN) -> Tensor:
    w = truncate(faces.map(seed_latents([3], faces.z_dim)), faces.w_mean, 0.7)
    return faces.synthesize(w, 256)


@pytest.fixture(scope="module")
def trained() -> StyleGenerator:
    torch.manual_seed(0)
    tiny = Architecture(base=4, widths=(16, 8, 8), convolutions=1, critic_convolutions=1, z_dim=8,
                        w_dim=8, mapping_layers=2)  # fmt: skip
    generator = StyleGenerator(tiny).requires_grad_(False)
    generator.find_w_mean()
    return generator


def pools(picture: Tensor) -> list[Tensor]:
    """Features enough for small pictures of noise."""
    return [F.avg_pool2d(picture, 4), F.avg_pool2d(picture, 8)]


def test_a_face_gets_nearer_within_few_steps(
    faces: MobileStyleGAN, target: Tensor, features: Features
) -> None:
    reports: list[Progress] = []
    found = project(target, faces, features, reports.append, SHORT)
    assert found.w_plus.shape == (1, faces.slots, faces.w_dim)
    assert not found.w_plus.requires_grad
    assert found.nearness > 0.55
    assert not found.stopped
    assert found.step == reports[-1].step == reports[-1].total == 3 + 8 + 5 + 1
    assert [report.step for report in reports] == list(range(1, found.step + 1))
    for report in reports:
        assert report.preview.shape[:2] == (1, 3)
        assert 0 <= report.preview.min() <= report.preview.max() <= 1
    losses = {stage: [r.loss for r in reports if r.stage == stage] for stage in
              ("turning to the photograph", "taking its features")}  # fmt: skip
    for values in losses.values():
        assert values[-1] < values[0]
    apart = F.mse_loss(faces.synthesize(found.w_plus, 256), target)
    mean = F.mse_loss(faces.synthesize(faces.w_mean[None], 256), target)
    assert apart < 0.25 * mean


def test_stop_returns_who_stands_there(
    faces: MobileStyleGAN, target: Tensor, features: Features
) -> None:
    def stop(progress: Progress) -> None:
        if progress.step == 5:
            raise Cancelled

    search = Search(samples=48, w_steps=5, steps=5)
    found = project(target, faces, features, stop, search)
    assert found.stopped
    assert found.step == 5
    assert found.w_plus.shape == (1, faces.slots, faces.w_dim)
    assert found.nearness > 0.1

    def at_once(_: Progress) -> None:
        raise Cancelled

    early = project(target, faces, features, at_once, search)
    assert early.nearness == pytest.approx(0, abs=1e-3)  # the mean face


def test_a_generator_of_ones_own_works_as_well(trained: StyleGenerator) -> None:
    w = trained.map(torch.randn(1, 8, generator=torch.Generator().manual_seed(3)))
    target = trained.draft(w, 256).clamp(0, 1)
    search = Search(samples=64, w_steps=40, steps=40, last_steps=5)
    found = project(target, trained, pools, search=search)
    again = project(target, trained, pools, search=search)
    assert torch.equal(found.w_plus, again.w_plus)
    assert found.nearness > 0.5


def test_no_samples_begin_with_the_mean_face(trained: StyleGenerator) -> None:
    target = trained.draft(trained.w_mean[None], 256).clamp(0, 1)
    search = Search(samples=0, w_steps=0, steps=0, last_steps=0)
    found = project(target, trained, pools, search=search)
    assert torch.equal(found.w_plus, trained.w_mean.expand(1, trained.slots, -1))


def test_slots_that_must_agree_do(trained: StyleGenerator) -> None:
    target = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    search = Search(samples=0, w_steps=5, steps=30, last_steps=0, typical=0)

    def spread(together: float) -> float:
        looked = dataclasses.replace(search, together=together)
        w_plus = project(target, trained, pools, search=looked).w_plus
        return float((w_plus - w_plus.mean(1, keepdim=True)).norm())

    assert spread(10) < 0.5 * spread(0)


@pytest.mark.parametrize("shape", [(3, 256, 256), (1, 3, 128, 128), (2, 3, 256, 256)])
def test_other_shapes_are_refused(trained: StyleGenerator, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"crop it to \[1, 3, 256, 256\]"):
        project(torch.zeros(shape), trained, pools)


def test_generators_without_gradients_are_refused() -> None:
    class Still:
        z_dim = w_dim = slots = 1
        sizes = (4,)
        w_mean = torch.zeros(1)

        def map(self, z: Tensor) -> Tensor:
            return z

        def synthesize(self, w: Tensor, size: int | None = None) -> Tensor:
            return torch.zeros(len(w), 3, 4, 4)

    with pytest.raises(ValueError, match="Still has no gradients"):
        project(torch.zeros(1, 3, 256, 256), Still(), pools)


def test_typical_faces_have_coordinates_of_unit_variance(faces: MobileStyleGAN) -> None:
    space = Space(faces)
    w = faces.map(torch.randn(1024, faces.z_dim, generator=torch.Generator().manual_seed(7)))
    coordinates = space.coordinates(w)
    # 512 deviations out of 4096 draws are a little too small.
    assert coordinates.square().mean() == pytest.approx(1, abs=0.25)
    torch.testing.assert_close(space.w(coordinates), w, rtol=1e-3, atol=1e-3)


def test_regression_finds_a_linear_rule() -> None:
    chance = torch.Generator().manual_seed(0)
    rule, known = torch.randn(6, 4, generator=chance), torch.randn(80, 6, generator=chance)
    wanted = torch.randn(1, 6, generator=chance)
    found = regressed(known, known @ rule + 2, wanted)
    torch.testing.assert_close(found, wanted @ rule + 2, rtol=0.1, atol=0.1)
