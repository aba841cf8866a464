"""Our network against OpenVINO on the original files: the same faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from smart.conversion.faces import convert_faces, read_ir_files
from smart.gan.generator import load_generator
from smart.gan.latents import seed_latents, truncate
from smart.gan.mobile_stylegan import MobileStyleGAN
from smart.gan.wavelet import inverse_haar
from tests.conftest import skip_or_fail

SEEDS = range(8)
Network = Callable[[Tensor], Tensor]


@pytest.fixture(scope="module")
def original(random_face_wheel: Path) -> tuple[Network, Network]:
    """Mapping and synthesis as OpenVINO runs the IR, in full precision."""
    try:
        import openvino
    except ImportError:
        skip_or_fail("openvino is not installed; `pip install -e .[dev]` brings it.")
    files, core = read_ir_files(random_face_wheel), openvino.Core()

    def network(name: str) -> Network:
        constants = np.frombuffer(files[f"{name}.bin"], np.uint8)
        model = core.read_model(files[f"{name}.xml"], openvino.Tensor(constants))
        # On processors with matrix units for it the default would be bfloat16.
        compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return lambda x: torch.from_numpy(compiled(x.numpy())[0].copy())

    return network("MappingNetwork"), network("SynthesisNetwork")


@pytest.fixture(scope="module")
def exact(random_face_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> MobileStyleGAN:
    """The generator with weights in float32."""
    folder = tmp_path_factory.mktemp("faces32")
    convert_faces(random_face_wheel, folder, dtype="float32")
    generator = load_generator(folder)
    assert isinstance(generator, MobileStyleGAN)
    return generator


def test_parity(
    original: tuple[Network, Network], exact: MobileStyleGAN, faces: MobileStyleGAN
) -> None:
    mapping, synthesis = original
    for z in seed_latents(SEEDS, exact.z_dim).split(1):
        code = mapping(z)
        torch.testing.assert_close(exact.map(z), code, rtol=0, atol=5e-5)
        code = truncate(code, exact.w_mean, 0.7)
        picture = synthesis(code)
        ours = inverse_haar(exact.coefficients(code).contiguous())
        assert (ours - picture).abs().max() <= 2e-4
        stored = faces.synthesize(truncate(faces.map(z), faces.w_mean, 0.7))
        assert (stored - picture.add(1).div(2).clamp(0, 1)).abs().mean() <= 1 / 255
