"""Makes weights/faces from the wheel of random-face 2021.7.21.1, which carries MobileStyleGAN.

python -m smart.conversion.faces random_face-2021.7.21.1-py3-none-any.whl --out weights/faces

The wheel holds two networks as OpenVINO IR (mapping and synthesis). Their constants are renamed,
constant factors are folded in, and the mean of W is added; docs of the network: smart.gan.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import zipfile
from pathlib import Path

import numpy as np

from smart.conversion.openvino_ir import Array, Graph, read_ir
from smart.images import atomic
from smart.weights import CONFIG, MODEL, WeightsError

WHEEL_SHA256 = "e5d10e2be7df63f06123855ec591ca35dcb1d059eba47ddcb175d7d26b4019b5"
IR_SHA256 = {
    "MappingNetwork.xml": "73e2096cad6e696e4af47df2477e048ab4c42c0e0dec83c7c66604822689e55b",
    "MappingNetwork.bin": "212dd716bdb556e18db603ea97300d4fa3c872b878c726b2402fea80820e7305",
    "SynthesisNetwork.xml": "7918fce515243954d3e06628cb39a23902d6b1d5d02932cc0c2faee7a2aeeedd",
    "SynthesisNetwork.bin": "c7da15fa22d508c82e1c30dd6b4cdf67fe3ccdddaf85b310ee764dbf0c289645",
}
DTYPES = ("float16", "float32")
_IR_FOLDER = "random_face/data"
_REMEDY = "get random-face 2021.7.21.1 with `pip download --no-deps random-face==2021.7.21.1`"
_BASE = 4  # the first level, of 4 x 4; each further level doubles it
_MEAN_SAMPLES, _MEAN_SEED = 4096, 0
# What is small and enters everything, or spans many magnitudes, is not worth halving.
_KEEP_FLOAT32 = ("w_mean", "noise_strength")


def convert_faces(wheel_or_folder: Path, out: Path, dtype: str = "float16") -> None:
    """Writes config.json and model.safetensors of the bundled face generator into out.

    wheel_or_folder is the wheel of random-face 2021.7.21.1 or a folder with its four IR files
    (or with the unpacked wheel). dtype is "float16" (what is bundled) or "float32" (exact).
    The result is the same bytes each time. Raises WeightsError for any other wheel or files,
    and ValueError for another dtype.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r} is not known; choose one of {', '.join(DTYPES)}.")
    files = read_ir_files(Path(wheel_or_folder))
    mapping = read_ir(files["MappingNetwork.xml"], files["MappingNetwork.bin"])
    synthesis = read_ir(files["SynthesisNetwork.xml"], files["SynthesisNetwork.bin"])
    tensors = mapping_tensors(mapping) | synthesis_tensors(synthesis)
    tensors["w_mean"] = _mean_of_w(tensors)
    config = _config(tensors)
    for name, tensor in tensors.items():
        kept = name.endswith(_KEEP_FLOAT32)
        tensors[name] = np.asarray(tensor, np.float32 if kept else dtype, order="C")
    _write(Path(out), config, tensors)


def read_ir_files(wheel_or_folder: Path) -> dict[str, bytes]:
    """The four IR files by name, verified by checksum. Raises WeightsError for any others."""
    if wheel_or_folder.is_dir():
        folders = (wheel_or_folder, wheel_or_folder / _IR_FOLDER)
        folder = next((path for path in folders if (path / "MappingNetwork.xml").is_file()), None)
        if folder is None:
            raise WeightsError(f"{wheel_or_folder} holds no MappingNetwork.xml; {_REMEDY}.")
        try:
            files = {name: (folder / name).read_bytes() for name in IR_SHA256}
        except OSError as error:
            raise WeightsError(f"{error.filename} cannot be read; {_REMEDY}.") from error
    else:
        files = _unzip(wheel_or_folder)
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != IR_SHA256[name]:
            raise WeightsError(
                f"{name} of {wheel_or_folder} is damaged or another version; {_REMEDY}."
            )
    return files


def _unzip(wheel: Path) -> dict[str, bytes]:
    try:
        with wheel.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(f"{wheel} cannot be read ({error.strerror}); {_REMEDY}.") from error
    if digest != WHEEL_SHA256:
        raise WeightsError(
            f"{wheel} is not the wheel of random-face 2021.7.21.1 (its sha256 begins with "
            f"{digest[:8]}, not {WHEEL_SHA256[:8]}); {_REMEDY}."
        )
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(f"{_IR_FOLDER}/{name}") for name in IR_SHA256}


def mapping_tensors(graph: Graph) -> dict[str, Array]:
    """mapping.{0..7}.{weight [512, 512], bias [512]} from the mapping network's graph."""
    tensors = {}
    for index, (identity, _) in enumerate(graph.of_type("MatMul")):
        tensors[f"mapping.{index}.weight"] = graph.operand(identity)
        tensors[f"mapping.{index}.bias"] = graph.operand(graph.following(identity, "Add"))
    return tensors


def synthesis_tensors(graph: Graph) -> dict[str, Array]:
    """synthesis.* from the synthesis network's graph, under the names of MobileStyleGAN.

    The 1/sqrt(9 C) behind each modulation (1/sqrt(C) at the head) is folded into its linear layer;
    noise is split into a picture of unit deviation and a strength.
    """
    tensors = {"synthesis.const": graph.constant("m.input.input")}
    convolutions = [identity for identity, _ in graph.of_type("Convolution")]
    names = ["m.conv1", *(f"m.layers.{i}.conv{k}" for i in range(7) for k in (1, 2))]
    for index, (name, identity) in enumerate(zip(names, convolutions[:-1], strict=True)):
        level = _BASE << (index + 1) // 2
        key = f"synthesis.{level}.conv{2 - index % 2 if index else 1}"
        channels = graph.constant(f"{name}.conv.modulation.weight").shape[0]
        tensors |= _style(graph, f"{name}.conv", key, scale=1 / math.sqrt(9 * channels))
        if index:
            depthwise = graph.constant(f"{name}.conv.weight_dw")
            tensors[f"{key}.depthwise"] = depthwise.reshape(channels, 1, 3, 3)
            kernel = graph.operand(identity)
            tensors[f"{key}.pointwise"] = kernel.reshape(kernel.shape[:2])
        else:
            tensors[f"{key}.kernel"] = graph.operand(identity)
        tensors[f"{key}.bias"] = graph.constant(f"{name}.bias").reshape(-1)
        noise = graph.operand(graph.following(identity, "Add")).astype(np.float64)
        # The strength was multiplied in before the export; the noise had unit deviation.
        tensors[f"{key}.noise_strength"] = np.asarray(noise.std())
        tensors[f"{key}.noise"] = noise / noise.std()
    for index in range(7):
        name, key = f"m.layers.{index}.up", f"synthesis.{_BASE << index + 1}.up"
        tensors |= _style(graph, name, key, scale=1.0)
    head = "m.layers.6.to_img"
    kernel = graph.constant(f"{head}.conv.weight")
    scale = 1 / math.sqrt(kernel.shape[1])
    tensors |= _style(graph, f"{head}.conv", "synthesis.head", scale)
    tensors["synthesis.head.pointwise"] = kernel.reshape(kernel.shape[:2])
    tensors["synthesis.head.bias"] = graph.constant(f"{head}.bias").reshape(-1)
    return tensors


def _style(graph: Graph, name: str, key: str, scale: float) -> dict[str, Array]:
    weight = graph.constant(f"{name}.modulation.weight").astype(np.float64)
    bias = graph.constant(f"{name}.modulation.bias").astype(np.float64)
    return {f"{key}.style.weight": weight * scale, f"{key}.style.bias": bias.reshape(-1) * scale}


def _mean_of_w(tensors: dict[str, Array]) -> Array:
    """The mean of W over 4096 draws from Z, in float64 so that every machine finds the same."""
    # RandomState's stream is frozen for all versions of numpy, unlike the newer Generator's.
    random = np.random.RandomState(_MEAN_SEED)
    x = random.standard_normal((_MEAN_SAMPLES, tensors["mapping.0.weight"].shape[1]))
    x /= np.sqrt(np.mean(x**2, axis=1, keepdims=True) + 1e-8)
    layers = sum(name.startswith("mapping.") for name in tensors) // 2
    for index in range(layers):
        x = x @ tensors[f"mapping.{index}.weight"].T.astype(np.float64)
        x += tensors[f"mapping.{index}.bias"]
        x = math.sqrt(2) * np.where(x > 0, x, 0.2 * x)
    mean: Array = x.mean(axis=0)
    return mean


def _config(tensors: dict[str, Array]) -> dict[str, object]:
    z_dim = tensors["mapping.0.weight"].shape[1]
    layers = sum(name.startswith("mapping.") for name in tensors) // 2
    levels = [_BASE << index for index in range(8)]
    widths = [len(tensors[f"synthesis.{level}.conv1.bias"]) for level in levels]
    w_dim = len(tensors["w_mean"])
    arguments = {"z_dim": z_dim, "w_dim": w_dim, "mapping_layers": layers, "widths": widths}
    return {
        "architecture": "mobile_stylegan",
        "arguments": arguments,
        "licence": "non-commercial, derived from NVIDIA's StyleGAN2 (FFHQ)",
        "source": "random-face 2021.7.21.1, OpenVINO IR of MobileStyleGAN (arXiv 2104.04767)",
    }


def _write(out: Path, config: dict[str, object], tensors: dict[str, Array]) -> None:
    from safetensors.numpy import save

    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(config, indent=2) + "\n"
    for name, content in ((MODEL, save(tensors)), (CONFIG, text.encode())):
        with atomic(out / name) as temporary:
            temporary.write_bytes(content)


def main(arguments: list[str] | None = None) -> int:
    """The command line: converts and says what was written; 2 when the source is refused."""
    parser = argparse.ArgumentParser(prog="python -m smart.conversion.faces", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("wheel", type=Path, help="the wheel, or a folder with its four IR files")
    parser.add_argument("--out", type=Path, default=Path("weights/faces"), help="%(default)s")
    parser.add_argument("--dtype", choices=DTYPES, default=DTYPES[0], help="%(default)s")
    options = parser.parse_args(arguments)
    try:
        convert_faces(options.wheel, options.out, options.dtype)
    except (WeightsError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    size = (options.out / MODEL).stat().st_size / 1e6
    print(f"{options.out / MODEL}: {size:.1f} MB in {options.dtype}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
