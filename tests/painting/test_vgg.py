"""The features are VGG's: against torchvision's own network on the same tensors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision

from smart import weights
from smart.painting import vgg
from smart.painting.vgg import BLOCKS, VGG, convolution_keys, load_vgg, tensor_shapes
from smart.weights import WeightsError


def test_keys_and_shapes_are_torchvisions() -> None:
    for name, blocks in BLOCKS.items():
        model = getattr(torchvision.models, name)(weights=None)
        state = {k: tuple(v.shape) for k, v in model.state_dict().items()}
        for key, shape in tensor_shapes(blocks).items():
            assert state[key] == shape
    assert convolution_keys(BLOCKS["vgg19"])["conv5_1"] == "features.28"
    assert convolution_keys(BLOCKS["vgg16"])["conv5_1"] == "features.24"


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_features_are_torchvisions(name: str) -> None:
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(weights=None).eval()
    blocks = BLOCKS[name]
    own = VGG(name, blocks, model.state_dict())
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        seen = own(image, ["relu1_1", "relu3_1", "relu5_1"])
        x = (image - own.mean) / own.std
        expected = {}
        last = int(convolution_keys(blocks)["conv5_1"].split(".")[1])
        for index, layer in enumerate(model.features[: last + 2]):
            if index == 0:
                # The one difference: the picture's edge is replicated instead of padded with 0.
                padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
                x = torch.nn.functional.conv2d(padded, layer.weight, layer.bias)
            else:
                x = layer(x)
            for conv, key in convolution_keys(blocks).items():
                if key == f"features.{index - 1}":
                    expected[conv.replace("conv", "relu")] = x
    assert set(seen) == {"relu1_1", "relu3_1", "relu5_1"}
    for layer, features in seen.items():
        assert torch.allclose(features, expected[layer], atol=1e-4), layer


def test_the_bundled_network_is_kerass(vgg16: VGG) -> None:
    """Keras' documentation of the frozen base: its first kernel value, before our rewriting."""
    first = vgg16.get_buffer("conv1_1_weight")[0, 2, 0, 0]  # blue, which stood first in BGR
    assert float(first) == pytest.approx(0.42947057 * 255 * vgg.IMAGENET_STD[2], rel=1e-3)


def test_energy_is_positive_and_the_same_each_time(vgg16: VGG) -> None:
    assert set(vgg16.energy) == {layer.replace("conv", "relu") for layer in vgg16.layers}
    assert min(vgg16.energy.values()) > 0
    assert torch.equal(vgg.calibration_picture(), vgg.calibration_picture())
    assert load_vgg("vgg16").energy == vgg16.energy


def test_sizes_layers_and_small_pictures(vgg16: VGG) -> None:
    seen = vgg16(torch.rand(2, 3, 48, 32), ["relu1_1", "relu2_2", "relu5_1"])
    shapes = {name: tuple(features.shape) for name, features in seen.items()}
    assert shapes == {
        "relu1_1": (2, 64, 48, 32),
        "relu2_2": (2, 128, 24, 16),
        "relu5_1": (2, 512, 3, 2),
    }
    with pytest.raises(ValueError, match="No layer called 'relu9_9'"):
        vgg16(torch.rand(1, 3, 32, 32), ["relu9_9"])
    with pytest.raises(ValueError, match="too small"):
        vgg16(torch.rand(1, 3, 8, 40), ["relu5_1"])


def test_bfloat16_features_are_near(vgg16: VGG) -> None:
    half = load_vgg("vgg16", dtype=torch.bfloat16)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        exact, rough = vgg16(image, ["relu4_1"])["relu4_1"], half(image, ["relu4_1"])["relu4_1"]
    assert rough.dtype == torch.bfloat16
    assert (exact - rough.float()).norm() < 0.03 * exact.norm()


def test_weights_that_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="should be .* but is nothing"):
        VGG("VGG-16", BLOCKS["vgg16"], {})
    with pytest.raises(WeightsError, match="weights pull vgg19"):
        load_vgg("vgg19")
    with pytest.raises(WeightsError, match="no feature network"):
        load_vgg("faces")
    with pytest.raises(WeightsError, match="No weights called 'vgg61'.*vgg16"):
        load_vgg("vgg61")


def test_the_bundled_weights_are_whole() -> None:
    folder = weights.find("vgg16")
    assert weights.read_config(folder)["blocks"] == list(BLOCKS["vgg16"])
    tensors = weights.read_tensors(folder)
    assert {k: tuple(v.shape) for k, v in tensors.items()} == tensor_shapes(BLOCKS["vgg16"])
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
