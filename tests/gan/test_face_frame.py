"""Finding the face in a photograph, on faces of known places in pictures without faces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from smart import images
from smart.gan.face_frame import FaceFinder, Features, Frame, crop, find_frame
from smart.gan.latents import seed_latents, truncate
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.gan.style_generator import Architecture, StyleGenerator
from smart.painting.vgg import load_vgg, pink_noise

STYLES = Path(__file__).resolve().parents[2] / "styles"
EYES = ((0.37, 0.47), (0.63, 0.47))  # of the generator's mean face: share of its width and height


@pytest.fixture(scope="module")
def features() -> Features:
    network = load_vgg("vgg16")
    return lambda picture: [network(picture, ["relu3_3"])["relu3_3"]]


@pytest.fixture(scope="module")
def finder(features: Features, faces: MobileStyleGAN) -> FaceFinder:
    return FaceFinder(features, faces)


def scenery(name: str) -> Tensor:
    return images.fit(images.to_tensor(images.open_image(STYLES / name)), 400)


def pasted(scene: Tensor, face: Tensor, left: int, top: int, side: int) -> Tensor:
    """The scene with the face in it, which fades out at its border and may be cut off."""
    line = ((1 - torch.linspace(-1, 1, side).abs()) / 0.1).clamp(0, 1)
    share = torch.minimum(line, line[:, None])
    wide = F.pad(scene, (side,) * 4, mode="replicate")
    part = wide[..., top + side : top + 2 * side, left + side : left + 2 * side]
    part.lerp_(images.resize(face, side, side), share)
    return wide[..., side:-side, side:-side].contiguous()


def eye_error(found: Frame, left: float, top: float, side: float) -> float:
    """How far the worse eye is from its place, as a share of the square's side."""
    return max(
        math.hypot(found.left + x * found.side - left - x * side,
                   found.top + y * found.side - top - y * side) / side
        for x, y in EYES
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seed", "scene", "left", "top", "side"),
    [
        (3, "hokusai/great-wave.png", 220, 30, 100),
        (17, "hiroshige/horse-mackerel.png", 20, 60, 150),
        (42, "kandinsky/composition-viii.png", 120, -20, 260),
        (6, "hokusai/great-wave.png", -15, 90, 120),
    ],
)
def test_faces_are_found_where_they_are(
    finder: FaceFinder,
    faces: MobileStyleGAN,
    seed: int,
    scene: str,
    left: int,
    top: int,
    side: int,
) -> None:
    w = truncate(faces.map(seed_latents([seed], faces.z_dim)), faces.w_mean, 0.7)
    found = finder.find(pasted(scenery(scene), faces.synthesize(w, 256), left, top, side))
    assert found.found
    assert eye_error(found, left, top, side) < 0.04
    assert abs(math.log2(found.side / side)) < 0.3


def test_a_larger_photograph_gives_a_larger_frame(
    finder: FaceFinder, faces: MobileStyleGAN
) -> None:
    w = truncate(faces.map(seed_latents([11], faces.z_dim)), faces.w_mean, 0.7)
    photo = pasted(scenery("hokusai/ejiri.png"), faces.synthesize(w, 256), 60, 40, 140)
    large = images.resize(photo, photo.shape[-1] * 3, photo.shape[-2] * 3)
    assert eye_error(finder.find(large), 180, 120, 420) < 0.04


@pytest.mark.parametrize("scene", ["hokusai/great-wave.png", "kandinsky/composition-viii.png"])
def test_what_is_no_face_is_not_found(finder: FaceFinder, scene: str) -> None:
    assert not finder.find(scenery(scene)).found


def test_noise_is_no_face(finder: FaceFinder) -> None:
    assert not finder.find(pink_noise(200, 300, 1)).found


@pytest.mark.parametrize("shape", [(3, 100, 100), (2, 3, 100, 100), (1, 1, 64, 64), (1, 3, 20, 90)])
def test_other_shapes_are_refused(finder: FaceFinder, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        finder.find(torch.zeros(shape))


def test_features_without_the_map_are_refused() -> None:
    tiny = Architecture(base=4, widths=(8, 8), convolutions=1, critic_convolutions=1, z_dim=8,
                        w_dim=8, mapping_layers=1)  # fmt: skip
    generator = StyleGenerator(tiny).requires_grad_(False)

    def same(picture: Tensor) -> Sequence[Tensor]:
        return [picture]

    with pytest.raises(ValueError, match="relu3_3"):
        find_frame(torch.zeros(1, 3, 64, 64), same, generator)


def test_a_crop_is_a_part_of_the_photograph() -> None:
    photo = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0))
    assert torch.equal(crop(photo, Frame(10, 5, 20), 20), photo[..., 5:25, 10:30])
    assert crop(photo, Frame(10.4, 5.2, 19.8), 32).shape == (1, 3, 32, 32)


def test_beyond_its_border_the_photograph_is_mirrored() -> None:
    photo = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0))
    around = crop(photo, Frame(-30, -20, 120), 120)
    assert torch.equal(around[..., 20:60, 30:90], photo)
    assert torch.equal(around[..., 19, 30:90], photo[..., 0, :])
    assert torch.equal(around[..., 20:60, 90], photo[..., -1])
    assert crop(photo, Frame(-500, -500, 1200), 64).isfinite().all()
