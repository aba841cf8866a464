"""The bundled face generator with its real weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from smart.gan.generator import load_generator
from smart.gan.latents import seed_latents, truncate
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.gan.wavelet import inverse_haar
from smart.weights import CONFIG, MODEL, WeightsError, find


@pytest.fixture(scope="module")
def w(faces: MobileStyleGAN) -> Tensor:
    codes = faces.map(seed_latents([0, 1, 2], faces.z_dim))
    return truncate(codes, faces.w_mean, 0.7)


@pytest.fixture(scope="module")
def native(faces: MobileStyleGAN, w: Tensor) -> Tensor:
    return faces.synthesize(w)


def test_keeps_the_contract(faces: MobileStyleGAN, w: Tensor, native: Tensor) -> None:
    assert (faces.z_dim, faces.w_dim, faces.slots) == (512, 512, 16)
    assert faces.sizes == (256, 512, 1024)
    assert w.shape == (3, 512)
    assert faces.w_mean.shape == (512,)
    assert native.shape == (3, 3, 1024, 1024)
    assert native.dtype == torch.float32
    assert native.is_contiguous()
    assert native.min() >= 0
    assert native.max() <= 1
    assert native.std() > 0.1


def test_the_same_codes_are_the_same_faces(
    faces: MobileStyleGAN, w: Tensor, native: Tensor
) -> None:
    assert torch.equal(faces.synthesize(w[1:2]), faces.synthesize(w[1:2]))
    torch.testing.assert_close(faces.synthesize(w[1:2]), native[1:2], rtol=0, atol=1e-5)
    assert (native[0] - native[1]).abs().mean() > 0.02


def test_a_batch_at_once_is_the_single_ones(faces: MobileStyleGAN, w: Tensor) -> None:
    """On an accelerator several faces go through the network together."""
    together = faces.coefficients(w[:2])
    for row, single in zip(together, w[:2], strict=True):
        torch.testing.assert_close(row[None], faces.coefficients(single[None]), rtol=0, atol=1e-3)


def test_strips_leave_no_seams(
    faces: MobileStyleGAN, w: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = faces.coefficients(w[:1])
    monkeypatch.setattr("smart.gan.mobile_synthesis._STRIP", 2**12)
    torch.testing.assert_close(faces.coefficients(w[:1]), whole, rtol=0, atol=1e-3)


def test_one_w_for_all_slots_is_w(faces: MobileStyleGAN, w: Tensor) -> None:
    plus = w[:1, None].repeat(1, faces.slots, 1)
    assert torch.equal(faces.synthesize(plus, 256), faces.synthesize(w[:1], 256))


@pytest.mark.parametrize("slot", [0, 1, 8, 14, 15])
def test_every_slot_counts(faces: MobileStyleGAN, w: Tensor, slot: int) -> None:
    plus = w[:1, None].repeat(1, faces.slots, 1)
    plus[:, slot] = w[1]
    difference = faces.synthesize(plus, 256) - faces.synthesize(w[:1], 256)
    assert difference.abs().max() > 1e-3


def test_smaller_sizes_are_the_same_picture(
    faces: MobileStyleGAN, w: Tensor, native: Tensor
) -> None:
    half, quarter = faces.synthesize(w[:1], 512), faces.synthesize(w[:1], 256)
    # Not to the last digit: the native picture is clamped before it is averaged here.
    assert (half - F.avg_pool2d(native[:1], 2)).abs().mean() < 1e-4
    assert (quarter - F.avg_pool2d(native[:1], 4)).abs().mean() < 1e-4
    picture = inverse_haar(faces.coefficients(w[:1]).contiguous()).add(1).div(2)
    expected = F.avg_pool2d(picture, 2).clamp(0, 1)
    torch.testing.assert_close(half, expected, rtol=0, atol=1e-5)


def test_psi_zero_is_the_mean_face(faces: MobileStyleGAN, w: Tensor) -> None:
    mean = faces.synthesize(faces.w_mean[None], 256)
    assert torch.equal(faces.synthesize(truncate(w[2:], faces.w_mean, 0), 256), mean)


def test_w_mean_is_the_mean_of_the_map(faces: MobileStyleGAN) -> None:
    codes = faces.map(seed_latents(range(2048), faces.z_dim))
    assert (codes.mean(0) - faces.w_mean).square().mean().sqrt() < 0.03
    assert faces.w_mean.square().mean().sqrt() > 0.15


def test_the_length_of_z_does_not_matter(faces: MobileStyleGAN) -> None:
    z = seed_latents([5], faces.z_dim)
    torch.testing.assert_close(faces.map(3 * z), faces.map(z), rtol=1e-4, atol=1e-5)


def test_faces_may_enter_a_computation_with_gradients(faces: MobileStyleGAN, w: Tensor) -> None:
    picture = faces.synthesize(w[:1], 256)
    weight = torch.ones(1, requires_grad=True)
    (picture * weight).sum().backward()
    assert weight.grad is not None


@pytest.mark.parametrize("size", [0, 128, 1000, 2048])
def test_other_sizes_are_refused(faces: MobileStyleGAN, w: Tensor, size: int) -> None:
    with pytest.raises(ValueError, match=f"{size}.*256, 512, 1024"):
        faces.synthesize(w[:1], size)


@pytest.mark.parametrize("shape", [(512,), (1, 511), (1, 15, 512), (0, 512), (1, 1, 16, 512)])
def test_other_shapes_of_w_are_refused(faces: MobileStyleGAN, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        faces.synthesize(torch.zeros(shape))


def test_other_shapes_of_z_are_refused(faces: MobileStyleGAN) -> None:
    with pytest.raises(ValueError, match="512"):
        faces.map(torch.zeros(1, 100))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(find("faces"), tmp_path / "copied"))


def test_tensors_that_do_not_fit_are_refused(copied: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(copied / MODEL)
    bias = tensors.pop("synthesis.head.bias")
    save_file(tensors, copied / MODEL)
    with pytest.raises(WeightsError, match=r"synthesis\.head\.bias"):
        load_generator(copied)
    save_file(tensors | {"synthesis.head.bias": bias[:3].clone()}, copied / MODEL)
    with pytest.raises(WeightsError, match=r"synthesis\.head\.bias"):
        load_generator(copied)
    save_file(tensors | {"synthesis.head.bias": bias, "more": bias.clone()}, copied / MODEL)
    with pytest.raises(WeightsError, match="more"):
        load_generator(copied)


@pytest.mark.parametrize("arguments", [{}, {"z_dim": 512}, {"widths": "wide"}, {"widths": [1e9]}])
def test_arguments_that_are_missing_or_wrong_are_refused(copied: Path, arguments: object) -> None:
    config = {"architecture": "mobile_stylegan", "arguments": arguments}
    (copied / CONFIG).write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="widths"):
        load_generator(copied)


def test_other_architectures_are_refused() -> None:
    with pytest.raises(WeightsError, match="vgg"):
        load_generator("vgg16")
