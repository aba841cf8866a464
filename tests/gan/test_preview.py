"""Previews: the heads that end the bundled generator early, and what stands in for them."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from smart.gan.generator import load_generator, preview
from smart.gan.latents import seed_latents, truncate
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.gan.style_generator import Architecture, StyleGenerator
from smart.weights import HEADS, WeightsError, find

UNSEEN = range(4)  # scripts/fit_heads.py learns from seeds above 50,000


@pytest.fixture(scope="module")
def w(faces: MobileStyleGAN) -> Tensor:
    codes = faces.map(seed_latents(UNSEEN, faces.z_dim))
    return truncate(codes, faces.w_mean, 0.7)


def decibels(one: Tensor, other: Tensor) -> float:
    return -10 * math.log10(float(F.mse_loss(one, other)))


@pytest.mark.parametrize(("size", "least"), [(128, 26.0), (256, 26.0), (512, 27.0)])
def test_previews_are_the_reduced_faces(
    faces: MobileStyleGAN, w: Tensor, size: int, least: float
) -> None:
    assert size in faces.preview_sizes
    shown = faces.preview(w, size)
    assert shown.shape == (len(w), 3, size, size)
    assert shown.dtype == torch.float32
    assert shown.is_contiguous()
    assert 0 <= shown.min() < shown.max() <= 1
    full = F.avg_pool2d(faces.synthesize(w, 512), 512 // size)
    found = [decibels(*pair) for pair in zip(shown, full, strict=True)]
    assert sum(found) / len(found) >= least


@pytest.mark.parametrize("border", [4, 9, 12])
def test_mixed_faces_are_previewed_as_well(faces: MobileStyleGAN, w: Tensor, border: int) -> None:
    """Also where the border lies behind the level at which the preview ends."""
    plus = w[:2, None].repeat(1, faces.slots, 1)
    plus[:, border:] = w[2:, None]
    full = faces.synthesize(plus, 256)
    assert decibels(faces.preview(plus, 256), full) > 24
    # It must show the mixture better than the face that was mixed into.
    assert decibels(faces.preview(plus, 256), full) > decibels(faces.preview(w[:2], 256), full) + 1


def test_one_w_for_all_slots_is_w(faces: MobileStyleGAN, w: Tensor) -> None:
    plus = w[:1, None].repeat(1, faces.slots, 1)
    assert torch.equal(faces.preview(plus, 128), faces.preview(w[:1], 128))


def test_drafts_have_gradients(faces: MobileStyleGAN, w: Tensor) -> None:
    """Against finite differences, in float64: what is done in place must not break them."""
    double = load_generator(find("faces"))
    assert isinstance(double, MobileStyleGAN)
    double = double.double()
    plus = w[:1, None].repeat(1, faces.slots, 1).double().requires_grad_(True)
    weight = torch.randn(1, 3, 128, 128, dtype=torch.float64,
                         generator=torch.Generator().manual_seed(0))  # fmt: skip
    picture = double.draft(plus, 128)
    (gradient,) = torch.autograd.grad((picture * weight).sum(), plus)
    step = 1e-6
    for slot in (0, 1, 2, 8, 9, 15):
        direction = torch.zeros_like(plus)
        direction[:, slot] = gradient[:, slot] / gradient[:, slot].norm()
        with torch.no_grad():
            ahead, behind = (double.draft(plus + s * direction, 128) for s in (step, -step))
        expected = ((ahead - behind) * weight).sum() / (2 * step)
        torch.testing.assert_close((gradient * direction).sum(), expected, rtol=1e-4, atol=1e-6)


def test_gradients_pass_through_strips(
    faces: MobileStyleGAN, w: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gradient() -> Tensor:
        plus = w[:1].clone().requires_grad_(True)
        faces.draft(plus, 256).square().mean().backward()
        assert plus.grad is not None
        return plus.grad

    whole = gradient()
    monkeypatch.setattr("smart.gan.mobile_synthesis._STRIP", 2**12)
    torch.testing.assert_close(gradient(), whole, rtol=1e-3, atol=1e-6)


def test_drafts_of_the_native_size_are_the_whole_network(faces: MobileStyleGAN, w: Tensor) -> None:
    plus = w[:1].clone().requires_grad_(True)
    whole = faces.draft(plus, 1024)
    assert torch.equal(whole.detach().clamp(0, 1), faces.synthesize(w[:1]))
    whole.square().mean().backward()
    assert plus.grad is not None
    assert plus.grad.norm() > 0
    with pytest.raises(ValueError, match=r"300.*1024"):
        faces.draft(w, 300)


def test_previews_have_none_but_may_enter_a_computation_with_gradients(
    faces: MobileStyleGAN, w: Tensor
) -> None:
    shown = faces.preview(w[:1].clone().requires_grad_(True), 128)
    assert not shown.requires_grad
    weight = torch.ones(1, requires_grad=True)
    (shown * weight).sum().backward()
    assert weight.grad is not None


@pytest.mark.parametrize("size", [0, 64, 1024])
def test_other_sizes_are_refused(faces: MobileStyleGAN, w: Tensor, size: int) -> None:
    with pytest.raises(ValueError, match=f"{size}.*128, 256, 512"):
        faces.preview(w[:1], size)


def test_without_heads_everything_else_works(
    faces: MobileStyleGAN, w: Tensor, tmp_path: Path
) -> None:
    folder = shutil.copytree(find("faces"), tmp_path / "bare", ignore=lambda *_: [HEADS])
    bare = load_generator(folder)
    assert isinstance(bare, MobileStyleGAN)
    assert bare.preview_sizes == ()
    full = faces.synthesize(w[:1], 256)
    assert torch.equal(bare.synthesize(w[:1], 256), full)
    assert torch.equal(preview(bare, w[:1], 256), full)
    with pytest.raises(ValueError, match=HEADS):
        bare.preview(w[:1], 256)
    with pytest.raises(ValueError, match=HEADS):
        bare.draft(w[:1], 256)


def test_heads_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(find("faces"), tmp_path / "copied"))
    tensors = load_file(folder / HEADS)
    for damage in ({"1024.bias": torch.zeros(3)}, {"256.kernel": torch.zeros(1)}):
        save_file(tensors | damage, folder / HEADS)
        with pytest.raises(WeightsError, match=next(iter(damage))):
            load_generator(folder)


def test_any_size_of_any_generator(faces: MobileStyleGAN, w: Tensor) -> None:
    assert torch.equal(preview(faces, w[:1], 256), faces.preview(w[:1], 256))
    small = preview(faces, w[:1], 100)
    assert small.shape == (1, 3, 100, 100)
    reduced = F.interpolate(faces.preview(w[:1], 128), size=100, mode="area")
    assert decibels(small, reduced) > 30
    tiny = Architecture(base=4, widths=(16, 8, 8), convolutions=1, critic_convolutions=1, z_dim=8,
                        w_dim=8, mapping_layers=2)  # fmt: skip
    trained = StyleGenerator(tiny).requires_grad_(False)
    codes = trained.map(torch.randn(2, 8))
    for size in (7, 8, 40):
        shown = preview(trained, codes, size)
        assert shown.shape == (2, 3, size, size)
        assert 0 <= shown.min() <= shown.max() <= 1
    with pytest.raises(ValueError, match="0 px"):
        preview(faces, w, 0)
